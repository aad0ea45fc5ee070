package tests

import (
	"net/url"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// wantNoText wants the page not to show the words.
func wantNoText(t *testing.T, b *harness.Browser, words string) {
	t.Helper()
	if text := b.Text("main"); strings.Contains(text, words) {
		t.Errorf("%s says %q:\n%s", b.Address(), words, text)
	}
}

// oddMoney tells of a purchase that was paid twice, of which one payment is
// disputed, and of one that was paid too little.
func oddMoney(t *testing.T, app *harness.App) (twice, little *harness.Teller) {
	t.Helper()
	twice, little = soldTo(t, app), soldTo(t, app)
	tell(t, app, twice.Paid("pi_1", 5000), twice.Paid("pi_2", 6000), twice.Refunded("pi_2", 6000, 500),
		twice.Dispute("created", "dp_1", "pi_1", 1000, "needs_response"), little.Paid("pi_1", 4000))
	return twice, little
}

func TestTheConsoleShowsWhichMoneyNeedsAPerson(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, b := db.ServeSandbox(t), harness.NewBrowser(t)
		signIn(b, app, harness.AdminKey)
		b.Open(app.BaseURL + "/console/cases/")
		b.WantText("No such case is open.")
		twice, little := oddMoney(t, app)

		b.Open(app.BaseURL + "/console/")
		b.WantText("Open: 1 dispute", "1 underpaid", "1 overpaid", "Less was received than is due.")
		b.Open(linkTo(b, app, `a[href$="?kind=underpaid"]`))
		b.WantText("€10.00", little.Student)
		wantNoText(t, b, twice.Student)
		b.Open(app.BaseURL + "/console/cases/")
		b.WantText("answer by", twice.Student, little.Student)
		if first := b.Text(".cases li:first-child"); !strings.HasPrefix(first, "dispute") {
			t.Errorf("the first case is %s", first)
		}

		b.Open(app.BaseURL + "/console/purchases/" + twice.Purchase + "/")
		b.WantText("Needs a person", "A dispute or inquiry waits", "More is kept than is due.", "€45.00", twice.ID("pi_1"), twice.ID("pi_2"),
			"€60.00", "€5.00", "€10.00", twice.ID("dp_1"), "needs response")
		b.Open(app.BaseURL + "/console/students/" + little.Student + "/")
		b.WantText("Needs a person", "Less was received than is due.", "payment", "€40.00")

		b.Open(linkTo(b, app, ".cases a.button"))
		b.WantText("underpaid €10.00", "What can be done", "10.00 hours credited")
		b.Type("#note", "a friend of the house")
		b.Submit(`form[action$="/close/"] button`)
		b.WantText("The case is closed.", "by boss", "a friend of the house")
		b.Open(app.BaseURL + "/console/students/" + little.Student + "/")
		wantNoText(t, b, "Needs a person")
		app.Get(t, api+"/cases/?status=closed").WantFields(t, fields{"data.#": "1", "data.0.note": "a friend of the house", "data.0.closed_by": "boss"})
	})
}

func TestTheConsoleShowsWhichPurchaseHasThePaymentsOfAMergedOne(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, b := db.ServeSandbox(t), harness.NewBrowser(t)
		signIn(b, app, harness.AdminKey)
		s := harness.NewTeller(harness.V2026)
		asked := harness.Asked{Subtotal: 28000, Discount: 3000}
		session := func(kind, pi, status string) *harness.Told {
			return s.Session(kind, "cs_1", pi, asked, status).With("metadata", s.Buys("pack10")).With("client_reference_id", nil)
		}
		tell(t, app, s.Paid("pi_1", 25000).With("metadata", s.Buys("pack10")), session("completed", "", "unpaid"), session("async_payment_succeeded", "pi_1", "paid"))
		var merged string
		if err := app.SQL(t).QueryRowContext(t.Context(), "SELECT id FROM purchase_transactions WHERE merged_into IS NOT NULL").Scan(&merged); err != nil {
			t.Fatal(err)
		}
		b.Open(app.BaseURL + "/console/purchases/" + merged + "/")
		b.WantText("same purchase as another one", "cancelled")
		b.Open(linkTo(b, app, `main > p > a[href^="/console/purchases/"]`))
		b.WantText(s.ID("pi_1"), "It has the payments of another purchase", "Due, of €280.00 €250.00", "10.00 hours credited")
		b.Open(app.BaseURL + "/console/students/" + s.Student + "/")
		b.WantText("€280.00 due €250.00")
		app.MustAudit(t)
	})
}

func TestClosingACaseInTheConsoleNeedsAnAdminsForm(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, b := db.ServeSandbox(t), harness.NewBrowser(t)
		signIn(b, app, harness.AdminKey)
		oddMoney(t, app)
		target := "/console/cases/" + app.Get(t, api+"/cases/?kind=underpaid").Get("data.0.id").String() + "/close/"
		b.Open(forger(t, app.BaseURL+target, url.Values{"note": {"nothing"}}))
		b.Submit("button")
		b.WantText("This form was not made by this console")

		reader := harness.NewBrowser(t)
		signIn(reader, app, harness.ReadKey)
		reader.Open(app.BaseURL + "/console/cases/")
		if reader.Has(`main form[method="post"]`) {
			t.Error("it shows a form to who may only read")
		}
		reader.Retarget(`form[action="/console/sign-out/"]`, target, url.Values{"note": {"nothing"}})
		reader.Submit(`form.who button`)
		reader.WantText("This needs the role")
		app.Get(t, api+"/cases/?status=closed").WantFields(t, fields{"data.#": "0"})
	})
}
