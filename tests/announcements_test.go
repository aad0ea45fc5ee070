package tests

import (
	"net/http"
	"slices"
	"strings"
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

// runningLow is a student with 10.00 hours of a plan whose hours are low below 3.00.
func runningLow(t *testing.T, app *harness.App) {
	t.Helper()
	app.MustRun(t, "plans", "add", "--id", "low3", "--name", "ten", "--hours", "10.00", "--amount", "5000", "--currency", "eur", "--low-hours", "3.00")
	app.Get(t, api+"/plans/").WantFields(t, fields{"data.0.low_hours": "3.00"})
	app.MustProcess(t, harness.NewPurchase(t).For("student_1").ByPlan("low3").Create(app.Database).Succeeded())
}

func TestLowHoursAreToldAsTheyBecomeLow(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		r := harness.NewReceiver(t, nil)
		app := db.Serve(t, r.Settings()...)
		runningLow(t, app)
		hours := api + "/students/student_1"
		lesson := func(reference, hours string) {
			t.Helper()
			app.Post(t, harness.WriteKey, api+"/students/student_1/consumptions/", `{"hours":"`+hours+`","reference":"`+reference+`"}`).Want(t, http.StatusCreated)
		}
		lesson("7.00 are used", "7.00")
		app.Post(t, harness.WriteKey, hours+"/holds/", `{"hours":"3.00","reference":"held"}`).Want(t, http.StatusCreated)
		app.Post(t, harness.WriteKey, hours+"/holds/held/capture/", `{"hours":"1.00"}`).Want(t, http.StatusCreated) // 2.00: low before and after
		lesson("it is low already", "0.50")
		app.Post(t, harness.WriteKey, hours+"/holds/", `{"hours":"1.50","reference":"more"}`).Want(t, http.StatusCreated)
		app.As(t, harness.WriteKey, http.MethodDelete, hours+"/holds/more/").Want(t, http.StatusOK)
		adjust(t, app, "student_1", "1.50", "at it") // 3.00
		lesson("once more", "0.01")                  // 2.99

		told := []string{"purchase.completed", "hours.credited", "hours.low", "hours.credited", "hours.low"}
		r.WantTold(t, "student_1", told...)
		var low []harness.Received
		for _, received := range r.Took() {
			if received.Get("type") == "hours.low" {
				low = append(low, received)
			}
		}
		wantJSON(t, low[0].Body, fields{"data.hours_available": "0.00", "data.low_hours": "3.00", "data.plan_id": "low3"})
		wantJSON(t, low[1].Body, fields{"data.hours_available": "2.99", "data.low_hours": "3.00", "data.plan_id": "low3"})

		// Of the newest purchase that was paid counts: this one has no plan.
		app.MustProcess(t, harness.NewPurchase(t).For("student_1").Create(db).Succeeded())
		lesson("all of it", "12.99")
		harness.NewPurchase(t).For("student_1").ByPlan("low3").Create(db) // which nobody pays
		adjust(t, app, "student_1", "9.00", "more")
		adjust(t, app, "student_1", "-9.00", "less")
		r.WantTold(t, "student_1", append(told, "purchase.completed", "hours.credited", "hours.credited", "hours.reversed")...)
		app.MustAudit(t)
	})
}

// Refunds, too, and what two events tell at once counts as they leave it.
func TestLowHoursAreToldOfRefunds(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		r := harness.NewReceiver(t, nil)
		app := db.Serve(t, r.Settings()...)
		app.MustRun(t, "plans", "add", "--id", "low3", "--name", "ten", "--hours", "10.00", "--amount", "5000", "--currency", "eur", "--low-hours", "3.00")
		p := harness.NewPurchase(t).For("student_1").ByPlan("low3").Create(db)
		app.MustProcess(t, p.Succeeded())
		app.MustProcess(t, p.ChargeRefunded(3500))         // 3.00 are left
		app.MustProcess(t, p.ChargeRefunded(3600).At(900)) // 2.80
		app.MustProcess(t, p.ChargeRefunded(5000).At(999))
		reversed := []string{"purchase.reversed", "hours.reversed"}
		r.WantTold(t, "student_1", slices.Concat([]string{"purchase.completed", "hours.credited"}, reversed, reversed, []string{"hours.low"}, reversed)...)
	})
}

