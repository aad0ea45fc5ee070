package tests

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/tidwall/gjson"

	"hourbank/sandbox"
	"hourbank/tests/harness"
)

// deaf is a program that Stripe never reaches: everything gets lost.
func deaf(t *testing.T, db *harness.Database) (*harness.App, *harness.Stripe, string) {
	t.Helper()
	standIn := harness.NewStripe(t)
	app := db.Serve(t, standIn.Settings()...)
	sold := app.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"student_1","hours":"10.00","amount":5000,"currency":"eur"}`)
	return app, standIn, sold.Want(t, 201).Get("stripe_payment_intent_id").String()
}

func pay(t *testing.T, standIn *harness.Stripe, intent string) {
	t.Helper()
	_, err := standIn.API.PaymentIntents.Confirm(intent, &stripe.PaymentIntentConfirmParams{
		PaymentMethod: stripe.String("pm_card_visa"), ReturnURL: stripe.String("https://example.com"),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReconcileAppliesEventsThatNeverArrivedAndADryRunDoesNot(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, standIn, intent := deaf(t, db)
		pay(t, standIn, intent)
		if _, err := standIn.API.Refunds.New(&stripe.RefundParams{PaymentIntent: &intent, Amount: stripe.Int64(2500)}); err != nil {
			t.Fatal(err)
		}
		dry := standIn.RunOn(t, db, "reconcile", "--since", "1h", "--dry-run")
		if dry.Code != 0 || !strings.Contains(dry.Stdout, "pending → completed") || !strings.Contains(dry.Stdout, "0.00 → 10.00") {
			t.Errorf("the dry run shows no change (exit %d): %s%s", dry.Code, dry.Stdout, dry.Stderr)
		}
		app.Get(t, api+"/purchases/"+intent).WantFields(t, fields{"payment_status": "pending"})

		report := standIn.RunOn(t, db, "reconcile", "--since", "1h", "--json")
		if n := gjson.Get(report.Stdout, "corrections.#").Int(); report.Code != 0 || n == 0 {
			t.Fatalf("corrected %d (exit %d): %s", n, report.Code, report.Stderr)
		}
		app.Get(t, api+"/purchases/"+intent).WantFields(t, fields{"payment_status": "partially_refunded", "hours_reversed": "5.00"})
		again := standIn.RunOn(t, db, "reconcile", "--since", "1h", "--json")
		if n := gjson.Get(again.Stdout, "corrections.#").Int(); n != 0 {
			t.Errorf("a second run corrected %d: %s", n, again.Stdout)
		}
		db.MustAudit(t)
	})
}

// Failure 14: missed events that cannot be fetched any more. Stripe lists
// events for 30 days and makes some never; the objects themselves tell.
func TestFailure14MissedEventsThatCannotBeFetchedAnyMore(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, standIn, intent := deaf(t, db)
		pay(t, standIn, intent)
		if _, err := standIn.API.Refunds.New(&stripe.RefundParams{PaymentIntent: &intent, Amount: stripe.Int64(1000)}); err != nil {
			t.Fatal(err)
		}
		dispute, err := standIn.Do(intent, "dispute", sandbox.Options{Amount: 1500})
		if err != nil {
			t.Fatal(err)
		}
		// Stripe is busy, its list of events has nothing left to tell, and the
		// purchase is older than reconcile usually looks.
		if err := standIn.AddFault(sandbox.Fault{Status: 503, Count: 2, PathPrefix: "/v1/refunds"}); err != nil {
			t.Fatal(err)
		}
		forgetEvents(t, db, standIn)
		db.Exec(t, "UPDATE purchase_transactions SET created_at = '2026-01-01 00:00:00+00:00'")
		if result := standIn.RunOn(t, db, "reconcile", "--since", "2400h"); result.Code != 0 {
			t.Fatalf("reconcile exited %d: %s", result.Code, result.Stderr)
		}
		app.Get(t, api+"/purchases/"+intent).WantFields(t, fields{
			"payment_status": "disputed", "amount_refunded": "1000", "amount_disputed": "1500", "hours_reversed": "5.00",
		})
		if _, err := standIn.Do(dispute, "win", sandbox.Options{}); err != nil {
			t.Fatal(err)
		}
		forgetEvents(t, db, standIn)
		standIn.RunOn(t, db, "reconcile", "--since", "2400h")
		app.Get(t, api+"/purchases/"+intent).WantFields(t, fields{"payment_status": "partially_refunded", "hours_reversed": "2.00"})
		db.MustAudit(t)
	})
}

// Failure 8: a refund that failed, of which no event told, is taken off once: a
// total that the charge told later holds it no more.
func TestFailure8ARefundThatFailedUntoldIsNotTakenOffALaterTotal(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		var hours atomic.Int64
		start := time.Now().Add(-24 * time.Hour)
		standIn := harness.NewStripeAt(t, func() time.Time { return start.Add(time.Duration(hours.Load()) * time.Hour) })
		app := db.Serve(t, standIn.Settings()...)
		sold := app.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"student_1","hours":"10.00","amount":5000,"currency":"eur"}`)
		intent := sold.Want(t, 201).Get("stripe_payment_intent_id").String()
		refund := func(amount int64) string {
			hours.Add(1)
			made, err := standIn.API.Refunds.New(&stripe.RefundParams{PaymentIntent: &intent, Amount: &amount})
			if err != nil {
				t.Fatal(err)
			}
			return made.ID
		}
		pay(t, standIn, intent)
		failing := refund(2000)
		standIn.RunOn(t, db, "reconcile", "--since", "72h")
		app.Get(t, api+"/purchases/"+intent).WantFields(t, fields{"amount_refunded": "2000"})

		hours.Add(1)
		if _, err := standIn.Do(failing, "fail", sandbox.Options{}); err != nil {
			t.Fatal(err)
		}
		forgetEvents(t, db, standIn)
		refund(1000)
		standIn.RunOn(t, db, "reconcile", "--since", "72h")
		app.Get(t, api+"/purchases/"+intent).WantFields(t, fields{"payment_status": "partially_refunded", "amount_refunded": "1000", "hours_reversed": "2.00"})
		again := standIn.RunOn(t, db, "reconcile", "--since", "72h", "--json")
		if n := gjson.Get(again.Stdout, "corrections.#").Int(); n != 0 {
			t.Errorf("another run corrected %d: %s", n, again.Stdout)
		}
		db.MustAudit(t)
	})
}

