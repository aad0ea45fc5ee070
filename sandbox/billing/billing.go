// Package billing is what asks for payments by itself at Stripe: payment pages,
// subscriptions, invoices and credit notes.
package billing

import (
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
