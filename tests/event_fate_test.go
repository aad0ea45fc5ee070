package tests

import (
	"net/http"
	"testing"

	"hourbank/tests/harness"
)

func TestEventOfAnotherModeIsIgnored(t *testing.T) {
	for key, live := range map[string]bool{"sk_test_of_the_tests": false, "sk_live_of_the_tests": true} {
		t.Run(key, func(t *testing.T) {
			harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
				p := app.NewPurchase(t)
				right, wrong := p.Succeeded(), p.Succeeded().Live()
				if live {
					right, wrong = wrong, right
				}
				app.Deliver(t, wrong).Want(t, http.StatusOK).
					WantFields(t, fields{"status": "ignored", "reason": "livemode_mismatch", "transaction_id": ""})
				app.WantPurchase(t, p, fields{"payment_status": "pending"})
				app.MustProcess(t, right)
				app.WantPurchase(t, p, fields{"payment_status": "completed"})
			}, "STRIPE_SECRET_KEY="+key, "RECONCILE_EVERY=0")
		})
	}
}

func TestUnsupportedAndThinEventsAreStoredAndIgnored(t *testing.T) {
	bodies := map[string]string{
		"evt_customer": harness.NewEvent(t, "customer.created", "payment_intent").Named("evt_customer").Body(),
		"evt_thin": `{"id":"evt_thin","object":"v2.core.event","type":"v1.billing.meter.error_report_triggered","livemode":false,
			"created":"2026-01-28T12:00:00.000Z","related_object":{"id":"mtr_123","type":"billing.meter","url":"/v1/billing/meters/mtr_123"}}`,
		"evt_bare":    `{"id":"evt_bare","type":"customer.deleted"}`,
		"evt_unheard": `{"id":"evt_unheard","object":"event","type":"something.new","data":{"object":{"id":"new_1"}}}`,
	}
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for id, body := range bodies {
			want := fields{"event_id": id, "status": "ignored", "reason": "unsupported_type", "transaction_id": "", "duplicate": "false"}
			app.Send(t, body).Want(t, http.StatusOK).WantFields(t, want)
			want["duplicate"] = "true"
			app.Send(t, body).Want(t, http.StatusOK).WantFields(t, want)
			app.Get(t, "/api/finances/events/"+id+"/").WantFields(t, fields{"status": "ignored", "deliveries": "2", "payload.id": id})
		}
	})
}

func TestEventWithoutAnObjectIsRejectedAndKept(t *testing.T) {
	bodies := map[string]string{
		"evt_no_data":     `{"id":"evt_no_data","object":"event","type":"payment_intent.succeeded"}`,
		"evt_no_object":   `{"id":"evt_no_object","object":"event","type":"payment_intent.succeeded","data":{}}`,
		"evt_null":        `{"id":"evt_null","object":"event","type":"payment_intent.succeeded","data":{"object":null}}`,
		"evt_list":        `{"id":"evt_list","object":"event","type":"payment_intent.succeeded","data":{"object":[1,2]}}`,
		"evt_text":        `{"id":"evt_text","object":"event","type":"payment_intent.succeeded","data":{"object":"pi_1"}}`,
		"evt_object_null": `{"id":"evt_object_null","object":"event","type":"refund.updated","data":{"object":{"id":null}}}`,
	}
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for id, body := range bodies {
			app.Send(t, body).Want(t, http.StatusOK).WantFields(t, fields{"event_id": id, "status": "rejected", "reason": "missing_object"})
			app.Get(t, "/api/finances/events/"+id+"/").WantFields(t, fields{"status": "rejected", "reason": "missing_object"})
		}
	})
}

func TestDuplicatesAreCountedAndChangeNothing(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		event := p.Succeeded()
		app.MustProcess(t, event)
		for range 3 {
			app.Deliver(t, event).Want(t, http.StatusOK).
				WantFields(t, fields{"status": "processed", "duplicate": "true", "reason": "", "transaction_id": p.ID})
		}
		app.Get(t, "/api/finances/events/"+event.ID+"/").WantFields(t, fields{"deliveries": "4", "attempts": "1"})
		app.WantBalance(t, p.Student, fields{"hours_purchased": "10.00", "balance_amount": "5000"})
		app.MustAudit(t)
	})
}

// What the platform wrote into metadata may contradict itself; Stripe would
// send an event that answers 500 again for three days.
func TestEventWhoseKeysNameTwoPurchasesIsNoBug(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		one, other := app.NewPurchase(t), harness.NewPurchase(t).WithoutIntent().Create(app.Database)
		app.Deliver(t, other.Session("checkout.session.completed", "cs_shared", "unpaid")).Want(t, http.StatusOK)
		both := other.Session("checkout.session.async_payment_succeeded", "cs_shared", "paid").Set("payment_intent", one.PaymentIntent)
		app.Deliver(t, both).Want(t, http.StatusOK)
		app.Deliver(t, one.Succeeded().Set("metadata.purchase_transaction_id", other.ID)).Want(t, http.StatusOK)
		app.MustAudit(t)
	})
}
