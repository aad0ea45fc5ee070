package tests

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// webhookPaths are both addresses in both forms, each with its secret.
var webhookPaths = []struct{ path, secret, otherSecret string }{
	{"/api/finances/webhooks/stripe/", harness.WebhookSecret, harness.SubscriptionsSecret},
	{"/api/finances/webhooks/stripe", harness.WebhookSecret, harness.SubscriptionsSecret},
	{"/api/finances/webhooks/stripe/subscriptions/", harness.SubscriptionsSecret, harness.WebhookSecret},
	{"/api/finances/webhooks/stripe/subscriptions", harness.SubscriptionsSecret, harness.WebhookSecret},
}

func TestWebhookCreditsOnEveryAddressWithItsSecret(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, at := range webhookPaths {
			p := app.NewPurchase(t)
			event := p.Succeeded()
			send := func() harness.Response {
				return app.Request(t, http.MethodPost, at.path, event.Body(), "Stripe-Signature", harness.Sign(event.Body(), at.secret))
			}
			first := send().Want(t, http.StatusOK)
			want := `{"event_id":"` + event.ID + `","status":"processed","duplicate":false,"transaction_id":"` + p.ID + `","reason":null}`
			if first.Body != want {
				t.Errorf("%s answered %s, want %s", at.path, first.Body, want)
			}
			send().Want(t, http.StatusOK).WantFields(t, fields{"duplicate": "true", "status": "processed", "transaction_id": p.ID})
			app.WantBalance(t, p.Student, fields{"hours_available": "10.00", "balance_amount": "5000"})
		}
		app.MustAudit(t)
	})
}

func TestWebhookRefusals(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		for _, at := range webhookPaths {
			for _, refusal := range refusals(p, at.secret, at.otherSecret) {
				t.Run(refusal.name+" at "+at.path, func(t *testing.T) {
					app.Request(t, http.MethodPost, at.path, refusal.body, refusal.headers...).
						WantProblem(t, refusal.status, refusal.code)
				})
			}
		}
		if events := app.Count(t, "SELECT count(*) FROM webhook_events"); events != 0 {
			t.Errorf("%d refused events were kept", events)
		}
		app.WantBalance(t, p.Student, fields{"hours_available": "0.00"})
	})
}

type refusal struct {
	name, body string
	headers    []string
	status     int
	code       string
}

func refusals(p *harness.Purchase, secret, otherSecret string) []refusal {
	body := p.Succeeded().Body()
	signed := func(header string) []string { return []string{"Stripe-Signature", header} }
	good := harness.Sign(body, secret)
	timestamp, v1, _ := strings.Cut(good, ",")
	const bad, notSigned, notAnEvent = http.StatusBadRequest, "invalid_signature", "invalid_payload"
	large := `{"id":"evt_large","type":"x","pad":"` + strings.Repeat("x", 1<<20) + `"}`
	all := []refusal{
		{"no signature", body, nil, bad, "missing_signature"},
		{"empty body", "", signed(harness.Sign("", secret)), bad, "missing_payload"},
		{"another secret", body, signed(harness.Sign(body, "whsec_nobody")), bad, notSigned},
		{"the other address's secret", body, signed(harness.Sign(body, otherSecret)), bad, notSigned},
		{"a body changed after signing", body + " ", signed(good), bad, notSigned},
		{"a malformed header", body, signed("nonsense"), bad, notSigned},
		{"a header without a signature", body, signed(timestamp), bad, notSigned},
		{"a header without a time", body, signed(v1), bad, notSigned},
		{"an unknown scheme", body, signed(timestamp + "," + strings.Replace(v1, "v1", "v0", 1)), bad, notSigned},
		{"older than five minutes", body, signed(harness.SignAt(body, secret, time.Now().Add(-6*time.Minute))), bad, notSigned},
		{"from more than five minutes ahead", body, signed(harness.SignAt(body, secret, time.Now().Add(6*time.Minute))), bad, notSigned},
		{"larger than MAX_WEBHOOK_BYTES", large, signed(harness.Sign(large, secret)), http.StatusRequestEntityTooLarge, "payload_too_large"},
	}
	for name, other := range map[string]string{
		"not JSON": "hello", "cut JSON": body[:len(body)/2], "two JSON values": body + body, "a JSON array": "[" + body + "]",
		"null": "null", "no id": `{"type":"payment_intent.succeeded"}`, "no type": `{"id":"evt_1"}`, "a number as id": `{"id":1,"type":"x"}`,
		"another object":             `{"id":"pi_1","type":"card","object":"payment_intent"}`,
		"an id of 10,000 characters": `{"id":"` + strings.Repeat("e", 10_000) + `","type":"payment_intent.succeeded"}`,
	} {
		all = append(all, refusal{name, other, signed(harness.Sign(other, secret)), bad, notAnEvent})
	}
	return all
}

