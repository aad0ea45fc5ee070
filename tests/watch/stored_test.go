package watch

import (
	"net/http"
	"testing"
	"time"

	"hourbank/tests/harness"
)

func TestParkedEventsAreCountedByAge(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for range 3 {
			app.Deliver(t, harness.NewPurchase(t).Succeeded()).Want(t, http.StatusAccepted)
		}
		old := harness.NewPurchase(t).Succeeded()
		app.Deliver(t, old).Want(t, http.StatusAccepted)
		app.Exec(t, "UPDATE webhook_events SET received_at = $1 WHERE id = $2", time.Now().UTC().Add(-3*time.Hour), old.ID)
		live := scraped(t, app)
		for age, want := range map[string]float64{"under_10m": 3, "under_1h": 0, "under_1d": 1, "older": 0} {
			if got := live.value("hourbank_parked_events", "age", age); got != want {
				t.Errorf("%v are parked %s, want %v", got, age, want)
			}
		}
		if oldest := live.value("hourbank_oldest_parked_seconds", "", ""); oldest < 3*3600 || oldest > 4*3600 {
			t.Errorf("the oldest has waited %v s", oldest)
		}
	})
}

func TestEventsAreCountedByTypesThatAreKnown(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded().At(time.Now().Unix()-harness.Epoch-120))
		for _, odd := range []string{"a.b", "c.d", `e"f`, "payment_intent.succeeded.again"} {
			app.Deliver(t, harness.NewEvent(t, odd, "payment_intent")).Want(t, http.StatusOK)
		}
		live := scraped(t, app)
		if known, other := live.value("hourbank_events_total", "type", "payment_intent.succeeded"), live.value("hourbank_events_total", "type", "other"); known != 1 || other != 4 {
			t.Errorf("%v of the type that is known, %v of others", known, other)
		}
		for _, one := range live["hourbank_event_lag_seconds"].GetMetric() {
			if count, sum := one.GetHistogram().GetSampleCount(), one.GetHistogram().GetSampleSum(); count != 5 || sum < 120 {
				t.Errorf("%d lags, of %v s together", count, sum)
			}
		}
	})
}

// One replica audits once a day; all show what it found, and what a person's audit finds.
func TestEveryReplicaShowsWhatTheDailyAuditFound(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		p, first := db.NewPurchase(t), db.Serve(t)
		first.MustProcess(t, p.Succeeded())
		harness.Eventually(t, "the first audit is done", func() bool {
			return scraped(t, first).value("hourbank_job_last_success_timestamp_seconds", "job", "audit") > 0
		})
		first.Stop(t)
		const alter = "UPDATE student_account_balances SET hours_purchased = hours_purchased + "
		db.Force(t, alter+"1 WHERE student_id = $1", p.Student)
		db.Exec(t, "UPDATE scheduled_jobs SET next_run_at = '2020-01-01 00:00:00+00:00' WHERE name = 'audit'")
		one, other := db.Serve(t), db.Serve(t)
		for _, app := range []*harness.App{one, other} {
			harness.Eventually(t, "the audit has found it", func() bool { return scraped(t, app).value("hourbank_audit_differences", "", "") == 1 })
		}
		if told := len(one.Log.Lines("msg", `the books differ: run "hourbank audit"`)) + len(other.Log.Lines("msg", `the books differ: run "hourbank audit"`)); told != 1 {
			t.Errorf("%d replicas told of it", told)
		}
		db.Force(t, alter+"-1 WHERE student_id = $1", p.Student)
		db.MustAudit(t)
		if left := scraped(t, other).value("hourbank_audit_differences", "", ""); left != 0 {
			t.Errorf("%v are left", left)
		}
		db.Exec(t, "UPDATE scheduled_jobs SET found = 1000") // of other jobs, too, whoever wrote it
		if told := scraped(t, other).value("hourbank_audit_differences", "", ""); told != 1000 {
			t.Errorf("%v are told", told)
		}
	})
}
