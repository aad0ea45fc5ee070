package sandbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/sandbox"
)

func TestIdempotency(t *testing.T) {
	b := start(t)
	params := paid(1000, "pm_card_visa")
	params.IdempotencyKey = stripe.String("key_1")
	first, err := b.api.PaymentIntents.New(params)
	ok(t, err)
	again, err := b.api.PaymentIntents.New(params)
	ok(t, err)
	equal(t, "same", again.ID, first.ID)
	equal(t, "replayed", again.LastResponse.Header.Get("Idempotent-Replayed"), "true")
	equal(t, "made once", len(b.Books()), 1)
	other := paid(2000, "pm_card_visa")
	other.IdempotencyKey = params.IdempotencyKey
	_, err = b.api.PaymentIntents.New(other)
	refused(t, err, 400, stripe.ErrorTypeIdempotency, "")
	declined := paid(1000, "pm_card_chargeDeclined")
	declined.IdempotencyKey = stripe.String("key_2")
	for range 2 {
		_, err = b.api.PaymentIntents.New(declined)
		refused(t, err, 402, stripe.ErrorTypeCard, stripe.ErrorCodeCardDeclined)
	}
	equal(t, "declined once", len(b.Books()), 2)
}

// TestIdempotencyUnderConcurrency sends the same call many times at once.
func TestIdempotencyUnderConcurrency(t *testing.T) {
	b := start(t)
	var callers sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		callers.Go(func() {
			params := paid(1000, "pm_card_visa")
			params.IdempotencyKey = stripe.String("key_1")
			pi, err := b.api.PaymentIntents.New(params)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = pi.ID
		})
	}
	callers.Wait()
	equal(t, "made", len(b.Books()), 1)
	equal(t, "everybody got it", count(ids, ids[0]), len(ids))
}

func TestKeys(t *testing.T) {
	b := start(t, func(cfg *sandbox.Config) { cfg.SecretKey = testKey })
	for key, want := range map[string]string{
		"sk_live_" + "1234567890":   "test keys only",
		"sk_test_another1234567890": "Invalid API Key",
		"pk_test_1234567890":        "Invalid API Key",
	} {
		_, err := newClient(b.url, key).Accounts.Get()
		e := refused(t, err, 401, stripe.ErrorTypeInvalidRequest, "")
		if !strings.Contains(e.Msg, want) {
			t.Errorf("got %q, want %q in it", e.Msg, want)
		}
	}
	status, _ := b.call(http.MethodGet, "/v1/account", "")
	equal(t, "no key", status, 401)
	account, err := b.api.Accounts.Get()
	ok(t, err)
	equal(t, "name", account.Settings.Dashboard.DisplayName, "Sandbox")
	req, err := http.NewRequest(http.MethodGet, b.url+"/v1/account", nil)
	ok(t, err)
	req.SetBasicAuth(testKey, "")
	resp, err := http.DefaultClient.Do(req)
	ok(t, err)
	ok(t, resp.Body.Close())
	equal(t, "basic", resp.StatusCode, 200)
}

func TestMistakes(t *testing.T) {
	b := start(t)
	_, err := b.api.Balance.Get(nil)
	e := refused(t, err, 404, stripe.ErrorTypeInvalidRequest, "")
	equal(t, "message", e.Msg, "Unrecognized request URL (GET: /v1/balance).")
	_, err = b.api.PaymentIntents.Get("pi_none", nil)
	refused(t, err, 404, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeResourceMissing)
	_, err = b.api.PaymentIntents.New(&stripe.PaymentIntentParams{Currency: stripe.String("eur")})
	e = refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeParameterMissing)
	equal(t, "param", e.Param, "amount")
	_, err = b.api.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(0), Currency: stripe.String("eur")})
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeAmountTooSmall)
	unknown := &stripe.PaymentIntentParams{Amount: stripe.Int64(1), Currency: stripe.String("eur")}
	unknown.AddExtra("nonsense", "1")
	_, err = b.api.PaymentIntents.New(unknown)
	e = refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeParameterUnknown)
	equal(t, "param", e.Param, "nonsense")
	unexpandable := paid(100, "pm_card_visa")
	unexpandable.AddExpand("charges")
	_, err = b.api.PaymentIntents.New(unexpandable)
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, "")
}

