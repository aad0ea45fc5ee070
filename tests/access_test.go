package tests

import (
	"net/http"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

func TestRoles(t *testing.T) {
	const nobody, unknown = "", "no-such-key"
	rows := []struct {
		method, path        string
		public, read, admin int // what a key of that role, or none, is answered
	}{
		{http.MethodGet, api + "/purchases/", 401, 200, 200},
		{http.MethodGet, api + "/purchases/x/", 401, 404, 404},
		{http.MethodGet, api + "/students/x/balance/", 401, 404, 404},
		{http.MethodGet, api + "/students/x/ledger/", 401, 404, 404},
		{http.MethodGet, api + "/events/", 401, 200, 200},
		{http.MethodGet, api + "/events/x/", 401, 404, 404},
		{http.MethodPost, api + "/events/x/replay/", 401, 403, 404},
		{http.MethodGet, api + "/plans/", 200, 200, 200},
		{http.MethodGet, api + "/stripe/config/", 200, 200, 200},
		{http.MethodGet, "/healthz", 200, 200, 200},
		{http.MethodGet, "/readyz", 200, 200, 200},
	}
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, row := range rows {
			for _, path := range []string{row.path, strings.TrimSuffix(row.path, "/")} {
				for key, want := range map[string]int{
					nobody: row.public, unknown: row.public, harness.ReadKey: row.read, harness.AdminKey: row.admin,
				} {
					wantAnswer(t, app.As(t, key, row.method, path), want, row.method+" "+path+" with the key "+key)
				}
				write := row.read // the write key may no more than read here, but for what is an admin's
				wantAnswer(t, app.As(t, harness.WriteKey, row.method, path), write, row.method+" "+path+" with the write key")
			}
		}
	})
}

func wantAnswer(t *testing.T, answer harness.Response, want int, what string) {
	t.Helper()
	if answer.Status != want {
		t.Errorf("%s answered %d, want %d", what, answer.Status, want)
	}
	code := map[int]string{401: "unauthorized", 403: "forbidden", 404: "not_found"}[answer.Status]
	if code != "" {
		answer.WantProblem(t, answer.Status, code)
	}
	if answer.Status == http.StatusUnauthorized && answer.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("%s: no WWW-Authenticate", what)
	}
}

func TestKeysMustBeBearerTokens(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, header := range []string{harness.AdminKey, "Basic " + harness.AdminKey, "Bearer", "Bearer ", "Bearer boss", "Bearer boss:admin:" + harness.AdminKey} {
			app.Request(t, http.MethodGet, api+"/events/", "", "Authorization", header).WantProblem(t, http.StatusUnauthorized, "unauthorized")
		}
		app.Request(t, http.MethodGet, api+"/events/", "", "Authorization", "bearer "+harness.AdminKey).Want(t, http.StatusOK)
	})
}

func TestWithoutKeysTheAPIAnswers401(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.As(t, harness.AdminKey, http.MethodGet, api+"/events/").WantProblem(t, http.StatusUnauthorized, "unauthorized")
		app.Request(t, http.MethodGet, api+"/plans/", "").Want(t, http.StatusOK)
		app.Deliver(t, app.NewPurchase(t).Succeeded()).Want(t, http.StatusOK)
	}, "API_KEYS=")
}

func TestEveryAnswerCarriesARequestID(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, path := range []string{"/healthz", "/nowhere", api + "/events/", harness.WebhookPath} {
			answer := app.Request(t, http.MethodGet, path, "", "X-Request-Id", "req-1.of_the-tests")
			if got := answer.Header.Get("X-Request-Id"); got != "req-1.of_the-tests" {
				t.Errorf("%s: X-Request-Id is %q", path, got)
			}
			made := app.Request(t, http.MethodGet, path, "").Header.Get("X-Request-Id")
			if made == "" || app.Request(t, http.MethodGet, path, "").Header.Get("X-Request-Id") == made {
				t.Errorf("%s: X-Request-Id is made up as %q", path, made)
			}
			for _, insane := range []string{"a b", strings.Repeat("x", 200), `"}`} {
				if got := app.Request(t, http.MethodGet, path, "", "X-Request-Id", insane).Header.Get("X-Request-Id"); got == insane || got == "" {
					t.Errorf("%s: X-Request-Id %q is answered with %q", path, insane, got)
				}
			}
		}
	})
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, path := range []string{"/nowhere", "/api", api + "/webhooks/", "//healthz", api + "/plans//"} {
			app.Request(t, http.MethodGet, path, "").WantProblem(t, http.StatusNotFound, "not_found")
		}
		for _, path := range []string{api + "/plans/", api + "/plans", api + "/stripe/config/", "/healthz"} {
			answer := app.Request(t, http.MethodDelete, path, "").WantProblem(t, http.StatusMethodNotAllowed, "method_not_allowed")
			if allow := answer.Header.Get("Allow"); allow != "GET, HEAD" {
				t.Errorf("DELETE %s: Allow is %q", path, allow)
			}
		}
	})
}

