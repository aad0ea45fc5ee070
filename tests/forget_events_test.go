package tests

import (
	"net/http"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"hourbank/tests/harness"
)

// calledSo is a customer of a Payment Link who writes its reference: a student of any name.
func calledSo(t *testing.T, app *harness.App, name string) {
	t.Helper()
	s := harness.NewTeller(harness.V2026)
	tell(t, app, linkFor(s, name, "pack8", s.Session("completed", "cs_1", "pi_1", asked{Subtotal: 12000}, "paid")))
	app.WantBalance(t, name, fields{"hours_purchased": "8.00"})
}

// giveUp lets an event be one that waited for too long.
func giveUp(t *testing.T, app *harness.App, e *harness.Event) {
	t.Helper()
	past := time.Now().Add(-2 * time.Hour).UTC()
	app.Exec(t, "UPDATE webhook_events SET received_at = $1, next_attempt_at = $1 WHERE id = $2", past, e.ID)
	harness.Eventually(t, "the event is given up", func() bool {
		return app.Get(t, api+"/events/"+e.ID+"/").Get("status").String() == "ignored"
	})
}

// A customer chooses what to be called: words of others' events, too.
func TestACustomerCalledLikeWordsOfEventsForgetsNobodyElses(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t, "PARK_FOR=1h")
		addPlan(t, app)
		other := harness.NewPurchase(t)
		event := other.Succeeded().Set("amount", 12000).Set("amount_received", 12000).
			Set("description", "words").Set("metadata", object{"plan": "pack8"}).Set("customer", "cus_other")
		names := []string{"eur", "succeeded", "payment_intent", "words", "pack8", "cus_other", event.ID, other.PaymentIntent}
		for _, name := range names {
			calledSo(t, app, name)
		}
		app.Deliver(t, event).Want(t, http.StatusAccepted)
		for _, name := range names {
			wantJSON(t, app.MustRun(t, "forget-student", name, "--dry-run", "--json"), fields{"purchases": "1", "events": "1"})
		}
		giveUp(t, app, event)
		for _, name := range names {
			wantJSON(t, app.MustRun(t, "forget-student", name, "--yes", "--json"), fields{"purchases": "1", "events": "1"})
		}
		if payload := app.Get(t, api+"/events/"+event.ID+"/").Get("payload"); !payload.IsObject() {
			t.Errorf("of somebody else's event is kept %q", payload.Raw)
		}
		id := app.Get(t, api+"/cases/?kind=unmatched_payment").Get("data.0.id").String()
		app.Post(t, harness.AdminKey, api+"/cases/"+id+"/purchase/", `{"student_id":"other","plan":"pack8"}`).
			WantFields(t, fields{"payment_status": "completed", "hours_credited": "8.00"})
		app.MustAudit(t)
	})
}

// Events of no purchase that name who is forgotten go, wherever in one they do.
func TestEventsThatNameWhoIsForgottenAreEmptied(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		const theirs, older, families = "cus_theirs", "cus_older", "cus_families" // a purchase shows one of its customers
		p, sibling := app.NewPurchase(t), app.NewPurchase(t)
		family := harness.NewPurchase(t).For(p.Student).Create(app.Database)
		app.MustProcess(t, p.Succeeded().Set("customer", older), p.ChargeRefunded(2500).Set("customer", theirs))
		app.MustProcess(t, family.Succeeded().Set("customer", families))
		app.MustProcess(t, sibling.Succeeded().Set("customer", families))
		named, buys := object{"student_id": p.Student}, object{"student_id": "buyer", "beneficiary_id": p.Student}
		kept, emptied := map[string]string{}, map[string]string{}
		for _, row := range []struct {
			path  string
			value any
			goes  bool
		}{
			{"client_reference_id", p.Student, true},
			{"metadata", named, true},
			{"metadata", buys, true},
			{"latest_charge", object{"id": "ch_1", "metadata": named}, true},
			{"subscription_details", object{"metadata": named}, true},
			{"parent", object{"subscription_details": object{"metadata": named}}, true},
			{"lines", object{"data": []object{{"id": "il_1"}, {"id": "il_2", "metadata": named}}}, true},
			{"customer", theirs, true},
			{"customer", older, true},
			{"customer", object{"id": theirs, "object": "customer"}, true},
			{"id", theirs, true}, // of the customer itself
			{"customer", families, false},
			{"description", p.Student, false},
			{"metadata", object{"plan": p.Student}, false},
			{"metadata", object{"student_id": "buyer"}, false},
			{"student_id", p.Student, false},
		} {
			event := harness.NewEvent(t, "payment_intent.unheard_of", "payment_intent").Set("customer", nil).Set(row.path, row.value)
			app.Deliver(t, event).Want(t, http.StatusOK).WantFields(t, fields{"status": "ignored"})
			if what := row.path + " of " + event.ID; row.goes {
				emptied[event.ID] = what
			} else {
				kept[event.ID] = what
			}
		}
		fetched := harness.NewEvent(t, "payment_intent.unheard_of", "payment_intent")
		app.Deliver(t, fetched).Want(t, http.StatusOK)
		app.Exec(t, "UPDATE webhook_events SET snapshot = $1 WHERE id = $2", `{"at":900,"object":{"id":"pi_1","metadata":{"student_id":"`+p.Student+`"}}}`, fetched.ID)
		emptied[fetched.ID] = "snapshot"

		app.MustRun(t, "forget-student", p.Student, "--yes")
		payload := func(id string) gjson.Result { return app.Get(t, api+"/events/"+id+"/").Get("payload") }
		for id, what := range emptied {
			if payload(id).Type != gjson.Null {
				t.Errorf("the %s is kept", what)
			}
		}
		for id, what := range kept {
			if !payload(id).IsObject() {
				t.Errorf("the %s is gone", what)
			}
		}
		app.MustAudit(t)
	})
}