// forgetEvents makes the program believe that it has had every event that
// Stripe lists, so that only objects can tell it something.
func forgetEvents(t *testing.T, db *harness.Database, standIn *harness.Stripe) {
	t.Helper()
	list := standIn.API.Events.List(nil)
	for list.Next() {
		db.Exec(t, `INSERT INTO webhook_events (id, type, livemode, status, attempts, deliveries, payload, received_at)
			VALUES ('`+list.Event().ID+`', 'lost', false, 'ignored', 1, 1, '{}', '`+time.Now().UTC().Format(time.RFC3339)+`') ON CONFLICT DO NOTHING`)
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestFailure13EndpointSwitchedOffAndNobodyNoticed(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		standIn := harness.NewStripe(t)
		settings := append(standIn.Settings(), "RECONCILE_EVERY=1s")
		one, two := db.Serve(t, settings...), db.Serve(t, settings...)
		p := harness.NewPurchase(t).WithoutIntent().Create(db)
		intent, err := standIn.API.PaymentIntents.New(&stripe.PaymentIntentParams{
			Amount: stripe.Int64(5000), Currency: stripe.String("eur"), PaymentMethod: stripe.String("pm_card_visa"), Confirm: stripe.Bool(true),
			PaymentMethodTypes: []*string{stripe.String("card")}, Metadata: map[string]string{"purchase_transaction_id": p.ID},
		})
		if err != nil {
			t.Fatal(err)
		}
		db.Exec(t, "UPDATE purchase_transactions SET stripe_payment_intent_id = '"+intent.ID+"', created_at = '2026-11-01 00:00:00+00:00'")
		harness.Eventually(t, "the hours are credited", func() bool {
			return one.Get(t, api+"/purchases/"+p.ID).Get("payment_status").String() == "completed"
		})
		const alarm = "Stripe knew what the webhook was not told: check the endpoint in Stripe's dashboard"
		harness.Eventually(t, "one replica says so, once", func() bool {
			return len(one.Log.Lines("msg", alarm))+len(two.Log.Lines("msg", alarm)) == 1
		})
		db.MustAudit(t)
	})
}

// What was missed for days is applied in batches, as what arrives is.
func TestReconcileAppliesManyEventsInFewTransactions(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		standIn := harness.NewStripe(t)
		db.MustRun(t, "plans", "add", "--id", "pack_10", "--name", "10 hours", "--hours", "10.00", "--amount", "5000", "--currency", "eur")
		const payments = 60
		for i := range payments {
			_, err := standIn.API.PaymentIntents.New(&stripe.PaymentIntentParams{
				Amount: stripe.Int64(5000), Currency: stripe.String("eur"), PaymentMethod: stripe.String("pm_card_visa"), Confirm: stripe.Bool(true),
				PaymentMethodTypes: []*string{stripe.String("card")}, Metadata: map[string]string{"student_id": fmt.Sprint("student_", i), "plan": "pack_10"},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		report := standIn.RunOn(t, db, "reconcile", "--since", "1h", "--json")
		took := time.Since(start)
		events := db.Count(t, "SELECT count(*) FROM webhook_events")
		if n := gjson.Get(report.Stdout, "corrections.#").Int(); report.Code != 0 || n != events || n < 2*payments {
			t.Errorf("corrected %d of %d (exit %d): %s", n, events, report.Code, report.Stderr)
		}
		// All events of a transaction have its time. How many share one is the machine's affair.
		if transactions := db.Count(t, "SELECT count(DISTINCT received_at) FROM webhook_events"); transactions >= events {
			t.Errorf("%d events took %d transactions", events, transactions)
		} else {
			t.Logf("%d events in %d transactions, %.0f a second", events, transactions, float64(events)/took.Seconds())
		}
		if paid := db.Count(t, "SELECT count(*) FROM purchase_transactions WHERE payment_status = 'completed'"); paid != payments {
			t.Errorf("%d of %d are paid", paid, payments)
		}
		db.MustAudit(t)
	})
}
