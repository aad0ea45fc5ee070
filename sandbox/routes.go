package sandbox

import (
	"crypto/subtle"
	"maps"
	"net"
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
	routes := map[string]api.Handler{}
	for path, is := range api.Paths() {
		routes["GET /v1/"+path+"/{id}"] = api.Shows(is.Kind)
		if is.By != "" {
			routes["GET /v1/"+path] = api.Listed(is.Kind, strings.Fields(is.By)...)
		}
	}
	maps.Copy(routes, payments.Routes())
	maps.Copy(routes, billing.Routes())
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
	kind := api.Paths()[strings.TrimPrefix(path, "test_helpers/")].Kind
	if method == http.MethodGet && !one && kind != "" {
		return "[]" + kind
	}
	return kind
}

// ControlHeader must come with each control call. A web page can't send it: the
// browser asks first, and the sandbox never says yes.
const ControlHeader = "Sandbox-Control"

// guard keeps out what a web page makes its reader's browser send: requests
// from another site, even with a key in their address, and to a name that
// the page's owner lets point here (DNS rebinding).
func (s *Sandbox) guard(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.isOurs(r.Host) {
			s.answerError(w, r, api.Refused(http.StatusMisdirectedRequest,
				"Unknown host: the sandbox is asked by an address, as localhost, or by the name it was told to listen on."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isOurs tells whether a Host header names the sandbox. An address always does:
// rebinding takes a name.
func (s *Sandbox) isOurs(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	return host == "localhost" || host == strings.ToLower(s.cfg.Host) && host != "" || net.ParseIP(host) != nil
}

// authorize checks the API key, sent as a bearer token or as the user of basic
// authentication. https://docs.stripe.com/api/authentication
func (s *Sandbox) authorize(w http.ResponseWriter, r *http.Request) error {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		key, _, _ = r.BasicAuth()
	}
	key = strings.TrimSpace(key)
	known, message := strings.HasPrefix(key, "sk_test_") || strings.HasPrefix(key, "rk_test_"), "Invalid API Key provided."
	if s.cfg.SecretKey != "" {
		known = subtle.ConstantTimeCompare([]byte(key), []byte(s.cfg.SecretKey)) == 1
	}
	switch {
	case key == "":
		message = "You did not provide an API key. Provide it in the Authorization header, " +
			"as a bearer token (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
	case strings.Contains(key, "_live_"):
		message = "Invalid API Key provided: this is a sandbox, which takes test keys only."
	case known:
		return nil
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="Stripe"`)
	return api.Refused(http.StatusUnauthorized, "%s", message)
}
