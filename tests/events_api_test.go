package tests

import (
	"net/http"
	"testing"

	"hourbank/tests/harness"
)

func TestEventsAreListedFilteredAndPaged(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		var all []string
		for _, event := range []*harness.Event{
			p.Succeeded(), harness.NewEvent(t, "customer.created", "payment_intent"), p.Succeeded().Set("id", nil), p.Intent(failed),
		} {
			app.Deliver(t, event).Want(t, http.StatusOK)
			all = append([]string{event.ID}, all...)
		}
		_, parked := park(t, app)
		all = append([]string{parked.ID}, all...)
		for _, limit := range []int{1, 2, 5} {
			wantSame(t, "all", follow(t, app, api+"/events/?", "id", limit), all)
		}
		wantSame(t, "processed", follow(t, app, api+"/events?status=processed&", "id", 1), []string{all[1], all[4]})
		wantSame(t, "ignored", follow(t, app, api+"/events/?status=ignored&", "id", 1), []string{all[3]})
		wantSame(t, "rejected", follow(t, app, api+"/events/?status=rejected&", "id", 1), []string{all[2]})
		wantSame(t, "parked", follow(t, app, api+"/events/?status=parked&", "id", 1), []string{parked.ID})
		wantSame(t, "of a type", follow(t, app, api+"/events/?type=payment_intent.succeeded&", "id", 2), []string{all[0], all[2], all[4]})
		wantSame(t, "of a type and status", follow(t, app, api+"/events/?type=payment_intent.succeeded&status=processed&", "id", 2), []string{all[4]})
		if listed := app.Get(t, api+"/events/"); listed.Get("data.0.payload").Exists() {
			t.Error("the list shows payloads")
		}
	})
}

func TestEventIsShownWithItsPayload(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		event := p.Succeeded().In(harness.V2020)
		app.MustProcess(t, event)
		shown := app.Get(t, api+"/events/"+event.ID).WantFields(t, fields{
			"id": event.ID, "type": succeeded, "api_version": "2020-08-27", "livemode": "false", "status": "processed", "reason": "",
			"attempts": "1", "deliveries": "1", "transaction_id": p.ID, "next_attempt_at": "", "payload.id": event.ID,
			"payload.data.object.id": p.PaymentIntent, "payload.data.object.amount_received": "5000",
		})
		if shown.Get("received_at").Time().IsZero() || shown.Get("processed_at").Time().IsZero() {
			t.Errorf("no times in %s", shown.Body)
		}
		app.As(t, harness.ReadKey, http.MethodGet, api+"/events/evt_nothing/").WantProblem(t, http.StatusNotFound, "not_found")
	})
}

func TestReplayCreditsNothingTwice(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		event := p.Succeeded()
		app.MustProcess(t, event)
		for _, path := range []string{"/replay/", "/replay"} {
			app.As(t, harness.AdminKey, http.MethodPost, api+"/events/"+event.ID+path).Want(t, http.StatusOK).
				WantFields(t, fields{"event_id": event.ID, "status": "processed", "transaction_id": p.ID})
		}
		app.WantBalance(t, p.Student, fields{"hours_available": "10.00"})
		app.Get(t, api+"/events/"+event.ID+"/").WantFields(t, fields{"status": "processed", "reason": "", "deliveries": "1"})
		app.As(t, harness.AdminKey, http.MethodPost, api+"/events/evt_nothing/replay/").WantProblem(t, http.StatusNotFound, "not_found")
		app.MustAudit(t)
	})
}
