package tests

import (
	"net/http"
	"testing"

	"hourbank/tests/harness"
)

// choosePeriod fills the period's two fields in, as a date picker does.
func choosePeriod(b *harness.Browser, from, to string) {
	b.Run(`document.querySelector('input[name="from"]').value = '` + from + `'; document.querySelector('input[name="to"]').value = '` + to + `'; true`)
	b.Submit(`main form.filter button`)
}

// download fetches what a link of the page leads to, with the page's session.
func download(t *testing.T, b *harness.Browser, app *harness.App, selector string) []map[string]string {
	t.Helper()
	address := b.Attribute(selector, "href")
	return readCSV(t, app.Request(t, http.MethodGet, address, "", "Cookie", b.Cookies()).Want(t, http.StatusOK).Body)
}

// October by plan, and its statement, with nothing but the console. (The
// harness tells what Stripe did in October 2025.)
func TestTheConsoleGivesOctoberByPlanAsCSV(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, b := db.Serve(t), harness.NewBrowser(t)
		addPlan(t, app)
		s := harness.NewTeller(harness.V2026)
		tell(t, app, s.Paid("pi_1", 12000).With("metadata", s.Buys("pack8")), s.Refunded("pi_1", 12000, 3000), s.Dispute("created", "dp_1", "pi_1", 6000, "needs_response"))
		app.MustProcess(t, app.NewPurchase(t).Succeeded())
		app.Post(t, harness.AdminKey, api+"/students/"+s.Student+"/grants/", `{"hours":"1.00","reason":"gift","reference":"gift_1"}`).Want(t, http.StatusCreated)

		signIn(b, app, harness.ReadKey)
		b.Open(app.BaseURL + "/console/overview/")
		b.WantText("Hours that were not sold", "The statement of this period") // lately, only a gift
		choosePeriod(b, "2025-10-01", "2025-10-31")
		b.WantText("October 2025", "Sales by plan", "pack8", "without a plan", "€120.00", "€30.00", "€60.00")
		rows := download(t, b, app, `a[download]`)
		want := []map[string]string{
			{"from": "2025-10-01", "to": "2025-10-31", "plan": "", "currency": "eur", "purchases": "1", "hours_sold": "10.00", "hours_reversed": "0.00", "amount_received": "5000", "amount_kept_decimal": "50.00"},
			{"plan": "pack8", "currency": "eur", "purchases": "1", "hours_sold": "8.00", "hours_reversed": "6.00", "amount_received_decimal": "120.00", "amount_refunded": "3000", "amount_disputed": "6000", "amount_kept_decimal": "30.00"},
		}
		if len(rows) != len(want) {
			t.Fatalf("%d rows: %v", len(rows), rows)
		}
		for i := range want {
			for column, value := range want[i] {
				if rows[i][column] != value {
					t.Errorf("row %d: %s is %s, want %s", i, column, rows[i][column], value)
				}
			}
		}

		b.Open(linkTo(b, app, `a[href^="/console/statement/?"]`))
		b.WantText("Statement: October 2025", "18.00", "12.00", "€170.00", "€80.00") // sold, closing, received, owed
		b.Choose(`input[name="by"]`)
		choosePeriod(b, "2025-10-01", "2025-11-30")
		b.WantText("November 2025")
		rows = download(t, b, app, `a[download]`)
		if len(rows) != 2 || rows[1]["from"] != "2025-11-01" || rows[1]["hours_opening"] != "12.00" || rows[1]["hours_closing"] != "12.00" || rows[1]["liability"] != "8000" {
			t.Errorf("statement: %v", rows)
		}
		b.Submit(`.months a:first-child`) // this month
		b.WantText("1.00")                // the gift
		if !b.Has(`.months a[aria-current="true"]`) {
			t.Error("the chosen month isn't marked")
		}
		if answer := app.Request(t, http.MethodGet, "/console/exports/sales.csv", ""); answer.Status != http.StatusSeeOther {
			t.Errorf("without a session an export is answered %d", answer.Status)
		}
	})
}
