package tests

import (
	"testing"

	"hourbank/tests/harness"
)

// Who presses the browser's back button and sends the same form again has done
// it once.
func TestBackAndAgainInTheConsoleDoesNothingTwice(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, b := db.ServeSandbox(t), harness.NewBrowser(t)
		student := app.BaseURL + "/console/students/demo_student/"
		entries := func(want string) {
			t.Helper()
			app.Get(t, api+"/students/demo_student/ledger/").WantFields(t, fields{"data.#": want})
		}
		signIn(b, app, harness.AdminKey)
		buy(b, app, "pm_card_visa")
		b.BackAndSubmit("#buy button")
		b.WantText("the hours are there", "10.00 hours available")
		entries("1")
		half := `article:first-of-type form[action$="/refunds/"] button`
		b.Submit(half)
		b.WantText("5.00 hours available")
		b.BackAndSubmit(half)
		b.WantText("5.00 hours available")
		entries("2")

		b.Open(student)
		b.Type("#hours", "2")
		b.Type("#reason", "a lesson that was not held")
		b.Submit("#adjust button")
		b.Submit(`form[action$="/adjustments/"] button`)
		b.BackAndSubmit(`form[action$="/adjustments/"] button`)
		b.WantText("This form was sent before", "7.00 hours available")
		entries("3")

		b.Open(linkTo(b, app, `td a[href^="/console/purchases/"]`))
		askRefund(b, "hours", "1")
		b.Submit(`form[action$="/refunds/"] button`)
		b.WantText("Refunded.", "Hours reversed 6.00", "Refunded €168.00")
		b.BackAndSubmit(`form[action$="/refunds/"] button`)
		b.WantText("This form was sent before", "Hours reversed 6.00", "Refunded €168.00")
		entries("4")

		b.Open(linkTo(b, app, `.timeline a[href*="/console/events/"]`))
		b.Submit(`form[action$="/replay/"] button`)
		b.BackAndSubmit(`form[action$="/replay/"] button`)
		b.WantText("The event was replayed.")
		entries("4")
		app.MustAudit(t)
	})
}

// Who goes back and fills the same form in otherwise is told that the first
// stands; a case that was closed is closed with the first note.
func TestBackAndOtherwiseInTheConsoleIsRefused(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, b := db.ServeSandbox(t), harness.NewBrowser(t)
		signIn(b, app, harness.AdminKey)
		_, little := oddMoney(t, app)
		buy(b, app, "pm_card_visa")
		purchase := b.Attribute("article:first-of-type a", "href")
		for form, page := range map[string]string{"/adjustments/": "/console/students/demo_student/", "/refunds/": purchase} {
			b.Open(app.BaseURL + page)
			if form == "/refunds/" {
				askRefund(b, "hours", "1")
			} else {
				b.Type("#hours", "1")
				b.Type("#reason", "the first")
				b.Submit("#adjust button")
			}
			b.Submit(`form[action$="` + form + `"] button`)
			b.BackAndSubmit(`form[action$="`+form+`"] button`, `input[name="hours"]`, "3")
			b.WantText("This form was sent before")
		}
		app.WantBalance(t, "demo_student", fields{"hours_available": "10.00"})

		b.Open(app.BaseURL + "/console/students/" + little.Student + "/")
		b.Open(linkTo(b, app, ".cases a.button"))
		b.Type("#note", "the first")
		b.Submit(`form[action$="/close/"] button`)
		b.BackAndSubmit(`form[action$="/close/"] button`, "#note", "the second")
		app.Get(t, api+"/cases/?status=closed").WantFields(t, fields{"data.#": "1", "data.0.note": "the first"})
	})
}