// A student who can't be told, whatever the reason, is no other's trouble.
func TestHoursThatCannotBeToldKeepNobodyWaiting(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		refuseExpirations(t, db)
		r := harness.NewReceiver(t, nil)
		quiet := db.Serve(t, r.Settings()...)
		students := []string{"bad_1", "bad_2", "good_1", "bad_3", "good_2", "bad_4"}
		for _, student := range students {
			expiring(t, quiet, student, time.Now().AddDate(0, 0, 2))
			if strings.HasPrefix(student, "bad") {
				expiring(t, quiet, student, time.Now().AddDate(0, 0, 9))
			}
		}
		harness.Eventually(t, "there are lots", func() bool { return db.Count(t, "SELECT count(*) FROM hour_lots") == 10 })
		quiet.Stop(t)
		db.Exec(t, "UPDATE hour_lots SET expires_at = '"+ago(time.Hour)+"' WHERE expires_at > '"+ago(-5*24*time.Hour)+"'")
		db.Serve(t, append(r.Settings(), "EVENTS_EXPIRING_DAYS=3")...)
		for _, student := range []string{"good_1", "good_2"} {
			r.WantTold(t, student, "purchase.completed", "hours.credited", "hours.expiring")
		}
	})
}

func TestHoursThatEndSoonAreToldOnce(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		r := harness.NewReceiver(t, nil)
		settings := append(r.Settings(), "EVENTS_EXPIRING_DAYS=3")
		app := db.Serve(t, settings...)
		db.Serve(t, settings...) // neither tells what the other told
		day := func(n int) time.Time { return time.Now().AddDate(0, 0, n).Truncate(time.Second) }
		bought := []string{"purchase.completed", "hours.credited"}
		expiring(t, app, "later", day(4))
		end := day(3)
		soon := expiring(t, app, "soon", end)
		r.WantTold(t, "soon", append(bought, "hours.expiring")...)
		last := r.Took()[len(r.Took())-1]
		wantJSON(t, last.Body, fields{
			"type": "hours.expiring", "data.student_id": "soon", "data.id": soon.ID, "data.transaction_id": soon.ID, "data.hours": "10.00",
		})
		if told, err := time.Parse(time.RFC3339Nano, last.Get("data.expires_at")); err != nil || !told.Equal(end) {
			t.Errorf("it ends at %s (%v)", last.Get("data.expires_at"), err)
		}

		// What is held or used ends for nobody; once it is given back, it does.
		held := expiring(t, app, "held", day(4))
		app.Post(t, harness.WriteKey, student(held)+"/consumptions/", `{"hours":"7.50","reference":"lesson"}`).Want(t, http.StatusCreated)
		app.Post(t, harness.WriteKey, student(held)+"/holds/", `{"hours":"2.50","reference":"hold"}`).Want(t, http.StatusCreated)
		days := func(student string, n int) {
			db.Exec(t, "UPDATE hour_lots SET expires_at = '"+ago(time.Duration(-n)*24*time.Hour)+"' WHERE student_id = '"+student+"'")
		}
		days("held", 2)
		days("later", 2)
		r.WantTold(t, "later", append(bought, "hours.expiring")...)
		r.WantTold(t, "held", bought...)
		app.As(t, harness.WriteKey, http.MethodDelete, student(held)+"/holds/hold/").Want(t, http.StatusOK)
		days("held", 2) // all lots were made anew
		r.WantTold(t, "held", append(bought, "hours.expiring")...)
		last = r.Took()[len(r.Took())-1]
		wantJSON(t, last.Body, fields{"data.hours": "2.50"})

		// Another end of the same hours is told, too; the same is not.
		days("later", 1)
		r.WantTold(t, "later", append(bought, "hours.expiring", "hours.expiring")...)
		r.WantTold(t, "soon", append(bought, "hours.expiring")...)
	})
}
