package sandbox

import "fmt"

// invoice asks for the money of a period, or of loose items. Since 2025 it
// names its subscription in parent, and its payments are objects of their own.
// https://docs.stripe.com/api/invoices
type invoice struct {
	head
	AmountDue         int64             `json:"amount_due"`
	AmountPaid        int64             `json:"amount_paid"`
	AmountRemaining   int64             `json:"amount_remaining"`
	AttemptCount      int               `json:"attempt_count"`
	Attempted         bool              `json:"attempted"`
	AutoAdvance       bool              `json:"auto_advance"`
	BillingReason     string            `json:"billing_reason"`
	CreditedBefore    int64             `json:"pre_payment_credit_notes_amount"`
	CreditedAfter     int64             `json:"post_payment_credit_notes_amount"`
	Currency          string            `json:"currency"`
	Customer          string            `json:"customer"`
	CustomerEmail     nullString        `json:"customer_email"`
	Description       nullString        `json:"description"`
	EndingBalance     *int64            `json:"ending_balance"` // null until finalized
	Lines             page              `json:"lines"`
	Metadata          map[string]string `json:"metadata"`
	NextAttempt       nullInt           `json:"next_payment_attempt"`
	Number            nullString        `json:"number"`
	Parent            any               `json:"parent"`
	PeriodEnd         int64             `json:"period_end"`
	PeriodStart       int64             `json:"period_start"`
	StartingBalance   int64             `json:"starting_balance"`
	Status            string            `json:"status"`
	StatusTransitions transitions       `json:"status_transitions"`
	Subtotal          int64             `json:"subtotal"`
	Total             int64             `json:"total"`
	TotalDiscounts    []any             `json:"total_discount_amounts"`
	TotalTaxes        []any             `json:"total_taxes"`

	subscription *subscription
	payment      *invoicePayment
	tax          int64 // in minor units
	outside      bool  // paid outside Stripe
}

func (inv *invoice) subscriptionID() string {
	if inv.subscription == nil {
		return ""
	}
	return inv.subscription.ID
}

// extras change what an invoice or a session asks, in minor units.
type extras struct{ discount, tax int64 }

type transitions struct {
	FinalizedAt nullInt `json:"finalized_at"`
	MarkedBadAt nullInt `json:"marked_uncollectible_at"`
	PaidAt      nullInt `json:"paid_at"`
	VoidedAt    nullInt `json:"voided_at"`
}

// invoiceLine is one line of an invoice.
type invoiceLine struct {
	ID           string            `json:"id"`
	Object       string            `json:"object"`
	Amount       int64             `json:"amount"`
	Currency     string            `json:"currency"`
	Description  nullString        `json:"description"`
	Discountable bool              `json:"discountable"`
	Discounts    []any             `json:"discount_amounts"`
	Invoice      string            `json:"invoice"`
	Livemode     bool              `json:"livemode"`
	Metadata     map[string]string `json:"metadata"`
	Parent       map[string]any    `json:"parent"`
	Period       map[string]int64  `json:"period"`
	Price        *price            `json:"price"` // until basil
	Pricing      any               `json:"pricing"`
	Quantity     int64             `json:"quantity"`
	Taxes        []any             `json:"taxes"`
}

// invoicePayment ties an invoice to the payment intent that pays it.
// https://docs.stripe.com/api/invoice-payment
type invoicePayment struct {
	head
	AmountPaid        nullInt           `json:"amount_paid"`
	AmountRequested   int64             `json:"amount_requested"`
	Currency          string            `json:"currency"`
	Invoice           string            `json:"invoice"`
	IsDefault         bool              `json:"is_default"`
	Payment           map[string]string `json:"payment"`
	Status            string            `json:"status"`
	StatusTransitions map[string]any    `json:"status_transitions"`

	intent *paymentIntent
}

// invoiceItem waits for the customer's next invoice.
type invoiceItem struct {
	head
	Amount      int64             `json:"amount"`
	Currency    string            `json:"currency"`
	Customer    string            `json:"customer"`
	Date        int64             `json:"date"`
	Description nullString        `json:"description"`
	Invoice     nullString        `json:"invoice"`
	Metadata    map[string]string `json:"metadata"`
	Period      map[string]int64  `json:"period"`
	Price       *price            `json:"price"` // until basil
	Pricing     any               `json:"pricing"`
	Quantity    int64             `json:"quantity"`
}

