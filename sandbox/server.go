package sandbox

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

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
		v, err := api.VersionOf(r)
		w.Header().Set("Stripe-Version", string(v))
		if err == nil {
			err = s.authorize(w, r)
		}
		if err != nil {
			s.answerError(w, r, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		form, err := api.ReadForm(r, strings.TrimPrefix(about, "[]"))
		if err != nil {
			s.answerError(w, r, err)
			return
		}
		trouble := s.takeFault(r)
		if !api.Pause(r.Context(), trouble.latency()) {
			return
		}
		if trouble.refuses() {
			trouble.answer().write(w)
			return
		}
		a := s.answerOnce(r, v, form, requestID, about, h)
		if trouble.loses() {
			a = trouble.answer()
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

// errorAnswer renders an error, with the objects in it in the call's version.
func (s *Sandbox) errorAnswer(c *api.Call, err error) answer {
	e := s.asStripes(c.HTTP, err)
	return s.rendered(e.Status, c.Render(api.Object{"error": e.Object}, nil))
}

// asStripes gives Stripe's errors as they are, and all others as Stripe's own
// failure, with the cause in the log only.
func (s *Sandbox) asStripes(r *http.Request, err error) *api.Error {
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		s.log.Error("sandbox call failed", zap.String("path", r.URL.Path), zap.Error(err))
		e = api.NewError(http.StatusInternalServerError, api.TypeAPI, "An unknown error occurred.")
	}
	return e
}

// answerError answers a call that was never made.
func (s *Sandbox) answerError(w http.ResponseWriter, r *http.Request, err error) {
	e := s.asStripes(r, err)
	s.rendered(e.Status, map[string]any{"error": e.Object}).write(w)
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
