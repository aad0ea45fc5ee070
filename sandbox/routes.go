package sandbox

import (
	"net/http"
	"strings"
)

// on lets a handler act on the object that the path names.
func on[T object](kind string, h func(*call, T) (any, error)) handler {
	return func(c *call) (any, error) {
		o, err := find[T](c.state, kind, c.id(), inPath)
		if err != nil {
			return nil, err
		}
		return h(c, o)
	}
}

// does lets a call do what takes no parameters with the object that the path
// names, and answers with it.
func does[T object](kind string, do func(*call, T) error) handler {
	return on(kind, func(c *call, o T) (any, error) {
		if err := c.form.end(); err != nil {
			return nil, err
		}
		return o, do(c, o)
	})
}

// get answers with the object of a kind that the path names.
func get(kind string) handler {
	return func(c *call) (any, error) {
		o, ok := c.byID[c.id()]
		if !ok || o.named() != kind {
			return nil, noSuch(kind, c.id(), inPath)
		}
		return o, c.form.end()
	}
}

func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range apiRoutes() {
		mux.Handle(pattern, s.api(resourceOf(pattern), h))
	}
	for _, folder := range []string{"payment_intents", "charges", "refunds", "disputes", "customers", "checkout/sessions", "payment_pages",
		"subscriptions", "invoices", "invoice_payments", "credit_notes"} {
		about := resourceOf("GET /v1/" + folder + "/{id}")
		mux.Handle("GET /v1/"+folder+"/{id}", s.api(about, get(about.kind)))
	}
	for pattern, h := range controlRoutes() {
		mux.Handle(pattern, s.control(h))
	}
	mux.HandleFunc("POST /sandbox/flush", s.controlled(s.flush))
	mux.HandleFunc("GET /stripecli/subscribe/{id}", s.subscribe)
	mux.Handle("/", s.api(resource{}, func(c *call) (any, error) { return nil, unrecognized(c.http) }))
	return s.guard(mux)
}

// resource is what a call is about: an object, or a list of them.
type resource struct {
	kind string
	list bool
}

// resourceOf reads a pattern such as "GET /v1/charges/{id}/refunds".
func resourceOf(pattern string) resource {
	method, path, _ := strings.Cut(pattern, " /v1/")
	kinds := map[string]string{"checkout": "checkout.session", "payment_pages": "checkout.session", "invoiceitems": "invoiceitem",
		"test_helpers": "customer", "stripecli": "stripecli"}
	first, _, _ := strings.Cut(path, "/")
	kind, ok := kinds[first]
	if !ok {
		kind = strings.TrimSuffix(first, "s")
	}
	return resource{kind: kind, list: method == http.MethodGet && !strings.Contains(path, "{id}") && path != "account"}
}

