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
	version version
	form    *form
	json    []byte        // the body of a control call
	http    *http.Request // nil where nobody called
	reason  eventRequest  // what its events name as their cause
}

// id gives the id in the path.
func (c *call) id() string { return c.http.PathValue("id") }

// handler answers a call with what to render, or an error, best an *apiError.
// It reads all of the form and ends it before it changes anything.
type handler func(*call) (any, error)

// Handler serves Stripe's API and the control calls.
func (s *Sandbox) Handler() http.Handler { return s.handler }

// api serves one call of Stripe's API: who is calling, trouble asked for, an
// answer given before, and only then the call.
func (s *Sandbox) api(about resource, h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		requestID := newID("req_", 14)
		w.Header().Set("Request-Id", requestID)
		v, err := versionOf(r)
		w.Header().Set("Stripe-Version", string(v))
		if err == nil {
			err = s.authorize(w, r)
		}
		if err != nil {
			s.answerError(w, r, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		params, err := readForm(r, stripes().takes(about.kind))
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
		c := &call{version: v, form: params, http: r, reason: eventRequest{ID: nullString(requestID)}}
		a := s.answerOnce(c, about, h)
		if trouble.loses() {
			trouble.write(w)
			return
		}
		a.write(w)
	}
}

// answerOnce makes the call, or finds the answer that its Idempotency-Key had
// before.
func (s *Sandbox) answerOnce(c *call, about resource, h handler) (a answer) {
	s.within(func(st *state) {
		c.state, c.sandbox, c.now = st, s, s.cfg.Clock().Unix()
		key := ""
		if c.http.Method == http.MethodPost {
			key = c.http.Header.Get("Idempotency-Key")
			c.reason.IdempotencyKey = nullString(key)
		}
		var seen bool
		if a, seen = c.replay(key); seen {
			return
		}
		a = s.answerTo(c, about, h)
		c.keep(key, string(c.reason.ID), a)
	})
	return a
}

func (s *Sandbox) newCall(st *state) *call {
	return &call{state: st, sandbox: s, now: s.cfg.Clock().Unix(), version: accountVersion, form: &form{mistake: new(error)}}
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

// answerTo makes the call and renders what it gave, in the version and
// expanded as it asked.
func (s *Sandbox) answerTo(c *call, about resource, h handler) answer {
	expansions := c.form.texts("expand")
	value, err := any(nil), checkExpansions(about.kind, about.list, expansions, c.version)
	if err == nil {
		value, err = h(c)
	}
	if err == nil {
		value, err = c.render(value, expansions)
	}
	if err != nil {
		return c.errorAnswer(err)
	}
	return s.rendered(http.StatusOK, value)
}

// render gives a value in the call's version.
func (c *call) render(value any, expansions []string) (any, error) {
	all, err := c.whole(value)
	if err != nil {
		return nil, err
	}
	one := shaped(all, c.version)
	return one, c.expand(one, expansions, c.version)
}

// errorAnswer renders an error, with the objects in it in the call's version.
func (c *call) errorAnswer(err error) answer {
	e := c.sandbox.asStripes(c.http, err)
	value, err := c.render(map[string]*apiError{"error": e}, nil)
	if err != nil {
		return c.sandbox.rendered(e.status, map[string]*apiError{"error": {Type: e.Type, Message: e.Message}})
	}
	return c.sandbox.rendered(e.status, value)
}

// asStripes gives Stripe's errors as they are, and all others as Stripe's own
// failure, with the cause in the log only.
func (s *Sandbox) asStripes(r *http.Request, err error) *apiError {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		s.log.Error("sandbox call failed", zap.String("path", r.URL.Path), zap.Error(err))
		e = &apiError{status: http.StatusInternalServerError, Type: typeAPI, Message: "An unknown error occurred."}
	}
	return e
}

// answerError answers a call that was never made.
func (s *Sandbox) answerError(w http.ResponseWriter, r *http.Request, err error) {
	e := s.asStripes(r, err)
	s.rendered(e.status, map[string]*apiError{"error": e}).write(w)
}

func (s *Sandbox) rendered(status int, value any) answer {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		s.log.Error("sandbox answer failed", zap.Error(err))
		return answer{status: http.StatusInternalServerError, body: []byte(`{"error":{"type":"api_error"}}`)}
	}
	return answer{status: status, body: append(body, '\n')}
}