// States of an invoice: draft → open → paid | void | uncollectible.
const (
	invoiceDraft         = "draft"
	invoiceOpen          = "open"
	invoicePaid          = "paid"
	invoiceVoid          = "void"
	invoiceUncollectible = "uncollectible"
)

// newInvoice keeps a draft of the lines and tells of it.
func (c *call) newInvoice(inv *invoice, lines []invoiceLine, more extras) *invoice {
	inv.head = head{ID: newID("in_1", usualID-1), Object: "invoice", Created: c.now}
	left := more
	for i := range lines {
		l := &lines[i]
		l.ID, l.Object, l.Invoice = newID("il_1", usualID-1), "line_item", inv.ID
		off := max(0, min(left.discount, l.Amount))
		l.Discounts, l.Taxes = discountAmounts(off), taxAmounts(left.tax, l.Amount-off)
		left.discount, left.tax = left.discount-off, 0
		inv.Subtotal += l.Amount
	}
	inv.tax = more.tax
	inv.Total = inv.Subtotal - (more.discount - left.discount) + more.tax
	inv.TotalDiscounts, inv.TotalTaxes = discountAmounts(more.discount-left.discount), taxAmounts(more.tax, inv.Total-more.tax)
	inv.AmountDue = max(0, inv.Total)
	inv.AmountRemaining = inv.AmountDue
	inv.Lines = listOf(lines, "/v1/invoices/"+inv.ID+"/lines")
	inv.Status = invoiceDraft
	if inv.Metadata == nil {
		inv.Metadata = map[string]string{}
	}
	if cus, ok := c.byID[inv.Customer].(*customer); ok {
		inv.CustomerEmail = cus.Email
	}
	add(c.state, &c.invoices, inv)
	c.emit("invoice.created", inv)
	return inv
}

func discountAmounts(amount int64) []any {
	if amount == 0 {
		return []any{}
	}
	return []any{map[string]any{"amount": amount, "discount": "di_1SandboxPromotion"}}
}

// taxRate is the one rate of all taxes here.
const taxRate = "txr_1SandboxTax"

func taxAmounts(amount, taxable int64) []any {
	if amount == 0 {
		return []any{}
	}
	return []any{map[string]any{"amount": amount, "tax_behavior": "exclusive", "tax_rate_details": map[string]any{"tax_rate": taxRate},
		"taxability_reason": "standard_rated", "taxable_amount": taxable, "type": "tax_rate_details"}}
}

// pricing names a price as lines do since basil.
func pricing(p *price) any {
	return map[string]any{"type": "price_details", "unit_amount_decimal": p.UnitAmountDecimal,
		"price_details": map[string]any{"price": p.ID, "product": p.Product}}
}

// subscriptionInvoice drafts an invoice of a subscription: of its current
// period, or of what a change in it costs.
func (c *call) subscriptionInvoice(sub *subscription, why string, lines []invoiceLine, more extras) *invoice {
	inv := c.newInvoice(&invoice{
		AutoAdvance: true, BillingReason: why, Currency: sub.Currency, Customer: sub.Customer,
		Parent: map[string]any{"type": "subscription_details", "quote_details": nil,
			"subscription_details": map[string]any{"subscription": sub.ID, "metadata": sub.Metadata}},
		PeriodStart: sub.items[0].CurrentPeriodStart, PeriodEnd: sub.items[0].CurrentPeriodEnd,
		subscription: sub,
	}, lines, more)
	sub.LatestInvoice = nullString(inv.ID)
	return inv
}

