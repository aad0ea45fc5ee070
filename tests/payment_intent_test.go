package tests

import (
	"net/http"
	"testing"

	"hourbank/models"
	"hourbank/tests/harness"
)

const (
	succeeded = "payment_intent.succeeded"
	failed    = "payment_intent.payment_failed"
	canceled  = "payment_intent.canceled"
)

// Every payment_intent.* row of the table, in the shapes of three API versions.
func TestPaymentIntentEvents(t *testing.T) {
	paid := fields{"payment_status": "completed", "hours_credited": "10.00", "amount_received": "5000", "failure": ""}
	rows := []struct {
		eventType string
		want      fields
	}{
		{succeeded, paid},
		{"payment_intent.processing", fields{"payment_status": "processing"}},
		{"payment_intent.partially_funded", fields{"payment_status": "processing"}},
		{"payment_intent.amount_capturable_updated", fields{"payment_status": "processing"}},
		{failed, fields{"payment_status": "failed", "failure.code": "card_declined", "failure.message": "Your card has insufficient funds."}},
		{canceled, fields{"payment_status": "cancelled", "failure.code": "abandoned", "hours_credited": "0.00"}},
	}
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, version := range harness.Versions {
			for _, row := range rows {
				p := app.NewPurchase(t)
				app.MustProcess(t, p.Intent(row.eventType).In(version))
				app.WantPurchase(t, p, row.want)
				app.WantPurchase(t, p, fields{"stripe_customer_id": "cus_Q0shape0000001"})
			}
		}
		app.MustAudit(t)
	})
}

func TestPaymentIntentEventsThatChangeNoStatus(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, eventType := range []string{"payment_intent.created", "payment_intent.requires_action"} {
			pending := app.NewPurchase(t)
			app.Deliver(t, pending.Intent(eventType)).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed"})
			app.WantPurchase(t, pending, fields{"payment_status": "pending"})

			processing := harness.NewPurchase(t).Processing().Create(app.Database)
			app.Deliver(t, processing.Intent(eventType)).Want(t, http.StatusOK)
			app.WantPurchase(t, processing, fields{"payment_status": "processing"})
		}
	})
}

// Before a success: cancelled once cancelled, else the later of failed and
// processing, in the same second failed.
func TestPaymentStatusFollowsStripesTimeInAnyOrder(t *testing.T) {
	processing := "payment_intent.processing"
	rows := []struct {
		name          string
		first, second string
		at1, at2      int64
		want          models.PaymentStatus
	}{
		{"failed after processing", processing, failed, 10, 20, models.StatusFailed},
		{"processing after failed", failed, processing, 10, 20, models.StatusProcessing},
		{"failed and processing in one second", failed, processing, 10, 10, models.StatusFailed},
		{"cancelled before failed", canceled, failed, 10, 20, models.StatusCancelled},
		{"cancelled before processing", canceled, processing, 10, 20, models.StatusCancelled},
		{"cancelled after failed", failed, canceled, 10, 20, models.StatusCancelled},
		{"succeeded after failed", failed, succeeded, 10, 20, models.StatusCompleted},
		{"succeeded before failed", succeeded, failed, 10, 20, models.StatusCompleted},
		{"succeeded before cancelled", succeeded, canceled, 10, 20, models.StatusCompleted},
		{"succeeded before processing", succeeded, processing, 10, 20, models.StatusCompleted},
	}
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				there, back := app.NewPurchase(t), app.NewPurchase(t)
				for _, p := range []*harness.Purchase{there, back} {
					events := []*harness.Event{p.Intent(row.first).At(row.at1), p.Intent(row.second).At(row.at2)}
					if p == back {
						events[0], events[1] = events[1], events[0]
					}
					app.Deliver(t, events[0]).Want(t, http.StatusOK)
					app.Deliver(t, events[1]).Want(t, http.StatusOK)
					app.WantPurchase(t, p, fields{"payment_status": string(row.want)})
				}
			})
		}
		app.MustAudit(t)
	})
}

func TestPaymentCompletedAtIsStripesTime(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := harness.NewPurchase(t).ValidFor(30).Create(app.Database)
		app.MustProcess(t, p.Succeeded().At(0))
		app.WantPurchase(t, p, fields{"completed_at": "2025-10-09T08:53:20Z", "expires_at": "2025-11-08T08:53:20Z"})
	})
}

func TestPaymentMissingAmountReceivedReadsAsAmount(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded().Unset("amount_received").Set("currency", "EUR"))
		app.WantPurchase(t, p, fields{"payment_status": "completed"})
	})
}

func TestPaymentIsFoundByMetadataAndThenByItsIntent(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := harness.NewPurchase(t).WithoutIntent().Create(app.Database)
		p.PaymentIntent = "pi_told_by_metadata_" + p.ID
		app.MustProcess(t, p.Intent(failed).Set("metadata.purchase_transaction_id", p.ID).At(1))
		app.WantPurchase(t, p, fields{"stripe_payment_intent_id": p.PaymentIntent, "payment_status": "failed"})
		app.MustProcess(t, p.Succeeded().At(2)) // without metadata
		app.WantPurchase(t, p, fields{"payment_status": "completed"})
	})
}

func TestPaymentEventThatTellsNothingNewIsStale(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded().At(5))
		for _, late := range []*harness.Event{p.Succeeded().At(5), p.Succeeded().At(9), p.Intent("payment_intent.created").At(1)} {
			app.Deliver(t, late).Want(t, http.StatusOK).
				WantFields(t, fields{"status": "processed", "reason": "stale", "duplicate": "false", "transaction_id": p.ID})
		}
		app.WantPurchase(t, p, fields{"payment_status": "completed", "hours_credited": "10.00"})
		app.WantBalance(t, p.Student, fields{"hours_purchased": "10.00"})
	})
}

// A customer whose first attempt failed may start over with another
// PaymentIntent. What is told of that one alone is the purchase's, too, in any
// order.
func TestAnotherPaymentIntentOfAPurchase(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		orders := [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}}
		for _, order := range orders {
			p := app.NewPurchase(t)
			second := *p
			second.PaymentIntent = "pi_second_" + p.ID
			story := []*harness.Event{
				p.Intent(failed).At(0),
				second.Succeeded().Set("metadata.purchase_transaction_id", p.ID).At(1),
				second.Refund("refund.created", "re_"+p.ID, 1000, "succeeded", 2).At(2),
				second.Dispute("charge.dispute.created", "dp_"+p.ID, 4000, "needs_response").At(3),
			}
			paid := false
			for _, i := range order {
				paid = paid || i == 1
				want := http.StatusOK
				if i > 1 && !paid {
					want = http.StatusAccepted // nothing says yet whose it is
				}
				app.Deliver(t, story[i]).Want(t, want)
			}
			waitForHours(t, app, p.Student, "0.00")
			app.WantPurchase(t, p, fields{"payment_status": "disputed", "hours_credited": "10.00", "hours_reversed": "10.00",
				"amount_refunded": "1000", "amount_disputed": "4000", "stripe_payment_intent_id": second.PaymentIntent})
			app.Get(t, "/api/finances/purchases/"+second.PaymentIntent+"/").WantFields(t, fields{"id": p.ID})
		}
		app.MustAudit(t)
	})
}
