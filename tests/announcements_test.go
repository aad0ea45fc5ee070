package tests

import (
	"net/http"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// overdraw has a student use hours that are given back to Stripe afterwards.
func overdraw(t *testing.T, app *harness.App, student string) {
	t.Helper()
	p := harness.NewPurchase(t).For(student).Create(app.Database)
	app.MustProcess(t, p.Succeeded())
	app.Post(t, harness.WriteKey, api+"/students/"+student+"/consumptions/", `{"hours":"4.50","reference":"lesson"}`).Want(t, http.StatusCreated)
	app.MustProcess(t, p.ChargeRefunded(5000).At(now()))
}

func adjust(t *testing.T, app *harness.App, student, hours, reference string) {
	t.Helper()
	app.Post(t, harness.AdminKey, api+"/students/"+student+"/adjustments/", `{"hours":"`+hours+`","reason":"goodwill","reference":"`+reference+`"}`).Want(t, http.StatusCreated)
}

func TestACaseIsToldOnceItStoodForTenMinutes(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		r := harness.NewReceiver(t, nil)
		app := db.Serve(t, r.Settings()...)
		db.Serve(t, r.Settings()...) // neither tells what the other told
		overdrawn := []string{"purchase.completed", "hours.credited", "purchase.reversed", "hours.reversed"}
		for _, student := range []string{"settled", "stands", "young"} {
			overdraw(t, app, student)
		}
		adjust(t, app, "settled", "4.50", "good")
		db.Exec(t, "UPDATE cases SET opened_at = '"+ago(9*time.Minute+30*time.Second)+"' WHERE student_id = 'young'")
		db.Exec(t, "UPDATE cases SET opened_at = '"+ago(10*time.Minute)+"' WHERE student_id <> 'young'")
		r.WantTold(t, "stands", append(overdrawn, "case.opened")...)
		adjust(t, app, "stands", "4.50", "good")
		r.WantTold(t, "stands", append(overdrawn, "case.opened", "hours.credited", "case.closed")...)

		// It opens again, and waits again.
		adjust(t, app, "stands", "-5.00", "wrong")
		r.WantTold(t, "stands", append(overdrawn, "case.opened", "hours.credited", "case.closed", "hours.reversed")...)
		db.Exec(t, "UPDATE cases SET opened_at = '"+ago(time.Hour)+"' WHERE student_id = 'stands'")
		r.WantTold(t, "stands", append(overdrawn, "case.opened", "hours.credited", "case.closed", "hours.reversed", "case.opened")...)
		r.WantTold(t, "settled", append(overdrawn, "hours.credited")...)
		r.WantTold(t, "young", overdrawn...)
		for _, received := range r.Took() {
			if received.Get("type") == "case.opened" {
				wantJSON(t, received.Body, fields{"data.kind": "overdrawn", "data.student_id": "stands", "data.closed_at": ""})
			}
		}
	})
}

func TestADisputeIsToldAtOnce(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		r := harness.NewReceiver(t, nil)
		app := db.Serve(t, r.Settings()...)
		p := harness.NewPurchase(t).For("student_1").Create(db)
		app.MustProcess(t, p.Succeeded())
		told := []string{"purchase.completed", "hours.credited", "purchase.reversed", "hours.reversed", "case.opened"}
		app.MustProcess(t, p.Dispute("charge.dispute.created", "dp_1", 5000, "needs_response"))
		r.WantTold(t, "student_1", told...)
		app.MustProcess(t, p.Dispute("charge.dispute.closed", "dp_1", 5000, "won").At(now()))
		told = append(told, "hours.credited", "case.closed")
		r.WantTold(t, "student_1", told...)
		app.MustProcess(t, p.Dispute("charge.dispute.created", "dp_2", 5000, "needs_response").At(now()))
		r.WantTold(t, "student_1", append(told, "purchase.reversed", "hours.reversed", "case.opened")...)
	})
}

// A case that stands when the first endpoint is set is told to it.
func TestACaseIsToldToWhoComesLater(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		overdraw(t, app, "student_1")
		db.Exec(t, "UPDATE cases SET opened_at = '"+ago(10*time.Minute)+"'")
		app.Stop(t)
		r := harness.NewReceiver(t, nil)
		db.Serve(t, r.Settings()...)
		r.WantTold(t, "student_1", "case.opened")
	})
}
