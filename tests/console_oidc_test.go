package tests

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"hourbank/database"
	"hourbank/tests/harness"
)

const oidcPath = signInPage + "oidc/"

// In a real browser, which comes back from another site.
func TestPeopleSignInWithOpenIDConnect(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		provider, proxy := harness.NewOIDC(t), harness.NewProxy(t)
		proxy.To = db.Serve(t, provider.Settings(proxy.URL, "support:read,finance:admin")...)
		b := harness.NewBrowser(t)
		provider.SignsIn("anna@example.org", true, "staff", "support")
		b.Open(proxy.URL + "/console/students/")
		b.Submit("main a.primary")
		if want := proxy.URL + "/console/students/"; b.Address() != want {
			t.Fatalf("ended at %s, want %s", b.Address(), want)
		}
		if who := b.Text(".who span"); strings.Join(strings.Fields(who), " ") != "anna@example.org read" {
			t.Errorf("signed in as %q", who)
		}
		b.Submit(".who button")
		b.WantText("Sign in", "Sign in with your organisation’s account")
	})
}

// withOIDC begins a sign-in at a program and gives the browser's cookie and
// the provider's address.
func beginOIDC(t *testing.T, app *harness.App) (cookie string, provider *url.URL) {
	t.Helper()
	begun := app.Request(t, http.MethodGet, oidcPath+"?next=/console/events/", "").Want(t, http.StatusSeeOther)
	address, err := url.Parse(begun.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return cookies(begun), address
}

// callback is where the provider sends the browser back to, at the program
// itself.
func callback(t *testing.T, provider *url.URL) *url.URL {
	t.Helper()
	answer := harness.Elsewhere(t, provider.Scheme+"://"+provider.Host, http.MethodGet, provider.RequestURI(), "").Want(t, http.StatusFound)
	back, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || back.Path != oidcPath+"callback/" {
		t.Fatalf("the provider sends back to %s (%v)", back, err)
	}
	return back
}

func TestThePersonsGroupsAreItsRoleAndItsNameIsTheActor(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		provider := harness.NewOIDC(t)
		settings := func(groups string) []string { return provider.Settings("http://hours.example.org", groups) }
		app := db.Serve(t, settings("support:read,finance:admin")...)
		sign := func(email string, verified bool, groups ...string) *visitor {
			t.Helper()
			provider.SignsIn(email, verified, groups...)
			cookie, address := beginOIDC(t, app)
			back := callback(t, address)
			answer := app.Request(t, http.MethodGet, back.RequestURI(), "", "Cookie", cookie)
			if to := answer.Want(t, http.StatusSeeOther).Header.Get("Location"); to != "/console/events/" {
				t.Errorf("ended at %s", to)
			}
			app.Request(t, http.MethodGet, back.RequestURI(), "", "Cookie", cookie).Want(t, http.StatusUnauthorized) // the code is used
			return &visitor{app: app, cookie: cookies(answer)}
		}
		grant := url.Values{"once": {"1"}, "hours": {"1"}, "reason": {"goodwill"}}
		sign("reads@example.org", true, "support", "others").post(t, "/console/students/s/grants/", grant).Want(t, http.StatusForbidden)
		chief := sign("chief@example.org", true, "support", "finance")
		chief.post(t, "/console/students/s/grants/", grant).Want(t, http.StatusSeeOther)
		sign("claimed@example.org", false, "finance").wantSignedIn(t, true, "an e-mail address that nobody verified")

		log := app.As(t, harness.AdminKey, http.MethodGet, api+"/audit-log/").Want(t, http.StatusOK)
		want := `["oidc:subject-of-claimed@example.org","chief@example.org","chief@example.org","reads@example.org"]`
		if got := log.Get("data.#.actor").String(); got != want {
			t.Errorf("the actors are %s, want %s", got, want)
		}
		chief.at(db.Serve(t, settings("support:read,finance:admin")...)).wantSignedIn(t, true, "another replica")
		chief.at(db.Serve(t, settings("support:read")...)).wantSignedIn(t, false, "its group has no role any more")
		rolled := append(settings("support:read,finance:admin"), "OIDC_CLIENT_SECRET=another-secret-of-the-provider-x7Q")
		chief.at(db.Serve(t, rolled...)).wantSignedIn(t, false, "without the provider's secret no session can be made up")
		chief.at(db.Serve(t)).wantSignedIn(t, false, "OpenID Connect is no more")
	})
}

