package tests

import (
	"net/http"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// One JSON line a request, which holds no secret and no payload.
func TestAccessLogHasNoSecretsOrPayloads(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		event := p.Succeeded().Set("description", "a payload nobody may log")
		app.MustProcess(t, event)
		signature := harness.Sign(event.Body(), "whsec_wrong")
		app.Request(t, http.MethodPost, harness.WebhookPath, event.Body(), "Stripe-Signature", signature, "X-Request-Id", "refused")
		app.As(t, harness.AdminKey, http.MethodGet, api+"/purchases/?student_id=a_student_nobody_may_log")
		app.Request(t, http.MethodGet, api+"/events/", "", "Authorization", "Bearer a-key-nobody-may-log")
		app.Stop(t)

		lines := app.Log.Lines("msg", "request")
		if len(lines) != 4 {
			t.Errorf("%d access lines for 4 requests:\n%s", len(lines), app.Log)
		}
		if named := app.Log.Lines("event_id", event.ID); len(named) != 1 || named[0].Get("event_type").String() != succeeded ||
			named[0].Get("status").Int() != http.StatusOK || named[0].Get("outcome").String() != "processed" {
			t.Errorf("the event's line is %v", named)
		}
		if refused := app.Log.Lines("request_id", "refused"); len(refused) != 1 || refused[0].Get("code").String() != "invalid_signature" {
			t.Errorf("the refusal's line is %v", refused)
		}
		wantNone(t, app.Log.String(), append(secrets, signature, "nobody may log", "nobody_may_log", "nobody-may-log", "amount_received")...)
	}, "LOG_LEVEL=debug")
}

// secrets are what no output may ever show.
var secrets = []string{
	harness.WebhookSecret, harness.SubscriptionsSecret, harness.ReadKey, harness.WriteKey, harness.AdminKey, "of_the_tests", "of-the-tests",
}

func wantNone(t *testing.T, output string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(output, secret) {
			t.Errorf("%q shows in:\n%s", secret, output)
		}
	}
}

func TestFailuresShowNoSecrets(t *testing.T) {
	t.Parallel()
	unreachable := "postgres://user:password-of-the-tests@127.0.0.1:1/none"
	for _, args := range [][]string{{"serve"}, {"audit"}, {"migrate", "up"}} {
		result := harness.RunWith(t, []string{
			"DATABASE_URL=" + unreachable, "STRIPE_WEBHOOK_SECRET=" + harness.WebhookSecret, "STRIPE_SECRET_KEY=sk_test_of_the_tests",
		}, args...)
		if result.Code != 1 || !strings.HasPrefix(result.Stderr, "hourbank: ") {
			t.Errorf("%v: got %+v", args, result)
		}
		wantNone(t, result.Stdout+result.Stderr, secrets...)
	}
}
