package tests

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/tests/harness"
)

const webhookTest = "test-stripe-webhook"

// toolOn runs the tool where somebody says that the money is test mode's.
func toolOn(t *testing.T, db *harness.Database, args ...string) string {
	t.Helper()
	result := db.RunSet(t, []string{"STRIPE_MODE=test"}, append([]string{webhookTest}, args...)...)
	if result.Code != 0 {
		t.Fatalf("%v: exit code %d\n%s%s", args, result.Code, result.Stdout, result.Stderr)
	}
	return result.Stdout
}

func TestWebhookToolWithNoFlagOnlyExplains(t *testing.T) {
	result := harness.RunWith(t, nil, webhookTest)
	if result.Code != 0 || !strings.Contains(result.Stdout, "--create-test-data") || !strings.Contains(result.Stdout, "Examples:") {
		t.Errorf("exit code %d:\n%s", result.Code, result.Stdout)
	}
}

func TestWebhookToolUsageMistakes(t *testing.T) {
	db := harness.NewEmptyDatabase(t, harness.Engines[0])
	for _, args := range []string{
		"--json", "--hours 3", "--url http://localhost --validate-config", "--stripe-cli-instructions --json",
		"--create-test-data --hours three", "--create-test-data --amount 0", "--create-test-data --currency EUR",
		"--create-test-data --student-id=", "--payment-intent-id=", "--test-endpoint --url localhost:8000", "extra",
	} {
		if result := db.Run(t, append([]string{webhookTest}, strings.Fields(args)...)...); result.Code != 2 || result.Stderr == "" || result.Stdout != "" {
			t.Errorf("%s: exit code %d, stderr %q, stdout %q", args, result.Code, result.Stderr, result.Stdout)
		}
	}
}

func TestWebhookToolTriesEverythingInProcess(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		for range 2 { // it can be run again
			report := toolOn(t, db, "--all", "--json")
			wantNoFailure(t, report)
			for _, life := range []string{"paid", "declined, then paid: paid", "cancelled", "partly refunded: 20.00 returned",
				"disputed and won: won", "disputed and lost: lost"} {
				check := gjson.Get(report, fmt.Sprintf(`checks.#(name==%q)`, life))
				if check.Get("result").String() != "pass" || check.Get("expected").String() == "" || check.Get("seen").String() == "" {
					t.Errorf("%s: %s", life, check)
				}
			}
			if got := gjson.Get(report, `checks.#(name=="Stripe reached").result`).String(); got != "skipped" {
				t.Errorf("Stripe without a key is %q, want skipped", got)
			}
		}
		db.MustAudit(t)
	})
}

func TestWebhookToolTriesARunningService(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, suffix := range []string{"", "/", harness.WebhookPath, strings.TrimSuffix(harness.WebhookPath, "/")} {
			wantNoFailure(t, toolOn(t, app.Database, "--test-endpoint", "--json", "--url", app.BaseURL+suffix))
		}
		app.WantBalance(t, "test_student", fields{"hours_purchased": "40.00"})
		wantNoFailure(t, toolOn(t, app.Database, "--all", "--json", "--url", app.BaseURL))
		app.MustAudit(t)
	})
}

func TestWebhookToolMakesAPurchaseAndPaysIt(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		args := []string{"--create-test-data", "--json", "--payment-intent-id", "pi_tool", "--student-id", "ada",
			"--hours", "8", "--amount", "12000", "--currency", "usd"}
		made := toolOn(t, app.Database, args...)
		id := gjson.Get(made, "id").String()
		app.Get(t, "/api/finances/purchases/pi_tool/").WantFields(t, fields{
			"id": id, "payment_status": "processing", "student_id": "ada", "hours": "8.00", "amount": "12000", "currency": "usd",
		})
		wantSameJSON(t, made, app.Get(t, "/api/finances/purchases/"+id+"/").Body)
		if again := toolOn(t, app.Database, args...); again != made {
			t.Errorf("the same command made another purchase: %s", again)
		}
		for _, before := range []string{"processing", "completed"} { // twice pays once
			report := toolOn(t, app.Database, "--payment-intent-id", "pi_tool", "--json", "--url", app.BaseURL)
			wantNoFailure(t, report)
			if got := gjson.Get(report, "before.payment_status").String(); got != before {
				t.Errorf("before: %s, want %s", got, before)
			}
		}
		app.WantBalance(t, "ada", fields{"hours_purchased": "8.00", "balance_amount": "12000"})
	})
}

