package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"go.uber.org/zap"
)

// maxBody bounds what a call may send, in bytes.
const maxBody = 1 << 20

// call is one change of the state, alone with it: an API call, a control call,
// or something that Stripe does by itself some time later.
type call struct {
	*state
	sandbox *Sandbox
	now     int64 // Unix seconds; one time for all that the call makes
	form    *form
	json    []byte        // the body of a control call
	http    *http.Request // nil where nobody called
	reason  eventRequest  // what its events name as their cause
}

// id gives the id in the path.
func (c *call) id() string { return c.http.PathValue("id") }

// handler answers a call with what to render, or an error, best an *apiError.
type handler func(*call) (any, error)

// Handler serves Stripe's API and the control calls.
func (s *Sandbox) Handler() http.Handler { return s.mux }

func (s *Sandbox) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, h := range apiRoutes() {
		mux.Handle(pattern, s.api(h))
	}
	for pattern, h := range controlRoutes() {
		mux.Handle(pattern, s.control(h))
	}
	mux.HandleFunc("GET /sandbox/deliveries", s.getDeliveries)
	mux.HandleFunc("POST /sandbox/flush", s.flush)
	mux.HandleFunc("GET /stripecli/subscribe/{id}", s.subscribe)
	mux.Handle("/", s.api(func(c *call) (any, error) { return nil, unrecognized(c.http) }))
	return mux
}

// apiRoutes are the calls of Stripe's API that the sandbox knows.
// https://docs.stripe.com/api
func apiRoutes() map[string]handler {
	return map[string]handler{
		"GET /v1/account": (*call).getAccount,

		"POST /v1/payment_intents":               (*call).createIntent,
		"GET /v1/payment_intents":                (*call).listIntents,
		"GET /v1/payment_intents/{id}":           (*call).getIntent,
		"POST /v1/payment_intents/{id}":          (*call).updateIntent,
		"POST /v1/payment_intents/{id}/confirm":  (*call).confirmIntent,
		"POST /v1/payment_intents/{id}/capture":  (*call).captureIntent,
		"POST /v1/payment_intents/{id}/cancel":   (*call).cancelIntent,
		"GET /v1/charges":                        (*call).listCharges,
		"GET /v1/charges/{id}":                   (*call).getCharge,
		"POST /v1/charges/{id}":                  (*call).updateCharge,
		"GET /v1/charges/{id}/refunds":           (*call).listChargeRefunds,
		"POST /v1/refunds":                       (*call).createRefund,
		"GET /v1/refunds":                        (*call).listRefunds,
		"GET /v1/refunds/{id}":                   (*call).getRefund,
		"POST /v1/refunds/{id}":                  (*call).updateRefund,
		"POST /v1/refunds/{id}/cancel":           (*call).cancelRefund,
		"GET /v1/disputes":                       (*call).listDisputes,
		"GET /v1/disputes/{id}":                  (*call).getDispute,
		"POST /v1/disputes/{id}":                 (*call).updateDispute,
		"POST /v1/disputes/{id}/close":           (*call).closeDispute,
		"POST /v1/payment_methods":               (*call).createMethod,
		"GET /v1/payment_methods/{id}":           (*call).getMethod,
		"POST /v1/payment_methods/{id}/attach":   (*call).attachMethod,
		"POST /v1/payment_methods/{id}/detach":   (*call).detachMethod,
		"POST /v1/customers":                     (*call).createCustomer,
		"GET /v1/customers":                      (*call).listCustomers,
		"GET /v1/customers/{id}":                 (*call).getCustomer,
		"POST /v1/customers/{id}":                (*call).updateCustomer,
		"POST /v1/products":                      (*call).createProduct,
		"GET /v1/products":                       (*call).listProducts,
		"GET /v1/products/{id}":                  (*call).getProduct,
		"POST /v1/prices":                        (*call).createPrice,
		"GET /v1/prices":                         (*call).listPrices,
		"GET /v1/prices/{id}":                    (*call).getPrice,
		"POST /v1/checkout/sessions":             (*call).createSession,
		"GET /v1/checkout/sessions":              (*call).listSessions,
		"GET /v1/checkout/sessions/{id}":         (*call).getSession,
		"POST /v1/checkout/sessions/{id}/expire": (*call).expireSession,
		"GET /v1/payment_pages/{id}":             (*call).getSession,
		"POST /v1/payment_pages/{id}/confirm":    (*call).confirmPage,
		"POST /v1/subscriptions":                 (*call).createSubscription,
		"GET /v1/subscriptions":                  (*call).listSubscriptions,
		"GET /v1/subscriptions/{id}":             (*call).getSubscription,
		"POST /v1/subscriptions/{id}":            (*call).updateSubscription,
		"DELETE /v1/subscriptions/{id}":          (*call).deleteSubscription,
		"POST /v1/invoiceitems":                  (*call).createInvoiceItem,
		"POST /v1/invoices":                      (*call).createInvoice,
		"GET /v1/invoices":                       (*call).listInvoices,
		"GET /v1/invoices/{id}":                  (*call).getInvoice,
		"POST /v1/invoices/{id}/finalize":        (*call).finalizeInvoice,
		"POST /v1/invoices/{id}/pay":             (*call).payInvoice,
		"GET /v1/invoice_payments":               (*call).listInvoicePayments,
		"GET /v1/events":                         (*call).listEvents,
		"GET /v1/events/{id}":                    (*call).getEvent,
		"POST /v1/events/{id}/retry":             (*call).resendEvent,
		"GET /v1/webhook_endpoints":              (*call).listEndpoints,
		"POST /v1/stripecli/sessions":            (*call).createListener,
	}
}