// Whoever left a group keeps its role for an hour at most; a form that was opened
// in time has ten minutes. A session of a key lasts.
func TestWhoLeavesAGroupLosesItsRoleWithinAnHour(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		provider := harness.NewOIDC(t)
		app := db.Serve(t, provider.Settings("http://hours.example.org", "finance:admin")...)
		signIn := func(want int, groups ...string) *visitor {
			t.Helper()
			provider.SignsIn("chief@example.org", true, groups...)
			cookie, address := beginOIDC(t, app)
			answer := app.Request(t, http.MethodGet, callback(t, address).RequestURI(), "", "Cookie", cookie).Want(t, want)
			return &visitor{app: app, cookie: cookies(answer)}
		}
		chief, key := signIn(http.StatusSeeOther, "finance"), visit(t, app, harness.AdminKey)
		token := chief.formToken(t)
		grant := func(reference string) string {
			form := url.Values{"csrf_token": {token}, "once": {reference}, "hours": {"1"}, "reason": {"goodwill"}}
			return chief.post(t, "/console/students/s/grants/", form).Want(t, http.StatusSeeOther).Header.Get("Location")
		}
		begun := func(minutes time.Duration) {
			for _, v := range []*visitor{chief, key} {
				v.began(t, time.Now().Add(-minutes*time.Minute))
			}
		}
		begun(49)
		chief.wantSignedIn(t, true, "49 minutes ago")
		begun(51)
		if to := chief.open(t, "/console/events/").Want(t, http.StatusSeeOther).Header.Get("Location"); to != signInPage+"?next=%2Fconsole%2Fevents%2F" {
			t.Errorf("after 51 minutes a page leads to %s", to)
		}
		if to := grant("1"); strings.HasPrefix(to, signInPage) {
			t.Errorf("after 51 minutes a form leads to %s", to)
		}
		begun(61)
		if to := grant("2"); !strings.HasPrefix(to, signInPage) {
			t.Errorf("after 61 minutes a form leads to %s", to)
		}
		app.WantBalance(t, "s", fields{"hours_available": "1.00"})
		signIn(http.StatusForbidden, "others")
		signIn(http.StatusSeeOther, "finance").wantSignedIn(t, true, "still in the group")
		key.wantSignedIn(t, true, "with a key")
	})
}

func TestOpenIDConnectSignsNobodyElseIn(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		provider := harness.NewOIDC(t)
		app := db.Serve(t, provider.Settings("http://hours.example.org", "finance:admin")...)
		with := func(address *url.URL, name, value string) *url.URL {
			changed := *address
			query := changed.Query()
			query.Set(name, value)
			changed.RawQuery = query.Encode()
			return &changed
		}
		for name, attack := range map[string]func() (cookie string, back *url.URL){
			"no cookie of a sign-in": func() (string, *url.URL) {
				_, address := beginOIDC(t, app)
				return "x=y", callback(t, address)
			},
			"another browser's answer": func() (string, *url.URL) {
				cookie, _ := beginOIDC(t, app)
				_, address := beginOIDC(t, app)
				return cookie, callback(t, address)
			},
			"another browser's code": func() (string, *url.URL) {
				cookie, own := beginOIDC(t, app)
				_, other := beginOIDC(t, app)
				return cookie, with(callback(t, own), "code", callback(t, other).Query().Get("code"))
			},
			"another nonce": func() (string, *url.URL) {
				cookie, address := beginOIDC(t, app)
				return cookie, callback(t, with(address, "nonce", "other"))
			},
			"another code challenge": func() (string, *url.URL) {
				cookie, address := beginOIDC(t, app)
				return cookie, callback(t, with(address, "code_challenge", "other"))
			},
			"a code of nobody's": func() (string, *url.URL) {
				cookie, address := beginOIDC(t, app)
				return cookie, with(callback(t, address), "code", "other")
			},
			"the provider refused": func() (string, *url.URL) {
				cookie, address := beginOIDC(t, app)
				return cookie, with(callback(t, address), "error", "access_denied")
			},
		} {
			provider.SignsIn("chief@example.org", true, "finance")
			provider.SignsIn("chief@example.org", true, "finance")
			cookie, back := attack()
			answer := app.Request(t, http.MethodGet, back.RequestURI(), "", "Cookie", cookie)
			if answer.Status != http.StatusUnauthorized || strings.Contains(cookies(answer), "hourbank_session") {
				t.Errorf("%s: answered %d: %s", name, answer.Status, answer.Body)
			}
		}
		if n := app.Count(t, "SELECT count(*) FROM console_sessions"); n != 0 {
			t.Errorf("%d sessions were begun", n)
		}
	})
}

