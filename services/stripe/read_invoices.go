package stripe

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"hourbank/models"
	"hourbank/models/invoicing"
	"hourbank/models/money"
)

// Invoice is what an invoice says that it sells, and to whom.
type Invoice struct {
	ID             string
	SubscriptionID string
	At             int64  // when it was told, Unix seconds
	StudentID      string // empty: whoever the subscription is of
	PlanID         string // in metadata; a line's price counts more
	OwnPlan        bool   // its own metadata name it, not its subscription's
	Lines          []invoicing.Line
	Credited       []string // invoices of which lines give back what was not used
	Currency       string
	Paid           bool
}

// readInvoice takes an invoice. Where a version keeps what:
//   - the subscription: invoice.subscription; since 2025-03-31 under
//     invoice.parent.subscription_details
//   - its metadata: on the invoice's lines; since 2023 under
//     invoice.subscription_details; since 2025-03-31 under invoice.parent
//   - a line's price: line.plan, line.price, line.pricing.price_details
//   - what paid it: invoice.payment_intent and .charge; since 2025-03-31 only
//     invoice.payments, where that is expanded, and invoice_payment.paid
//
// https://docs.stripe.com/changelog/basil/2025-03-31/adds-new-parent-field-to-invoicing-objects
func readInvoice(e *Event, invoice gjson.Result) {
	e.readNames(invoice)
	e.readLines(invoice)
	told := money.Invoice{}
	if models.IsObjectID(e.Invoice.SubscriptionID) {
		told.Period = &money.Period{
			Subscription: e.Invoice.SubscriptionID, Created: amount(firstOf(invoice, "created", "date")),
			Renews: renews(text(invoice.Get("billing_reason")), e.Invoice.Lines),
		}
	}
	switch e.eventType {
	case "invoice.paid":
		e.Invoice.Paid = true
		e.Money = true
		told.Paid = e.bill(invoice)
	case "invoice.payment_failed":
		told.Failed = &money.Setback{At: e.at(), Code: "invoice_payment_failed", Message: "The payment of the invoice failed."}
	case "invoice.voided", "invoice.marked_uncollectible":
		told.Cancelled = e.cancelled(cmp.Or(word(invoice.Get("status")), "voided"))
	}
	e.Payment = e.Object
	e.tellInvoice(e.Object, told)
	intent, charge := id(invoice.Get("payment_intent")), id(invoice.Get("charge"))
	e.tellPayment(intent, money.Payment{})
	e.tellCharge(charge, money.Charge{PaymentIntent: intent})
	e.paysInvoice(cmp.Or(intent, charge), e.Object)
	for _, payment := range invoice.Get("payments.data").Array() {
		if payment.Get("status").Str == "paid" {
			e.readInvoicePayment(payment)
		}
	}
}

func (e *Event) bill(invoice gjson.Result) *money.Bill {
	bill := &money.Bill{
		At: e.at(), Subtotal: amount(firstOf(invoice, "subtotal", "total")), Currency: currency(invoice.Get("currency")),
		Total: max(0, signed(firstOf(invoice, "total", "amount_paid"))), Credited: amount(invoice.Get("pre_payment_credit_notes_amount")),
	}
	if paid := amount(invoice.Get("amount_paid")); invoice.Get("paid_out_of_band").Bool() {
		bill.Outside = max(0, bill.Total-bill.Credited)
	} else if paid > 0 {
		bill.Outside = max(0, bill.Total-bill.Credited-paid)
	}
	return bill
}

func (e *Event) readLines(invoice gjson.Result) {
	details := firstOf(invoice, "parent.subscription_details.metadata", "subscription_details.metadata")
	lines := invoice.Get("lines.data").Array()
	e.Invoice = &Invoice{
		ID: e.Object, At: e.at(), Currency: currency(invoice.Get("currency")),
		SubscriptionID: id(firstOf(invoice, "parent.subscription_details.subscription", "subscription")),
		StudentID:      cmp.Or(student(invoice.Get("metadata.student_id")), student(details.Get("student_id"))),
		PlanID:         cmp.Or(text(invoice.Get("metadata.plan")), text(details.Get("plan"))),
		OwnPlan:        text(invoice.Get("metadata.plan")) != "",
	}
	e.Names.Ours = e.Names.Ours || isOurs(details)
	if len(lines) == 0 {
		e.Invoice.Lines = []invoicing.Line{{Amount: signed(firstOf(invoice, "subtotal", "total", "amount_paid")), Quantity: 1, UnitAmount: -1}}
	}
	if invoice.Get("lines.has_more").Bool() { // it holds the first ten
		e.Unfetched = &ObjectRef{Kind: "invoice", ID: e.Object}
	}
	discounted := discountsIncluded(invoice, lines)
	for _, line := range lines {
		e.Invoice.SubscriptionID = cmp.Or(e.Invoice.SubscriptionID, id(firstOf(line, "parent.subscription_item_details.subscription", "parent.invoice_item_details.subscription", "subscription")))
		e.Names.Ours = e.Names.Ours || isOurs(line.Get("metadata"))
		e.Invoice.StudentID = cmp.Or(e.Invoice.StudentID, student(line.Get("metadata.student_id")))
		e.Invoice.PlanID = cmp.Or(e.Invoice.PlanID, text(line.Get("metadata.plan")))
		read := readLine(line, discounted)
		read.Unclear = read.Proration && (isTiered(line) || read.Discount == 0 && (isDiscounted(line) || isDiscounted(invoice)))
		e.Invoice.Lines = append(e.Invoice.Lines, read)
		if credited := creditedBy(line); read.Amount < 0 && credited != "" && !slices.Contains(e.Invoice.Credited, credited) {
			e.Invoice.Credited = append(e.Invoice.Credited, credited)
		}
	}
}