// What the tool makes can be told from sales, and nobody can buy it.
func TestWebhookToolsPurchasesAreMarkedAndItsPlanIsNotOnSale(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		toolOn(t, app.Database, "--create-test-data", "--payment-intent-id", "pi_tool")
		toolOn(t, app.Database, "--payment-intent-id", "pi_tool")
		app.Get(t, "/api/finances/purchases/pi_tool/").WantFields(t, fields{"payment_status": "completed", "metadata.made_by": webhookTest})
		events := app.Get(t, "/api/finances/events/")
		if id := gjson.Get(events.Body, "data.0.id").String(); !strings.HasPrefix(id, "evt_test_hourbank_") {
			t.Errorf("the event's id is %s", id)
		}
		app.Get(t, "/api/finances/plans/").WantFields(t, fields{"data.#": "0"})
		if plans := app.MustRun(t, "plans", "list", "--json"); gjson.Get(plans, "0.active").Bool() {
			t.Errorf("on sale: %s", plans)
		}
	})
}

func TestWebhookToolForgesNothingWhereMoneyIsReal(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		makes := [][]string{{"--create-test-data"}, {"--test-endpoint"}, {"--payment-intent-id", "pi_1"}}
		for _, args := range makes {
			wantRefusedDatabase(t, db, []string{"live"}, append([]string{webhookTest}, args...), "STRIPE_SECRET_KEY=sk_live_of_the_tests")
		}
		app := db.Serve(t, "STRIPE_MODE=live")
		app.MustProcess(t, db.NewPurchase(t).Succeeded().Live())
		app.Stop(t)
		for _, args := range makes { // nothing but the database says it
			wantRefusedDatabase(t, db, []string{"live"}, append([]string{webhookTest}, args...))
		}
		all := db.Run(t, webhookTest, "--all", "--json")
		if all.Code != 1 || gjson.Get(all.Stdout, `checks.#(name=="everything else").result`).String() != "fail" {
			t.Errorf("--all: exit code %d\n%s", all.Code, all.Stdout)
		}
		if n := db.Count(t, "SELECT count(*) FROM purchase_transactions"); n != 1 {
			t.Errorf("%d purchases, want the customer's", n)
		}
	})
}

// The first event decides the mode of a database for good. The tool's is no proof that
// no real money will come.
func TestWebhookToolStampsNoDatabaseOfWhichNobodySaidTheMode(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		for _, args := range [][]string{{"--create-test-data"}, {"--test-endpoint"}, {"--test-endpoint", "--url", app.BaseURL}, {"--payment-intent-id", "pi_1", "--url", app.BaseURL}} {
			wantRefusedDatabase(t, db, []string{"STRIPE_MODE=test", "STRIPE_MODE=live"}, append([]string{webhookTest}, args...))
		}
		if all := db.Run(t, webhookTest, "--all", "--json", "--url", app.BaseURL); all.Code != 1 || !strings.Contains(all.Stdout, "STRIPE_MODE=test") {
			t.Errorf("--all: exit code %d\n%s", all.Code, all.Stdout)
		}
		app.MustProcess(t, db.NewPurchase(t).Succeeded().Live())
		if status := db.MustRun(t, "status"); !strings.Contains(status, "live mode") {
			t.Errorf("status: %s", status)
		}
	})
}

func TestWebhookToolSaysWhatIsWrong(t *testing.T) {
	db := harness.NewDatabase(t, harness.Engines[0])
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	t.Cleanup(refuses.Close)
	for _, row := range []struct{ name, setting, args, says string }{
		{"no secret", "STRIPE_WEBHOOK_SECRET=", "--test-endpoint", "STRIPE_WEBHOOK_SECRET"},
		{"no such purchase", "", "--payment-intent-id pi_nobody", "--create-test-data"},
		{"nobody listens", "", "--test-endpoint --url http://127.0.0.1:1", "connection refused"},
		{"a service that believes everything", "", "--test-endpoint --url " + refuses.URL, "stale"},
		{"an example's secret", "STRIPE_WEBHOOK_SECRET=whsec_…", "--validate-config", "STRIPE_WEBHOOK_SECRET"},
		{"modes", "STRIPE_PUBLIC_KEY=pk_live_1", "--validate-config", "modes agree"},
		{"no database", "DATABASE_URL=sqlite:/nowhere/x.db", "--validate-config", "database reachable"},
	} {
		t.Run(row.name, func(t *testing.T) {
			environ := append([]string{"DATABASE_URL=" + db.URL, "STRIPE_WEBHOOK_SECRET=" + harness.WebhookSecret,
				"STRIPE_SECRET_KEY=sk_test_very_secret", "STRIPE_API_BASE=" + refuses.URL}, row.setting)
			result := harness.RunWith(t, environ, append([]string{webhookTest}, strings.Fields(row.args)...)...)
			if result.Code != 1 || !strings.Contains(result.Stdout, row.says) {
				t.Errorf("exit code %d, want 1 and %q:\n%s%s", result.Code, row.says, result.Stdout, result.Stderr)
			}
			if strings.Contains(result.Stdout+result.Stderr, "very_secret") {
				t.Error("it shows the key")
			}
		})
	}
}

