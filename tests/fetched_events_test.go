package tests

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"hourbank/tests/harness"
)

// A thin event says only that something changed: what, is asked of Stripe.
// https://docs.stripe.com/event-destinations#events-overview
func TestAThinEventIsFetched(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		standIn := harness.NewStripe(t)
		app := db.Serve(t, standIn.Settings()...)
		sold := app.PostPatiently(t, harness.WriteKey, api+"/purchases/", `{"student_id":"thin_student","hours":"10.00","amount":5000,"currency":"eur"}`)
		intent := sold.Get("stripe_payment_intent_id").String()
		_, err := standIn.API.PaymentIntents.Confirm(intent, &stripe.PaymentIntentConfirmParams{
			PaymentMethod: stripe.String("pm_card_visa"), ReturnURL: stripe.String("https://example.com"),
		})
		if err != nil {
			t.Fatal(err)
		}
		event := fmt.Sprintf(`{"id":"evt_thin_%s","object":"v2.core.event","type":"v1.payment_intent.succeeded","created":%q,"livemode":false,
			"related_object":{"id":%q,"type":"payment_intent","url":"/v1/payment_intents/%[3]s"},"snapshot_event":"evt_snapshot"}`,
			intent, time.Now().UTC().Format(time.RFC3339Nano), intent)
		app.Send(t, event).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "duplicate": "false"})
		app.Send(t, event).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "duplicate": "true"})
		app.WantBalance(t, "thin_student", fields{"hours_available": "10.00", "balance_amount": "5000"})
		if open := app.Get(t, api+"/cases/?status=open").Get("data.#").Int(); open != 0 {
			t.Errorf("%d cases are open", open)
		}
		db.MustRun(t, "rebuild") // what was fetched is kept
		app.WantBalance(t, "thin_student", fields{"hours_available": "10.00"})
		db.MustAudit(t)
	})
}

// How many of a plan a Checkout Session sold, its line items say, which are
// fetched; whether its PaymentIntent was told before or after makes no odds.
func TestTheQuantityOfASessionIsFetched(t *testing.T) {
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := strings.TrimPrefix(r.URL.Path, "/v1/checkout/sessions/")
		if r.URL.Path != "/v1/account" && r.URL.Query().Get("expand[]") != "line_items" {
			t.Errorf("asked for %s", r.URL)
		}
		fmt.Fprint(w, twoPacks(id, `"line_items":{"object":"list","data":[{"id":"li_1","price":{"id":"price_other"},"quantity":2}]},`))
	}))
	t.Cleanup(answers.Close)
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		db.MustRun(t, "plans", "add", "--id", "pack8", "--name", "8 hours", "--hours", "8.00", "--amount", "12000", "--currency", "eur")
		app := db.Serve(t, "STRIPE_SECRET_KEY="+harness.StripeKey, "STRIPE_API_BASE="+answers.URL, "RECONCILE_EVERY=0")
		for _, first := range []string{"session", "intent"} {
			events := []string{
				`{"id":"evt_s_` + first + `","object":"event","api_version":"2026-01-28","created":1760000001,"livemode":false,"type":"checkout.session.completed","data":{"object":` + twoPacks("cs_"+first, "") + `}}`,
				`{"id":"evt_p_` + first + `","object":"event","api_version":"2026-01-28","created":1760000000,"livemode":false,"type":"payment_intent.succeeded","data":{"object":{"id":"pi_cs_` + first + `",
					"object":"payment_intent","amount":24000,"amount_received":24000,"currency":"eur","status":"succeeded","metadata":{"student_id":"cs_` + first + `","plan":"pack8"}}}}`,
			}
			if first == "intent" {
				slices.Reverse(events)
			}
			for _, event := range events {
				app.Send(t, event).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed"})
			}
			app.WantBalance(t, "cs_"+first, fields{"hours_available": "16.00", "balance_amount": "24000"})
			app.Get(t, api+"/purchases/pi_cs_"+first+"/").WantFields(t, fields{"hours": "16.00", "amount": "24000", "payment_status": "completed", "cases.#": "0"})
		}
		if open := app.Get(t, api+"/cases/?status=open").Get("data.#").Int(); open != 0 {
			t.Errorf("%d cases are open", open)
		}
		db.MustAudit(t)
	})
}

// twoPacks is a Checkout Session of two packs, with more in it.
func twoPacks(id, more string) string {
	return fmt.Sprintf(`{"id":%[1]q,"object":"checkout.session",%[2]s"amount_subtotal":24000,"amount_total":24000,"currency":"eur","mode":"payment",
		"payment_intent":"pi_%[1]s","payment_status":"paid","status":"complete","metadata":{"student_id":%[1]q,"plan":"pack8"}}`, id, more)
}

