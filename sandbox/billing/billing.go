// Package billing is what asks for payments by itself at Stripe: payment pages,
// subscriptions, invoices and credit notes.
package billing

import (
	"fmt"
	"strconv"

	"hourbank/sandbox/api"
	"hourbank/sandbox/payments"
)

// Routes are the calls of Stripe's API about billing.
func Routes() map[string]api.Handler {
	giveUp := func(status string) api.Handler {
		return api.Does("invoice", func(c *api.Call, inv api.Object) error { return giveUp(c, inv, status) })
	}
	return map[string]api.Handler{
		"POST /v1/checkout/sessions":                createSession,
		"POST /v1/checkout/sessions/{id}/expire":    api.Does("checkout.session", expire),
		"POST /v1/payment_pages/{id}/confirm":       api.On("checkout.session", confirmPage),
		"POST /v1/subscriptions":                    createSubscription,
		"GET /v1/subscriptions":                     listSubscriptions,
		"POST /v1/subscriptions/{id}":               api.On("subscription", updateSubscription),
		"DELETE /v1/subscriptions/{id}":             api.Does("subscription", end),
		"POST /v1/invoiceitems":                     createInvoiceItem,
		"POST /v1/invoices":                         createInvoice,
		"POST /v1/invoices/{id}/finalize":           api.On("invoice", finalizeInvoice),
		"POST /v1/invoices/{id}/pay":                api.On("invoice", payInvoice),
		"POST /v1/invoices/{id}/void":               giveUp("void"),
		"POST /v1/invoices/{id}/mark_uncollectible": giveUp("uncollectible"),
		"GET /v1/invoice_payments":                  listInvoicePayments,
		"POST /v1/credit_notes":                     createCreditNote,
		"POST /v1/credit_notes/{id}/void":           api.Does("credit_note", voidCreditNote),
	}
}

// Actions are what can happen in billing without a call, by the kind of the
// object.
func Actions() map[string]api.Action {
	without := func(do func(*api.Call, api.Object) error) api.Action {
		return api.Changes(func(c *api.Call, o api.Object, _ api.Options) error { return do(c, o) })
	}
	settle := func(ok bool) api.Action {
		return without(func(c *api.Call, cs api.Object) error {
			return payments.Settle(c, c.Get(cs.Text("payment_intent")), ok)
		})
	}
	return map[string]api.Action{
		"checkout.session pay":           api.Changes(paySessionWith),
		"checkout.session decline":       api.Changes(declineSession),
		"checkout.session expire":        without(expire),
		"checkout.session pay_async":     without(payAsync),
		"checkout.session async_succeed": settle(true),
		"checkout.session async_fail":    settle(false),
		"subscription renew":             api.Changes(renewUsually),
		"subscription fail_payment": api.Changes(func(c *api.Call, sub api.Object, with api.Options) error {
			return renew(c, sub, payments.CardMethod(c, "chargeCustomerFail"), extras{with.Discount, with.Tax})
		}),
		"subscription cancel": without(end),
	}
}

// extras change what an invoice or a session asks, in minor units.
type extras struct{ discount, tax int64 }

// itemLine is the line of a subscription's item at its price and quantity from
// then to the period's end.
func itemLine(sub, item api.Object, amount, from int64, proration bool) api.Object {
	price := item.Part("price")
	return api.Object{
		"amount": amount, "currency": price.Text("currency"), "description": fmt.Sprintf("%d × %s", item.Number("quantity"), price.Text("product")),
		"discountable": !proration, "metadata": sub.Metadata(), "period": period(from, item.Number("current_period_end")),
		"price": price, "pricing": pricing(price), "plan": planOf(price), "quantity": item.Number("quantity"),
		"type": "subscription", "proration": proration, "subscription": sub.ID(), "subscription_item": item.ID(), // until basil, then:
		"parent": api.Object{"type": "subscription_item_details", "invoice_item_details": nil,
			"subscription_item_details": api.Object{"invoice_item": nil, "proration": proration, "proration_details": nil,
				"subscription": sub.ID(), "subscription_item": item.ID()}},
	}
}

