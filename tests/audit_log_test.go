package tests

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/database"
	"hourbank/tests/harness"
)

// What people do leaves their name, wherever they do it.
func TestTheAuditLogKeepsWhoDidWhat(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		s := soldTo(t, app)
		tell(t, app, s.Paid("pi_1", 4000))
		student := api + "/students/" + s.Student
		app.Post(t, harness.AdminKey, student+"/adjustments/", `{"hours":"-0.50","reason":"booked too short","reference":"t_1"}`).Want(t, http.StatusCreated)
		app.Post(t, harness.AdminKey, student+"/adjustments/", `{"hours":"-0.50","reason":"booked too short","reference":"t_1"}`).Want(t, http.StatusOK)
		app.Post(t, harness.AdminKey, student+"/grants/", `{"hours":"1.00","reason":"goodwill","reference":"t_2"}`).Want(t, http.StatusCreated)
		underpaid := app.Get(t, api+"/cases/?kind=underpaid").Get("data.0.id").String()
		app.Post(t, harness.AdminKey, api+"/cases/"+underpaid+"/close/", `{"note":"a friend"}`).Want(t, http.StatusOK)
		app.Post(t, harness.AdminKey, api+"/purchases/"+s.Purchase+"/acceptance/", `{"payment":"`+s.ID("pi_1")+`","note":"enough"}`).Want(t, http.StatusCreated)
		event := app.Get(t, api+"/events/?type=payment_intent.succeeded").Get("data.0.id").String()
		app.Post(t, harness.AdminKey, api+"/events/"+event+"/replay/", "").Want(t, http.StatusOK)
		db.MustRun(t, "events", "replay", event)

		log := app.As(t, harness.AdminKey, http.MethodGet, api+"/audit-log/").Want(t, http.StatusOK)
		if got := log.Get("data.#.action").String(); got != `["replay","replay","acceptance","case_closed","grant","adjustment"]` {
			t.Errorf("the log has %s", got)
		}
		log.WantFields(t, fields{"data.1.actor": "boss", "data.5.actor": "boss", "data.5.subject": s.Student, "data.5.note": "-0.50 hours: booked too short"})
		if actor := log.Get("data.0.actor").String(); !strings.HasPrefix(actor, "cli:") {
			t.Errorf("a command's actor is %q", actor)
		}
		app.Request(t, http.MethodGet, api+"/audit-log/", "", "Authorization", "Bearer "+harness.WriteKey).WantProblem(t, http.StatusForbidden, "forbidden")
		app.As(t, harness.AdminKey, http.MethodGet, api+"/audit-log/?action=dance").WantProblem(t, http.StatusBadRequest, "invalid_request")
		said := db.MustRun(t, "audit-log", "--action", "grant", "--json")
		if gjson.Get(said, "data.#").Int() != 1 || gjson.Get(said, "data.0.note").String() != "1.00 hours: goodwill" {
			t.Errorf("it said %s", said)
		}
		if said := db.MustRun(t, "audit-log", "--subject", s.Student); !strings.Contains(said, "booked too short") {
			t.Errorf("it said %s", said)
		}
		for _, change := range []string{"UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log"} {
			if _, err := app.SQL(t).ExecContext(t.Context(), change); err == nil {
				t.Errorf("the database allows %s", change)
			}
		}
	})
}

// What people decide is in the log, or is not done: also where whoever asked hangs up
// before it is.
func TestWhatTheAuditLogCannotKeepIsNotDone(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		addPlan(t, app)
		s := soldTo(t, app)
		tell(t, app, s.Paid("pi_1", 4000))
		stray := harness.NewTeller(harness.V2026)
		wantParked(t, app, stray.Invoice("paid", "in_1", harness.Line{Price: "price_of_nothing", Amount: 5000}), "unexplained_invoice")
		event := app.Get(t, api+"/events/?type=payment_intent.succeeded").Get("data.0.id").String()
		underpaid := app.Get(t, api+"/cases/?kind=underpaid").Get("data.0.id").String()
		unexplained := app.Get(t, api+"/cases/?kind=unexplained_invoice").Get("data.0.id").String()
		account := api + "/students/" + s.Student
		decisions := []struct{ path, body string }{
			{account + "/adjustments/", `{"hours":"-0.50","reason":"booked too short","reference":"t_1"}`},
			{account + "/grants/", `{"hours":"1.00","reason":"goodwill","reference":"t_2"}`},
			{api + "/cases/" + underpaid + "/close/", `{"note":"a friend"}`},
			{api + "/cases/" + unexplained + "/purchase/", `{"student_id":"` + s.Student + `","plan":"pack8"}`},
			{api + "/purchases/" + s.Purchase + "/acceptance/", `{"payment":"` + s.ID("pi_1") + `","note":"enough"}`},
			{api + "/events/" + event + "/replay/", ""},
		}
		state := func() string {
			return app.Get(t, account+"/balance/").Body + app.Get(t, api+"/cases/?status=open").Body + app.Get(t, api+"/purchases/").Body + app.Get(t, api+"/events/"+event+"/").Body
		}
		before := state()
		if app.Engine == database.Postgres {
			app.Exec(t, "ALTER TABLE audit_log ADD CONSTRAINT full_of_entries CHECK (false) NOT VALID")
		} else {
			app.Exec(t, "CREATE TRIGGER audit_log_is_full BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'it is full'); END")
		}
		for _, d := range decisions {
			app.Post(t, harness.AdminKey, d.path, d.body).WantProblem(t, http.StatusInternalServerError, "internal_error")
			if after := state(); after != before {
				t.Errorf("%s did it all the same: %s", d.path, after)
			}
		}
		if app.Engine == database.Postgres {
			app.Exec(t, "ALTER TABLE audit_log DROP CONSTRAINT full_of_entries")
		} else {
			app.Exec(t, "DROP TRIGGER audit_log_is_full")
		}
		for _, d := range decisions {
			if answer := app.Post(t, harness.AdminKey, d.path, d.body); answer.Status/100 != 2 {
				t.Errorf("%s was answered %d: %s", d.path, answer.Status, answer.Body)
			}
		}
		if kept := app.Count(t, "SELECT count(*) FROM audit_log"); kept != int64(len(decisions)) {
			t.Errorf("the log has %d entries of %d", kept, len(decisions))
		}
		app.MustAudit(t)
	})
}