// A token for several clients is ours where we asked for it.
func TestATokenThatAnotherClientAskedForSignsNobodyIn(t *testing.T) {
	t.Parallel()
	provider := harness.NewOIDC(t)
	app := harness.NewDatabase(t, database.SQLite).Serve(t, provider.Settings("http://hours.example.org", "finance:admin")...)
	both := []string{provider.ClientID, "another"}
	for _, token := range []struct {
		clients []string
		asked   string
		want    int
	}{
		{both, provider.ClientID, http.StatusSeeOther},
		{both, "another", http.StatusUnauthorized},
		{both, "", http.StatusUnauthorized},
		{both[:1], "another", http.StatusUnauthorized},
		{both[1:], provider.ClientID, http.StatusUnauthorized},
	} {
		provider.SignsInFor(token.clients, token.asked, "chief@example.org", "finance")
		cookie, address := beginOIDC(t, app)
		if got := app.Request(t, http.MethodGet, callback(t, address).RequestURI(), "", "Cookie", cookie).Status; got != token.want {
			t.Errorf("for %v, asked for by %q: %d, want %d", token.clients, token.asked, got, token.want)
		}
	}
}

// Nobody is named as an API key or another kind of actor is: names are who did it, in
// the books.
func TestAnEMailAddressIsNobodyElsesName(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		provider := harness.NewOIDC(t)
		keys := fmt.Sprintf("API_KEYS=boss:admin:%s,till@example.org:read:%s", harness.AdminKey, harness.ReadKey)
		app := db.Serve(t, append(provider.Settings("http://hours.example.org", "finance:admin"), keys)...)
		for email, want := range map[string]string{
			"anna@example.org": "anna@example.org",
			"boss":             "oidc:subject-of-boss",
			"anna":             "oidc:subject-of-anna",
			"till@example.org": "oidc:subject-of-till@example.org",
			"Till@Example.org": "oidc:subject-of-Till@Example.org",
			"oidc:x@y":         "oidc:subject-of-oidc:x@y",
			"cli:root@host":    "oidc:subject-of-cli:root@host",
		} {
			provider.SignsIn(email, true, "finance")
			cookie, address := beginOIDC(t, app)
			app.Request(t, http.MethodGet, callback(t, address).RequestURI(), "", "Cookie", cookie).Want(t, http.StatusSeeOther)
			if n := app.Count(t, "SELECT count(*) FROM console_sessions WHERE name = $1 AND oidc", want); n != 1 {
				t.Errorf("%s is not named %s", email, want)
			}
		}
	})
}

func TestASignInPrintsNoStrangersWords(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		provider := harness.NewOIDC(t)
		app := db.Serve(t, provider.Settings("http://hours.example.org", "finance:admin")...)
		refused := func(words string) string {
			return app.Request(t, http.MethodGet, oidcPath+"callback/?error="+url.QueryEscape(words), "").Want(t, http.StatusUnauthorized).Body
		}
		wantAll(t, refused("access_denied"), "The OpenID Connect provider refused: access_denied.")
		const words = "Your account is locked. Call +1 555 0100"
		page := refused(words)
		wantAll(t, page, "The OpenID Connect provider refused.")
		wantNone(t, page, words, "555")
	})
}