// looseLine is the line of an item that waited for an invoice.
func looseLine(item api.Object) api.Object {
	line := item.Pick("amount", "currency", "description", "metadata", "period", "price", "pricing", "quantity")
	line.Set(api.Object{"discountable": true, "plan": planOf(item.Part("price")),
		"type": "invoiceitem", "proration": false, "invoice_item": item.ID(), // until basil, then:
		"parent": api.Object{"type": "invoice_item_details", "subscription_item_details": nil,
			"invoice_item_details": api.Object{"invoice_item": item.ID(), "proration": false, "proration_details": nil, "subscription": nil}}})
	return line
}

func period(start, end int64) api.Object { return api.Object{"start": start, "end": end} }

// addLines makes the lines an invoice's, and adds them up. The first that can
// bear it has discount and tax.
func addLines(c *api.Call, inv api.Object, lines []api.Object, more extras) {
	left, subtotal := more, int64(0)
	for _, l := range lines {
		amount := l.Number("amount")
		off := max(0, min(left.discount, amount))
		c.New("line_item", l).Set(api.Object{"invoice": inv.ID(), "subtotal": amount, "proration_details": api.Object{"credited_items": nil},
			"discount_amounts": discountAmounts(off), "taxes": taxAmounts(left.tax, amount-off), "tax_amounts": oldTaxAmounts(left.tax, amount)})
		left, subtotal = extras{discount: left.discount - off}, subtotal+amount
	}
	off := more.discount - left.discount
	net := subtotal - off
	inv.Set(api.Object{
		"lines": api.ListOf(lines, "/v1/invoices/"+inv.ID()+"/lines"), "subtotal": subtotal, "total": net + more.tax, "total_discount_amounts": discountAmounts(off),
		"total_taxes": taxAmounts(more.tax, net), "total_tax_amounts": oldTaxAmounts(more.tax, net), // since and until basil
	})
	if more.tax > 0 {
		inv.Set(api.Object{"tax": more.tax})
	}
}

// amounts is a list of one amount, or of none.
func amounts(amount int64, of api.Object) []any {
	if amount == 0 {
		return []any{}
	}
	of["amount"] = amount
	return []any{of}
}

func discountAmounts(amount int64) []any {
	return amounts(amount, api.Object{"discount": "di_1SandboxPromotion"})
}

// taxRate is the one rate of all taxes here.
const taxRate = "txr_1SandboxTax"

func taxAmounts(amount, taxable int64) []any {
	return amounts(amount, api.Object{"tax_behavior": "exclusive", "tax_rate_details": api.Object{"tax_rate": taxRate},
		"taxability_reason": "standard_rated", "taxable_amount": taxable, "type": "tax_rate_details"})
}

// oldTaxAmounts says the same as until basil.
func oldTaxAmounts(amount, taxable int64) []any {
	return amounts(amount, api.Object{"inclusive": false, "tax_rate": taxRate, "taxability_reason": nil, "taxable_amount": taxable})
}

// pricing names a price as lines do since basil.
func pricing(p api.Object) any {
	return api.Object{"type": "price_details", "unit_amount_decimal": p.Text("unit_amount_decimal"),
		"price_details": api.Object{"price": p.ID(), "product": p.Text("product")}}
}

// planOf says a recurring price as the oldest versions do, nil for others.
func planOf(p api.Object) any {
	each := p.Part("recurring")
	if each == nil {
		return nil
	}
	plan := p.Pick("id", "created", "currency", "livemode", "metadata", "nickname", "product")
	plan.Set(each.Pick("interval", "interval_count", "usage_type"))
	plan.Set(api.Object{"object": "plan", "active": true, "amount": p.Number("unit_amount"), "amount_decimal": p.Text("unit_amount_decimal"), "billing_scheme": "per_unit"})
	return plan
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
