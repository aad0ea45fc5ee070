package money

import (
	"cmp"
	"maps"
	"slices"
)

// Evidence is all that Stripe's events have told about one purchase, by
// Stripe's own objects. What one event tells is a small Evidence too, and to
// learn it is to Join it. Links between objects are told by either side and in
// any order; Derive puts the pieces together.
//
// All times are Stripe's event.created in Unix seconds, but for an object's
// own; all amounts are in minor units.
type Evidence struct {
	Payments    map[string]Payment    `json:"payments,omitempty"` // by PaymentIntent
	Charges     map[string]Charge     `json:"charges,omitempty"`
	Refunds     map[string]Refund     `json:"refunds,omitempty"`
	Disputes    map[string]Dispute    `json:"disputes,omitempty"`
	Sessions    map[string]Session    `json:"sessions,omitempty"` // by Checkout Session
	Invoices    map[string]Invoice    `json:"invoices,omitempty"`
	CreditNotes map[string]CreditNote `json:"credit_notes,omitempty"`

	// Accepted are the payments that staff count as paid in full, by whatever
	// id a payment has.
	Accepted map[string]Acceptance `json:"accepted,omitempty"`
	// Merged are purchases whose evidence this is, too.
	Merged map[string]bool `json:"merged,omitempty"`
	// Full says that a map had to leave objects out (maxObjects).
	Full bool `json:"full,omitempty"`
}

// Received is money, the most that any event showed, and when that was told
// first.
type Received struct {
	Amount int64 `json:"amount,omitempty"`
	At     int64 `json:"at,omitempty"`
}

// Payment is one PaymentIntent.
// https://docs.stripe.com/api/payment_intents/object
type Payment struct {
	Sold     bool           `json:"sold,omitempty"` // we made it, to be paid for this purchase
	Received Received       `json:"received,omitzero"`
	Currency string         `json:"currency,omitempty"`
	Details  *AmountDetails `json:"details,omitempty"`
	// Authorised is what a success was of, of which less may have been captured,
	// and Charge the charge that it was by, where it names one.
	Authorised int64  `json:"authorised,omitempty"`
	Charge     string `json:"charge,omitempty"`
	Attempts
}

// AmountDetails is what a PaymentIntent says its amount is made of. A tip is
// left out: nobody owes one.
type AmountDetails struct {
	Discount int64 `json:"discount,omitempty"`
	Tax      int64 `json:"tax,omitempty"`
	Shipping int64 `json:"shipping,omitempty"`
}

// Attempts is how far it came with paying, as long as nothing is received: the
// latest sign of each kind.
type Attempts struct {
	Processing *int64   `json:"processing,omitempty"`
	Failed     *Setback `json:"failed,omitempty"`
	Cancelled  *Setback `json:"cancelled,omitempty"`
}

// Setback is a failed attempt or a cancellation, in Stripe's words.
type Setback struct {
	At      int64  `json:"at"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Last is when anything was tried last.
func (a Attempts) Last() int64 {
	at := orElse(a.Processing, 0)
	for _, setback := range []*Setback{a.Failed, a.Cancelled} {
		if setback != nil {
			at = max(at, setback.At)
		}
	}
	return at
}

// Charge is one charge. https://docs.stripe.com/api/charges/object
type Charge struct {
	PaymentIntent string      `json:"payment_intent,omitempty"`
	Currency      string      `json:"currency,omitempty"`
	Authorised    int64       `json:"authorised,omitempty"`
	Captured      Received    `json:"captured,omitzero"`
	Refunded      RefundTotal `json:"refunded,omitzero"`
}

// RefundTotal is a charge's cumulative amount_refunded as it stood at At, told
// by an event of an API version from before basil (2025-03-31) or since.
type RefundTotal struct {
	Amount int64 `json:"amount"`
	At     int64 `json:"at"`
	Old    bool  `json:"old,omitempty"`
}

// Refund is the latest known state of one refund.
// https://docs.stripe.com/api/refunds/object
type Refund struct {
	Charge        string `json:"charge,omitempty"`
	PaymentIntent string `json:"payment_intent,omitempty"`
	ForHours      bool   `json:"for_hours,omitempty"` // we asked for it as hours, and for nothing else that was paid
	FailedAt      int64  `json:"failed_at,omitempty"` // the first event that told it had failed or was cancelled; 0: none
	RefundState
}

// RefundState is what changes in a refund's life.
type RefundState struct {
	At       int64  `json:"at"`
	Status   string `json:"status"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency,omitempty"`
	Created  int64  `json:"created"` // the refund's own creation
}

