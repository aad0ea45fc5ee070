package tests

import (
	"net/http"
	"testing"

	"hourbank/database"
	"hourbank/sandbox"
	"hourbank/tests/harness"
)

// desk is where the people sit who answer the phone: a browser, and what
// happens meanwhile at Stripe and the platform.
type desk struct {
	*harness.App
	*harness.Browser
	standIn *harness.Stripe
}

// A support person answers each of these in the console alone, on a desktop's
// screen and on a phone's, and nothing is left to do at the end.
func TestTheConsoleAnswersThePhone(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		b := harness.NewBrowser(t)
		look := harness.Look{Name: "desk", Width: 1280, Height: 800, Scale: 1, Scheme: "light"}
		if app.Engine == database.Postgres {
			look = harness.Look{Name: "phone", Width: 390, Height: 844, Scale: 1, Scheme: "light"}
		}
		addPlan(t, app)
		signIn(b, app, harness.AdminKey)
		for _, question := range []struct {
			name   string
			answer func(*desk, *testing.T)
		}{
			{"paid, but the webhook was lost", (*desk).paidButTheWebhookWasLost},
			{"paid with tax", (*desk).paidWithTax},
			{"paid without a purchase", (*desk).paidWithoutAPurchase},
			{"paid twice", (*desk).paidTwice},
			{"half of it back, and why it went down", (*desk).refundHalf},
			{"goodwill for somebody new", (*desk).goodwillForSomebodyNew},
			{"too little", (*desk).tooLittle},
			{"a dispute", (*desk).disputed},
			{"October by plan", (*desk).octoberByPlan},
			{"nothing is left to do", (*desk).nothingIsLeft},
		} {
			t.Run(question.name, func(t *testing.T) {
				tab := b.Tab(t)
				tab.Open(app.BaseURL + "/console/")
				tab.Look(look)
				question.answer(&desk{app, tab, standIn}, t)
			})
		}
		app.MustAudit(t)
	})
}

func (d *desk) nothingIsLeft(*testing.T) {
	d.Open(d.BaseURL + "/console/")
	d.WantText("No such case is open.")
}

// find searches as somebody does who has an id from the phone.
func (d *desk) find(words string) {
	d.Open(d.BaseURL + "/console/")
	d.Type("#q", words)
	d.Submit(".search button")
}

