package tests

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"hourbank/tests/harness"
)

// fromAddress are the headers of somebody behind a proxy.
func fromAddress(address, key string) []string {
	return []string{"X-Forwarded-For", address, "Authorization", "Bearer " + key}
}

// exhaust tries wrong keys until the address is told to wait.
func exhaust(t *testing.T, app *harness.App, headers ...string) {
	t.Helper()
	for range 100 {
		answer := app.Request(t, http.MethodGet, api+"/events/", "", headers...)
		if answer.Status != http.StatusUnauthorized {
			if answer.WantProblem(t, http.StatusTooManyRequests, "too_many_attempts").Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			return
		}
	}
	t.Error("a hundred wrong keys were all looked up")
}

func TestWhoTriesKeysIsSlowedDownByAddress(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		exhaust(t, app, fromAddress("192.0.2.1", "wrong")...)
		for address, want := range map[string]int{
			"192.0.2.1":              http.StatusTooManyRequests,
			"198.51.100.7,192.0.2.1": http.StatusTooManyRequests, // what the sender says of itself
			"192.0.2.2":              http.StatusUnauthorized,
		} {
			ask := func() harness.Response {
				return app.Request(t, http.MethodGet, api+"/events/", "", fromAddress(address, "wrong")...)
			}
			if got := settled(want, ask).Status; got != want {
				t.Errorf("%s: answered %d, want %d", address, got, want)
			}
		}
		app.Request(t, http.MethodGet, api+"/events/", "", fromAddress("192.0.2.1", harness.ReadKey)...).Want(t, http.StatusOK)
		app.Request(t, http.MethodGet, api+"/plans/", "", fromAddress("192.0.2.1", "wrong")...).Want(t, http.StatusOK)

		exhaust(t, app, fromAddress("2001:db8:1:2::1", "wrong")...)
		for address, want := range map[string]int{"2001:db8:1:2:ffff::9": http.StatusTooManyRequests, "2001:db8:1:3::1": http.StatusUnauthorized} {
			ask := func() harness.Response {
				return app.Request(t, http.MethodGet, api+"/events/", "", fromAddress(address, "wrong")...)
			}
			if got := settled(want, ask).Status; got != want {
				t.Errorf("%s: answered %d, want %d", address, got, want)
			}
		}
	}, "TRUSTED_PROXIES=127.0.0.1")
}

// settled asks once more where a refusal is wanted: on a slow machine, a try may have come
// back meanwhile.
func settled(want int, ask func() harness.Response) (answer harness.Response) {
	for range 10 {
		if answer = ask(); answer.Status == want || want != http.StatusTooManyRequests {
			break
		}
	}
	return answer
}

// Keys and sign-ins count together, and a right key signs in all the same.
func TestWhoTriesToSignInIsSlowedDownByAddress(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		signIn := func(key string) harness.Response {
			form := url.Values{"key": {key}}.Encode()
			return app.Request(t, http.MethodPost, signInPage, form, "Content-Type", "application/x-www-form-urlencoded")
		}
		signIn("wrong").Want(t, http.StatusUnauthorized)
		exhaust(t, app, "Authorization", "Bearer wrong")
		refused := settled(http.StatusTooManyRequests, func() harness.Response { return signIn("wrong") }).Want(t, http.StatusTooManyRequests)
		wantAll(t, refused.Body, "Too many attempts")
		if refused.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		signIn(harness.ReadKey).Want(t, http.StatusSeeOther)
	})
}

// Without TRUSTED_PROXIES nobody can say that they are somebody else.
func TestThePeerIsWhatATrustedProxySays(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		direct, behind := db.Serve(t), db.Serve(t, "TRUSTED_PROXIES=127.0.0.0/8,10.0.0.0/8")
		for i, row := range []struct {
			app       *harness.App
			forwarded string
			want      string
		}{
			{direct, "192.0.2.1", "127.0.0.1"},
			{behind, "192.0.2.1", "192.0.2.1"},
			{behind, "203.0.113.9, 192.0.2.1, 10.1.2.3", "192.0.2.1"},
			{behind, "nonsense", "127.0.0.1"},
		} {
			id := fmt.Sprintf("peer-%d", i)
			row.app.Request(t, http.MethodGet, "/healthz", "", "X-Forwarded-For", row.forwarded, "X-Request-Id", id, "X-Real-Ip", "203.0.113.1")
			if lines := row.app.Log.Lines("request_id", id); len(lines) != 1 || lines[0].Get("peer").String() != row.want {
				t.Errorf("%s: the log says %v, want the peer %s", row.forwarded, lines, row.want)
			}
		}
	})
}
