package sandbox

import (
	"maps"
	"net/http"
	"time"

	"hourbank/sandbox/api"
)

// savedAnswer is what a call with an Idempotency-Key was answered. The same
// key with the same parameters gets it again and nothing happens twice.
// https://docs.stripe.com/api/idempotent_requests
type savedAnswer struct {
	answer
	sent    string // what was asked: path and parameters
	expires int64  // Unix seconds
}

const (
	maxKeyLength   = 255
	answerLifetime = 24 * time.Hour
)

// replay gives the answer saved under the key, or an error's answer where the
// key was used for something else.
func (s *Sandbox) replay(c *api.Call, key string) (answer, bool) {
	if len(key) > maxKeyLength {
		return s.errorAnswer(c, api.Invalid("", "", "Idempotency keys can be up to %d characters.", maxKeyLength)), true
	}
	saved, ok := s.answers[key]
	if !ok || saved.expires <= c.Now {
		return answer{}, false
	}
	if saved.sent != sent(c.HTTP) {
		return s.errorAnswer(c, api.NewError(http.StatusBadRequest, api.TypeIdempotency,
			"Keys for idempotent requests can only be used with the same parameters they were first used with. "+
				"Try using a key other than '%s' if you meant to execute a different request.", key)), true
	}
	again := saved.answer
	again.headers = maps.Clone(saved.headers)
	again.headers["Idempotent-Replayed"] = "true"
	return again, true
}

// keep saves the answer. A call whose parameters were refused did nothing, so
// its key stays free.
func (s *Sandbox) keep(c *api.Call, key, requestID string, a answer) {
	if key == "" || (a.status >= 400 && a.status < 500 && a.status != http.StatusPaymentRequired) {
		return
	}
	a.headers = map[string]string{"Idempotency-Key": key, "Original-Request": requestID}
	s.answers[key] = &savedAnswer{answer: a, sent: sent(c.HTTP), expires: c.Now + int64(answerLifetime.Seconds())}
}

func sent(r *http.Request) string { return r.URL.Path + "?" + r.Form.Encode() }