func TestWebhookTakesABodyOfExactlyTheLimit(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		body := func(size int) string {
			const start, end = `{"id":"evt_full","object":"event","type":"x","pad":"`, `"}`
			return start + strings.Repeat("x", size-len(start)-len(end)) + end
		}
		app.Send(t, body(5000)).Want(t, http.StatusOK)
		app.Send(t, body(5001)).WantProblem(t, http.StatusRequestEntityTooLarge, "payload_too_large")
	}, "MAX_WEBHOOK_BYTES=5000")
}

func TestWebhookTakesOnlyPOST(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, at := range webhookPaths {
			for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPatch} {
				answer := app.Request(t, method, at.path, "").WantProblem(t, http.StatusMethodNotAllowed, "method_not_allowed")
				if allow := answer.Header.Get("Allow"); allow != http.MethodPost {
					t.Errorf("%s %s: Allow is %q", method, at.path, allow)
				}
			}
		}
	})
}

func TestWebhookTakesEverySecretWhileOneIsRolled(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		deliver := func(path, secret string) harness.Response {
			event := app.NewPurchase(t).Succeeded()
			return app.Request(t, http.MethodPost, path, event.Body(), "Stripe-Signature", harness.Sign(event.Body(), secret))
		}
		for _, path := range []string{harness.WebhookPath, harness.SubscriptionsPath} { // the second one has none of its own
			deliver(path, "whsec_old_secret_that_is_rolled_now").Want(t, http.StatusOK)
			deliver(path, "whsec_new_secret_that_replaces_it").Want(t, http.StatusOK)
			deliver(path, "whsec_older_than_any_other_secret").WantProblem(t, http.StatusBadRequest, "invalid_signature")
		}
	}, "STRIPE_WEBHOOK_SECRET=whsec_new_secret_that_replaces_it, whsec_old_secret_that_is_rolled_now", "STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET=")
}

func TestWebhookTakesASignatureAmongOthers(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		event := app.NewPurchase(t).Succeeded()
		header := harness.Sign(event.Body(), harness.WebhookSecret) + ",v1=" + strings.Repeat("0", 64) + ",v0=abc"
		app.Request(t, http.MethodPost, harness.WebhookPath, event.Body(), "Stripe-Signature", header).Want(t, http.StatusOK)
	})
}

// PostgreSQL goes away under the running program: Stripe must be told to come
// again, and when it does, nothing may have been kept of the first time.
func TestWebhookAnswers503WhileTheDatabaseIsGone(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, "postgres")
	app := db.Serve(t)
	p := db.NewPurchase(t)
	event := p.Succeeded()
	db.Refuse(t, true)
	answer := app.Deliver(t, event).WantProblem(t, http.StatusServiceUnavailable, "unavailable")
	if answer.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	app.Request(t, http.MethodGet, "/readyz", "").WantProblem(t, http.StatusServiceUnavailable, "unavailable")
	app.Request(t, http.MethodGet, "/healthz", "").Want(t, http.StatusOK)
	db.Refuse(t, false)
	app.Deliver(t, event).Want(t, http.StatusOK).WantFields(t, fields{"duplicate": "false", "status": "processed"})
	app.WantBalance(t, p.Student, fields{"hours_available": "10.00"})
}

// A server that restarts leaves the pool with dead connections: none of them
// may cost an answer.
func TestNoAnswerIsLostToAConnectionThatTheServerCut(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, "postgres")
	app := db.Serve(t)
	p := db.NewPurchase(t)
	app.MustProcess(t, p.Succeeded())
	lessons := api + "/students/" + p.Student + "/consumptions/"
	for round := range 3 {
		var wait sync.WaitGroup
		for i := range 8 { // so that the pools hold some
			wait.Go(func() {
				app.Post(t, harness.WriteKey, lessons, fmt.Sprintf(`{"hours":"0.01","reference":"%d_%d"}`, round, i)).Want(t, http.StatusCreated)
				app.WantBalance(t, p.Student, fields{"hours_purchased": "10.00"})
			})
		}
		wait.Wait()
		db.Cut(t)
		app.WantBalance(t, p.Student, fields{"hours_purchased": "10.00"})
		app.Deliver(t, p.Succeeded()).Want(t, http.StatusOK)
	}
}