// Where Stripe can't be asked, the event waits with a case, and is read once
// Stripe answers again.
func TestAThinEventWaitsUntilStripeAnswers(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		var down atomic.Bool
		down.Store(true)
		const intent = `{"id":"pi_waits","object":"payment_intent","amount":5000,"amount_received":5000,"currency":"eur","status":"succeeded","metadata":{}}`
		answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if down.Load() || r.URL.Path != "/v1/payment_intents/pi_waits" {
				w.WriteHeader(http.StatusNotFound)
				fmt.Fprint(w, `{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such payment_intent"}}`)
				return
			}
			fmt.Fprint(w, intent)
		}))
		t.Cleanup(answers.Close)
		app := db.Serve(t, "STRIPE_SECRET_KEY="+harness.StripeKey, "STRIPE_API_BASE="+answers.URL, "RECONCILE_EVERY=0")
		p := harness.NewPurchase(t).WithIntent("pi_waits").Create(db)
		app.Send(t, `{"id":"evt_waits","object":"v2.core.event","type":"v1.payment_intent.succeeded","created":"2026-10-01T12:00:00.000Z",
			"livemode":false,"related_object":{"id":"pi_waits","type":"payment_intent"}}`).Want(t, http.StatusAccepted).
			WantFields(t, fields{"status": "parked", "reason": "unfetched_event"})
		app.Get(t, api+"/cases/?status=open").WantFields(t, fields{"data.0.kind": "unfetched_event", "data.0.event_id": "evt_waits"})
		down.Store(false)
		harness.Eventually(t, "the event is read", func() bool {
			return app.Get(t, api+"/purchases/"+p.ID+"/").Get("payment_status").String() == "completed"
		})
		app.Get(t, api+"/cases/?kind=unfetched_event").WantFields(t, fields{"data.0.status": "closed"})
		db.MustAudit(t)
	})
}

// A payment for which nobody knows a purchase is a case after ten minutes, or
// when it is given up sooner; and none once its purchase is known.
func TestAPaymentWithoutAPurchaseIsACase(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		p := harness.NewPurchase(t).WithIntent("pi_" + harness.RandomName())
		event := p.Succeeded()
		app.Deliver(t, event).Want(t, http.StatusAccepted)
		if open := app.Get(t, api+"/cases/?status=open").Get("data.#").Int(); open != 0 {
			t.Errorf("%d cases are open at once", open)
		}
		long := time.Now().UTC().Add(-11 * time.Minute).Format("2006-01-02 15:04:05.999999999-07:00")
		db.Exec(t, "UPDATE webhook_events SET received_at = '"+long+"' WHERE id = '"+event.ID+"'")
		app.Request(t, http.MethodPost, api+"/events/"+event.ID+"/replay/", "", "Authorization", "Bearer "+harness.AdminKey)
		app.Get(t, api+"/cases/?status=open").WantFields(t, fields{
			"data.0.kind": "unmatched_payment", "data.0.payment": p.PaymentIntent, "data.0.amount": "5000", "data.0.currency": "eur",
		})
		p.Create(db)
		harness.Eventually(t, "the purchase has its payment", func() bool {
			return app.Get(t, api+"/purchases/"+p.ID+"/").Get("payment_status").String() == "completed"
		})
		if open := app.Get(t, api+"/cases/?status=open").Get("data.#").Int(); open != 0 {
			t.Errorf("%d cases are open in the end", open)
		}
	})
}

// An event that was given up finds its purchase when that is made at last, and
// a case that stood since closes.
func TestAGivenUpPaymentFindsItsPurchaseAtLast(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t, "PARK_FOR=0s")
		p := harness.NewPurchase(t).WithIntent("pi_" + harness.RandomName())
		app.Deliver(t, p.Succeeded()).Want(t, http.StatusOK).WantFields(t, fields{"status": "ignored", "reason": "unmatched"})
		found := app.Get(t, api+"/cases/?status=open").WantFields(t, fields{"data.0.kind": "unmatched_payment"})
		db.MustRun(t, "plans", "add", "--id", "pack10", "--name", "10 hours", "--hours", "10.00", "--amount", "5000", "--currency", "eur")
		given := app.Post(t, harness.AdminKey, api+"/cases/"+found.Get("data.0.id").String()+"/purchase/", `{"student_id":"late_student","plan":"pack10"}`)
		given.Want(t, http.StatusCreated).WantFields(t, fields{"student_id": "late_student", "payment_status": "completed", "hours_credited": "10.00"})
		if open := app.Get(t, api+"/cases/?status=open").Get("data.#").Int(); open != 0 {
			t.Errorf("%d cases are open in the end", open)
		}
		db.MustAudit(t)
	})
}

// With OTHER_PAYMENTS=list a payment that names nothing of ours opens no case.
func TestOtherPaymentsAreAList(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t, "PARK_FOR=0s", "OTHER_PAYMENTS=list")
		theirs, ours := harness.NewPurchase(t).WithIntent("pi_"+harness.RandomName()), harness.NewPurchase(t).WithIntent("pi_"+harness.RandomName())
		app.Deliver(t, theirs.Succeeded()).Want(t, http.StatusOK).WantFields(t, fields{"status": "ignored", "reason": "unmatched"})
		app.Deliver(t, ours.Succeeded().Set("metadata", map[string]any{"purchase_transaction_id": "not_here"}))
		app.Get(t, api+"/cases/?status=open").WantFields(t, fields{"data.#": "1", "data.0.payment": ours.PaymentIntent})
	})
}