// apiRoutes are the calls of Stripe's API that the sandbox knows.
// https://docs.stripe.com/api
func apiRoutes() map[string]handler {
	return map[string]handler{
		"GET /v1/account": (*call).getAccount,

		"POST /v1/payment_intents": (*call).createIntent,
		"GET /v1/payment_intents": listed(func(st *state) *table[*paymentIntent] { return &st.intents }, by[*paymentIntent]{
			"customer": func(pi *paymentIntent) string { return string(pi.Customer) },
		}),
		"POST /v1/payment_intents/{id}":         on("payment_intent", (*call).updateIntent),
		"POST /v1/payment_intents/{id}/confirm": on("payment_intent", (*call).confirmIntent),
		"POST /v1/payment_intents/{id}/capture": on("payment_intent", (*call).captureIntent),
		"POST /v1/payment_intents/{id}/cancel":  on("payment_intent", (*call).cancelIntent),
		"GET /v1/charges": listed(func(st *state) *table[*charge] { return &st.charges }, by[*charge]{
			"customer": func(ch *charge) string { return string(ch.Customer) }, "payment_intent": func(ch *charge) string { return ch.PaymentIntent },
		}),
		"POST /v1/charges/{id}": on("charge", (*call).updateCharge),
		"POST /v1/refunds":      (*call).createRefund,
		"GET /v1/refunds": listed(func(st *state) *table[*refund] { return &st.refunds }, by[*refund]{
			"charge": func(re *refund) string { return re.Charge }, "payment_intent": func(re *refund) string { return string(re.PaymentIntent) },
		}),
		"POST /v1/refunds/{id}":        on("refund", (*call).updateRefund),
		"POST /v1/refunds/{id}/cancel": does("refund", (*call).cancelRefund),
		"GET /v1/disputes": listed(func(st *state) *table[*dispute] { return &st.disputes }, by[*dispute]{
			"charge": func(d *dispute) string { return d.Charge }, "payment_intent": func(d *dispute) string { return d.PaymentIntent },
		}),
		"POST /v1/disputes/{id}":               on("dispute", (*call).updateDispute),
		"POST /v1/disputes/{id}/close":         does("dispute", func(c *call, d *dispute) error { return c.decide(d, disputeLost, 0) }),
		"POST /v1/payment_methods":             (*call).createMethod,
		"GET /v1/payment_methods/{id}":         (*call).getMethod,
		"POST /v1/payment_methods/{id}/attach": (*call).attachMethod,
		"POST /v1/customers":                   (*call).createCustomer,
		"GET /v1/customers": listed(func(st *state) *table[*customer] { return &st.customers }, by[*customer]{
			"email": func(cus *customer) string { return string(cus.Email) },
		}),
		"POST /v1/customers/{id}":    on("customer", (*call).updateCustomer),
		"POST /v1/products":          (*call).createProduct,
		"POST /v1/prices":            (*call).createPrice,
		"POST /v1/checkout/sessions": (*call).createSession,
		"GET /v1/checkout/sessions": listed(func(st *state) *table[*checkoutSession] { return &st.sessions }, by[*checkoutSession]{
			"customer": func(cs *checkoutSession) string { return string(cs.Customer) }, "payment_intent": func(cs *checkoutSession) string { return string(cs.PaymentIntent) }, "status": func(cs *checkoutSession) string { return cs.Status },
		}),
		"POST /v1/checkout/sessions/{id}/expire": does("checkout.session", (*call).expireNow),
		"POST /v1/payment_pages/{id}/confirm":    on("checkout.session", (*call).confirmPage),
		"POST /v1/subscriptions":                 (*call).createSubscription,
		"GET /v1/subscriptions":                  (*call).listSubscriptions,
		"POST /v1/subscriptions/{id}":            on("subscription", (*call).updateSubscription),
		"DELETE /v1/subscriptions/{id}":          does("subscription", (*call).end),
		"POST /v1/invoiceitems":                  (*call).createInvoiceItem,
		"POST /v1/invoices":                      (*call).createInvoice,
		"GET /v1/invoices": listed(func(st *state) *table[*invoice] { return &st.invoices }, by[*invoice]{
			"customer": func(inv *invoice) string { return inv.Customer }, "status": func(inv *invoice) string { return inv.Status }, "subscription": func(inv *invoice) string { return inv.subscriptionID() },
		}),
		"POST /v1/invoices/{id}/finalize":                        on("invoice", (*call).finalizeInvoice),
		"POST /v1/invoices/{id}/pay":                             on("invoice", (*call).payInvoice),
		"POST /v1/invoices/{id}/void":                            does("invoice", func(c *call, inv *invoice) error { return c.giveUp(inv, invoiceVoid) }),
		"POST /v1/invoices/{id}/mark_uncollectible":              does("invoice", func(c *call, inv *invoice) error { return c.giveUp(inv, invoiceUncollectible) }),
		"POST /v1/credit_notes":                                  (*call).createCreditNote,
		"POST /v1/credit_notes/{id}/void":                        does("credit_note", (*call).voidCreditNote),
		"POST /v1/test_helpers/customers/{id}/fund_cash_balance": on("customer", (*call).fundCash),
		"GET /v1/invoice_payments":                               (*call).listInvoicePayments,
		"GET /v1/events":                                         (*call).listEvents,
		"GET /v1/events/{id}":                                    on("event", (*call).getEvent),
		"GET /v1/webhook_endpoints":                              (*call).listEndpoints,
		"POST /v1/stripecli/sessions":                            (*call).createListener,
	}
}