// api serves one call of Stripe's API: who is calling, trouble asked for, an
// answer given before, and only then the call.
func (s *Sandbox) api(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		requestID := newID("req_", 14)
		w.Header().Set("Request-Id", requestID)
		w.Header().Set("Stripe-Version", APIVersion)
		if err := s.authorize(w, r); err != nil {
			s.answerError(w, r, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		params, err := readForm(r)
		if err != nil {
			s.answerError(w, r, err)
			return
		}
		trouble := s.takeFault(r)
		if !pause(r.Context(), trouble.latency()) {
			return
		}
		if trouble.refuses() {
			trouble.write(w)
			return
		}
		a := s.answerOnce(h, r, params, requestID)
		if trouble.loses() {
			trouble.write(w)
			return
		}
		a.write(w)
	}
}

// answerOnce makes the call, or finds the answer that its Idempotency-Key had
// before.
func (s *Sandbox) answerOnce(h handler, r *http.Request, params *form, requestID string) (a answer) {
	s.within(func(st *state) {
		c := s.newCall(st)
		c.form, c.http = params, r
		c.reason = eventRequest{ID: nullString(requestID)}
		key := ""
		if r.Method == http.MethodPost {
			key = r.Header.Get("Idempotency-Key")
			c.reason.IdempotencyKey = nullString(key)
		}
		var seen bool
		if a, seen = c.replay(key); seen {
			return
		}
		a = s.answerTo(c, h)
		c.keep(key, requestID, a)
	})
	return a
}

func (s *Sandbox) newCall(st *state) *call {
	return &call{state: st, sandbox: s, now: s.cfg.Clock().Unix(), form: newForm(nil)}
}

// later lets Stripe do something by itself after Config.SettleAfter.
func (c *call) later(do func(*call)) {
	s := c.sandbox
	c.start(func(ctx context.Context) {
		if pause(ctx, s.cfg.SettleAfter) {
			s.within(func(st *state) { do(s.newCall(st)) })
		}
	})
}

// answer is a rendered answer.
type answer struct {
	status  int
	body    []byte
	headers map[string]string
}

func (a answer) write(w http.ResponseWriter) {
	for name, value := range a.headers {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a caller who went away needs no answer
}

// answerTo makes the call and renders what it gave, expanded as it asked.
func (s *Sandbox) answerTo(c *call, h handler) answer {
	expansions := c.form.texts("expand")
	value, err := h(c)
	if err == nil && len(expansions) > 0 {
		value, err = c.expand(value, expansions)
	}
	if err != nil {
		return s.errorAnswer(c.http, err)
	}
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return s.errorAnswer(c.http, err)
	}
	return answer{status: http.StatusOK, body: append(body, '\n')}
}

// errorAnswer renders Stripe's errors as they are, and all others as Stripe's
// own failure, with the cause in the log only.
func (s *Sandbox) errorAnswer(r *http.Request, err error) answer {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		s.log.Error("sandbox call failed", zap.String("path", r.URL.Path), zap.Error(err))
		e = &apiError{status: http.StatusInternalServerError, Type: typeAPI, Message: "An unknown error occurred."}
	}
	body, err := json.MarshalIndent(map[string]*apiError{"error": e}, "", "  ")
	if err != nil {
		return answer{status: http.StatusInternalServerError, body: []byte(`{"error":{"type":"api_error"}}`)}
	}
	return answer{status: e.status, body: append(body, '\n')}
}

func (s *Sandbox) answerError(w http.ResponseWriter, r *http.Request, err error) {
	s.errorAnswer(r, err).write(w)
}
