package tests

import (
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/tests/harness"
)

// After a restore to yesterday, Stripe's events make today's sales again, under
// the same ids: our own objects carry all that it takes.
func TestSalesThatWereLostAreMadeAgainOfStripesEvents(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, yesterday *harness.Database) {
		standIn := harness.NewStripe(t)
		app := yesterday.Serve(t, standIn.Settings()...)
		yesterday.MustRun(t, "plans", "add", "--id", "pack8", "--name", "8 hours", "--hours", "8.00", "--amount", "12000", "--currency", "eur")
		byHours := app.PostPatiently(t, harness.WriteKey, api+"/purchases/", `{"student_id":"ada","hours":"10.00","amount":5000,"currency":"eur"}`)
		byPlan := app.PostPatiently(t, harness.WriteKey, api+"/purchases/", `{"student_id":"ada","plan":"pack8"}`)

		restored := harness.NewDatabase(t, yesterday.Engine) // knows nothing of the sales
		restored.MustRun(t, "plans", "add", "--id", "pack8", "--name", "8 hours", "--hours", "8.00", "--amount", "12000", "--currency", "eur")
		again := restored.Serve(t, standIn.Settings()...)
		standIn.SendTo(t, again)
		for _, sold := range []harness.Response{byHours, byPlan} {
			_, err := standIn.API.PaymentIntents.Confirm(sold.Get("stripe_payment_intent_id").String(), &stripe.PaymentIntentConfirmParams{
				PaymentMethod: stripe.String("pm_card_visa"), ReturnURL: stripe.String("https://example.com"),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		standIn.Settle(t)
		for _, sold := range []harness.Response{byHours, byPlan} {
			again.Get(t, api+"/purchases/"+sold.Get("id").String()+"/").WantFields(t, fields{
				"payment_status": "completed", "student_id": "ada", "amount": sold.Get("amount").String(), "hours": sold.Get("hours").String(),
				"stripe_payment_intent_id": sold.Get("stripe_payment_intent_id").String(),
			})
		}
		again.WantBalance(t, "ada", fields{"hours_available": "18.00", "balance_amount": "17000"})
		restored.MustAudit(t)
	})
}