// The page to go on to is kept in a cookie, which has its bounds.
func TestASignInWithALongPageToGoOnToEndsAtHome(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		provider := harness.NewOIDC(t)
		app := db.Serve(t, provider.Settings("http://hours.example.org", "finance:admin")...)
		for next, want := range map[string]string{
			"/console/students/?q=" + strings.Repeat("a", 900):  "/console/students/?q=" + strings.Repeat("a", 900),
			"/console/students/?q=" + strings.Repeat("a", 1100): "/console/",
			"/console/students/?q=" + strings.Repeat("a", 5000): "/console/",
			"/console/students/?q=" + strings.Repeat("&", 900):  "/console/", // JSON takes six bytes for each
			"/console/students/" + strings.Repeat("ü", 300):     "/console/",
		} {
			provider.SignsIn("anna@example.org", true, "finance")
			begun := app.Request(t, http.MethodGet, oidcPath+"?next="+url.QueryEscape(next), "").Want(t, http.StatusSeeOther)
			address, err := url.Parse(begun.Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			ended := app.Request(t, http.MethodGet, callback(t, address).RequestURI(), "", "Cookie", cookies(begun)).Want(t, http.StatusSeeOther)
			if got := ended.Header.Get("Location"); got != want {
				t.Errorf("next=%.40s… of %d bytes ends at %s", next, len(next), got)
			}
		}
	})
}

func TestWhoIsInNoGroupOrFindsNoProviderIsToldSo(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		provider := harness.NewOIDC(t)
		app := db.Serve(t, provider.Settings("http://hours.example.org", "finance:admin")...)
		provider.SignsIn("anna@example.org", true, "Finance", "admin")
		cookie, address := beginOIDC(t, app)
		answer := app.Request(t, http.MethodGet, callback(t, address).RequestURI(), "", "Cookie", cookie)
		wantAll(t, answer.Want(t, http.StatusForbidden).Body, "anna@example.org is in no group that may use this console.")

		if err := provider.Server.Close(); err != nil {
			t.Fatal(err)
		}
		app = db.Serve(t, provider.Settings("http://hours.example.org", "finance:admin")...) // which starts without it
		answer = app.Request(t, http.MethodGet, oidcPath, "").Want(t, http.StatusServiceUnavailable)
		wantAll(t, answer.Body, "sign in with an API key, or try again")
		visit(t, app, harness.ReadKey).wantSignedIn(t, true, "with an API key")
		wantNone(t, app.Log.String(), provider.ClientSecret)

		db.Serve(t).Request(t, http.MethodGet, oidcPath, "").Want(t, http.StatusNotFound)
	})
}

// While the provider hangs, it is asked once for all who wait, and each of them
// may leave: also the one for whom it was asked.
func TestNobodyWaitsForAnothersSignIn(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		asked, answer := make(chan struct{}, 100), make(chan struct{})
		provider := httptest.NewUnstartedServer(nil)
		issuer := "http://" + provider.Listener.Addr().String()
		provider.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked <- struct{}{}
			<-answer
			fmt.Fprintf(w, `{"issuer":%[1]q,"authorization_endpoint":"%[1]s/a","token_endpoint":"%[1]s/t","jwks_uri":"%[1]s/k"}`, issuer)
		})
		provider.Start()
		t.Cleanup(provider.Close)
		app := db.Serve(t, "PUBLIC_URL=http://hours.example.org", "OIDC_ISSUER="+issuer, "OIDC_CLIENT_ID=hourbank",
			"OIDC_CLIENT_SECRET="+harness.AdminKey, "OIDC_GROUPS=finance:admin")
		leaving, leave := context.WithCancel(t.Context())
		statuses := make(chan int, 2)
		go beginSignIn(leaving, app, "who-leaves", make(chan int, 1))
		<-asked
		go beginSignIn(t.Context(), app, "who-stays", statuses)
		leave()
		harness.Eventually(t, "who leaves has left", func() bool {
			return len(app.Log.Lines("request_id", "who-leaves")) == 1
		})
		close(answer)
		if status := <-statuses; status != http.StatusSeeOther {
			t.Errorf("who stayed was answered %d", status)
		}
		if len(asked) > 0 {
			t.Error("the provider was asked more than once")
		}
	})
}

// beginSignIn tells the status of the answer; 0: there was none.
func beginSignIn(ctx context.Context, app *harness.App, requestID string, statuses chan<- int) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, app.BaseURL+oidcPath, http.NoBody)
	if err != nil {
		statuses <- 0
		return
	}
	request.Header.Set("X-Request-Id", requestID)
	answer, err := http.DefaultTransport.RoundTrip(request) // which follows no redirect
	if err != nil {
		statuses <- 0
		return
	}
	_ = answer.Body.Close() // nobody reads it
	statuses <- answer.StatusCode
}
