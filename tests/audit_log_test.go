package tests

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

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
