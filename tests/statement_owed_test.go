package tests

import (
	"net/http"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// wantOwed wants the statement to be one line, which says what is owed.
func wantOwed(t *testing.T, db *harness.Database, unused, overdrawn, liability string) {
	t.Helper()
	rows := exported(t, db, "statement")
	if len(rows) != 1 || rows[0]["hours_unused"] != unused || rows[0]["hours_overdrawn"] != overdrawn || rows[0]["liability"] != liability {
		t.Errorf("%v", rows)
	}
}

// What ended is owed no more, and what was used of it is taken from nothing else.
func TestNothingIsOwedOfWhatEnded(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		end := time.Now().Add(-time.Hour)
		kept := harness.NewPurchase(t).For("student_1").Create(db)
		app.MustProcess(t, kept.Succeeded().At(end.AddDate(0, 0, -20).Unix()-harness.Epoch))
		dear := harness.NewPurchase(t).For("student_1").ValidFor(10).Of(1000, 20_000).Create(db)
		app.MustProcess(t, dear.Succeeded().At(end.AddDate(0, 0, -10).Unix()-harness.Epoch))
		app.Post(t, harness.WriteKey, student(kept)+"/consumptions/", `{"hours":"4.00","reference":"l1","lesson_at":"`+inForce(end.Add(-time.Hour))+`"}`).Want(t, http.StatusCreated)
		app.WantBalance(t, "student_1", fields{"hours_available": "10.00", "hours_expired": "6.00"})
		wantOwed(t, db, "10.00", "0.00", "5000")
	})
}

// Hours that an invoice took off, and that came back, are owed as they were.
func TestWhatComesBackIsOwedAsBefore(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		tell(t, app, s.Invoice("paid", "in_1", month), givingBack(s, "in_up", s.Invoice("paid", "in_down", prorated(month, -5600))), s.Invoice("voided", "in_up", month))
		app.WantBalance(t, s.Student, fields{"hours_available": "4.00"})
		wantOwed(t, db, "4.00", "0.00", "5600")
	})
}

// Hours that are held of a lot that has ended are still owed, and lower nobody's overdrawn ones.
func TestWhatIsHeldOfWhatEndedIsOwed(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		end := time.Now().Add(4 * time.Second).Truncate(time.Second)
		p := expiring(t, app, "student_1", end)
		app.Post(t, harness.WriteKey, student(p)+"/holds/", `{"hours":"3.00","reference":"l1","lesson_at":"`+inForce(end.Add(-time.Second))+`"}`).Want(t, http.StatusCreated)
		other := harness.NewPurchase(t).For("student_2").Create(db)
		app.MustProcess(t, other.Succeeded())
		app.Post(t, harness.WriteKey, student(other)+"/consumptions/", `{"hours":"5.00","reference":"l2"}`).Want(t, http.StatusCreated)
		app.MustProcess(t, other.ChargeRefunded(5000).At(now()))
		harness.Eventually(t, "the rest expires", func() bool {
			return app.Get(t, student(p)+"/balance/").Get("hours_expired").String() == "7.00"
		})
		wantOwed(t, db, "3.00", "5.00", "1500")
	})
}
