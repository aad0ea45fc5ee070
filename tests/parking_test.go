package tests

import (
	"net/http"
	"testing"

	"hourbank/tests/harness"
)

// park delivers a success that is faster than its purchase.
func park(t *testing.T, app *harness.App) (*harness.Purchase, *harness.Event) {
	t.Helper()
	p := harness.NewPurchase(t)
	event := p.Succeeded()
	app.Deliver(t, event).Want(t, http.StatusAccepted).
		WantFields(t, fields{"event_id": event.ID, "status": "parked", "duplicate": "false", "transaction_id": "", "reason": ""})
	return p, event
}

func waitForHours(t *testing.T, app *harness.App, student, hours string) {
	t.Helper()
	harness.Eventually(t, "the student has "+hours+" hours", func() bool {
		return app.Get(t, "/api/finances/students/"+student+"/balance/").Get("hours_available").String() == hours
	})
}

func TestParkedEventCreditsOnceItsPurchaseAppears(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p, event := park(t, app)
		app.Get(t, "/api/finances/events/"+event.ID+"/").WantFields(t, fields{"status": "parked", "processed_at": "", "attempts": "1"})
		app.Deliver(t, event).Want(t, http.StatusAccepted).WantFields(t, fields{"status": "parked", "duplicate": "true"})
		p.Create(app.Database)
		waitForHours(t, app, p.Student, "10.00")
		app.Get(t, "/api/finances/events/"+event.ID+"/").
			WantFields(t, fields{"status": "processed", "transaction_id": p.ID, "next_attempt_at": "", "deliveries": "2"})
		app.Deliver(t, event).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "duplicate": "true", "transaction_id": p.ID})
		app.MustAudit(t)
	})
}

// Stripe's own retry finds the purchase before the worker's next try.
func TestParkedEventIsTriedByItsNextDelivery(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p, event := park(t, app)
		p.Create(app.Database)
		app.Deliver(t, event).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "transaction_id": p.ID})
		app.WantBalance(t, p.Student, fields{"hours_available": "10.00"})
		app.MustAudit(t)
	})
}

func TestParkedEventSurvivesARestart(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		before := db.Serve(t)
		p, _ := park(t, before)
		before.Stop(t)
		p.Create(db)
		after := db.Serve(t)
		waitForHours(t, after, p.Student, "10.00")
		db.MustAudit(t)
	})
}

func TestParkedEventsOfOnePaymentApplyInAnyOrder(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := harness.NewPurchase(t)
		for _, event := range []*harness.Event{
			p.ChargeRefunded(2500).At(30), p.Refund("refund.created", "re_1", 2500, "succeeded", 29).At(29),
			p.Intent(failed).At(10), p.Succeeded().At(20),
		} {
			app.Deliver(t, event).Want(t, http.StatusAccepted)
		}
		p.Create(app.Database)
		waitForHours(t, app, p.Student, "5.00")
		harness.Eventually(t, "nothing is parked", func() bool {
			return len(app.Get(t, "/api/finances/events/?status=parked").Get("data").Array()) == 0
		})
		app.WantPurchase(t, p, fields{"payment_status": "partially_refunded"})
		app.MustAudit(t)
	})
}

func TestParkedForTooLongIsIgnoredAndStillReplayable(t *testing.T) {
	for _, parkFor := range []string{"0s", "1ms"} {
		t.Run(parkFor, func(t *testing.T) {
			harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
				p := harness.NewPurchase(t)
				event := p.Succeeded()
				app.Deliver(t, event)
				harness.Eventually(t, "the event is given up", func() bool {
					return app.Get(t, "/api/finances/events/"+event.ID+"/").Get("status").String() == "ignored"
				})
				app.Get(t, "/api/finances/events/"+event.ID+"/").WantFields(t, fields{"reason": "unmatched", "next_attempt_at": ""})
				p.Create(app.Database)
				app.Deliver(t, event).Want(t, http.StatusOK).WantFields(t, fields{"duplicate": "true"})
				app.As(t, harness.AdminKey, http.MethodPost, "/api/finances/events/"+event.ID+"/replay/").Want(t, http.StatusOK).
					WantFields(t, fields{"status": "processed", "transaction_id": p.ID})
				app.WantBalance(t, p.Student, fields{"hours_available": "10.00"})
				app.MustAudit(t)
			}, "PARK_FOR="+parkFor)
		})
	}
}
