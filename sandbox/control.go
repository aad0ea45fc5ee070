package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"hourbank/sandbox/api"
	"hourbank/sandbox/billing"
	"hourbank/sandbox/payments"
	"hourbank/sandbox/webhooks"
)

// controlHandler answers a control call with a JSON body.
type controlHandler func(c *api.Call, body []byte) (any, error)

// controlRoutes are the calls that are not Stripe's: JSON, with ControlHeader instead of a key.
func (s *Sandbox) controlRoutes() map[string]controlHandler {
	shows := func(what func() any) controlHandler {
		return func(*api.Call, []byte) (any, error) { return map[string]any{"data": what()}, nil }
	}
	routes := map[string]controlHandler{
		"GET /sandbox/chaos":  func(*api.Call, []byte) (any, error) { return s.webhooks.Chaos, nil },
		"POST /sandbox/chaos": said(func(x Chaos) (any, error) { return x, s.webhooks.SetChaos(x) }),
		"GET /sandbox/faults": shows(func() any { return s.faults }),
		"POST /sandbox/faults": said(func(x Fault) (any, error) {
			err := s.keepFault(x)
			return map[string]any{"data": s.faults}, err
		}),
		"DELETE /sandbox/faults": shows(func() any {
			s.faults = []Fault{}
			return s.faults
		}),
		"GET /sandbox/books":               shows(func() any { return payments.Books(s.store) }),
		"GET /sandbox/deliveries":          shows(func() any { return s.webhooks.Deliveries() }),
		"POST /sandbox/test_clock/advance": said(func(x struct{ Days int }) (any, error) { return s.advance(x.Days) }),
	}
	for _, kind := range []string{"payment_intents", "disputes", "refunds", "checkout/sessions", "subscriptions"} {
		routes["POST /sandbox/"+kind+"/{id}/{action}"] = func(c *api.Call, body []byte) (any, error) {
			return said(func(with Options) (any, error) { return s.act(c, c.ID(), c.HTTP.PathValue("action"), with) })(c, body)
		}
	}
	return routes
}

// advance moves the clock, and gives the time.
func (s *Sandbox) advance(days int) (any, error) {
	if err := s.cfg.Advance(days); err != nil {
		return nil, api.Invalid("", "days", "%s", err)
	}
	return map[string]int64{"now": s.cfg.Clock().Unix()}, nil
}

// said reads the body for a call; an empty one says nothing.
func said[T any](do func(T) (any, error)) controlHandler {
	return func(_ *api.Call, body []byte) (any, error) {
		var v T
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&v); err != nil && !errors.Is(err, io.EOF) {
			return nil, api.Invalid("", "", "Invalid JSON: %s.", err)
		}
		return do(v)
	}
}

// act does what Do does.
func (s *Sandbox) act(c *api.Call, id, action string, with Options) (api.Object, error) {
	o := c.Get(id)
	if o == nil {
		return nil, api.NoSuch("object", id, api.InPath)
	}
	actions := payments.Actions()
	maps.Copy(actions, billing.Actions())
	do, ok := actions[o.Kind()+" "+action]
	if !ok {
		return nil, api.Refused(http.StatusNotFound, "No such action: '%s' on %s.", action, id)
	}
	return do(c, o, with)
}

// control serves one control call.
func (s *Sandbox) control(h controlHandler) http.HandlerFunc {
	return s.controlled(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			s.answerError(w, r, api.Invalid("", "", "The body cannot be read: %s.", err))
			return
		}
		var a answer
		s.store.Within(func() {
			c := s.store.NewCall()
			c.HTTP = r
			a = s.answerTo(c, "", func(c *api.Call) api.Act {
				return func() (any, error) { return h(c, body) }
			})
		})
		a.write(w)
	})
}

// controlled lets only control calls with ControlHeader through.
func (s *Sandbox) controlled(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(ControlHeader) == "" {
			s.answerError(w, r, api.Refused(http.StatusForbidden, "A control call needs a header, so that no web page can make it: %s: 1", ControlHeader))
			return
		}
		next(w, r)
	}
}

// flushLimit is how long /sandbox/flush waits at most.
const flushLimit = time.Minute

func (s *Sandbox) flush(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), flushLimit)
	defer cancel()
	s.rendered(http.StatusOK, map[string]any{"pending": s.Wait(ctx) != nil}).write(w)
}

// Fault is trouble at Stripe: calls of the API that are refused or late, or
// whose answers are lost. https://docs.stripe.com/rate-limits
type Fault struct {
	Status     int    `json:"status"`      // 429, 500, 503, …; 0 for none, only late
	Count      int    `json:"count"`       // of calls it hits, default 1
	Method     string `json:"method"`      // only such calls; empty for all
	PathPrefix string `json:"path_prefix"` // only such paths; empty for all
	LatencyMS  int64  `json:"latency_ms"`  // milliseconds before anything happens
	Executed   bool   `json:"executed"`    // the call takes place, and only its answer is lost
}

func (s *Sandbox) keepFault(x Fault) error {
	switch longest := webhooks.LongestDelay.Milliseconds(); {
	case x.Status != 0 && (x.Status < 400 || x.Status > 599):
		return api.Invalid("", "status", "Invalid status: must be between 400 and 599.")
	case x.Count < 0:
		return api.Invalid("", "count", "Invalid count: must not be negative.")
	case x.LatencyMS < 0 || x.LatencyMS > longest:
		return api.Invalid("", "latency_ms", "Invalid latency_ms: must be between 0 and %d.", longest)
	}
	x.Count = max(x.Count, 1)
	s.faults = append(s.faults, x)
	return nil
}

// takeFault gives the first fault that the call meets, one of nothing for none.
func (s *Sandbox) takeFault(r *http.Request) (met Fault) {
	s.store.Within(func() {
		i := slices.IndexFunc(s.faults, func(f Fault) bool {
			return (f.Method == "" || f.Method == r.Method) && strings.HasPrefix(r.URL.Path, f.PathPrefix)
		})
		if i < 0 {
			return
		}
		met = s.faults[i]
		if s.faults[i].Count--; s.faults[i].Count == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
	})
	return met
}

func (x Fault) refusal() error {
	if x.Status == http.StatusTooManyRequests {
		return api.Refused(x.Status, "Request rate limit exceeded, as it was asked for.").With(api.Object{"code": "rate_limit"})
	}
	return api.NewError(x.Status, "api_error", "An unknown error occurred, as it was asked for.")
}