// Dispute is the latest known state of one dispute.
// https://docs.stripe.com/api/disputes/object
type Dispute struct {
	Charge        string `json:"charge,omitempty"`
	PaymentIntent string `json:"payment_intent,omitempty"`
	// Transactions are the amounts by which it moved the account's balance, by
	// balance transaction: negative where it took money away.
	Transactions map[string]int64 `json:"transactions,omitempty"`
	DisputeState
}

// DisputeState is what changes in a dispute's life.
type DisputeState struct {
	At       int64  `json:"at"`
	Status   string `json:"status"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency,omitempty"`
	DueBy    int64  `json:"due_by,omitempty"` // when evidence is due, Unix seconds; 0: not told
}

// Session is one Checkout Session.
// https://docs.stripe.com/api/checkout/sessions/object
type Session struct {
	PaymentIntent string `json:"payment_intent,omitempty"`
	Invoice       string `json:"invoice,omitempty"`
	PaymentLink   bool   `json:"payment_link,omitempty"`
	Sold          bool   `json:"sold,omitempty"` // we made it, to be paid for this purchase
	// Settled is what Stripe calls paid, or complete with nothing to pay: then
	// what it asked counts.
	Settled *Asked `json:"settled,omitempty"`
	// Source is what it asks in the seller's currency, where Stripe converted
	// it for the customer (currency_conversion).
	Source *Converted `json:"source,omitempty"`
	Attempts
}

// Asked is what a Checkout Session asked the customer to pay.
type Asked struct {
	At       int64  `json:"at"` // the first event that told it was settled
	Subtotal int64  `json:"subtotal"`
	Total    int64  `json:"total"`
	Currency string `json:"currency"`
}

// Converted is an asked amount in the seller's currency.
type Converted struct {
	Subtotal int64  `json:"subtotal"`
	Total    int64  `json:"total"`
	Currency string `json:"currency"`
}

// Invoice is one invoice. https://docs.stripe.com/api/invoices/object
type Invoice struct {
	// Payments are the PaymentIntents, or charges without one, that paid it,
	// and how much of it each paid, as far as invoice_payment told (else 0).
	Payments map[string]int64 `json:"payments,omitempty"`
	Share    *Share           `json:"share,omitempty"` // nil: all of it is for hours, as far as is known
	Paid     *Bill            `json:"paid,omitempty"`
	Period   *Period          `json:"period,omitempty"` // nil: of no subscription, as far as is known
	// Lines are those of an invoice that is for other things, too: whether each is for hours.
	Lines map[string]bool `json:"lines,omitempty"`
	Attempts
}

// Period is which part of a subscription's life an invoice is of.
type Period struct {
	Subscription string `json:"subscription"`
	Created      int64  `json:"created"`          // the invoice's own creation
	Renews       bool   `json:"renews,omitempty"` // it begins a new period, and is not the first
}

// Share is which part of an invoice is for hours, after discounts and with
// tax: Hours of All.
type Share struct {
	Gross int64 `json:"gross"` // what its hours cost before discounts and tax
	Hours int64 `json:"hours"`
	All   int64 `json:"all"`
}

// Bill is a paid invoice: what it came to.
type Bill struct {
	At       int64  `json:"at"`       // the first event that told it was paid
	Subtotal int64  `json:"subtotal"` // minor units, before discounts and tax
	Total    int64  `json:"total"`
	Credited int64  `json:"credited,omitempty"` // what credit notes took off before it was paid
	Outside  int64  `json:"outside,omitempty"`  // what was paid from a balance or outside Stripe
	Currency string `json:"currency"`
}

// CreditNote is what a credit note gave back of an invoice otherwise than by a
// refund: to the customer's balance, or outside Stripe.
// https://docs.stripe.com/api/credit_notes/object
type CreditNote struct {
	At      int64  `json:"at"`
	Invoice string `json:"invoice"`
	Amount  int64  `json:"amount"`           // 0: it gave nothing back, or was voided
	Refund  string `json:"refund,omitempty"` // of which the amount is in Amount
	Voided  bool   `json:"voided,omitempty"`
	// Lines are how much it gives back of which lines of the invoice, after discounts and
	// with tax; empty: nobody says.
	Lines   map[string]int64 `json:"lines,omitempty"`
	Refunds map[string]int64 `json:"refunded,omitempty"` // by which it gives back, and how much; 0: all of it
}

