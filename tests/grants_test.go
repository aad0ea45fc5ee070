package tests

import (
	"net/http"
	"testing"

	"hourbank/tests/harness"
)

// Hours can be given to somebody who never bought any; what they buy first
// sets the account's currency.
func TestAGrantOpensAnAccountAndThePurchaseSetsItsCurrency(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		p := harness.NewPurchase(t)
		grants := api + "/students/" + p.Student + "/grants/"
		const body = `{"hours":"1.00","reason":"trial lesson","reference":"trial_1"}`
		app.Post(t, harness.WriteKey, grants, body).WantProblem(t, http.StatusForbidden, "forbidden")
		app.Post(t, harness.AdminKey, grants, `{"hours":"-1.00","reason":"r","reference":"x"}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
		app.Post(t, harness.AdminKey, grants, body).Want(t, http.StatusCreated).WantFields(t, fields{
			"kind": "grant", "hours": "1.00", "amount": "0", "currency": "", "actor": "boss", "reason": "trial lesson",
			"account.hours_granted": "1.00", "account.hours_available": "1.00", "account.currency": "",
		})
		app.Post(t, harness.AdminKey, grants, body).Want(t, http.StatusOK)
		app.Post(t, harness.WriteKey, api+"/students/"+p.Student+"/consumptions/", `{"hours":"0.50","reference":"lesson_1"}`).Want(t, http.StatusCreated).
			WantFields(t, fields{"currency": "", "actor": "writer", "account.hours_available": "0.50"})
		p.Create(db)
		app.MustProcess(t, p.Succeeded())
		app.WantBalance(t, p.Student, fields{"currency": "eur", "hours_granted": "1.00", "hours_purchased": "10.00", "hours_available": "10.50"})
		app.MustAudit(t)
	})
}

// A purchase that Stripe begins finds an account that a grant opened.
func TestAStripePurchaseOfAGrantedStudentSetsTheCurrency(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		addPlan(t, app)
		s := harness.NewTeller(harness.V2026)
		app.Post(t, harness.AdminKey, api+"/students/"+s.Student+"/grants/", `{"hours":"1.00","reason":"gift","reference":"gift_1"}`).Want(t, http.StatusCreated)
		tell(t, app, s.Paid("pi_1", 12000).With("metadata", s.Buys("pack8")))
		app.WantBalance(t, s.Student, fields{"currency": "eur", "hours_available": "9.00", "balance_amount": "12000"})
		app.MustAudit(t)
	})
}

// An invoice that takes hours off does so under its own id.
func TestNoAdjustmentTakesAnInvoicesReference(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded())
		adjustments := api + "/students/" + p.Student + "/adjustments/"
		app.Post(t, harness.AdminKey, adjustments, `{"hours":"-1.00","reason":"fewer hours","reference":"in_1"}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
		app.Post(t, harness.AdminKey, adjustments, `{"hours":"-1.00","reason":"fewer hours","reference":"ticket_in_1"}`).Want(t, http.StatusCreated)
		app.WantBalance(t, p.Student, fields{"hours_available": "9.00"})
	})
}
