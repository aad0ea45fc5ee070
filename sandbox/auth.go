package sandbox

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

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
		return unauthorized(w, "Invalid API Key provided: "+redact(key))
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
	return &apiError{status: http.StatusUnauthorized, Type: typeInvalidRequest, Message: message}
}

// redact shows a key's kind and its last four characters, as Stripe does.
func redact(key string) string {
	const shown = 4
	kind := ""
	if i := strings.LastIndexByte(key, '_'); i >= 0 {
		kind = key[:i+1]
	}
	rest := key[len(kind):]
	if len(rest) <= 2*shown {
		return kind + strings.Repeat("*", len(rest))
	}
	return kind + strings.Repeat("*", len(rest)-shown) + rest[len(rest)-shown:]
}