func TestWebhookToolReportsEverySettingAtOnce(t *testing.T) {
	result := harness.RunWith(t, []string{
		"DATABASE_URL=mysql://u:hunter2@h/d", "STRIPE_SECRET_KEY=hunter2", "STRIPE_PUBLIC_KEY=hunter2", "STRIPE_WEBHOOK_SECRET=hunter2",
		"API_KEYS=hunter2", "LISTEN_ADDR=nowhere", "PARK_FOR=later", "STRIPE_ACCOUNT=ours", "STRIPE_MODE=both", "OTHER_PAYMENTS=no",
	}, webhookTest, "--validate-config", "--json")
	for _, name := range []string{
		"DATABASE_URL", "STRIPE_SECRET_KEY", "STRIPE_PUBLIC_KEY", "STRIPE_WEBHOOK_SECRET", "API_KEYS", "LISTEN_ADDR", "PARK_FOR",
		"STRIPE_ACCOUNT", "STRIPE_MODE", "OTHER_PAYMENTS",
	} {
		if got := gjson.Get(result.Stdout, fmt.Sprintf(`checks.#(name==%q).result`, name)).String(); got != "fail" {
			t.Errorf("%s is %q, want fail", name, got)
		}
	}
	if result.Code != 1 || strings.Contains(result.Stdout+result.Stderr, "hunter2") {
		t.Errorf("exit code %d, or a secret shows:\n%s%s", result.Code, result.Stdout, result.Stderr)
	}
}

func TestWebhookToolAsksStripeWhoseTheKeyIs(t *testing.T) {
	db := harness.NewDatabase(t, harness.Engines[0])
	stripe := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/account" || r.Header.Get("Authorization") != "Bearer sk_test_ours" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: %s"}}`, r.Header.Get("Authorization"))
			return
		}
		fmt.Fprint(w, `{"id":"acct_1","object":"account","settings":{"dashboard":{"display_name":"Tutors"}}}`)
	}))
	t.Cleanup(stripe.Close)
	for key, want := range map[string]string{"sk_test_ours": "acct_1, Tutors", "sk_test_other_one": "Invalid API Key provided: Bearer [redacted]"} {
		result := harness.RunWith(t, []string{
			"DATABASE_URL=" + db.URL, "STRIPE_WEBHOOK_SECRET=" + harness.WebhookSecret, "STRIPE_API_BASE=" + stripe.URL, "STRIPE_SECRET_KEY=" + key,
		}, webhookTest, "--validate-config")
		if !strings.Contains(result.Stdout, want) {
			t.Errorf("%s: want %q in\n%s", key, want, result.Stdout)
		}
	}
	for account, want := range map[string]string{"acct_1": "pass", "acct_2": "fail"} {
		result := harness.RunWith(t, []string{
			"DATABASE_URL=" + db.URL, "STRIPE_WEBHOOK_SECRET=" + harness.WebhookSecret, "STRIPE_API_BASE=" + stripe.URL, "STRIPE_SECRET_KEY=sk_test_ours", "STRIPE_ACCOUNT=" + account,
		}, webhookTest, "--validate-config", "--json")
		wantJSON(t, result.Stdout, fields{`checks.#(name=="Stripe reached").result`: want, `checks.#(name=="STRIPE_MODE").result`: "pass"})
	}
}

func TestWebhookToolGivesTheCLIOurPort(t *testing.T) {
	stdout := harness.RunWith(t, []string{"LISTEN_ADDR=:8123"}, webhookTest, "--stripe-cli-instructions").Stdout
	for _, line := range []string{
		"stripe login", "stripe listen --forward-to http://localhost:8123/api/finances/webhooks/stripe/\n",
		"stripe trigger payment_intent.succeeded\n", "stripe trigger payment_intent.payment_failed\n", "stripe trigger payment_intent.canceled\n",
	} {
		if !strings.Contains(stdout, line) {
			t.Errorf("no %q in\n%s", line, stdout)
		}
	}
}

func wantNoFailure(t *testing.T, report string) {
	t.Helper()
	if gjson.Get(report, "failed").Int() != 0 || gjson.Get(report, "passed").Int() == 0 {
		t.Errorf("not all passed: %s", report)
	}
}

func wantSameJSON(t *testing.T, a, b string) {
	t.Helper()
	var left, right any
	if err := json.Unmarshal([]byte(a), &left); err != nil {
		t.Fatalf("%v in %s", err, a)
	}
	if err := json.Unmarshal([]byte(b), &right); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	if fmt.Sprint(left) != fmt.Sprint(right) {
		t.Errorf("%s\ndiffers from\n%s", a, b)
	}
}