// A customer may be called like an API key, or like anything else that something was done
// to: what was done to these stays when the customer is forgotten.
func TestForgettingAStudentRewritesNoOthersAuditEntries(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		addPlan(t, app)
		visit(t, app, harness.AdminKey)
		s := soldTo(t, app)
		tell(t, app, s.Paid("pi_1", 4000))
		underpaid := app.Get(t, api+"/cases/?kind=underpaid").Get("data.0.id").String()
		app.Post(t, harness.AdminKey, api+"/cases/"+underpaid+"/close/", `{"note":"a friend"}`).Want(t, http.StatusOK)
		event := app.Get(t, api+"/events/?type=payment_intent.succeeded").Get("data.0.id").String()
		app.Post(t, harness.AdminKey, api+"/events/"+event+"/replay/", "").Want(t, http.StatusOK)
		subjects := []string{"boss", event, underpaid}
		entries := func() string {
			return app.As(t, harness.AdminKey, http.MethodGet, api+"/audit-log/").Want(t, http.StatusOK).Get(`data.#(action!="student_forgotten")#|#.{action,subject,note}`).Raw
		}
		before := entries()
		for _, name := range subjects {
			calledSo(t, app, name)
			app.MustRun(t, "forget-student", name, "--yes")
		}
		if after := entries(); after != before {
			t.Errorf("the log had\n%s\nand has\n%s", before, after)
		}
		app.Post(t, harness.AdminKey, api+"/students/boss/grants/", `{"hours":"1.00","reason":"goodwill","reference":"grant_1"}`).Want(t, http.StatusCreated)
		pseudonym := gjson.Get(app.MustRun(t, "forget-student", "boss", "--yes", "--json"), "pseudonym").String()
		app.As(t, harness.AdminKey, http.MethodGet, api+"/audit-log/?action=grant").WantFields(t, fields{"data.#": "1", "data.0.subject": pseudonym, "data.0.note": ""})
		if after := entries(); !strings.Contains(after, `"subject":"boss"`) || strings.Contains(after, "goodwill") {
			t.Errorf("the log has %s", after)
		}
	})
}

// Who is called as the beginning of another's name takes no words of theirs along.
func TestForgettingWhoIsCalledLikeABeginning(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		addPlan(t, app)
		for _, name := range []string{"a", "a, for the plan b"} {
			app.Post(t, harness.AdminKey, api+"/students/"+url.PathEscape(name)+"/grants/", `{"hours":"1.00","reason":"goodwill","reference":"g"}`).Want(t, http.StatusCreated)
		}
		s := harness.NewTeller(harness.V2026)
		tellAny(t, app, s.Bare().Paid("pi_1", 12_000), s.Bare().Paid("pi_2", 12_000))
		for i, name := range []string{"a, b", "a, for the plan b"} {
			c := app.Get(t, api+"/cases/?status=open").Get("data.0.id").String()
			app.Post(t, harness.AdminKey, api+"/cases/"+c+"/purchase/", `{"student_id":"`+name+`","plan":"pack8"}`).Want(t, http.StatusCreated)
			app.Get(t, api+"/cases/?status=open").WantFields(t, fields{"data.#": []string{"1", "0"}[i]})
		}
		app.MustRun(t, "forget-student", "a", "--yes")
		given := app.As(t, harness.AdminKey, http.MethodGet, api+"/audit-log/?action=payment_given")
		given.WantFields(t, fields{"data.0.note": "to a, for the plan b, for the plan pack8", "data.1.note": "to a, b, for the plan pack8"})
	}, "PARK_FOR=0s")
}