// A payment that names a student, and that nobody knows what for, waits for staff: what
// it says is what they go by, and what a purchase would be paid by.
func TestNobodyIsForgottenWhileAPaymentThatNamesThemIsNobodys(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, student, id := namedAndUnmatched(t, db)
		wantRefused(t, db, 1, "Case "+id+" is open", "forget-student", student, "--yes")
		app.Post(t, harness.AdminKey, api+"/cases/"+id+"/close/", `{"note":"paid back"}`).Want(t, http.StatusOK)
		wantJSON(t, db.MustRun(t, "forget-student", student, "--yes", "--json"), fields{"events": "1"})
		wantNoMentions(t, db, student)
		db.MustAudit(t)
	})
}

// What staff gave to somebody else still names whom it was said to be of.
func TestPaymentsThatWereGivenToOthersNameNobodyForgotten(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, student, id := namedAndUnmatched(t, db)
		app.Post(t, harness.AdminKey, api+"/cases/"+id+"/purchase/", `{"student_id":"bob","plan":"pack8"}`).
			WantFields(t, fields{"hours_credited": "8.00"})
		wantJSON(t, db.MustRun(t, "forget-student", student, "--yes", "--json"), fields{"purchases": "0", "events": "1"})
		wantNoMentions(t, db, student)
		app.WantBalance(t, "bob", fields{"hours_available": "8.00"})
		wantJSON(t, db.MustRun(t, "rebuild", "--dry-run", "--json"), fields{"rebuilt.#": "0", "events.#": "0"})
		db.MustAudit(t)
	})
}

// namedAndUnmatched is a payment that names a student and no plan of ours, and was given
// up; id is its case's.
func namedAndUnmatched(t *testing.T, db *harness.Database) (app *harness.App, student, id string) {
	t.Helper()
	app = db.Serve(t, "PARK_FOR=1h")
	addPlan(t, app)
	p := harness.NewPurchase(t)
	app.Post(t, harness.AdminKey, api+"/students/"+p.Student+"/grants/", `{"hours":"1.00","reason":"welcome","reference":"grant_1"}`).Want(t, http.StatusCreated)
	event := p.Succeeded().Set("amount", 12000).Set("amount_received", 12000).Set("metadata", object{"student_id": p.Student, "plan": "unheard_of"})
	app.Deliver(t, event).Want(t, http.StatusAccepted)
	giveUp(t, app, event)
	return app, p.Student, app.Get(t, api+"/cases/?status=open&kind=unmatched_payment").WantFields(t, fields{"data.#": "1"}).Get("data.0.id").String()
}

func wantNoMentions(t *testing.T, db *harness.Database, student string) {
	t.Helper()
	if found := mentions(t, db, student); len(found) > 0 {
		t.Errorf("%s is still in %v", student, found)
	}
}