// creditedBy is the invoice of which a line gives back what was not used.
func creditedBy(line gjson.Result) string {
	const credited = "proration_details.credited_items.invoice"
	invoice := id(firstOf(line, "parent.subscription_item_details."+credited, "parent.invoice_item_details."+credited, credited))
	if !strings.HasPrefix(invoice, "in_") || !models.IsObjectID(invoice) {
		return ""
	}
	return invoice
}

// renews says whether an invoice is of a new period of its subscription. Before 2018
// none said why it was made.
// https://docs.stripe.com/api/invoices/object#invoice_object-billing_reason
func renews(reason string, lines []invoicing.Line) bool {
	prorated := slices.ContainsFunc(lines, func(l invoicing.Line) bool { return l.Proration })
	return reason == "subscription_cycle" || ((reason == "" || reason == "subscription") && !prorated)
}

// readLine reads a line, before discounts and tax.
// https://docs.stripe.com/api/invoice-line-item/object
func readLine(line gjson.Result, discountsIncluded bool) invoicing.Line {
	read := invoicing.Line{
		ID: cut(id(line), models.MaxIDLength), Amount: signed(line.Get("amount")), Quantity: quantity(line), UnitAmount: -1,
		Proration: firstOf(line, "parent.subscription_item_details.proration", "parent.invoice_item_details.proration", "proration").Bool(),
		Discount:  discountOf(line),
	}
	for _, price := range []gjson.Result{line.Get("pricing.price_details.price"), line.Get("price"), line.Get("plan")} {
		if priceID := id(price); priceID != "" {
			read.PriceIDs = append(read.PriceIDs, priceID)
		}
		if unit := firstOf(price, "unit_amount", "amount"); price.IsObject() && unit.Type == gjson.Number && read.UnitAmount < 0 {
			read.UnitAmount, read.UnitCurrency = amount(unit), currency(price.Get("currency"))
		}
	}
	read.Tax = taxOf(line)
	if discountsIncluded && read.Proration {
		read.Amount += read.Discount
	}
	return read
}

// taxOf is the tax that comes on top of a line's amount.
func taxOf(line gjson.Result) (sum int64) {
	for _, tax := range append(line.Get("taxes").Array(), line.Get("tax_amounts").Array()...) {
		if tax.Get("tax_behavior").Str != "inclusive" && !tax.Get("inclusive").Bool() {
			sum += signed(tax.Get("amount"))
		}
	}
	return sum
}

func discountOf(line gjson.Result) (sum int64) {
	for _, discount := range line.Get("discount_amounts").Array() {
		sum += signed(discount.Get("amount"))
	}
	return sum
}

// isTiered says whether a line's price has no one amount, where the line holds it.
// https://docs.stripe.com/api/prices/object#price_object-billing_scheme
func isTiered(line gjson.Result) bool {
	return text(firstOf(line, "price.billing_scheme", "plan.billing_scheme")) == "tiered"
}

// isDiscounted says whether an invoice or line names a discount. Unless a subscription
// itemizes them, its prorations are less theirs, and say 0 of it.
// https://docs.stripe.com/changelog/clover/2025-09-30/itemize-proration-discount-amounts
func isDiscounted(object gjson.Result) bool {
	return object.Get("discount").IsObject() || len(object.Get("discounts").Array())+len(object.Get("discount_amounts").Array()) > 0
}

// discountsIncluded says whether the amounts of prorations are less their
// discounts already: the invoice then doesn't take them off once more.
// https://docs.stripe.com/changelog/clover/2025-09-30/itemize-proration-discount-amounts
func discountsIncluded(invoice gjson.Result, lines []gjson.Result) bool {
	var ofLines, ofInvoice int64
	for _, line := range lines {
		ofLines += discountOf(line)
	}
	for _, discount := range invoice.Get("total_discount_amounts").Array() {
		ofInvoice += signed(discount.Get("amount"))
	}
	return ofLines != ofInvoice
}

// readInvoicePayment links a payment with the invoice that it paid, if perhaps
// only a part of it. https://docs.stripe.com/api/invoice-payment/object
func readInvoicePayment(e *Event, payment gjson.Result) {
	e.Money = true
	e.readInvoicePayment(payment)
	e.Payment = cmp.Or(id(payment.Get("payment.payment_intent")), id(payment.Get("payment.charge")), id(payment.Get("invoice")))
}

func (e *Event) readInvoicePayment(payment gjson.Result) {
	intent, charge := id(payment.Get("payment.payment_intent")), id(payment.Get("payment.charge"))
	invoice := cmp.Or(id(payment.Get("invoice")), e.Object)
	paid := amount(payment.Get("amount_paid"))
	e.tellPayment(intent, money.Payment{Received: e.received(paid), Currency: currency(payment.Get("currency"))})
	e.tellCharge(charge, money.Charge{PaymentIntent: intent})
	told := money.Invoice{}
	if paymentID := cmp.Or(intent, charge); models.IsObjectID(paymentID) {
		told.Payments = map[string]int64{paymentID: paid}
	}
	e.tellInvoice(invoice, told)
}

func readSubscription(e *Event, subscription gjson.Result) {
	e.Subscription = &models.Subscription{
		ID:            e.Object,
		StudentID:     student(subscription.Get("metadata.student_id")),
		PlanID:        text(subscription.Get("metadata.plan")),
		StripePriceID: id(firstOf(subscription, "items.data.0.price", "items.data.0.plan", "plan")),
		ToldAt:        e.at(),
	}
}
