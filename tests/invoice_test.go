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
			tie := harness.NewEvent(t, "invoice_payment.paid", "invoice_payment").In(in).Set("invoice", id).
				Set("payment.payment_intent", intent).Set("amount_paid", 5600)
			bill(t, app, tie).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "reason": "", "transaction_id": p.ID})
		}
		app.WantPurchase(t, p, fields{"stripe_payment_intent_id": intent})
		deliver(t, app, in, p.ChargeRefunded(1400).At(5), p.Dispute(disputeCreated, "dp_1", 5600, "needs_response").At(6))
		app.WantPurchase(t, p, fields{"payment_status": "disputed", "hours_reversed": "4.00", "amount_refunded": "1400", "amount_disputed": "4200"})
		deliver(t, app, in, p.Dispute(disputeClosed, "dp_1", 5600, "won").At(7))
		app.WantBalance(t, student, fields{"hours_available": "3.00", "balance_amount": "4200"})
	})
}
