package tests

import (
	"testing"

	"hourbank/tests/harness"
)

const (
	sessionCompleted = "checkout.session.completed"
	asyncSucceeded   = "checkout.session.async_payment_succeeded"
	asyncFailed      = "checkout.session.async_payment_failed"
	sessionExpired   = "checkout.session.expired"
)

func TestCheckoutSessionEvents(t *testing.T) {
	rows := []struct{ eventType, paymentStatus, want, failure string }{
		{sessionCompleted, "paid", "completed", ""},
		{sessionCompleted, "unpaid", "processing", ""}, // a delayed method pays later
		{asyncSucceeded, "paid", "completed", ""},
		{asyncFailed, "unpaid", "failed", "async_payment_failed"},
		{sessionExpired, "unpaid", "cancelled", "expired"},
	}
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, row := range rows {
			inVersions(t, app, func(t *testing.T, _ *harness.Purchase, in harness.Version) {
				p := harness.NewPurchase(t).WithoutIntent().Create(app.Database)
				deliver(t, app, in, p.Session(row.eventType, "cs_"+p.ID, row.paymentStatus))
				app.WantPurchase(t, p, fields{"payment_status": row.want, "failure.code": row.failure, "stripe_payment_intent_id": ""})
			})
		}
		app.MustAudit(t)
	})
}

// The session is all that the purchase knows; the PaymentIntent comes with it
// and later events name nothing else.
func TestCheckoutSessionTiesItsPaymentIntent(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		inVersions(t, app, func(t *testing.T, _ *harness.Purchase, in harness.Version) {
			p := harness.NewPurchase(t).WithoutIntent().Create(app.Database)
			deliver(t, app, in, p.Session(sessionCompleted, "cs_"+p.ID, "unpaid").At(1))
			later := p.Session(asyncSucceeded, "cs_"+p.ID, "paid").At(2).Set("payment_intent", "pi_of_"+p.ID).Set("client_reference_id", nil)
			deliver(t, app, in, later)
			app.WantPurchase(t, p, fields{"payment_status": "completed", "stripe_payment_intent_id": "pi_of_" + p.ID})
			p.PaymentIntent = "pi_of_" + p.ID
			deliver(t, app, in, p.ChargeRefunded(5000).At(3))
			app.WantPurchase(t, p, fields{"payment_status": "refunded"})
		})
		app.MustAudit(t)
	})
}

func TestCheckoutSessionFindsItsPurchaseByMetadata(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := harness.NewPurchase(t).WithoutIntent().Create(app.Database)
		app.MustProcess(t, p.Session(sessionCompleted, "cs_meta", "paid").Set("client_reference_id", "somebody").
			Set("metadata", map[string]any{"purchase_transaction_id": p.ID}))
		app.WantPurchase(t, p, fields{"payment_status": "completed"})
	})
}
