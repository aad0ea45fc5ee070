// Package payments is Stripe's payments: who pays for what and how, payment
// intents and their charges, refunds and disputes.
package payments

import "hourbank/sandbox/api"

// Routes are the calls of Stripe's API about payments.
func Routes() map[string]api.Handler {
	routes := map[string]api.Handler{
		"POST /v1/payment_intents":                               createIntent,
		"GET /v1/payment_intents":                                api.Listed("payment_intent", "customer"),
		"POST /v1/payment_intents/{id}":                          api.On("payment_intent", updateIntent),
		"POST /v1/payment_intents/{id}/confirm":                  api.On("payment_intent", confirmIntent),
		"POST /v1/payment_intents/{id}/capture":                  api.On("payment_intent", captureIntent),
		"POST /v1/payment_intents/{id}/cancel":                   api.On("payment_intent", cancelIntent),
		"GET /v1/charges":                                        api.Listed("charge", "customer", "payment_intent"),
		"POST /v1/charges/{id}":                                  api.On("charge", updateCharge),
		"POST /v1/refunds":                                       createRefund,
		"GET /v1/refunds":                                        api.Listed("refund", "charge", "payment_intent"),
		"POST /v1/refunds/{id}":                                  api.On("refund", updateRefund),
		"POST /v1/refunds/{id}/cancel":                           api.Does("refund", cancelRefund),
		"GET /v1/disputes":                                       api.Listed("dispute", "charge", "payment_intent"),
		"POST /v1/disputes/{id}":                                 api.On("dispute", updateDispute),
		"POST /v1/disputes/{id}/close":                           api.Does("dispute", func(c *api.Call, d api.Object) error { return decide(c, d, "lost", 0) }),
		"POST /v1/payment_methods":                               createMethod,
		"GET /v1/payment_methods/{id}":                           getMethod,
		"POST /v1/payment_methods/{id}/attach":                   attachMethod,
		"POST /v1/customers":                                     createCustomer,
		"GET /v1/customers":                                      api.Listed("customer", "email"),
		"POST /v1/customers/{id}":                                api.On("customer", updateCustomer),
		"POST /v1/test_helpers/customers/{id}/fund_cash_balance": api.On("customer", fundCash),
		"POST /v1/products":                                      createProduct,
		"POST /v1/prices":                                        createPrice,
	}
	for _, kind := range []string{"payment_intent", "charge", "refund", "dispute", "customer"} {
		routes["GET /v1/"+kind+"s/{id}"] = api.Shows(kind)
	}
	return routes
}

// Actions are what can happen to payments without a call, by the kind of the
// object.
func Actions() map[string]api.Action {
	decides := func(verdict string) api.Action {
		return api.Changes(func(c *api.Call, d api.Object, with api.Options) error { return decide(c, d, verdict, with.Amount) })
	}
	refund := func(status string) api.Action {
		return api.Changes(func(c *api.Call, re api.Object, _ api.Options) error { return settleRefund(c, re, status) })
	}
	authenticate := func(ok bool) api.Action {
		return api.Changes(func(c *api.Call, pi api.Object, _ api.Options) error { return authenticated(c, pi, ok) })
	}
	settles := func(ok bool) api.Action {
		return api.Changes(func(c *api.Call, pi api.Object, _ api.Options) error { return Settle(c, pi, ok) })
	}
	return map[string]api.Action{
		"payment_intent dispute":             disputeIntent,
		"payment_intent authenticate":        authenticate(true),
		"payment_intent fail_authentication": authenticate(false),
		"payment_intent settle":              settles(true),
		"payment_intent fail":                settles(false),
		"dispute win":                        decides("won"),
		"dispute lose":                       decides("lost"),
		"dispute prevent":                    decides("prevented"),
		"dispute withdraw":                   api.Changes(withdraw),
		"dispute reinstate":                  api.Changes(reinstate),
		"refund succeed":                     refund("succeeded"),
		"refund fail":                        refund("failed"),
		"refund cancel":                      refund("canceled"),
		"refund require_action":              refund("requires_action"),
	}
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
		metadata := api.Metadata{}
		for k, v := range pi.Metadata() {
			metadata[k] = v
		}
		books = append(books, Book{
			PaymentIntent: pi.ID(), Status: pi.Text("status"), Currency: pi.Text("currency"), Amount: pi.Number("amount"), Received: pi.Number("amount_received"),
			Refunded: refunded[pi.ID()], Disputed: disputed[pi.ID()], Customer: pi.Text("customer"), Metadata: metadata,
			Session: pi.Text("_session"), Invoice: invoice, Subscription: st.Get(invoice).Text("subscription"),
		})
	}
	return books
}