func TestHealth(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, path := range []string{"/healthz", "/healthz/", "/readyz", "/readyz/"} {
			app.Request(t, http.MethodGet, path, "").Want(t, http.StatusOK)
		}
		metrics := app.Request(t, http.MethodGet, "/metrics", "").Want(t, http.StatusOK)
		if !strings.Contains(metrics.Body, "hourbank_http_request_duration_seconds") {
			t.Error("no metrics of ours")
		}
	})
}

// A server that browsers reach has a key that sells plans, at their prices.
func TestAWriteKeySellsAtPlansPricesOnly(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t, "API_KEYS=shop:write:a-key-for-plans-alone-x7Qk,desk:price:a-key-for-any-price-at-all-x7Qk,boss:admin:"+harness.AdminKey)
		const named, plan = `{"student_id":"s","hours":"10000000.00","amount":100,"currency":"eur"}`, `{"student_id":"s","plan":"pack8"}`
		for _, row := range []struct {
			key, body string
			status    int
			code      string
		}{
			{"a-key-for-plans-alone-x7Qk", named, http.StatusForbidden, "forbidden"},
			{"a-key-for-plans-alone-x7Qk", `{"student_id":"s","amount":100}`, http.StatusForbidden, "forbidden"},
			{"a-key-for-plans-alone-x7Qk", `{"student_id":"s"}`, http.StatusServiceUnavailable, "stripe_unavailable"}, // as far as it comes without Stripe
			{"a-key-for-plans-alone-x7Qk", plan, http.StatusServiceUnavailable, "stripe_unavailable"},
			{"a-key-for-any-price-at-all-x7Qk", named, http.StatusServiceUnavailable, "stripe_unavailable"},
			{harness.AdminKey, named, http.StatusServiceUnavailable, "stripe_unavailable"},
		} {
			app.Post(t, row.key, api+"/purchases/", row.body).WantProblem(t, row.status, row.code)
		}
		app.Post(t, "a-key-for-any-price-at-all-x7Qk", api+"/students/s/grants/", `{"hours":"1.00","reason":"r","reference":"r"}`).WantProblem(t, http.StatusForbidden, "forbidden")
	})
}

func TestNothingIsKeptByWhoIsAskedInBetween(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, path := range []string{"/healthz", "/nowhere", api + "/events/", api + "/plans/", "/console/", "/console/sign-in/", exportsPath + "ledger.csv", "/metrics"} {
			answer := app.As(t, harness.ReadKey, http.MethodGet, path)
			if answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s answers with %v", path, answer.Header)
			}
		}
	})
}

func TestMetricsMoveToTheOperatorsAddress(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		harness.Elsewhere(t, app.BaseURL, http.MethodGet, "/metrics", "").WantProblem(t, http.StatusNotFound, "not_found")
		admin := "http://" + app.Log.Lines("msg", "listening for operators")[0].Get("address").String()
		for _, path := range []string{"/metrics", "/metrics/"} {
			wantAll(t, harness.Elsewhere(t, admin, http.MethodGet, path, "").Want(t, http.StatusOK).Body, "hourbank_http_request_duration_seconds")
		}
		for _, path := range []string{"/", "/console/sign-in/", api + "/plans/", harness.WebhookPath} {
			harness.Elsewhere(t, admin, http.MethodGet, path, "").WantProblem(t, http.StatusNotFound, "not_found")
		}
		result := harness.RunWith(t, []string{
			"DATABASE_URL=" + app.URL, "LISTEN_ADDR=127.0.0.1:0", "ADMIN_LISTEN_ADDR=" + strings.TrimPrefix(admin, "http://"),
			"STRIPE_WEBHOOK_SECRET=" + harness.WebhookSecret,
		}, "serve")
		if result.Code != 1 || !strings.Contains(result.Stderr, "\nhourbank: ADMIN_LISTEN_ADDR: ") && !strings.HasPrefix(result.Stderr, "hourbank: ADMIN_LISTEN_ADDR: ") {
			t.Errorf("got %+v", result)
		}
	}, "ADMIN_LISTEN_ADDR=127.0.0.1:0")
}
