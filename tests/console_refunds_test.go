package tests

import (
	"net/http"
	"testing"

	"hourbank/sandbox"
	"hourbank/tests/harness"
)

// counter is the console of a program that sells through the stand-in, before
// a purchase of ten hours for €50.00 that is paid, by who may do all.
func counter(t *testing.T, test func(t *testing.T, app *harness.App, standIn *harness.Stripe, b *harness.Browser, purchase, intent string)) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		_, intent, _ := paidShop(t, app, standIn)
		b := harness.NewBrowser(t)
		signIn(b, app, harness.AdminKey)
		test(t, app, standIn, b, app.BaseURL+"/console/purchases/"+intent+"/", intent)
	})
}

// askRefund fills the refund form in, one of its three ways.
func askRefund(b *harness.Browser, by, howMuch string) {
	b.Choose(`input[name="by"][value="` + by + `"]`)
	if by != "all" {
		b.Type("#"+by, howMuch)
	}
	b.Type("#reason", "the teacher fell ill")
	b.Submit("#refund button")
}

func TestTheConsoleAsksBeforeARefundAndBackAndAgainRefundsOnce(t *testing.T) {
	counter(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe, b *harness.Browser, purchase, intent string) {
		app.Post(t, harness.WriteKey, api+"/students/student_1/consumptions/", `{"hours":"8.50","reference":"lesson_1"}`).Want(t, http.StatusCreated)
		b.Open(purchase)
		askRefund(b, "hours", "2,5")
		b.WantText("Refund €12.50?", "€12.50 goes back to whoever paid it, by the payment "+intent,
			"Hours fall by 2.50: of the 10.00 that were bought, 7.50 stay.", "The balance of student_1 becomes -1.00 hours; it is 1.50 now.",
			"8.50 hours were used, 1.00 more than are then paid, which opens a case: overdrawn.")
		wantRefunded(t, standIn, intent, 0) // the preview changed nothing
		b.Submit(`form[method="post"][action$="/refunds/"] button`)
		b.WantText("Refunded. This is what became of it.", "Asked by", "boss", "€12.50", "the teacher fell ill")
		b.WantText("Hours reversed 2.50")

		askRefund(b, "amount", "10,00")
		b.WantText("Hours fall by 2.00")
		confirm := b.Address()
		b.Submit(`form[method="post"][action$="/refunds/"] button`)
		b.BackAndSubmit(`form[method="post"][action$="/refunds/"] button`)
		b.WantText("This form was sent before, and nothing was done again")
		b.Open(confirm) // as a browser does that kept no page
		b.WantText("This form was sent before, and nothing was done again")
		wantRefunded(t, standIn, intent, 2250)
		standIn.Settle(t)

		b.Open(purchase)
		b.WantText("everything that is left: €27.50")
		askRefund(b, "all", "")
		b.WantText("€27.50 goes back", "Hours fall by 5.50", "€0.00 of this purchase is kept.")
		b.Submit(`form[method="post"][action$="/refunds/"] button`)
		standIn.Settle(t)
		wantRefunded(t, standIn, intent, 5000)
		if n := app.Count(t, "SELECT count(*) FROM audit_log WHERE action = 'refund'"); n != 3 {
			t.Errorf("%d refunds are in the audit log, want 3", n)
		}
		app.MustAudit(t)
	})
}

func TestAnEmptyRefundFormNeverMeansAll(t *testing.T) {
	counter(t, func(t *testing.T, _ *harness.App, standIn *harness.Stripe, b *harness.Browser, purchase, intent string) {
		for by, wants := range map[string]string{"amount": "is no amount of money in EUR", "hours": "hours must be a decimal"} {
			b.Open(purchase)
			askRefund(b, by, "")
			b.WantText(wants)
		}
		b.Open(purchase + "refunds/?reason=x")
		b.WantText("Choose what goes back")
		b.Open(purchase)
		askRefund(b, "amount", "50,01")
		b.WantText("At most 5000 (€50.00), and 10.00 hours, are left to refund.")
		wantRefunded(t, standIn, intent, 0)
	})
}

func TestTheConsoleShowsARefundThatStripeGivesNoAnswerTo(t *testing.T) {
	counter(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe, b *harness.Browser, purchase, intent string) {
		if err := standIn.AddFault(sandbox.Fault{Status: http.StatusInternalServerError, Count: 100, PathPrefix: "/v1/refunds"}); err != nil {
			t.Fatal(err)
		}
		b.Open(purchase)
		askRefund(b, "all", "")
		b.Submit(`form[method="post"][action$="/refunds/"] button`)
		b.WantText("Stripe gives no answer now.", "asked", "boss", "€50.00", "Then €0.00 of this purchase is kept, and 0.00 hours.")
		if b.Has("#refund") {
			t.Error("the page offers to refund what is asked for already")
		}
		clearFaults(t, standIn)
		age(t, app, 1)
		harness.Eventually(t, "the refund is made", func() bool {
			return app.Get(t, api+"/purchases/"+intent).Get("refunds.0.status").String() == "succeeded"
		})
		standIn.Settle(t)
		wantRefunded(t, standIn, intent, 5000)
	})
}

func TestTheSameAdjustmentWithinAnHourAsksAgain(t *testing.T) {
	counter(t, func(t *testing.T, app *harness.App, _ *harness.Stripe, b *harness.Browser, _, _ string) {
		student := app.BaseURL + "/console/students/student_1/"
		ask := func(hours string) {
			b.Open(student)
			b.Type("#hours", hours)
			b.Type("#reason", "goodwill")
			b.Submit("#adjust button")
		}
		ask("1")
		b.WantText("student_1 gets 1.00 hours.", "The balance becomes 11.00 hours; it is 10.00 now.")
		wantNoText(t, b, "Careful")
		// Somebody else is faster: nobody was warned of that.
		app.Post(t, harness.AdminKey, api+"/students/student_1/adjustments/", `{"hours":"1.00","reason":"by phone","reference":"r1"}`).Want(t, http.StatusCreated)
		b.Submit(`form[method="post"][action$="/adjustments/"] button`)
		b.WantText("Careful: boss booked the same 1.00 hours", "(by phone)", "The balance becomes 12.00 hours; it is 11.00 now.")
		app.WantBalance(t, "student_1", fields{"hours_available": "11.00"})
		b.Submit(`form[method="post"][action$="/adjustments/"] button`)
		b.WantText("The adjustment was booked.", "12.00 hours available")
		ask("2")
		wantNoText(t, b, "Careful")
		b.Submit(`form[method="post"][action$="/adjustments/"] button`)
		b.BackAndSubmit(`form[method="post"][action$="/adjustments/"] button`)
		b.WantText("This form was sent before")
		app.WantBalance(t, "student_1", fields{"hours_available": "14.00"})
		app.MustAudit(t)
	})
}

func TestAStudentWhoNeverBoughtIsGrantedHours(t *testing.T) {
	counter(t, func(t *testing.T, app *harness.App, _ *harness.Stripe, b *harness.Browser, _, _ string) {
		b.Open(app.BaseURL + "/console/search/?q=new.student")
		b.WantText("Nothing has this name.")
		b.Open(linkTo(b, app, `main a[href$="/grants/"]`))
		b.WantText("This student has no account yet")
		b.Type("#hours", "1,5")
		b.Type("#reason", "a trial")
		b.Submit("#grant button")
		b.WantText("Grant hours to new.student?", "An account is opened. Its balance becomes 1.50 hours.")
		b.Submit(`form[method="post"][action$="/grants/"] button`)
		b.WantText("The hours are granted.", "1.50 hours available", "a trial")
		app.MustAudit(t)
	})
}
