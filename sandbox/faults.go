package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

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

type fault struct{ Fault }

func (x Fault) check() error {
	switch {
	case x.Status != 0 && (x.Status < 400 || x.Status > 599):
		return invalid("", "status", "Invalid status: must be between 400 and 599.")
	case x.Count < 0:
		return invalid("", "count", "Invalid count: must not be negative.")
	case x.LatencyMS < 0 || x.LatencyMS > longestDelay.Milliseconds():
		return invalid("", "latency_ms", "Invalid latency_ms: must be between 0 and %d.", longestDelay.Milliseconds())
	}
	return nil
}

// AddFault lets calls to come fail. Faults hit in the order of their adding.
// Its error says what is out of bounds.
func (s *Sandbox) AddFault(x Fault) (err error) {
	s.within(func(st *state) { err = st.keepFault(x) })
	return err
}

func (st *state) keepFault(x Fault) error {
	if err := x.check(); err != nil {
		return err
	}
	x.Count = max(x.Count, 1)
	st.faults = append(st.faults, &fault{x})
	return nil
}

// takeFault gives the first fault that the call meets, nil for none.
func (s *Sandbox) takeFault(r *http.Request) (met *fault) {
	s.within(func(st *state) {
		i := slices.IndexFunc(st.faults, func(f *fault) bool {
			return (f.Method == "" || f.Method == r.Method) && strings.HasPrefix(r.URL.Path, f.PathPrefix)
		})
		if i < 0 {
			return
		}
		copied := *st.faults[i]
		met = &copied
		if st.faults[i].Count--; st.faults[i].Count == 0 {
			st.faults = slices.Delete(st.faults, i, i+1)
		}
	})
	return met
}

func (f *fault) latency() time.Duration {
	if f == nil {
		return 0
	}
	return time.Duration(f.LatencyMS) * time.Millisecond
}

func (f *fault) refuses() bool { return f != nil && f.Status != 0 && !f.Executed }
func (f *fault) loses() bool   { return f != nil && f.Status != 0 && f.Executed }

func (f *fault) write(w http.ResponseWriter) {
	e := &apiError{Type: typeAPI, Message: "An unknown error occurred, as it was asked for."}
	if f.Status == http.StatusTooManyRequests {
		e = &apiError{Type: typeInvalidRequest, Code: "rate_limit", Message: "Request rate limit exceeded, as it was asked for."}
	}
	body, _ := json.Marshal(map[string]*apiError{"error": e}) // plain strings
	answer{status: f.Status, body: body}.write(w)
}

func (c *call) addFault() (any, error) {
	var x Fault
	if err := c.body(&x); err != nil {
		return nil, err
	}
	if err := c.keepFault(x); err != nil {
		return nil, err
	}
	return c.listFaults()
}

func (c *call) listFaults() (any, error) {
	faults := []Fault{}
	for _, f := range c.faults {
		faults = append(faults, f.Fault)
	}
	return map[string]any{"data": faults}, nil
}

func (c *call) clearFaults() (any, error) {
	c.faults = nil
	return c.listFaults()
}
