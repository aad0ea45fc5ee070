package sandbox

import (
	"maps"
	"net/http"
	"strings"

	"hourbank/sandbox/api"
	"hourbank/sandbox/billing"
	"hourbank/sandbox/payments"
)

func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range s.apiRoutes() {
		mux.Handle(pattern, s.api(subject(pattern), h))
	}
	for pattern, h := range s.controlRoutes() {
		mux.Handle(pattern, s.control(h))
	}
	mux.HandleFunc("POST /sandbox/flush", s.controlled(s.flush))
	mux.HandleFunc("GET /stripecli/subscribe/{id}", func(w http.ResponseWriter, r *http.Request) {
		if err := s.webhooks.Subscribe(w, r); err != nil {
			s.answerError(w, r, err)
		}
	})
	mux.Handle("/", s.api("", func(c *api.Call) api.Act {
		c.Form.Fail(api.Refused(http.StatusNotFound, "Unrecognized request URL (%s: %s).", c.HTTP.Method, c.HTTP.URL.Path))
		return nil
	}))
	return s.guard(mux)
}

// apiRoutes are the calls of Stripe's API that the sandbox knows.
// https://docs.stripe.com/api
func (s *Sandbox) apiRoutes() map[string]api.Handler {
	routes := payments.Routes()
	maps.Copy(routes, billing.Routes())
	for path, is := range api.Paths() {
		if is.Shown {
			routes["GET /v1/"+path+"/{id}"] = api.Shows(is.Kind)
		}
		if is.By != "" {
			routes["GET /v1/"+path] = api.Listed(is.Kind, strings.Fields(is.By)...)
		}
	}
	maps.Copy(routes, map[string]api.Handler{
		"GET /v1/account":             api.Account,
		"GET /v1/events":              api.ListEvents,
		"GET /v1/events/{id}":         api.GetEvent,
		"POST /v1/stripecli/sessions": s.webhooks.CreateListener,
	})
	return routes
}

// subject reads what a call is about of a pattern such as "GET /v1/charges":
// an object's kind, with "[]" before it for a list of them.
func subject(pattern string) string {
	method, path, _ := strings.Cut(pattern, " /v1/")
	path, _, one := strings.Cut(path, "/{id}")
	kind := api.Paths()[path].Kind
	if method == http.MethodGet && !one && kind != "" {
		return "[]" + kind
	}
	return kind
}
