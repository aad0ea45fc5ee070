package tests

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"hourbank/config"
	"hourbank/services/sessions"
	"hourbank/tests/harness"
)

const signInPage = "/console/sign-in/"

// wantSignedIn says whether the visitor's cookie opens the first page.
func (v *visitor) wantSignedIn(t *testing.T, signedIn bool, why string) {
	t.Helper()
	answer := v.open(t, "/console/")
	if got := answer.Status == http.StatusOK; got != signedIn {
		t.Errorf("%s: answered %d to %s", why, answer.Status, answer.Header.Get("Location"))
	}
}

// at is the same visitor at another program.
func (v *visitor) at(app *harness.App) *visitor { return &visitor{app: app, cookie: v.cookie} }

func TestSigningOutEndsTheSessionOnEveryReplica(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		first, second := db.Serve(t), db.Serve(t)
		v, other := visit(t, first, harness.ReadKey), visit(t, second, harness.ReadKey)
		v.at(second).wantSignedIn(t, true, "another replica")
		v.post(t, "/console/sign-out/", nil).Want(t, http.StatusSeeOther)
		v.wantSignedIn(t, false, "signed out, with the cookie of before")
		v.at(second).wantSignedIn(t, false, "signed out at another replica")
		other.wantSignedIn(t, true, "another session of the same key")
		token := strings.TrimPrefix(other.cookie, "hourbank_session=")
		if n := db.Count(t, "SELECT count(*) FROM console_sessions"); n != 1 {
			t.Errorf("%d sessions are kept", n)
		}
		for _, row := range queryStrings(t, db, "SELECT token_hash || credential FROM console_sessions") {
			wantNone(t, row, token, harness.ReadKey)
		}
	})
}

// ago is a moment as both databases write it.
func ago(d time.Duration) string {
	return time.Now().UTC().Add(-d).Format("2006-01-02 15:04:05.000000+00:00")
}

// began makes the visitor's session as old as if it had begun then: no row says so by
// itself.
func (v *visitor) began(t *testing.T, at time.Time) {
	t.Helper()
	environ := map[string]string{}
	for _, setting := range v.app.Environ {
		name, value, _ := strings.Cut(setting, "=")
		environ[name] = value
	}
	cfg, err := config.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(v.cookie, "hourbank_session=")
	token, _, _ = strings.Cut(token, ";")
	s := sessions.Session{TokenHash: fmt.Sprintf("%x", sha256.Sum256([]byte(token)))}
	db := v.app.Models(t).WithContext(t.Context())
	if err := db.Take(&s).Error; err != nil {
		t.Fatal(err)
	}
	s.Token, s.StartedAt = token, at.UTC().Truncate(time.Microsecond)
	credential, _ := cfg.Credential(s.Name, config.RoleNamed(s.Role), s.OIDC)
	s.Seal(credential)
	if err := db.Save(&s).Error; err != nil {
		t.Fatal(err)
	}
}

// Who may write the table of sessions is whom they signed in as, and for as long.
func TestASessionIsOfWhoBeganItWhoeverWritesItsRow(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		provider := harness.NewOIDC(t)
		app := db.Serve(t, provider.Settings("http://hours.example.org", "support:read,finance:admin")...)
		person := func() *visitor {
			provider.SignsIn("anna@example.org", true, "support")
			cookie, address := beginOIDC(t, app)
			answer := app.Request(t, http.MethodGet, callback(t, address).RequestURI(), "", "Cookie", cookie).Want(t, http.StatusSeeOther)
			return &visitor{app: app, cookie: cookies(answer)}
		}
		key := func() *visitor { return visit(t, app, harness.ReadKey) }
		for _, row := range []struct {
			signIn func() *visitor
			change string
		}{
			{person, "role = 'admin'"},
			{person, "name = 'chief@example.org'"},
			{person, "oidc = false"},
			{person, "started_at = '" + ago(time.Minute) + "'"},
			{person, "started_at = '" + ago(-time.Hour) + "'"},
			{person, "last_seen_at = '" + ago(-time.Hour) + "'"},
			{person, "name = 'boss', role = 'admin', oidc = false"},
			{key, "role = 'admin', name = 'boss'"},
			{key, "oidc = true"},
			{key, "oidc = true, role = 'admin'"},
			{key, "started_at = '" + ago(time.Minute) + "'"},
			{key, "started_at = '" + ago(-time.Hour) + "'"},
			{key, "last_seen_at = '" + ago(-time.Hour) + "'"},
		} {
			v := row.signIn()
			v.wantSignedIn(t, true, "before "+row.change)
			app.Exec(t, "UPDATE console_sessions SET "+row.change)
			v.wantSignedIn(t, false, row.change)
			app.Exec(t, "DELETE FROM console_sessions")
		}
		v := key()
		v.began(t, time.Now().Add(time.Hour))
		v.wantSignedIn(t, false, "begun in an hour")
	})
}

