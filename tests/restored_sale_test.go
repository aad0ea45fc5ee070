package tests

import (
	"maps"
	"net/http"
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
		// The secret is being rolled meanwhile.
		again := restored.Serve(t, append(standIn.Settings(), "STRIPE_WEBHOOK_SECRET=whsec_the_next_secret_of_the_tests,"+harness.WebhookSecret)...)
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

// Hours and a price in metadata are believed of a sale that we signed, by a secret
// that is still ours. Whatever else names them makes no purchase: its payment is a
// case, and staff give it to a student.
func TestAPriceInMetadataIsBelievedOfOurOwnSalesAlone(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		lost, standIn := harness.NewDatabase(t, db.Engine), harness.NewStripe(t)
		app := db.Serve(t, "PARK_FOR=0s")
		db.MustRun(t, "plans", "add", "--id", "pack10", "--name", "10 hours", "--hours", "10.00", "--amount", "5000", "--currency", "eur")
		soldBy := func(secrets string) map[string]any {
			return soldMetadata(t, lost.Serve(t, append(standIn.Settings(), "STRIPE_WEBHOOK_SECRET="+secrets)...), standIn)
		}
		ours, rolled := soldBy(harness.WebhookSecret+",whsec_a_secret_that_was_rolled_out"), soldBy("whsec_a_secret_that_was_rolled_out")
		with := func(changes map[string]any) map[string]any {
			changed := maps.Clone(ours)
			maps.Copy(changed, changes)
			return changed
		}
		for name, metadata := range map[string]map[string]any{
			"an empty signature":      with(map[string]any{"hourbank_signature": ""}),
			"one that is none":        with(map[string]any{"hourbank_signature": "~"}),
			"another purchase":        with(map[string]any{"purchase_transaction_id": "made_up"}),
			"another student":         with(map[string]any{"student_id": "mallory"}),
			"a gift to another":       with(map[string]any{"beneficiary_id": "mallory"}),
			"more hours":              with(map[string]any{"hours": "10000000.00"}),
			"a lower price":           with(map[string]any{"amount": "1"}),
			"a secret rolled out":     rolled,
			"a plan that nobody sold": with(map[string]any{"plan": "no_such_plan"}),
		} {
			wantNotSold(t, app, name, metadata, "eur")
		}
		wantNotSold(t, app, "another currency", ours, "jpy")
		unsigned := wantNotSold(t, app, "no signature", with(map[string]any{"hourbank_signature": nil}), "eur")
		if n := db.Count(t, "SELECT count(*) FROM purchase_transactions"); n != 0 {
			t.Fatalf("%d purchases were made up", n)
		}

		found := app.Get(t, api+"/cases/?status=open&kind=unmatched_payment&limit=100").Get(`data.#(payment=="` + unsigned + `").id`).String()
		app.Post(t, harness.AdminKey, api+"/cases/"+found+"/purchase/", `{"student_id":"bob","plan":"pack10"}`).
			Want(t, http.StatusCreated).WantFields(t, fields{"student_id": "bob", "payment_status": "completed", "hours_credited": "10.00"})

		paid := harness.NewEvent(t, "payment_intent.succeeded", "payment_intent").Set("id", "pi_ours").Set("amount_received", 5000).Set("metadata", ours)
		app.Deliver(t, paid).WantFields(t, fields{"status": "processed", "transaction_id": ours["purchase_transaction_id"].(string)})
		app.WantBalance(t, "ada", fields{"hours_available": "10.00"}) // what waited and names it is woken, and pays it, too
		db.MustAudit(t)
	})
}

// wantNotSold lets each object that may carry metadata of a sale carry these, and
// gives the PaymentIntent that did.
func wantNotSold(t *testing.T, app *harness.App, name string, metadata map[string]any, currency string) (intent string) {
	t.Helper()
	for _, about := range []struct{ eventType, kind string }{
		{"payment_intent.succeeded", "payment_intent"}, {"charge.succeeded", "charge"}, {"checkout.session.completed", "checkout.session"},
	} {
		payment := "pi_" + harness.RandomName()
		event := harness.NewEvent(t, about.eventType, about.kind).Set("metadata", metadata).Set("currency", currency).Set("amount_received", 5000).
			Set("payment_intent", payment).Set("client_reference_id", nil)
		switch about.kind {
		case "payment_intent":
			event.Set("id", payment)
			intent = payment
		case "checkout.session":
			event.Set("id", "cs_"+payment)
		}
		got := app.Deliver(t, event)
		if got.Get("status").String() != "ignored" || got.Get("reason").String() != "unmatched" {
			t.Errorf("%s: a %s ends %s", name, about.kind, got.Body)
		}
	}
	return intent
}

// soldMetadata are what a sale of ten hours wrote on its PaymentIntent.
func soldMetadata(t *testing.T, app *harness.App, standIn *harness.Stripe) map[string]any {
	t.Helper()
	sold := app.PostPatiently(t, harness.WriteKey, api+"/purchases/", `{"student_id":"ada","hours":"10.00","amount":5000,"currency":"eur"}`)
	intent, err := standIn.API.PaymentIntents.Get(sold.Want(t, http.StatusCreated).Get("stripe_payment_intent_id").String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	metadata := map[string]any{}
	for key, value := range intent.Metadata {
		metadata[key] = value
	}
	return metadata
}
