package tests

import (
	"net/http"
	"testing"

	"hourbank/models"
	"hourbank/tests/harness"
)

// What a pseudonym's events say is not kept: nobody else may be called so.
func TestNobodyBuysAsAForgottenStudent(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, _ *harness.Stripe) {
		addPlan(t, app)
		name := models.NewPseudonym()
		app.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"`+name+`","plan":"pack8"}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
		app.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"student_1","beneficiary_id":"`+name+`","plan":"pack8"}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
		app.Post(t, harness.AdminKey, api+"/students/"+name+"/grants/", `{"hours":"1.00","reason":"a gift","reference":"gift"}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
		s := harness.NewTeller(harness.V2026)
		s.Student = name
		wantParked(t, app, s.Paid("pi_1", 12000).With("metadata", s.Buys("pack8")), "")
		gift := harness.NewTeller(harness.V2026)
		wantParked(t, app, gift.Paid("pi_3", 12000).With("metadata", object{"student_id": gift.Student, "beneficiary_id": name, "plan": "pack8"}), "")
		wantParked(t, app, linkFor(s, name, "pack8", s.Session("completed", "cs_1", "pi_2", asked{Subtotal: 12000}, "paid")), "")
		wantParked(t, app, s.Invoice("paid", "in_1", harness.Line{Price: "price_x", Amount: 5000}), "unexplained_invoice")
		id := app.Get(t, api+"/cases/?kind=unexplained_invoice").WantFields(t, fields{"data.0.student_id": ""}).Get("data.0.id").String()
		app.Post(t, harness.AdminKey, api+"/cases/"+id+"/purchase/", `{"student_id":"`+name+`","plan":"pack8"}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
		if n := app.Count(t, "SELECT count(*) FROM student_account_balances"); n != 0 {
			t.Errorf("%d accounts", n)
		}
		if n := app.Count(t, "SELECT count(*) FROM webhook_events WHERE payload = ''"); n != 0 {
			t.Errorf("nothing is kept of %d events", n)
		}
	})
}
