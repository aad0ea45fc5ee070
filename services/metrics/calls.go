package metrics

import (
	"net/http"
	"strconv"
	"time"
)

// Calls counts the calls of Stripe's API that a transport makes.
func (m *Metrics) Calls(transport http.RoundTripper) http.RoundTripper {
	return calls{m, transport}
}

type calls struct {
	metrics *Metrics
	http.RoundTripper
}

// RoundTrip makes one call. Its duration ends with the answer's headers.
func (c calls) RoundTrip(request *http.Request) (*http.Response, error) {
	start, status := time.Now(), "error"
	answer, err := c.RoundTripper.RoundTrip(request)
	if err == nil {
		status = strconv.Itoa(answer.StatusCode)
	}
	c.metrics.calls.WithLabelValues(request.Method, status).Observe(time.Since(start).Seconds())
	return answer, err
}
