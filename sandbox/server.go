package sandbox

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"hourbank/sandbox/api"
)

// maxBody bounds what a call may send, in bytes.
const maxBody = 1 << 20

// api serves one call of Stripe's API: who is calling, trouble asked for, an
// answer given before, and only then the call.
func (s *Sandbox) api(about string, h api.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		requestID := api.NewID("req_", 14)
		w.Header().Set("Request-Id", requestID)
		w.Header().Set("Date", s.cfg.Clock().UTC().Format(http.TimeFormat))
		v, err := api.VersionOf(r)
		w.Header().Set("Stripe-Version", string(v))
		if err == nil {
			err = s.authorize(w, r)
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		var form *api.Form
		if err == nil {
			form, err = api.ReadForm(r, strings.TrimPrefix(about, "[]"))
		}
		if err != nil {
			s.answerError(w, r, err)
			return
		}
		trouble := s.takeFault(r)
		if !api.Pause(r.Context(), time.Duration(trouble.LatencyMS)*time.Millisecond) {
			return
		}
		var a answer
		if trouble.Status == 0 || trouble.Executed {
			a = s.answerOnce(r, v, form, requestID, about, h)
		}
		if trouble.Status != 0 {
			s.answerError(w, r, trouble.refusal())
			return
		}
		a.write(w)
	}
}

// answerOnce makes the call, or finds the answer that its Idempotency-Key had
// before.
func (s *Sandbox) answerOnce(r *http.Request, v api.Version, form *api.Form, requestID, about string, h api.Handler) (a answer) {
	key := ""
	if r.Method == http.MethodPost {
		key = r.Header.Get("Idempotency-Key")
	}
	s.store.Within(func() {
		c := s.store.NewCall()
		c.Version, c.Form, c.HTTP = v, form, r
		if c.Reason["id"] = requestID; key != "" {
			c.Reason["idempotency_key"] = key
		}
		var seen bool
		if a, seen = s.replay(c, key); !seen {
			a = s.answerTo(c, about, h)
			s.keep(c, key, requestID, a)
		}
	})
	return a
}

// answerTo makes the call and renders what it gave, in the version and
// expanded as it asked.
func (s *Sandbox) answerTo(c *api.Call, about string, h api.Handler) answer {
	expansions := c.Form.Texts("expand")
	if err := api.CheckExpansions(about, expansions, c.Version); err != nil {
		c.Form.Fail(err)
	}
	act := h(c)
	if err := c.Form.End(); err != nil {
		return s.errorAnswer(c, err)
	}
	value, err := act()
	if err != nil {
		return s.errorAnswer(c, err)
	}
	return s.rendered(http.StatusOK, c.Render(value, expansions))
}

// errorAnswer renders Stripe's errors as they are, with the objects in them in
// the call's version, and all others as Stripe's own failure, with the cause in
// the log only.
func (s *Sandbox) errorAnswer(c *api.Call, err error) answer {
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		s.log.Error("sandbox call failed", zap.String("path", c.HTTP.URL.Path), zap.Error(err))
		e = api.NewError(http.StatusInternalServerError, "api_error", "An unknown error occurred.")
	}
	return s.rendered(e.Status, c.Render(api.Object{"error": e.Object}, nil))
}

// answerError answers a call that was never made.
func (s *Sandbox) answerError(w http.ResponseWriter, r *http.Request, err error) {
	c := s.store.NewCall()
	c.HTTP = r
	s.errorAnswer(c, err).write(w)
}

// answer is a rendered answer.
type answer struct {
	status  int
	body    []byte
	headers map[string]string
}

func (s *Sandbox) rendered(status int, value any) answer {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		s.log.Error("sandbox answer failed", zap.Error(err))
		return answer{status: http.StatusInternalServerError, body: []byte(`{"error":{"type":"api_error"}}`)}
	}
	return answer{status: status, body: append(body, '\n')}
}

func (a answer) write(w http.ResponseWriter) {
	for name, value := range a.headers {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a caller who went away needs no answer
}

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
	answerLifetime = 24 * 60 * 60 // seconds
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
		return s.errorAnswer(c, api.NewError(http.StatusBadRequest, "idempotency_error",
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
	s.answers[key] = &savedAnswer{answer: a, sent: sent(c.HTTP), expires: c.Now + answerLifetime}
}

func sent(r *http.Request) string { return r.URL.Path + "?" + r.Form.Encode() }
