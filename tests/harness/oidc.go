package harness

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/oauth2-proxy/mockoidc"
)

// OIDC is an OpenID Connect provider.
type OIDC struct{ *mockoidc.MockOIDC }

// NewOIDC starts a provider, where everybody who comes is signed in as the
// next person who was told (SignsIn).
func NewOIDC(tb testing.TB) *OIDC {
	tb.Helper()
	provider, err := mockoidc.Run()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = provider.Server.Close() }) // it may be stopped already
	return &OIDC{provider}
}

// Settings are the program's for this provider, with groups such as
// "support:read".
func (o *OIDC) Settings(publicURL, groups string) []string {
	return []string{
		"PUBLIC_URL=" + publicURL, "OIDC_ISSUER=" + o.Issuer(), "OIDC_CLIENT_ID=" + o.ClientID,
		"OIDC_CLIENT_SECRET=" + o.ClientSecret, "OIDC_GROUPS=" + groups,
	}
}

// SignsIn says who comes next.
func (o *OIDC) SignsIn(email string, verified bool, groups ...string) {
	o.QueueUser(&mockoidc.MockUser{Subject: "subject-of-" + email, Email: email, EmailVerified: verified, Groups: groups})
}

// SignsInFor says who comes next, with a token for these clients that one of them asked for.
func (o *OIDC) SignsInFor(clients []string, asked string, email string, groups ...string) {
	o.QueueUser(&sharedUser{&mockoidc.MockUser{Subject: "subject-of-" + email, Email: email, Groups: groups}, clients, asked})
}

type sharedUser struct {
	*mockoidc.MockUser
	clients []string
	asked   string
}

// Claims are the token's.
func (u *sharedUser) Claims(scope []string, claims *mockoidc.IDTokenClaims) (jwt.Claims, error) {
	claims.Audience = u.clients
	own, err := u.MockUser.Claims(scope, claims)
	if err != nil {
		return nil, err
	}
	all := jwt.MapClaims{}
	encoded, err := json.Marshal(own)
	if err == nil {
		err = json.Unmarshal(encoded, &all)
	}
	if u.asked != "" {
		all["azp"] = u.asked
	}
	return all, err
}

// Proxy is a proxy before a program that is started later, so that the program
// can be told its public address. It is called localhost, another site than the
// other servers of tests.
type Proxy struct {
	URL string
	To  *App
}

// NewProxy starts one.
func NewProxy(tb testing.TB) *Proxy {
	tb.Helper()
	p := &Proxy{}
	server := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		target, err := url.Parse(p.To.BaseURL)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.SetURL(target)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}})
	tb.Cleanup(server.Close)
	p.URL = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return p
}
