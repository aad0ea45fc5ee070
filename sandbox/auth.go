package sandbox

import (
	"crypto/subtle"
	"net"
	"net/http"
	"strings"

	"hourbank/sandbox/api"
)

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
	if key == "" {
		return unauthorized(w, "You did not provide an API key. Provide it in the Authorization header, "+
			"as a bearer token (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').")
	}
	if strings.Contains(key, "_live_") {
		return unauthorized(w, "Invalid API Key provided: this is a sandbox, which takes test keys only.")
	}
	if !s.knows(key) {
		return unauthorized(w, "Invalid API Key provided.")
	}
	return nil
}

func (s *Sandbox) knows(key string) bool {
	if s.cfg.SecretKey != "" {
		return subtle.ConstantTimeCompare([]byte(key), []byte(s.cfg.SecretKey)) == 1
	}
	return strings.HasPrefix(key, "sk_test_") || strings.HasPrefix(key, "rk_test_")
}

func unauthorized(w http.ResponseWriter, message string) error {
	w.Header().Set("WWW-Authenticate", `Basic realm="Stripe"`)
	return api.Refused(http.StatusUnauthorized, "%s", message)
}
