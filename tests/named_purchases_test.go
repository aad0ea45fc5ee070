package tests

import (
	"testing"

	"hourbank/tests/harness"
)

func TestMetadataThatNameAPurchaseMakeNoOther(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.MustRun(t, "plans", "add", "--id", "hours10", "--name", "10 hours", "--hours", "10.00", "--amount", "5000", "--currency", "eur")
		s := harness.NewTeller(harness.V2026)
		tell(t, app, s.Paid("pi_1", 5000).With("metadata", s.Buys("hours10")))
		purchase := app.Get(t, api+"/purchases/"+s.ID("pi_1")+"/").Get("id").String()
		// An honest second payment, which names the first one's purchase.
		named := s.Buys("hours10")
		named["purchase_transaction_id"] = purchase
		tell(t, app, s.Paid("pi_2", 5000).With("metadata", named))
		app.Get(t, api+"/purchases/"+s.ID("pi_2")+"/").WantFields(t, fields{"id": purchase, "hours_credited": "10.00", "amount_received": "10000", "cases.0.kind": "overpaid"})

		// A stranger's Payment Link, with a reference to it.
		stranger := harness.NewTeller(harness.V2026)
		told := session(stranger, asked{Subtotal: 5000})
		told[0].With("payment_link", stranger.ID("plink_1")).With("client_reference_id", purchase).With("metadata", object{"plan": "hours10"})
		tell(t, app, told...)
		app.WantBalance(t, s.Student, fields{"hours_available": "10.00", "balance_amount": "10000"})
		app.MustAudit(t)
	})
}

// Three purchases that turn out to be one, two by two; then the first one's events again.
func TestWhatWasMergedTwiceIsFound(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.MustRun(t, "plans", "add", "--id", "hours10", "--name", "10 hours", "--hours", "10.00", "--amount", "5000", "--currency", "eur")
		s := harness.NewTeller(harness.V2026)
		paid := s.Paid("pi_1", 5000).With("metadata", s.Buys("hours10"))
		tell(t, app, paid)
		first := app.Get(t, api+"/purchases/"+s.ID("pi_1")+"/").Get("id").String()
		tell(t, app, s.Session("completed", "cs_1", "pi_1", asked{Subtotal: 10_000}, "paid").With("metadata", s.Buys("hours10")).
			With("line_items", object{"data": []any{object{"price": object{"id": "price_1"}, "quantity": 2}}}))
		second := app.Get(t, api+"/purchases/"+s.ID("pi_1")+"/").Get("id").String()
		named := s.Buys("hours10")
		named["purchase_transaction_id"] = "sale_" + s.ID("x")
		tell(t, app, s.Paid("pi_1", 5000).With("metadata", named))
		third := app.Get(t, api+"/purchases/"+s.ID("pi_1")+"/").Get("id").String()
		if first == second || second == third {
			t.Fatalf("the purchases were %s, %s and %s", first, second, third)
		}
		for _, id := range []string{first, second, third} {
			tell(t, app, s.Paid("pi_1", 5000).With("metadata", object{"purchase_transaction_id": id}))
		}
		app.WantBalance(t, s.Student, fields{"hours_available": "10.00", "balance_amount": "10000"})
		app.MustAudit(t)
	})
}
