package tests

import (
	"net/http"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// rolling is a subscription of 8.00 hours a month that keeps 2.00 of what was before.
type rolling struct {
	*harness.Teller
	app *harness.App
}

func newRolling(t *testing.T, app *harness.App) rolling {
	t.Helper()
	app.MustRun(t, "plans", "add", "--id", "rolling8", "--name", "8 hours a month", "--type", "subscription", "--hours", "8.00",
		"--amount", "12000", "--currency", "eur", "--stripe-price-id", "price_rolling8", "--rollover-hours", "2.00")
	return rolling{harness.NewTeller(harness.Versions[0]), app}
}

// pays tells that a month's invoice was paid so many days ago.
func (r rolling) pays(t *testing.T, invoice string, daysAgo int, change ...func(*harness.Told)) {
	t.Helper()
	told := r.Invoice("paid", invoice, line{Price: "price_rolling8", Unit: 12_000, Amount: 12_000}).At(day(-daysAgo).Unix() - harness.Epoch)
	for _, c := range change {
		c(told)
	}
	answer, err := r.app.Tell(told)
	if err != nil {
		t.Fatal(err)
	}
	answer.WantFields(t, fields{"status": "processed"})
}

// invoiced says which of the subscription's invoices it was.
func invoiced(n int64) func(*harness.Told) {
	return func(told *harness.Told) { told.With("created", harness.Epoch+n) }
}

func first(told *harness.Told) { told.With("billing_reason", "subscription_create") }

var today = time.Now().Truncate(time.Second)

// day is so many days from today, at the same time of the day.
func day(days int) time.Time { return today.AddDate(0, 0, days) }

func (r rolling) address(path string) string { return api + "/students/" + r.Student + path }

func (r rolling) lesson(t *testing.T, reference, hours string, days int) harness.Response {
	t.Helper()
	return r.app.Post(t, harness.WriteKey, r.address("/consumptions/"), `{"hours":"`+hours+`","reference":"`+reference+`","lesson_at":"`+inForce(day(days))+`"}`)
}

func TestARenewalKeepsWhatThePlanSays(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		r := newRolling(t, app)
		r.pays(t, "in_1", 40, first)
		r.lesson(t, "first", "3.00", -20).Want(t, http.StatusCreated)
		app.WantBalance(t, r.Student, fields{"hours_available": "5.00", "hours_expired": "0.00"})
		r.pays(t, "in_2", 10)
		app.WantBalance(t, r.Student, fields{"hours_purchased": "16.00", "hours_expired": "3.00", "hours_available": "10.00"})
		app.Get(t, r.address("/ledger/")).WantFields(t, fields{
			"data.0.kind": "expiration", "data.0.hours": "-3.00", "data.0.occurred_at": day(-10).UTC().Format(time.RFC3339),
		})
		app.Get(t, r.address("/lots/")).WantFields(t, fields{
			"data.0.hours": "8.00", "data.0.hours_drawn": "3.00", "data.0.hours_expired": "3.00", "data.0.subscription_id": r.ID("sub_1"), "data.0.rollover_hours": "",
			"data.1.hours": "8.00", "data.1.hours_expired": "0.00", "data.1.rollover_hours": "2.00",
		})
		r.lesson(t, "too_much", "10.01", 0).WantProblem(t, http.StatusConflict, "insufficient_hours")
		r.lesson(t, "all", "10.00", 0).Want(t, http.StatusCreated)

		// A lesson of before the renewal that is booked late has what was there then.
		r.lesson(t, "late", "3.01", -15).WantProblem(t, http.StatusConflict, "insufficient_hours")
		r.lesson(t, "late", "3.00", -15).Want(t, http.StatusCreated)
		app.WantBalance(t, r.Student, fields{"hours_expired": "0.00", "hours_available": "0.00", "overdrawn": "false"})
		app.MustAudit(t)
	})
}

// Whatever the order in which Stripe tells, and however often.
func TestRenewalsAreKeptInAnyOrder(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		r := newRolling(t, app)
		r.pays(t, "in_3", 10, invoiced(3))
		r.pays(t, "in_1", 70, invoiced(1), first)
		app.WantBalance(t, r.Student, fields{"hours_expired": "6.00", "hours_available": "10.00"})
		r.pays(t, "in_2", 40, invoiced(2))
		app.WantBalance(t, r.Student, fields{"hours_purchased": "24.00", "hours_expired": "14.00", "hours_available": "10.00"})
		r.pays(t, "in_2", 40, invoiced(2))
		app.WantBalance(t, r.Student, fields{"hours_purchased": "24.00", "hours_expired": "14.00", "hours_available": "10.00"})
		app.MustAudit(t)
	})
}

// What was invoiced before, and paid late, is no renewal, and all of it is there: it
// was just paid. Neither is a change of the plan within a month.
func TestALateInvoiceAndAChangeOfPlanRenewNothing(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		r := newRolling(t, app)
		r.pays(t, "in_3", 10, invoiced(3))
		r.pays(t, "in_2", 5, invoiced(2))
		app.WantBalance(t, r.Student, fields{"hours_expired": "0.00", "hours_available": "16.00"})
		r.pays(t, "in_update", 4, invoiced(4), func(told *harness.Told) { told.With("billing_reason", "subscription_update") })
		app.WantBalance(t, r.Student, fields{"hours_expired": "0.00", "hours_available": "24.00"})
		r.pays(t, "in_4", 1, invoiced(5))
		app.WantBalance(t, r.Student, fields{"hours_expired": "22.00", "hours_available": "10.00"})
	})
}

// A renewal whose money all went back renews nothing: what it let expire was paid for. Part of
// it does.
func TestARenewalThatIsGivenBackRenewsNothing(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		r := newRolling(t, app)
		r.pays(t, "in_1", 40, first)
		r.pays(t, "in_2", 10)
		app.WantBalance(t, r.Student, fields{"hours_expired": "6.00", "hours_available": "10.00"})
		tell(t, app, r.CreditNote("created", "cn_1", "in_2", 6000))
		app.WantBalance(t, r.Student, fields{"hours_expired": "6.00", "hours_available": "6.00"})
		tell(t, app, r.CreditNote("created", "cn_2", "in_2", 6000))
		app.WantBalance(t, r.Student, fields{"hours_expired": "0.00", "hours_available": "8.00"})
		tell(t, app, r.CreditNote("voided", "cn_2", "in_2", 6000))
		app.WantBalance(t, r.Student, fields{"hours_expired": "6.00", "hours_available": "6.00"})
		app.MustAudit(t)
	})
}

// Hours that are held for a lesson after the renewal are of what it keeps; the new
// period's pay the rest.
func TestAHoldAcrossARenewalTakesWhatItKeeps(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		r := newRolling(t, app)
		r.pays(t, "in_1", 40, first)
		app.Post(t, harness.WriteKey, r.address("/holds/"), `{"hours":"5.00","reference":"later","lesson_at":"`+inForce(day(3))+`"}`).Want(t, http.StatusCreated)
		app.WantBalance(t, r.Student, fields{"hours_available": "3.00", "hours_held": "5.00"})
		r.pays(t, "in_2", 10)
		app.WantBalance(t, r.Student, fields{"hours_held": "5.00", "hours_expired": "6.00", "hours_available": "5.00"})
		app.As(t, harness.WriteKey, http.MethodDelete, r.address("/holds/later/")).Want(t, http.StatusOK)
		app.WantBalance(t, r.Student, fields{"hours_held": "0.00", "hours_expired": "6.00", "hours_available": "10.00"})
		app.MustAudit(t)
	})
}
