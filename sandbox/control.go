package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// controlRoutes are the calls that are not Stripe's. They take and give JSON,
// and need ControlHeader instead of a key.
//
//	GET|POST /sandbox/chaos        how webhooks misbehave: Chaos
//	GET|POST /sandbox/faults       how API calls fail: Fault; DELETE ends it
//	GET  /sandbox/books            what really became of the money: []Book
//	GET  /sandbox/deliveries       what became of the webhooks: []Delivery
//	POST /sandbox/flush            answers once nothing is pending: see Wait
//	POST /sandbox/KIND/ID/ACTION   what Stripe or a customer does: see Do
func controlRoutes() map[string]handler {
	routes := map[string]handler{
		"GET /sandbox/chaos":      func(c *call) (any, error) { return c.chaos, nil },
		"POST /sandbox/chaos":     (*call).setChaos,
		"GET /sandbox/faults":     (*call).listFaults,
		"POST /sandbox/faults":    (*call).addFault,
		"DELETE /sandbox/faults":  (*call).clearFaults,
		"GET /sandbox/books":      func(c *call) (any, error) { return map[string]any{"data": c.books()}, nil },
		"GET /sandbox/deliveries": func(c *call) (any, error) { return map[string]any{"data": c.lastDeliveries()}, nil },
	}
	for _, kind := range []string{"payment_intents", "disputes", "refunds", "checkout/sessions", "subscriptions"} {
		routes["POST /sandbox/"+kind+"/{id}/{action}"] = (*call).postAction
	}
	return routes
}

// control serves one control call.
func (s *Sandbox) control(h handler) http.HandlerFunc {
	return s.controlled(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.answerError(w, r, invalid("", "", "The body cannot be read: %s.", err))
			return
		}
		var a answer
		s.within(func(st *state) {
			c := s.newCall(st)
			c.http, c.json = r, body
			a = s.answerTo(c, resource{}, h)
		})
		a.write(w)
	})
}

// controlled lets only control calls with ControlHeader through.
func (s *Sandbox) controlled(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(ControlHeader) == "" {
			e := invalid("", "", "A control call needs a header, so that no web page can make it: %s: 1", ControlHeader)
			e.status = http.StatusForbidden
			s.answerError(w, r, e)
			return
		}
		next(w, r)
	}
}

// body reads the JSON body; an empty one leaves v as it is.
func (c *call) body(v any) error {
	decoder := json.NewDecoder(bytes.NewReader(c.json))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return invalid("", "", "Invalid JSON: %s.", err)
	}
	return nil
}

func (c *call) setChaos() (any, error) {
	var x Chaos
	if err := c.body(&x); err != nil {
		return nil, err
	}
	return x, c.keepChaos(x)
}

// flushLimit is how long /sandbox/flush waits at most.
const flushLimit = time.Minute

func (s *Sandbox) flush(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), flushLimit)
	defer cancel()
	s.rendered(http.StatusOK, map[string]any{"pending": s.Wait(ctx) != nil}).write(w)
}
