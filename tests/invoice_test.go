package tests

import (
	"net/http"
	"testing"

	"hourbank/tests/harness"
)

// eachInvoice runs the test in each version, with a student and the ids of an
// invoice and its PaymentIntent of the version's own.
func eachInvoice(t *testing.T, test func(t *testing.T, app *harness.App, in harness.Version, student, id, intent string)) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		for _, version := range harness.Versions {
			t.Run(string(version), func(t *testing.T) {
				test(t, app, version, "student_"+string(version), "in_"+string(version), "pi_"+string(version))
			})
		}
		app.MustAudit(t)
	})
}

func TestInvoiceThatFailedIsPaidLaterInEveryVersion(t *testing.T) {
	eachInvoice(t, func(t *testing.T, app *harness.App, in harness.Version, student, id, _ string) {
		metadata := map[string]any{"student_id": student}
		failure := bill(t, app, invoice(t, in, "invoice.payment_failed", metadata).Set("id", id).At(1)).Want(t, http.StatusOK)
		purchase := failure.Get("transaction_id").String()
		app.Get(t, api+"/purchases/"+purchase).WantFields(t, fields{"payment_status": "failed", "hours_credited": "0.00"})
		bill(t, app, invoice(t, in, "invoice.paid", metadata).Set("id", id).At(2)).WantFields(t, fields{"transaction_id": purchase, "reason": ""})
		app.Get(t, api+"/purchases/"+purchase).WantFields(t, fields{"payment_status": "completed", "hours_credited": "4.00", "failure": ""})
	})
}

// Whatever a subscription told last says whose an invoice without metadata is.
func TestSubscriptionEventsOfEveryTypeInEveryVersion(t *testing.T) {
	for _, eventType := range []string{"customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted"} {
		t.Run(eventType, func(t *testing.T) {
			eachInvoice(t, func(t *testing.T, app *harness.App, in harness.Version, student, id, _ string) {
				second := map[harness.Version]int64{harness.V2020: 1, harness.V2023: 2, harness.V2026: 3}[in]
				told := harness.NewEvent(t, eventType, "subscription").In(in).Set("metadata", map[string]any{"student_id": student}).At(second)
				bill(t, app, told).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "reason": "", "transaction_id": ""})
				bill(t, app, invoice(t, in, "invoice.paid", map[string]any{}).Set("id", id)).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed"})
				app.WantBalance(t, student, fields{"hours_available": "4.00"})
			})
		})
	}
}

func TestInvoicePurchaseIsRefundedAndDisputedInEveryVersion(t *testing.T) {
	eachInvoice(t, func(t *testing.T, app *harness.App, in harness.Version, student, id, intent string) {
		paid := invoice(t, in, "invoice.paid", map[string]any{"student_id": student}).Set("id", id)
		if in != harness.V2026 {
			paid.Set("payment_intent", intent)
		}
		p := harness.NewPurchase(t).Of(400, 5600).WithIntent(intent)
		p.ID = bill(t, app, paid).Want(t, http.StatusOK).Get("transaction_id").String()
		if in == harness.V2026 {
			tie := harness.NewEvent(t, "invoice_payment.paid", "invoice_payment").In(in).Set("invoice", id).Set("payment.payment_intent", intent)
			bill(t, app, tie).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "reason": "", "transaction_id": p.ID})
		}
		app.WantPurchase(t, p, fields{"stripe_payment_intent_id": intent})
		deliver(t, app, in, p.ChargeRefunded(1400).At(5), p.Dispute(disputeCreated, "dp_1", 5600, "needs_response").At(6))
		app.WantPurchase(t, p, fields{"payment_status": "disputed", "hours_reversed": "4.00", "amount_refunded": "1400", "amount_disputed": "4200"})
		deliver(t, app, in, p.Dispute(disputeClosed, "dp_1", 5600, "won").At(7))
		app.WantBalance(t, student, fields{"hours_available": "3.00", "balance_amount": "4200"})
	})
}

// The law holds for an invoice that was paid with less than was due, too: the
// same three events in any order.
func TestInvoicePaidWithLessThanWasDueInAnyOrder(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		for name, order := range map[string][]int{"012": {0, 1, 2}, "021": {0, 2, 1}, "102": {1, 0, 2}, "120": {1, 2, 0}, "201": {2, 0, 1}, "210": {2, 1, 0}} {
			t.Run(name, func(t *testing.T) {
				metadata, id, intent := map[string]any{"student_id": "student_" + name}, "in_"+name, "pi_"+name
				p := harness.NewPurchase(t).Of(400, 5000).WithIntent(intent)
				events := []*harness.Event{
					invoice(t, harness.V2023, "invoice.payment_failed", metadata).Set("id", id).Set("payment_intent", intent).At(1),
					p.Succeeded().At(2).Set("invoice", id),
					invoice(t, harness.V2023, "invoice.paid", metadata).Set("id", id).Set("payment_intent", intent).Set("amount_paid", 5000).At(3),
				}
				for _, i := range order {
					app.Deliver(t, events[i])
				}
				harness.Eventually(t, "nothing is parked", func() bool { return app.Get(t, api+"/events/?status=parked").Get("data.#").Int() == 0 })
				app.Get(t, api+"/purchases/"+intent).WantFields(t, fields{
					"payment_status": "completed", "amount": "5000", "amount_received": "5000", "completed_at": "2025-10-09T08:53:22Z",
				})
			})
		}
		app.MustAudit(t)
	})
}
