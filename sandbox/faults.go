package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"hourbank/sandbox/api"
	"hourbank/sandbox/webhooks"
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

func (x Fault) latency() time.Duration { return time.Duration(x.LatencyMS) * time.Millisecond }
func (x Fault) refuses() bool          { return x.Status != 0 && !x.Executed }
func (x Fault) loses() bool            { return x.Status != 0 && x.Executed }

func (x Fault) answer() answer {
	e := api.NewError(x.Status, api.TypeAPI, "An unknown error occurred, as it was asked for.")
	if x.Status == http.StatusTooManyRequests {
		e = api.Refused(x.Status, "Request rate limit exceeded, as it was asked for.")
		e.Object["code"] = "rate_limit"
	}
	body, _ := json.Marshal(map[string]any{"error": e.Object}) // plain strings
	return answer{status: x.Status, body: body}
}