// Acceptance is staff's word that a payment counts as paid in full.
type Acceptance struct {
	At   int64  `json:"at"` // Unix seconds
	By   string `json:"by"` // the API key's name
	Note string `json:"note"`
}

// Statuses of a refund. https://docs.stripe.com/api/refunds/object#refund_object-status
const (
	RefundPending        = "pending"
	RefundRequiresAction = "requires_action"
	RefundSucceeded      = "succeeded"
	RefundFailed         = "failed"
	RefundCanceled       = "canceled"
)

// Statuses of a dispute. Inquiries, which hold no money, start with warning_.
// https://docs.stripe.com/api/disputes/object#dispute_object-status
const (
	DisputeNeedsResponse  = "needs_response"
	DisputeUnderReview    = "under_review"
	DisputeWon            = "won"
	DisputeLost           = "lost"
	DisputePrevented      = "prevented"
	DisputeChargeRefunded = "charge_refunded"
	InquiryNeedsResponse  = "warning_needs_response"
	InquiryUnderReview    = "warning_under_review"
	InquiryClosed         = "warning_closed"
)

// IDs lists the ids of the objects, and of merged purchases, by which later
// events find the purchase.
func (e *Evidence) IDs() []string {
	return slices.Concat(keys(e.Payments), keys(e.Charges), keys(e.Sessions), keys(e.Invoices),
		keys(e.Refunds), keys(e.Disputes), keys(e.Merged), keys(e.CreditNotes))
}

func keys[T any](objects map[string]T) []string { return slices.Collect(maps.Keys(objects)) }

// Without is the evidence but for the PaymentIntents, sessions and invoices
// that foreign says yes to.
func (e Evidence) Without(foreign func(id string) bool) Evidence {
	e.Payments, e.Sessions, e.Invoices = without(e.Payments, foreign), without(e.Sessions, foreign), without(e.Invoices, foreign)
	return e
}

// IsOfAnother says whether the charge is known to be of another PaymentIntent.
func (c Charge) IsOfAnother(intent string) bool {
	return c.PaymentIntent != "" && intent != "" && c.PaymentIntent != intent
}

func without[T any](objects map[string]T, foreign func(id string) bool) map[string]T {
	kept := maps.Clone(objects)
	maps.DeleteFunc(kept, func(id string, _ T) bool { return foreign(id) })
	return kept
}

// Largest is the largest sum that the evidence speaks of, for a person to
// recognise it by; 0: none.
func (e *Evidence) Largest() (amount int64, currency string) {
	larger := func(a int64, c string) {
		if cmp.Or(cmp.Compare(a, amount), cmp.Compare(c, currency)) > 0 && a > 0 {
			amount, currency = a, c
		}
	}
	for _, p := range e.Payments {
		larger(p.Received.Amount, p.Currency)
	}
	for _, c := range e.Charges {
		larger(c.Captured.Amount, c.Currency)
	}
	for _, r := range e.Refunds {
		larger(r.Amount, r.Currency)
	}
	for _, d := range e.Disputes {
		larger(d.Amount, d.Currency)
	}
	for _, s := range e.Sessions {
		if s.Settled != nil {
			larger(s.Settled.Total, s.Settled.Currency)
		}
	}
	for _, i := range e.Invoices {
		if i.Paid != nil {
			larger(i.Paid.Total, i.Paid.Currency)
		}
	}
	return amount, currency
}

// Sold is the part of the evidence that a purchase starts from: the objects
// that we made for it.
func (e *Evidence) Sold() Evidence {
	var sold Evidence
	for id, p := range e.Payments {
		if p.Sold {
			seed := Payment{Sold: true}
			if p.Processing != nil && *p.Processing == 0 {
				seed.Processing = p.Processing
			}
			sold = Join(sold, Evidence{Payments: map[string]Payment{id: seed}})
		}
	}
	for id, s := range e.Sessions {
		if s.Sold {
			sold = Join(sold, Evidence{Sessions: map[string]Session{id: {Sold: true}}})
		}
	}
	return sold
}