func TestASessionEndsWhenItIsIdleOrOld(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		v := visit(t, app, harness.ReadKey)
		seen := func(at string) {
			t.Helper()
			app.Exec(t, "UPDATE console_sessions SET last_seen_at = $1", at)
		}
		now := ago(0)
		seen(ago(59 * time.Minute))
		v.wantSignedIn(t, true, "idle for 59 minutes")
		v.wantSignedIn(t, true, "just seen")
		if app.Count(t, "SELECT count(*) FROM console_sessions WHERE last_seen_at >= $1", now) != 1 {
			t.Error("being there doesn't prolong the session")
		}
		seen(ago(61 * time.Minute))
		v.wantSignedIn(t, false, "idle for 61 minutes")
		seen(now)
		v.began(t, time.Now().Add(time.Minute-12*time.Hour))
		v.wantSignedIn(t, true, "begun almost twelve hours ago")
		v.began(t, time.Now().Add(-time.Minute-12*time.Hour))
		v.wantSignedIn(t, false, "begun more than twelve hours ago")
		visit(t, app, harness.ReadKey)
		if n := app.Count(t, "SELECT count(*) FROM console_sessions"); n != 1 {
			t.Errorf("%d sessions are kept, want the new one alone", n)
		}
	})
}

func TestASessionEndsWithItsKey(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		v := visit(t, db.Serve(t), harness.AdminKey)
		v.at(db.Serve(t, "API_KEYS=boss:admin:"+harness.AdminKey+",new:read:new-key-of-somebody-else-x7Q")).wantSignedIn(t, true, "another key was added")
		for keys, why := range map[string]string{
			"boss:admin:a-rolled-key-of-the-tests-x7Q": "its secret is another",
			"boss:read:" + harness.AdminKey:            "its role is another",
			"chief:admin:" + harness.AdminKey:          "its name is another",
		} {
			v.at(db.Serve(t, "API_KEYS="+keys)).wantSignedIn(t, false, why)
		}
	})
}

func TestCookiesAreOfThisHostAloneOverTLS(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		plain, public := db.Serve(t), db.Serve(t, "PUBLIC_URL=https://hours.example.org")
		behind, behindAnother := db.Serve(t, "TRUSTED_PROXIES=127.0.0.0/8,::1"), db.Serve(t, "TRUSTED_PROXIES=192.0.2.1")
		form := url.Values{"key": {harness.ReadKey}}.Encode()
		for _, row := range []struct {
			app  *harness.App
			said []string
			name string
		}{
			{plain, nil, "hourbank_session"},
			{plain, []string{"X-Forwarded-Proto", "https"}, "hourbank_session"},
			{behindAnother, []string{"X-Forwarded-Proto", "https"}, "hourbank_session"},
			{behind, []string{"X-Forwarded-Proto", "https"}, "__Host-hourbank_session"},
			{behind, []string{"X-Forwarded-Proto", "http"}, "hourbank_session"},
			{public, nil, "__Host-hourbank_session"},
		} {
			headers := append([]string{"Content-Type", "application/x-www-form-urlencoded"}, row.said...)
			answer := row.app.Request(t, http.MethodPost, signInPage, form, headers...).Want(t, http.StatusSeeOther)
			set := answer.Header.Get("Set-Cookie")
			wantAll(t, set, row.name+"=", "; Path=/;", "HttpOnly", "SameSite=Lax")
			secure := strings.HasPrefix(row.name, "__Host-")
			if !strings.HasPrefix(set, row.name) || strings.Contains(set, "Secure") != secure || strings.Contains(set, "Domain") {
				t.Errorf("%v: the cookie is %s", row.said, set)
			}
			own := append([]string{"Cookie", cookies(answer)}, row.said...)
			row.app.Request(t, http.MethodGet, "/console/", "", own...).Want(t, http.StatusOK)
			if secure { // one that a neighbouring host or plain HTTP could have set is none
				own[1] = strings.TrimPrefix(own[1], "__Host-")
				row.app.Request(t, http.MethodGet, "/console/", "", own...).Want(t, http.StatusSeeOther)
			}
		}
	})
}