// sell sells ten hours for €50.00 and gives the purchase and its PaymentIntent.
func (d *desk) sell(t *testing.T, student string) (purchase, intent string) {
	t.Helper()
	sold := d.App.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"`+student+`","hours":"10.00","amount":5000,"currency":"eur"}`).Want(t, http.StatusCreated)
	return sold.Get("id").String(), sold.Get("stripe_payment_intent_id").String()
}

func (d *desk) paid(t *testing.T, student string) (purchase, intent string) {
	t.Helper()
	purchase, intent = d.sell(t, student)
	pay(t, d.standIn, intent)
	d.standIn.Settle(t)
	return purchase, intent
}

// openCase opens the case of a kind from the first page.
func (d *desk) openCase(t *testing.T, kind string) {
	t.Helper()
	d.Open(d.BaseURL + "/console/?kind=" + kind)
	d.Open(linkTo(d.Browser, d.App, ".cases a.button"))
}

// confirm says yes to what the page says will happen.
func (d *desk) confirm() { d.Submit(`main form[method="post"] button`) }

func (d *desk) paidButTheWebhookWasLost(t *testing.T) {
	if err := d.standIn.SetChaos(sandbox.Chaos{Drop: 1}); err != nil {
		t.Fatal(err)
	}
	_, intent := d.paid(t, "lost.webhook")
	if err := d.standIn.SetChaos(sandbox.Chaos{}); err != nil {
		t.Fatal(err)
	}
	d.find(intent)
	d.WantText("pending", "Stripe has told nothing about it yet.")
	d.Submit(`form[action$="/reconciliation/"] button`)
	d.WantText("Stripe knew more than its events told; it is applied.", "completed", "10.00 hours credited")
	d.Submit(`form[action$="/reconciliation/"] button`)
	d.WantText("Stripe knows nothing that its events have not told.")
}

func (d *desk) paidWithTax(t *testing.T) {
	s := soldTo(t, d.App)
	tell(t, d.App, s.Session("completed", "cs_1", "pi_1", harness.Asked{Subtotal: 5000, Tax: 950}, "paid"), s.Paid("pi_1", 5950))
	d.find(s.ID("cs_1"))
	d.WantText("completed", "Due, of €50.00 €59.50", "10.00 hours credited")
}

func (d *desk) paidWithoutAPurchase(t *testing.T) {
	s := harness.NewTeller(harness.V2026)
	if answer, err := d.Tell(s.Paid("pi_1", 12_000)); err != nil || answer.Status != http.StatusAccepted {
		t.Fatalf("answered %d (%v)", answer.Status, err)
	}
	d.Exec(t, "UPDATE webhook_events SET received_at = '2026-01-01 00:00:00+00:00', next_attempt_at = '2026-01-01 00:00:00+00:00' WHERE status = 'parked'")
	harness.Eventually(t, "the payment has a case", func() bool {
		return d.Get(t, api+"/cases/?status=open&kind=unmatched_payment").Get("data.#").Int() > 0
	})
	d.openCase(t, "unmatched_payment")
	d.WantText("unmatched payment €120.00", "No purchase is known for this payment.")
	d.Type("#student_id", s.Student)
	d.Submit(`form[action$="/purchase/"] button`)
	d.WantText("The purchase was made", "8.00 hours for €120.00", "completed", "8.00 hours credited")
}

func (d *desk) paidTwice(t *testing.T) {
	purchase, _ := d.paid(t, "paid.twice")
	anotherPayment(t, d.standIn, purchase, 5000)
	d.standIn.Settle(t)
	d.openCase(t, "overpaid")
	d.WantText("overpaid €50.00", "More is kept than is due.")
	d.Submit(".doings a.button")
	askRefund(d.Browser, "amount", "50")
	d.WantText("€50.00 goes back", "No hours are taken back")
	d.confirm()
	d.standIn.Settle(t)
	d.WantBalance(t, "paid.twice", fields{"hours_available": "10.00", "balance_amount": "5000"})
	d.find("paid.twice")
	d.WantText("10.00 hours available")
	wantNoText(t, d.Browser, "Needs a person")
}

// refundHalf is also why the hours went down.
func (d *desk) refundHalf(t *testing.T) {
	_, intent := d.paid(t, "half.back")
	d.find(intent)
	askRefund(d.Browser, "amount", "25,00")
	d.WantText("€25.00 goes back", "Hours fall by 5.00", "The balance of half.back becomes 5.00 hours; it is 10.00 now.")
	d.confirm()
	d.standIn.Settle(t)
	d.find("half.back")
	d.WantText("5.00 hours available", "reversal", "-5.00", "10.00 hours for €50.00")
	if !d.Has(`td[data-label="Because of"] a[href*="/console/events/"]`) {
		t.Error("the ledger doesn't say which event reversed the hours")
	}
}

func (d *desk) goodwillForSomebodyNew(t *testing.T) {
	d.find("new.comer")
	d.Submit(`main a[href$="/grants/"]`)
	d.Type("#hours", "1")
	d.Type("#reason", "the teacher was ill")
	d.Submit("#grant button")
	d.WantText("1.00")
	d.confirm()
	d.WantText("1.00 hours available", "the teacher was ill", "boss")
	d.WantBalance(t, "new.comer", fields{"hours_granted": "1.00", "currency": ""})
}

// tooLittle settles a mismatch in each of three ways.
func (d *desk) tooLittle(t *testing.T) {
	underpaid := func() (student, intent string) {
		student = "too.little." + harness.NewPurchase(t).Student
		purchase, _ := d.sell(t, student)
		intent = anotherPayment(t, d.standIn, purchase, 4000).ID
		d.standIn.Settle(t)
		d.openCase(t, "underpaid")
		d.WantText("underpaid €10.00", "Less was received than is due.")
		return student, intent
	}
	student, _ := underpaid()
	d.WantText("€40.00 were received", "10.00 hours credited")
	d.Type(`form[action$="/acceptance/"] input[name="note"]`, "a friend of the house")
	d.Submit(`form[action$="/acceptance/"] button`)
	d.WantText("The payment counts as paid in full.", "completed", "boss let the payment", "a friend of the house")
	d.WantBalance(t, student, fields{"hours_available": "10.00", "balance_amount": "4000"})

	student, intent := underpaid()
	d.Submit(`.doings a[href$="#refund"]`)
	askRefund(d.Browser, "all", "")
	d.WantText("€40.00 goes back")
	d.confirm()
	d.standIn.Settle(t)
	wantRefunded(t, d.standIn, intent, 4000)
	d.WantBalance(t, student, fields{"hours_available": "0.00", "balance_amount": "0"})

	student, _ = underpaid()
	closing := d.Address()
	d.Submit(`.doings a[href$="#adjust"]`)
	d.Type("#hours", "8")
	d.Type("#reason", "eight of ten hours were paid")
	d.Submit("#adjust button")
	d.WantText("8.00")
	d.confirm()
	d.Open(closing)
	d.Type("#note", "given as an adjustment")
	d.Submit(`form[action$="/close/"] button`)
	d.WantText("The case is closed.", "by boss")
	d.WantBalance(t, student, fields{"hours_available": "8.00", "balance_amount": "4000"})
}

func (d *desk) octoberByPlan(t *testing.T) {
	d.Open(d.BaseURL + "/console/overview/")
	choosePeriod(d.Browser, "2025-10-01", "2025-10-31")
	d.WantText("October 2025", "Sales by plan", "pack8", "€120.00")
	for _, row := range download(t, d.Browser, d.App, `a[download]`) {
		if row["plan"] == "pack8" && row["amount_received"] == "12000" && row["hours_sold"] == "8.00" {
			return
		}
	}
	t.Error("October's sales of pack8 are not in the CSV")
}

func (d *desk) disputed(t *testing.T) {
	s := soldTo(t, d.App)
	tell(t, d.App, s.Paid("pi_1", 5000), s.Dispute("created", "dp_1", "pi_1", 5000, "needs_response"))
	d.openCase(t, "dispute")
	d.WantText("dispute €50.00", "Stripe waits for an answer until")
	tell(t, d.App, s.Dispute("closed", "dp_1", "pi_1", 5000, "won"))
	d.Open(d.Address())
	d.WantText("closed", "by the facts")
}