// TestListsWithoutNumbers sends lists as Stripe's older clients do.
func TestListsWithoutNumbers(t *testing.T) {
	b := start(t)
	p := &player{t: t, b: b}
	status, cs := p.post("/v1/checkout/sessions", url.Values{
		"success_url":                                  {"https://example.com/ok"},
		"line_items[][quantity]":                       {"1", "2"},
		"line_items[][price_data][currency]":           {"eur", "eur"},
		"line_items[][price_data][unit_amount]":        {"1000", "300"},
		"line_items[][price_data][product_data][name]": {"10 hours", "a book"},
		"expand[]": {"payment_intent"},
	})
	equal(t, "status", status, 200)
	equal(t, "total", cs["amount_total"], any(float64(1600)))
}

func TestFaults(t *testing.T) {
	b := start(t)
	ok(t, b.AddFault(sandbox.Fault{Status: 429, PathPrefix: "/v1/payment_intents"}))
	_, err := b.api.PaymentIntents.New(paid(1000, "pm_card_visa"))
	refused(t, err, 429, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeRateLimit)
	equal(t, "nothing was done", len(b.Books()), 0)
	ok(t, b.AddFault(sandbox.Fault{Status: 500, Executed: true, Count: 1}))
	params := paid(1000, "pm_card_visa")
	params.IdempotencyKey = stripe.String("key_1")
	_, err = b.api.PaymentIntents.New(params)
	refused(t, err, 500, stripe.ErrorTypeAPI, "")
	pi, err := b.api.PaymentIntents.New(params)
	ok(t, err)
	equal(t, "the answer was only lost", b.Books()[0].PaymentIntent, pi.ID)
	if b.AddFault(sandbox.Fault{Status: 200}) == nil {
		t.Error("a fault that is none was taken")
	}
}

func TestControlCalls(t *testing.T) {
	b := start(t)
	pi := b.pay(5000, "pm_card_visa")
	status, dispute := b.call("POST", "/sandbox/payment_intents/"+pi.ID+"/dispute", `{"amount":2000}`)
	equal(t, "dispute", status, 200)
	status, dispute = b.call("POST", "/sandbox/disputes/"+dispute["id"].(string)+"/lose", "")
	equal(t, "lose", status, 200)
	equal(t, "lost", dispute["status"], any("lost"))
	status, chaos := b.call("POST", "/sandbox/chaos", `{"duplicate":0.5,"delay_ms":3,"seed":7}`)
	equal(t, "chaos", status, 200)
	equal(t, "duplicate", chaos["duplicate"], any(0.5))
	status, _ = b.call("POST", "/sandbox/chaos", `{"drop":1.5}`)
	equal(t, "too much chaos", status, 400)
	status, _ = b.call("POST", "/sandbox/chaos", `{"dorp":1}`)
	equal(t, "a typo", status, 400)
	status, faults := b.call("POST", "/sandbox/faults", `{"status":503,"count":2}`)
	equal(t, "faults", status, 200)
	equal(t, "kept", len(faults["data"].([]any)), 1)
	status, faults = b.call("DELETE", "/sandbox/faults", "")
	equal(t, "forgotten", status, 200)
	equal(t, "none", len(faults["data"].([]any)), 0)
	status, flushed := b.call("POST", "/sandbox/flush", "")
	equal(t, "flush", status, 200)
	equal(t, "pending", flushed["pending"], any(false))
	_, deliveries := b.call("GET", "/sandbox/deliveries", "")
	equal(t, "deliveries", deliveries["data"].([]any)[0].(map[string]any)["state"], any("delivered"))
	_, books := b.call("GET", "/sandbox/books", "")
	equal(t, "disputed", books["data"].([]any)[0].(map[string]any)["disputed"], any(float64(2000)))
	status, _ = b.call("POST", "/sandbox/disputes/"+dispute["id"].(string)+"/forget", "")
	equal(t, "no such action", status, 404)
}