func wantAll(t *testing.T, output string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(output, part) {
			t.Errorf("%q is not in %s", part, output)
		}
	}
}

func TestAFormIsOfItsSessionAlone(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		v, stranger := visit(t, app, harness.AdminKey), visit(t, app, harness.AdminKey)
		for _, token := range []string{"", ".", "x", stranger.formToken(t), v.formToken(t) + "0"} {
			answer := v.post(t, "/console/sign-out/", url.Values{"csrf_token": {token}})
			wantAll(t, answer.Want(t, http.StatusForbidden).Body, "This form was not made by this console")
		}
		if first, second := v.formToken(t), v.formToken(t); first == second {
			t.Error("two pages have one token")
		}
		form := url.Values{"key": {harness.AdminKey}, "csrf_token": {v.formToken(t)}}.Encode()
		for _, path := range []string{signInPage, "/console/sign-out/"} {
			app.Request(t, http.MethodPost, path, form, "Content-Type", "application/x-www-form-urlencoded",
				"Cookie", v.cookie, "Sec-Fetch-Site", "cross-site").Want(t, http.StatusForbidden)
			app.Request(t, http.MethodPost, path, form, "Content-Type", "application/x-www-form-urlencoded",
				"Cookie", v.cookie, "Origin", "https://elsewhere.example").Want(t, http.StatusForbidden)
		}
		v.wantSignedIn(t, true, "after forged forms")
	})
}

func TestSigningInStaysInTheConsole(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for next, want := range map[string]string{
			"":                                "/console/",
			"/console/students/?q=a%20b":      "/console/students/?q=a%20b",
			"/console/purchases/x/#y":         "/console/purchases/x/",
			"//elsewhere.example/console/":    "/console/",
			"https://elsewhere.example":       "/console/",
			"https:/console/":                 "/console/",
			`\\elsewhere.example`:             "/console/",
			`/\elsewhere.example/`:            "/console/",
			`/console/\..\..\x`:               "/console/",
			"/console/../api/":                "/console/",
			"/console/%2e%2e/%2e%2e//x":       "/console/",
			"/console/..//elsewhere.example/": "/console/",
			"/consolex/":                      "/console/",
			"javascript:alert(1)":             "/console/",
			"/console/\r\nX: y":               "/console/",
		} {
			form := url.Values{"key": {harness.ReadKey}, "next": {next}}.Encode()
			answer := app.Request(t, http.MethodPost, signInPage, form, "Content-Type", "application/x-www-form-urlencoded")
			if got := answer.Want(t, http.StatusSeeOther).Header.Get("Location"); got != want {
				t.Errorf("next=%q leads to %q, want %q", next, got, want)
			}
			page := app.Request(t, http.MethodGet, signInPage+"?"+url.Values{"next": {next}}.Encode(), "")
			if page.Status == http.StatusOK { // a control character is refused at once
				wantAll(t, page.Body, `name="next" value="`+strings.ReplaceAll(want, "&", "&amp;")+`"`)
			}
		}
	})
}
