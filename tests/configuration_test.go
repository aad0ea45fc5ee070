package tests

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// A start with mistakes says all of them, one a line, and no secret.
func TestServeSaysEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	result := harness.RunWith(t, []string{
		"LISTEN_ADDR=nowhere", "DATABASE_URL=mysql://user:secret-of-the-tests@db/x", "STRIPE_SECRET_KEY=secret-of-the-tests",
		"STRIPE_PUBLIC_KEY=secret-of-the-tests", "STRIPE_WEBHOOK_SECRET=secret-of-the-tests", "STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET=secret-of-the-tests",
		"API_KEYS=secret-of-the-tests", "EVENTS_URLS=https://a whsec_secret-of-the-tests", "MAX_WEBHOOK_BYTES=none", "PARK_FOR=-1h", "LOG_LEVEL=loud", "LOG_FORMAT=xml",
	}, "serve")
	if result.Code != 2 || result.Stdout != "" {
		t.Errorf("got %+v", result)
	}
	lines := strings.Split(strings.TrimSpace(result.Stderr), "\n")
	for _, name := range []string{
		"LISTEN_ADDR", "DATABASE_URL", "STRIPE_SECRET_KEY", "STRIPE_PUBLIC_KEY", "STRIPE_WEBHOOK_SECRET",
		"STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET", "API_KEYS", "EVENTS_URLS", "MAX_WEBHOOK_BYTES", "PARK_FOR", "LOG_LEVEL", "LOG_FORMAT",
	} {
		named := 0
		for _, line := range lines {
			if strings.HasPrefix(line, "hourbank: "+name+": ") {
				named++
			}
		}
		if named != 1 {
			t.Errorf("%d lines name %s:\n%s", named, name, result.Stderr)
		}
	}
	wantNone(t, result.Stderr, secrets...)
}

func TestServeNeedsAWebhookSecret(t *testing.T) {
	t.Parallel()
	result := harness.RunWith(t, []string{"DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "x.db")}, "serve")
	if result.Code != 2 || !strings.HasPrefix(result.Stderr, "hourbank: STRIPE_WEBHOOK_SECRET: ") {
		t.Errorf("got %+v", result)
	}
}

// The sandbox's own public key, of the test mode, must not be what it blames.
func TestTheSandboxRefusesALiveKey(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"sk_live_1", "rk_live_1"} {
		result := harness.RunWith(t, []string{"STRIPE_SECRET_KEY=" + key}, "serve", "--sandbox")
		if result.Code != 2 || !strings.HasPrefix(result.Stderr, "hourbank: STRIPE_SECRET_KEY: --sandbox is refused") {
			t.Errorf("%s: got %+v", key, result)
		}
	}
}

// What was set may be a real secret: only what the sandbox made is shown.
func TestTheSandboxPrintsOnlySecretsThatItMade(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.ServeSandbox(t)
		harness.Eventually(t, "the sandbox says what to try", func() bool { return strings.Contains(app.Stdout.String(), "demo_student") })
		said := app.Stdout.String() + app.Log.String()
		for _, secret := range []string{harness.AdminKey, harness.WriteKey, harness.ReadKey, harness.WebhookSecret} {
			if strings.Contains(said, secret) {
				t.Errorf("it shows %s:\n%s", secret, said)
			}
		}
		if !strings.Contains(said, "sk_test_sandbox") {
			t.Errorf("its own key is not shown:\n%s", said)
		}
	})
}

func TestSecretsComeFromFilesToo(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		file := func(content string) string {
			path := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		app := db.Serve(t, "DATABASE_URL=", "DATABASE_URL_FILE="+file(db.URL), "API_KEYS=", "API_KEYS_FILE="+file("boss:admin:filed-key-of-an-operator-x7Q"),
			"STRIPE_WEBHOOK_SECRET=", "STRIPE_WEBHOOK_SECRET_FILE="+file("whsec_filed_with_a_secret_of_length"),
			"STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET=", "STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET_FILE="+file("whsec_filed_too_with_a_secret_of_length"))
		app.As(t, "filed-key-of-an-operator-x7Q", http.MethodGet, api+"/events/").Want(t, http.StatusOK)
		for path, secret := range map[string]string{harness.WebhookPath: "whsec_filed_with_a_secret_of_length", harness.SubscriptionsPath: "whsec_filed_too_with_a_secret_of_length"} {
			body := db.NewPurchase(t).Succeeded().Body()
			app.Request(t, http.MethodPost, path, body, "Stripe-Signature", harness.Sign(body, secret)).Want(t, http.StatusOK)
		}
		app.Stop(t)
		wantNone(t, app.Log.String(), "filed-key", "whsec_filed_with_a_secret_of_length")
	})
}

func TestTwoProgramsCannotHaveOneAddress(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		result := harness.RunWith(t, []string{
			"DATABASE_URL=" + app.URL, "LISTEN_ADDR=" + strings.TrimPrefix(app.BaseURL, "http://"), "STRIPE_WEBHOOK_SECRET=" + harness.WebhookSecret,
		}, "serve")
		if result.Code != 1 || !strings.Contains(result.Stderr, "LISTEN_ADDR") {
			t.Errorf("got %+v", result)
		}
	})
}
