package models

import (
	"cmp"
	"encoding/binary"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"

	"hourbank/models/money"
)

// Purchase is a student's intent to buy hours: so much money for so many
// hours, paid by any number of Stripe payments. Its status, hours and money are
// always what Derive makes of its evidence.
type Purchase struct {
	ID              string          `gorm:"primaryKey" json:"id"`
	StudentID       string          `json:"student_id"`     // who buys
	BeneficiaryID   *string         `json:"beneficiary_id"` // whose account gets the hours of a gift; null: the buyer's
	TransactionType TransactionType `json:"transaction_type"`
	PaymentStatus   PaymentStatus   `json:"payment_status"`
	Amount          int64           `json:"amount"`     // the price, in minor units, as all amounts
	AmountDue       int64           `json:"amount_due"` // what was to pay: discount off, tax on
	Currency        string          `json:"currency"`
	Hours           Hours           `json:"hours"`
	HoursCredited   Hours           `json:"hours_credited"`
	HoursReversed   Hours           `json:"hours_reversed"`
	AmountReceived  int64           `json:"amount_received"`
	AmountRefunded  int64           `json:"amount_refunded"`
	AmountDisputed  int64           `json:"amount_disputed"`

	// For people: the last ones that paid, else that were tried. Events find
	// the purchase by every id in its evidence (purchase_keys).
	StripePaymentIntentID   *string `json:"stripe_payment_intent_id"`
	StripeCheckoutSessionID *string `json:"stripe_checkout_session_id"`
	StripeInvoiceID         *string `json:"stripe_invoice_id"`
	StripeCustomerID        *string `json:"stripe_customer_id"`

	Origin     Origin  `json:"-"`
	MergedInto *string `json:"-"` // the purchase that has its evidence now

	PlanID    *string `json:"plan_id"`
	ValidDays *int    `json:"-"` // how long the hours live once paid; nil: for ever
	// How much of its subscription's earlier periods is kept when it is paid; nil: all.
	RolloverHours *Hours            `json:"-"`
	Failure       *Failure          `gorm:"serializer:json" json:"failure"`
	Metadata      map[string]string `gorm:"serializer:json" json:"metadata"`
	Evidence      money.Evidence    `gorm:"serializer:json" json:"-"`

	ExpiresAt   *time.Time `json:"expires_at"`
	CompletedAt *time.Time `json:"completed_at"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
}

// TableName is the contract's.
func (Purchase) TableName() string { return "purchase_transactions" }

// NewID makes a time-ordered id: rows made together lie together in an index.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// purchaseNamespace is where the ids of purchases that Stripe begins come from.
var purchaseNamespace = uuid.MustParse("0a0cf8ab-2d3c-5b7e-9d0e-6a35b2f5a6c4")

// IDOf is the id of a purchase that Stripe began with an object.
func IDOf(object string) string { return uuid.NewSHA1(purchaseNamespace, []byte(object)).String() }

// FirstIDAt sorts before every identifier made at the time or later.
func FirstIDAt(t time.Time) string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:], uint64(t.UnixMilli())<<16)
	return id.String()
}

// Origin is what a purchase was made of. Where two turn out to be one, the one
// with the lower origin takes the evidence.
type Origin int

// The origins of purchases.
const (
	OriginSale          Origin = iota // we sold it
	OriginSession                     // of a Checkout Session's metadata
	OriginPaymentIntent               // of a PaymentIntent's, or of a charge's
	OriginInvoice                     // of what an invoice's lines say
	OriginSubscription                // of the metadata of a Checkout Session that began a subscription
)

// AccountID is the student whose account has the purchase's hours and money.
func (p *Purchase) AccountID() string { return accountOf(p.StudentID, p.BeneficiaryID) }

func accountOf(buyer string, beneficiary *string) string {
	if beneficiary == nil {
		return buyer
	}
	return *beneficiary
}

// IsBooked says whether money or hours of it ever were.
func (p *Purchase) IsBooked() bool { return p.HoursCredited > 0 || p.AmountReceived > 0 }

// KeepsCurrency says whether its account stays in its currency for it. What others begin,
// gifts and what Stripe tells of, does so when it is paid.
func (p *Purchase) KeepsCurrency() bool {
	return p.IsBooked() || p.Origin == OriginSale && p.BeneficiaryID == nil && p.PaymentStatus != StatusCancelled
}

// Fits says whether an account in a currency (empty: in none) can take what is told of
// a purchase that doesn't keep it, which may be that it was paid.
func (p *Purchase) Fits(currency string, paid bool) bool {
	if p.Origin == OriginSale && p.BeneficiaryID == nil { // it was cancelled, and would keep the account again
		return currency == p.Currency || currency == ""
	}
	return currency == p.Currency || !paid
}

// IsOf says whether an invoice of a Stripe subscription sold it.
func (p *Purchase) IsOf(subscription string) bool {
	for _, invoice := range p.Evidence.Invoices {
		if invoice.Period != nil && invoice.Period.Subscription == subscription {
			return true
		}
	}
	return false
}

// HasOwn says whether we made an object at Stripe to pay this very purchase.
func (p *Purchase) HasOwn() bool {
	own := p.Evidence.Sold()
	return len(own.Payments)+len(own.Sessions) > 0
}

// Outranks says which of two purchases that turn out to be one takes the
// evidence: the one that was sold (with an object of its own, else first), else
// the one of the lower origin.
func (p *Purchase) Outranks(o *Purchase) bool {
	return cmp.Or(cmp.Compare(p.Origin, o.Origin), cmp.Compare(age(o.HasOwn()), age(p.HasOwn())), p.CreatedAt.Compare(o.CreatedAt)*age(p.Origin == OriginSale), cmp.Compare(p.ID, o.ID)) < 0
}

// Terms are what the purchase agreed on.
func (p *Purchase) Terms() Terms {
	return Terms{Amount: p.Amount, Currency: p.Currency, Hours: p.Hours, Sold: p.Origin == OriginSale}
}

// Unpaid is the purchase as it was before any event told of it.
func (p *Purchase) Unpaid() *Purchase {
	before := *p
	before.Evidence, before.MergedInto, before.HoursCredited = p.Evidence.Sold(), nil, 0
	before.settle(before.Derive())
	return &before
}

// SoldBy notes the object that a new purchase is to be paid by.
func (p *Purchase) SoldBy(object money.Evidence) {
	p.Evidence = money.Join(p.Evidence, object)
	p.settle(p.Derive())
}

// Derive is what follows from the purchase's terms and evidence.
func (p *Purchase) Derive() money.Derived { return money.Derive(p.Terms(), p.Evidence) }

// PriceOf is what so many of the purchase's hours were to cost, with discount
// and tax, in minor units, rounded half up.
func (p *Purchase) PriceOf(h Hours) int64 { return Terms{Hours: p.Hours, Amount: p.AmountDue}.Price(h) }

// Change is what evidence did to a purchase.
type Change struct {
	Entries []LedgerEntry // that carry the ledger along, without ids and event
	Before  []CaseState   // the cases that its evidence opened before
	After   []CaseState   // and that it opens now
	New     bool          // it told something new; times alone are not
	Changed bool          // the row differs, if only in when something was told
}

// Opened is the most urgent case that the change opened, or that grew; empty:
// none.
func (c *Change) Opened() CaseKind {
	for _, kind := range CaseKinds {
		for _, state := range c.After {
			if state.Kind == kind && !slices.ContainsFunc(c.Before, func(b CaseState) bool {
				return b.Kind == kind && b.Subject == state.Subject && b.Amount >= state.Amount
			}) {
				return kind
			}
		}
	}
	return ""
}

// Observe joins what an event told into the purchase's evidence, and derives anew.
func (p *Purchase) Observe(told money.Evidence) Change {
	return p.become(money.Join(p.Evidence, told), p.MergedInto)
}

// Relearn lets the purchase have the evidence instead of what it had.
func (p *Purchase) Relearn(evidence money.Evidence) Change { return p.become(evidence, p.MergedInto) }

// GiveUp leaves the purchase without evidence, which it returns: it turned out to be
// another one, which is to Observe that.
func (p *Purchase) GiveUp(to *Purchase) (evidence money.Evidence, lost Change) {
	evidence = money.Join(p.Evidence, money.Evidence{Merged: map[string]bool{p.ID: true}})
	return evidence, p.become(money.Evidence{}, &to.ID)
}

func (p *Purchase) become(evidence money.Evidence, mergedInto *string) Change {
	known, knownInto, before := p.Evidence, p.MergedInto, p.Derive()
	posted := *p
	p.Evidence, p.MergedInto = evidence, mergedInto
	after := p.Derive()
	p.settle(after)
	when := lastMoves(known, before)
	when.follow(lastMoves(evidence, after))
	change := Change{Entries: p.postings(&posted, when), Before: before.Cases, After: after.Cases}
	change.Changed = len(change.Entries) > 0 || knownInto != mergedInto || !reflect.DeepEqual(known, evidence)
	change.New = len(change.Entries) > 0 || knownInto != mergedInto ||
		(change.Changed && (!reflect.DeepEqual(before, after) || !reflect.DeepEqual(known.Timeless(), evidence.Timeless())))
	return change
}

// settle writes what was derived into the purchase's columns. A credit once
// posted stays: where it is undone, its hours are reversed.
func (p *Purchase) settle(d money.Derived) {
	undone := max(p.HoursCredited-d.HoursCredited, 0)
	p.PaymentStatus, p.Failure = d.Status, d.Failure
	p.HoursCredited, p.HoursReversed = d.HoursCredited+undone, d.HoursReversed+undone
	p.AmountDue, p.AmountReceived, p.AmountRefunded, p.AmountDisputed = d.AmountDue, d.AmountReceived, d.AmountRefunded, d.AmountDisputed
	p.CompletedAt, p.ExpiresAt = nil, nil
	if p.MergedInto != nil { // it is left with nothing, and says so
		p.PaymentStatus, p.HoursCredited, p.HoursReversed = StatusCancelled, 0, 0
		p.Failure = &Failure{Code: "merged", Message: "Its payments are those of purchase " + *p.MergedInto + "."}
		return
	}
	p.name(d.Payments)
	if d.CompletedAtUnix == 0 {
		return
	}
	completed := time.Unix(d.CompletedAtUnix, 0).UTC()
	p.CompletedAt = &completed
	if p.ValidDays != nil {
		expires := completed.AddDate(0, 0, min(*p.ValidDays, MaxValidDays)) // a plan of before may say more
		p.ExpiresAt = &expires
	}
}

// name picks the ids that people see: of the last object that paid, else of
// the last one that was tried.
func (p *Purchase) name(payments []PaymentState) {
	p.StripePaymentIntentID = lastOf(p.StripePaymentIntentID, p.Evidence.Payments, func(id string, t money.Payment) [2]int64 {
		at := t.Received.At
		for _, paid := range payments {
			if paid.ID == id {
				at = max(at, paid.At)
			}
		}
		return [2]int64{at, t.Last()}
	})
	p.StripeCheckoutSessionID = lastOf(p.StripeCheckoutSessionID, p.Evidence.Sessions, func(_ string, s money.Session) [2]int64 {
		var at int64
		if s.Settled != nil {
			at = s.Settled.At
		}
		return [2]int64{at, s.Last()}
	})
	p.StripeInvoiceID = lastOf(p.StripeInvoiceID, p.Evidence.Invoices, func(_ string, i money.Invoice) [2]int64 {
		var at int64
		if i.Paid != nil {
			at = i.Paid.At
		}
		return [2]int64{at, i.Last()}
	})
}

// lastOf gives the id of the object with the latest times; without any, what
// was named before.
func lastOf[T any](before *string, objects map[string]T, times func(string, T) [2]int64) *string {
	var best *string
	var latest [2]int64
	for id, object := range objects {
		at := times(id, object)
		if best == nil || cmp.Or(slices.Compare(at[:], latest[:]), cmp.Compare(id, *best)) > 0 {
			best, latest = &id, at
		}
	}
	if best == nil {
		return before
	}
	return best
}

// postings are the entries that carry the ledger from what was posted before
// to the purchase's state now: hours, and every movement of money, also where
// it moves no hours. Each is dated by the last money that moved in its
// direction, so that a month's sums are the same in whatever order it was told.
func (p *Purchase) postings(before *Purchase, when moves) []LedgerEntry {
	entries := []LedgerEntry{}
	post := func(kind EntryKind, hours Hours, amount int64) {
		at := when.in
		if kind == EntryReversal || kind == EntryReinstatement {
			at = cmp.Or(when.back, when.in)
		}
		entry := LedgerEntry{StudentID: p.AccountID(), TransactionID: &p.ID, Kind: kind, Hours: hours, Amount: amount, Currency: &p.Currency}
		if at > 0 {
			entry.OccurredAt = time.Unix(at, 0).UTC()
		}
		entries = append(entries, entry)
	}
	received := p.AmountReceived - before.AmountReceived
	back := p.AmountRefunded + p.AmountDisputed - before.AmountRefunded - before.AmountDisputed
	// Hours that come back; negative: that go.
	hours := p.HoursCredited - p.HoursReversed - before.HoursCredited + before.HoursReversed
	if credited := p.HoursCredited - before.HoursCredited; credited > 0 {
		post(EntryCredit, credited, max(received, 0))
		received, hours = min(received, 0), hours-credited
	}
	var again int64 // what came in and brings the hours back
	if hours > 0 {
		again = max(received, 0)
	}
	if received != again {
		post(EntryPayment, 0, received)
	}
	switch {
	case hours > 0:
		post(EntryReinstatement, hours, again+max(-back, 0))
		back = max(back, 0)
	case hours < 0:
		post(EntryReversal, hours, -max(back, 0))
		back = min(back, 0)
	}
	switch {
	case back > 0:
		post(EntryReversal, 0, -back)
	case back < 0:
		post(EntryReinstatement, 0, -back)
	}
	refunded, disputed := p.AmountRefunded-before.AmountRefunded, p.AmountDisputed-before.AmountDisputed
	if refunded == 0 && disputed == 0 {
		return entries
	}
	// The last entry is the one of money that went or came back, if there is one.
	if n := len(entries); n == 0 || !entries[n-1].movesBack() {
		post(EntryReversal, 0, 0) // a refund took the place of what a dispute held, or the other way
	}
	last := &entries[len(entries)-1]
	last.AmountRefunded, last.AmountDisputed = refunded, disputed
	return entries
}
