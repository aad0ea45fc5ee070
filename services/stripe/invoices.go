package stripe

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"hourbank/models"
)

// Period is a subscription's invoice: a purchase of the plan's hours for what
// was paid, once for each invoice.
type Period struct {
	InvoiceID      string
	SubscriptionID string
	At             int64  // Stripe's event.created, Unix seconds
	StudentID      string // empty: what is remembered of the subscription says
	PlanID         string // likewise
	PriceIDs       []string
	Amount         int64 // minor units: paid, or due where the payment failed
	Currency       string
	Paid           bool
}

func readInvoicePaid(e *Event, invoice gjson.Result) {
	readPeriod(e, invoice, "amount_paid")
	if e.Period != nil {
		e.Period.Paid = true
		e.learn(models.PaymentReceived{Amount: e.Period.Amount, Currency: e.Period.Currency, At: e.Created})
	}
}

func readInvoicePaymentFailed(e *Event, invoice gjson.Result) {
	readPeriod(e, invoice, "amount_due")
	if e.Period != nil {
		e.learn(models.AttemptFailed{
			At: e.Created, Code: "invoice_payment_failed", Message: "The payment of the subscription's invoice failed.",
		})
	}
}

// readPeriod reads an invoice. Where a version keeps what:
//   - the subscription: invoice.subscription; since 2025-03-31 under
//     invoice.parent.subscription_details
//   - its metadata: on the invoice's lines; since 2023 under
//     invoice.subscription_details; since 2025-03-31 under invoice.parent
//   - a line's price: line.plan, line.price, line.pricing.price_details
//   - the PaymentIntent: invoice.payment_intent; since 2025-03-31 only told by
//     invoice_payment.paid
//
// https://docs.stripe.com/changelog/basil/2025-03-31/adds-new-parent-field-to-invoicing-objects
func readPeriod(e *Event, invoice gjson.Result, amountField string) {
	reason := invoice.Get("billing_reason").Str
	paid := amount(invoice.Get(amountField))
	if (reason != "subscription_create" && reason != "subscription_cycle") || paid == 0 {
		e.Status, e.Reason = models.EventIgnored, models.ReasonNotAPeriod
		return
	}
	currency := strings.ToLower(text(invoice.Get("currency")))
	if !models.IsCurrency(currency) {
		e.Status, e.Reason = models.EventRejected, models.ReasonCurrencyMismatch
		return
	}
	e.Keys = Keys{
		Invoice:       text(invoice.Get("id")),
		PaymentIntent: id(invoice.Get("payment_intent")),
		Customer:      id(invoice.Get("customer")),
	}
	metadata := firstOf(invoice, "parent.subscription_details.metadata", "subscription_details.metadata")
	lines := periodLines(invoice)
	e.Period = &Period{
		InvoiceID:      e.Keys.Invoice,
		SubscriptionID: id(firstOf(invoice, "parent.subscription_details.subscription", "subscription")),
		At:             e.Created,
		StudentID:      text(metadata.Get("student_id")),
		PlanID:         text(metadata.Get("plan")),
		PriceIDs:       linePrices(lines),
		Amount:         paid,
		Currency:       currency,
	}
	for _, line := range lines {
		e.Period.SubscriptionID = cmp.Or(e.Period.SubscriptionID,
			id(firstOf(line, "parent.subscription_item_details.subscription", "subscription")))
		e.Period.StudentID = cmp.Or(e.Period.StudentID, text(line.Get("metadata.student_id")))
		e.Period.PlanID = cmp.Or(e.Period.PlanID, text(line.Get("metadata.plan")))
	}
}

// periodLines are an invoice's lines of the period itself, without the
// prorations of a change and one-off items, which may stand before them; where
// there are only such, all of them.
// https://docs.stripe.com/api/invoice-line-item/object
func periodLines(invoice gjson.Result) []gjson.Result {
	all := invoice.Get("lines.data").Array()
	period := slices.DeleteFunc(slices.Clone(all), func(line gjson.Result) bool {
		return firstOf(line, "parent.subscription_item_details.proration", "proration").Bool() ||
			line.Get("parent.type").Str == "invoice_item_details" || line.Get("type").Str == "invoiceitem"
	})
	if len(period) == 0 {
		return all
	}
	return period
}

func linePrices(lines []gjson.Result) []string {
	var prices []string
	for _, line := range lines {
		price := id(firstOf(line, "pricing.price_details.price", "price", "plan"))
		if price != "" && !slices.Contains(prices, price) {
			prices = append(prices, price)
		}
	}
	return prices
}

// readInvoicePayment ties the PaymentIntent to the invoice's purchase, even
// where another one paid a part of it.
// https://docs.stripe.com/api/invoice-payment/object
func readInvoicePayment(e *Event, payment gjson.Result) {
	e.PaysInvoice = true
	e.Keys = Keys{
		Invoice:       id(payment.Get("invoice")),
		PaymentIntent: id(payment.Get("payment.payment_intent")),
	}
}

func readSubscription(e *Event, subscription gjson.Result) {
	e.Subscription = &models.Subscription{
		ID:            text(subscription.Get("id")),
		StudentID:     text(subscription.Get("metadata.student_id")),
		PlanID:        text(subscription.Get("metadata.plan")),
		StripePriceID: id(firstOf(subscription, "items.data.0.price", "items.data.0.plan", "plan")),
		ToldAt:        e.Created,
	}
}