// finalize opens a draft for payment by a payment intent of its own, of what
// the customer's balance leaves to pay.
func (c *call) finalize(inv *invoice) {
	inv.Status, inv.Number = invoiceOpen, nullString(fmt.Sprintf("SANDBOX-%04d", len(c.invoices.rows)))
	inv.StatusTransitions.FinalizedAt = nullInt(c.now)
	c.applyBalance(inv)
	if inv.AmountDue == 0 {
		c.emit("invoice.finalized", inv)
		c.closeInvoice(inv)
		return
	}
	pi := c.newIntent(&paymentIntent{Amount: inv.AmountDue, Currency: inv.Currency, Customer: nullString(inv.Customer),
		Description: nullString("Payment for Invoice"), SetupFutureUsage: "off_session"})
	pi.invoice = inv
	inv.payment = add(c.state, &c.invoicePayments, &invoicePayment{
		head:            head{ID: newID("inpay_1", usualID-1), Object: "invoice_payment", Created: c.now},
		AmountRequested: inv.AmountDue, Currency: inv.Currency, Invoice: inv.ID, IsDefault: true,
		Payment:           map[string]string{"type": "payment_intent", "payment_intent": pi.ID},
		Status:            "open",
		StatusTransitions: map[string]any{"canceled_at": nil, "paid_at": nil},
		intent:            pi,
	})
	c.emit("invoice.finalized", inv)
}

// applyBalance pays from the customer's balance what it can, and puts there
// what an invoice below 0 gives back.
func (c *call) applyBalance(inv *invoice) {
	cus, ok := c.byID[inv.Customer].(*customer)
	if !ok {
		return
	}
	sum := inv.Total + cus.Balance
	ending := min(0, sum)
	inv.StartingBalance, inv.EndingBalance = cus.Balance, &ending
	inv.AmountDue = max(0, sum)
	inv.AmountRemaining = inv.AmountDue
	if cus.Balance != ending {
		cus.Balance = ending
		c.emit("customer.updated", cus)
	}
}

// pay tries to pay an open invoice; a paid one needs nothing.
func (c *call) pay(inv *invoice, pm *paymentMethod) *apiError {
	switch {
	case inv.Status == invoicePaid || inv.payment == nil:
		return nil
	case pm == nil:
		return noMethod()
	}
	return c.attempt(inv.payment.intent, pm, true)
}

func noMethod() *apiError {
	return invalid(codeResourceMissing, "", "This customer has no attached payment source or default payment method.")
}

// invoiceFailed follows a failed payment of the invoice.
func (c *call) invoiceFailed(inv *invoice) {
	inv.Attempted = true
	inv.AttemptCount++
	inv.NextAttempt = nullInt(c.now + 3*24*60*60) // a usual wait of Stripe's retries
	c.emit("invoice.payment_failed", inv)
	if sub := inv.subscription; sub != nil && sub.Status != subscriptionIncomplete {
		c.move(sub, subscriptionPastDue)
	}
}

// invoicePaid follows the success of the invoice's payment intent.
func (c *call) invoicePaid(inv *invoice, pi *paymentIntent) {
	inv.payment.Status, inv.payment.AmountPaid = "paid", nullInt(pi.AmountReceived)
	inv.payment.StatusTransitions = map[string]any{"canceled_at": nil, "paid_at": c.now}
	inv.AmountPaid, inv.Attempted = inv.AmountDue, true
	inv.AttemptCount++
	c.closeInvoice(inv)
	c.emit("invoice_payment.paid", inv.payment)
}

// closeInvoice tells that nothing remains to be paid.
func (c *call) closeInvoice(inv *invoice) {
	inv.Status, inv.AmountRemaining = invoicePaid, 0
	inv.NextAttempt, inv.StatusTransitions.PaidAt = 0, nullInt(c.now)
	c.emit("invoice.paid", inv)
	c.emit("invoice.payment_succeeded", inv)
	if inv.subscription != nil {
		c.move(inv.subscription, subscriptionActive)
	}
}

// giveUp ends an open invoice unpaid.
func (c *call) giveUp(inv *invoice, status string) error {
	if inv.Status != invoiceOpen && (inv.Status != invoiceUncollectible || status != invoiceVoid) {
		return invalid("", "", "An invoice with a status of %s cannot become %s.", inv.Status, status)
	}
	inv.Status = status
	if status == invoiceUncollectible {
		inv.StatusTransitions.MarkedBadAt = nullInt(c.now)
		c.emit("invoice.marked_uncollectible", inv)
		return nil
	}
	inv.StatusTransitions.VoidedAt, inv.AmountRemaining = nullInt(c.now), 0
	if inv.payment != nil && inv.payment.intent.Status != intentCanceled {
		c.cancel(inv.payment.intent, "void_invoice")
	}
	c.emit("invoice.voided", inv)
	return nil
}
