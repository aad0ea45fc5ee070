package tests

import (
	"fmt"
	"testing"

	"hourbank/database"
	"hourbank/tests/harness"
)

// Failure 5 for invoices: the events that make a purchase arrive at once, the
// same one twice and two kinds of it, by one replica and by two. None may fail
// because the other one was first.
func TestFailure5TheEventsOfANewInvoiceAtOnce(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		apps := []*harness.App{db.Serve(t)}
		if db.Engine == database.Postgres {
			apps = append(apps, db.Serve(t))
		}
		monthly(t, apps[0])
		for round := range 20 {
			student, id := fmt.Sprintf("student_%d", round), fmt.Sprintf("in_%d", round)
			metadata := map[string]any{"student_id": student}
			paid := invoice(t, harness.V2023, "invoice.paid", metadata).Set("id", id).At(1)
			failure := invoice(t, harness.V2023, "invoice.payment_failed", metadata).Set("id", id)
			deliverAll(t, apps[:1+round%len(apps)], []*harness.Event{paid, paid, failure, paid.Again(), failure.Again(), paid})
			apps[0].WantBalance(t, student, fields{"hours_purchased": "4.00", "balance_amount": "5600"})
		}
		db.MustAudit(t)
	})
}

// Two purchases are told at once to be paid by the same, new PaymentIntent: they
// are one, and one payment buys once.
func TestOnePaymentIntentNamedByTwoPurchasesAtOnce(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for round := range 20 {
			intent := fmt.Sprintf("pi_shared_%d", round)
			var events []*harness.Event
			for range 2 {
				p := harness.NewPurchase(t).For("student_shared").WithoutIntent().Create(app.Database)
				events = append(events, p.Succeeded().Set("id", intent).Set("metadata.purchase_transaction_id", p.ID))
			}
			deliverAll(t, []*harness.App{app}, events)
			app.WantBalance(t, "student_shared", fields{"hours_available": fmt.Sprintf("%d.00", 10*(round+1)), "balance_amount": fmt.Sprint(5000 * (round + 1))})
		}
		app.MustAudit(t)
	})
}

// What an invoice or a subscription tells may be beyond what a purchase can
// keep: its payment needs a person.
func TestOddInvoicesNeedAPerson(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		paid := func() *harness.Event {
			return invoice(t, harness.V2023, "invoice.paid", map[string]any{"student_id": "student_odd"}).Set("id", "in_"+harness.RandomName())
		}
		long := harness.RandomName()
		for len(long) < 5000 {
			long += harness.RandomName()
		}
		for name, odd := range map[string]struct {
			event          *harness.Event
			status, reason string
		}{
			"no currency":            {paid().Set("currency", nil), "parked", "other_currency"},
			"no ISO currency":        {paid().Set("currency", "EURO"), "parked", "other_currency"},
			"a long id":              {paid().Set("id", "in_"+long), "rejected", "missing_object"},
			"a subscription's, long": {harness.NewEvent(t, "customer.subscription.created", "subscription").Set("id", "sub_"+long), "rejected", "missing_object"},
		} {
			t.Run(name, func(t *testing.T) {
				bill(t, app, odd.event).WantFields(t, fields{"status": odd.status, "reason": odd.reason})
				app.Get(t, api+"/cases/?kind="+odd.reason).WantFields(t, fields{"data.0.event_id": odd.event.ID})
			})
		}
		app.MustAudit(t)
	})
}
