// Package payments is Stripe's payments: who pays for what and how, payment
// intents and their charges, refunds and disputes.
package payments

import (
	"maps"

	"hourbank/sandbox/api"
)

// Routes are the calls of Stripe's API about payments.
func Routes() map[string]api.Handler {
	return map[string]api.Handler{
		"POST /v1/payment_intents":                               createIntent,
		"POST /v1/payment_intents/{id}":                          api.On("payment_intent", updateIntent),
		"POST /v1/payment_intents/{id}/confirm":                  api.On("payment_intent", confirmIntent),
		"POST /v1/payment_intents/{id}/capture":                  api.On("payment_intent", captureIntent),
		"POST /v1/payment_intents/{id}/cancel":                   api.On("payment_intent", cancelIntent),
		"POST /v1/charges/{id}":                                  api.On("charge", updateCharge),
		"POST /v1/refunds":                                       createRefund,
		"POST /v1/refunds/{id}":                                  api.On("refund", updateRefund),
		"POST /v1/refunds/{id}/cancel":                           api.Does("refund", cancelRefund),
		"POST /v1/disputes/{id}":                                 api.On("dispute", updateDispute),
		"POST /v1/disputes/{id}/close":                           api.Does("dispute", func(c *api.Call, d api.Object) error { return decide(c, d, "lost", 0) }),
		"POST /v1/payment_methods":                               createMethod,
		"GET /v1/payment_methods/{id}":                           getMethod,
		"POST /v1/payment_methods/{id}/attach":                   attachMethod,
		"POST /v1/customers":                                     createCustomer,
		"POST /v1/customers/{id}":                                api.On("customer", updateCustomer),
		"POST /v1/test_helpers/customers/{id}/fund_cash_balance": api.On("customer", fundCash),
		"POST /v1/products":                                      createProduct,
		"POST /v1/prices":                                        createPrice,
	}
}

// Actions are what can happen to payments without a call, by the kind of the
// object.
func Actions() map[string]api.Action {
	decides := func(verdict string) api.Action {
		return api.Changes(func(c *api.Call, d api.Object, with api.Options) error { return decide(c, d, verdict, with.Amount) })
	}
	return map[string]api.Action{
		"payment_intent dispute":             disputeIntent,
		"payment_intent authenticate":        to(authenticated, true),
		"payment_intent fail_authentication": to(authenticated, false),
		"payment_intent settle":              to(Settle, true),
		"payment_intent fail":                to(Settle, false),
		"dispute win":                        decides("won"),
		"dispute lose":                       decides("lost"),
		"dispute prevent":                    decides("prevented"),
		"dispute withdraw":                   api.Changes(withdraw),
		"dispute reinstate":                  api.Changes(reinstate),
		"refund succeed":                     to(settleRefund, "succeeded"),
		"refund fail":                        to(settleRefund, "failed"),
		"refund cancel":                      to(settleRefund, "canceled"),
		"refund require_action":              to(settleRefund, "requires_action"),
	}
}

// to makes an action of a change to something.
func to[T any](change func(*api.Call, api.Object, T) error, what T) api.Action {
	return api.Changes(func(c *api.Call, o api.Object, _ api.Options) error { return change(c, o, what) })
}

// Book is what really became of one payment intent's money, in minor units:
// the sandbox's own books, to compare a product's with.
type Book struct {
	PaymentIntent string            `json:"payment_intent"`
	Status        string            `json:"status"`
	Currency      string            `json:"currency"`
	Amount        int64             `json:"amount"`
	Received      int64             `json:"received"`
	Refunded      int64             `json:"refunded"` // by refunds neither failed nor canceled
	Disputed      int64             `json:"disputed"` // with the card's holder because of disputes
	Customer      string            `json:"customer,omitempty"`
	Invoice       string            `json:"invoice,omitempty"`
	Subscription  string            `json:"subscription,omitempty"`
	Session       string            `json:"checkout_session,omitempty"`
	Metadata      map[string]string `json:"metadata"`
}

// Books gives the books of all payment intents, oldest first.
func Books(st *api.Store) []Book {
	refunded, disputed := map[string]int64{}, map[string]int64{}
	for _, re := range st.All("refund") {
		if counts(re) {
			refunded[re.Text("payment_intent")] += re.Number("amount")
		}
	}
	for _, d := range st.All("dispute") {
		disputed[d.Text("payment_intent")] += held(d)
	}
	books := []Book{}
	for _, pi := range st.All("payment_intent") {
		invoice := pi.Text("invoice")
		books = append(books, Book{
			PaymentIntent: pi.ID(), Status: pi.Text("status"), Currency: pi.Text("currency"), Amount: pi.Number("amount"), Received: pi.Number("amount_received"),
			Refunded: refunded[pi.ID()], Disputed: disputed[pi.ID()], Customer: pi.Text("customer"), Metadata: maps.Clone(pi.Metadata()),
			Session: pi.Text("_session"), Invoice: invoice, Subscription: st.Get(invoice).Text("subscription"),
		})
	}
	return books
}
