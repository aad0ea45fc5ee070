package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// controlRoutes are the calls that are not Stripe's. They take and give JSON
// and ask for no key, so the sandbox belongs on a loopback address.
//
//	GET|POST /sandbox/chaos        how webhooks misbehave: Chaos
//	GET|POST /sandbox/faults       how API calls fail: Fault; DELETE ends it
//	GET  /sandbox/books            what really became of the money: []Book
//	GET  /sandbox/deliveries       what became of the webhooks: []Delivery
//	POST /sandbox/flush            answers once nothing is pending: see Wait
//	POST /sandbox/KIND/ID/ACTION   what Stripe or a customer does: see Do
func controlRoutes() map[string]handler {
	routes := map[string]handler{
		"GET /sandbox/chaos":     func(c *call) (any, error) { return c.chaos, nil },
		"POST /sandbox/chaos":    (*call).setChaos,
		"GET /sandbox/faults":    (*call).listFaults,
		"POST /sandbox/faults":   (*call).addFault,
		"DELETE /sandbox/faults": (*call).clearFaults,
		"GET /sandbox/books":     func(c *call) (any, error) { return map[string]any{"data": c.books()}, nil },
	}
	for _, kind := range []string{"payment_intents", "disputes", "refunds", "checkout/sessions", "subscriptions"} {
		routes["POST /sandbox/"+kind+"/{id}/{action}"] = (*call).postAction
	}
	return routes
}

// control serves one control call.
func (s *Sandbox) control(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
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
			a = s.answerTo(c, h)
		})
		a.write(w)
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

func (s *Sandbox) getDeliveries(w http.ResponseWriter, _ *http.Request) {
	s.writeJSON(w, map[string]any{"data": s.Deliveries()})
}

// flushLimit is how long /sandbox/flush waits at most.
const flushLimit = time.Minute

func (s *Sandbox) flush(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), flushLimit)
	defer cancel()
	s.writeJSON(w, map[string]any{"pending": s.Wait(ctx) != nil})
}

func (s *Sandbox) writeJSON(w http.ResponseWriter, value any) {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		s.log.Error("sandbox answer failed", zap.Error(err))
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	answer{status: http.StatusOK, body: append(body, '\n')}.write(w)
}
