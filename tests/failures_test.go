package tests

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"hourbank/database"
	"hourbank/tests/harness"
)

// What went wrong for users of other receivers, numbered; each test is named
// after what would have gone wrong.

// breakLedger makes the database refuse a student's ledger entries, as a bug
// of ours would, and gives what mends it.
func breakLedger(t *testing.T, db *harness.Database, student string) (mend func()) {
	t.Helper()
	if db.Engine == database.SQLite {
		db.Exec(t, `CREATE TRIGGER broken BEFORE INSERT ON hour_ledger_entries WHEN NEW.student_id = '`+student+`'
			BEGIN SELECT RAISE(ABORT, 'broken for the test'); END`)
		return func() { db.Exec(t, "DROP TRIGGER broken") }
	}
	db.Exec(t, `CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken for the test'; END $$`)
	db.Exec(t, `CREATE TRIGGER broken BEFORE INSERT ON hour_ledger_entries FOR EACH ROW
		WHEN (NEW.student_id = '`+student+`') EXECUTE FUNCTION broken()`)
	return func() { db.Exec(t, "DROP TRIGGER broken ON hour_ledger_entries") }
}

func TestFailure1FailedOnceLostForEver(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		event := p.Succeeded()
		mend := breakLedger(t, app.Database, p.Student)
		for range 3 {
			app.Deliver(t, event).WantProblem(t, http.StatusInternalServerError, "internal_error")
		}
		mend()
		app.Deliver(t, event).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "duplicate": "false", "transaction_id": p.ID})
		app.WantBalance(t, p.Student, fields{"hours_available": "10.00"})
		app.MustAudit(t)
	})
}

func TestFailure2AcknowledgedAlthoughTheProcessingFailed(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		bad := app.NewPurchase(t)
		breakLedger(t, app.Database, bad.Student)
		event := bad.Succeeded()
		answer := app.Deliver(t, event).WantProblem(t, http.StatusInternalServerError, "internal_error")
		if strings.Contains(answer.Body, "broken for the test") {
			t.Errorf("the answer shows what the database said: %s", answer.Body)
		}
		if line := app.Log.Lines("event_id", event.ID); len(line) != 1 || !strings.Contains(line[0].Get("error").String(), "broken for the test") {
			t.Errorf("the log says %v", line)
		}
		app.WantPurchase(t, bad, fields{"payment_status": "pending", "hours_credited": "0.00"})
		if n := app.Count(t, "SELECT count(*) FROM webhook_events"); n != 0 {
			t.Errorf("%d events are kept as if they were done", n)
		}
		app.MustAudit(t)
	})
}

// An event that fails must not take those with it that arrived at the same
// time.
func TestFailure2AnEventThatFailsTakesOthersWithIt(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		bad := app.NewPurchase(t)
		breakLedger(t, app.Database, bad.Student)
		var events []*harness.Event
		for range 40 {
			events = append(events, app.NewPurchase(t).Succeeded(), bad.Succeeded())
		}
		var group sync.WaitGroup
		for i, event := range events {
			group.Go(func() {
				answer, err := harness.Patiently(func() (harness.Response, error) { return app.TryDeliver(event) })
				if good := i%2 == 0; err != nil || (answer.Status == http.StatusOK) != good {
					t.Errorf("event %d: answered %d (%v), want success: %t", i, answer.Status, err, good)
				}
			})
		}
		group.Wait()
		app.MustAudit(t)
	})
}

func TestFailure3EventsOutOfOrderLeaveAStaleState(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}, {3, 0, 2, 1}} {
			p := app.NewPurchase(t)
			story := []*harness.Event{
				p.Intent("payment_intent.created").At(0), p.Intent(failed).At(1), p.Succeeded().At(2), p.ChargeRefunded(5000).At(3),
			}
			for _, i := range order {
				app.Deliver(t, story[i]).Want(t, http.StatusOK)
			}
			app.WantPurchase(t, p, fields{"payment_status": "refunded", "hours_credited": "10.00", "hours_reversed": "10.00", "failure": ""})
		}
		app.MustAudit(t)
	})
}

func TestFailure4TwoChangesWithinTheSameSecond(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, backwards := range []bool{false, true} {
			p := app.NewPurchase(t)
			won := app.NewPurchase(t)
			story := []*harness.Event{
				p.Refund("refund.created", "re_1", 1000, "pending", 5).At(5), p.Refund("refund.updated", "re_1", 1000, "failed", 5).At(5),
				p.ChargeRefunded(500).At(6), p.ChargeRefunded(1500).At(6),
				won.Dispute(disputeCreated, "dp_1", 5000, "needs_response").At(7), won.Dispute(disputeClosed, "dp_1", 5000, "won").At(7),
			}
			app.MustProcess(t, p.Succeeded(), won.Succeeded())
			for i := range story {
				if backwards {
					i = len(story) - 1 - i
				}
				app.Deliver(t, story[i]).Want(t, http.StatusOK)
			}
			app.Deliver(t, p.Refund("refund.updated", "re_1", 1000, "pending", 5).At(5)).Want(t, http.StatusOK) // a stale redelivery
			app.Deliver(t, won.Dispute(disputeUpdated, "dp_1", 5000, "under_review").At(7)).Want(t, http.StatusOK)
			app.WantPurchase(t, p, fields{"amount_refunded": "1500", "hours_reversed": "3.00"})
			app.WantPurchase(t, won, fields{"payment_status": "completed", "hours_reversed": "0.00"})
		}
		app.MustAudit(t)
	})
}

func TestFailure5TwoDeliveriesAtOnceBothCredit(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		var events []*harness.Event
		for i := range 8 {
			event := p.Succeeded()
			events = append(events, event, event, p.Session("checkout.session.completed", "cs_1", "paid"), p.ChargeRefunded(0).At(int64(i)))
		}
		deliverAll(t, []*harness.App{app}, events)
		app.WantBalance(t, p.Student, fields{"hours_purchased": "10.00", "hours_available": "10.00", "balance_amount": "5000"})
		app.Get(t, api+"/students/"+p.Student+"/ledger/").WantFields(t, fields{"data.#": "1"})
		app.MustAudit(t)
	})
}

// Somebody else holds the lock for longer than Stripe waits: come again, and
// nothing is half done.
func TestFailure6DatabaseIsLocked(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		event := p.Succeeded()
		release := lock(t, app.Database, p)
		answer := app.Deliver(t, event).WantProblem(t, http.StatusServiceUnavailable, "unavailable")
		if answer.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		app.WantPurchase(t, p, fields{"payment_status": "pending"}) // reading doesn't wait
		release()
		app.Deliver(t, event).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "duplicate": "false"})
		app.WantBalance(t, p.Student, fields{"hours_available": "10.00"})
		app.MustAudit(t)
	})
}

// lock takes what a change of the purchase needs: its row, or SQLite's only
// writer.
func lock(t *testing.T, db *harness.Database, p *harness.Purchase) (release func()) {
	t.Helper()
	conn, err := db.SQL(t).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	begin := []string{"BEGIN", "SELECT 1 FROM purchase_transactions WHERE id = '" + p.ID + "' FOR UPDATE"}
	if db.Engine == database.SQLite {
		begin = []string{"BEGIN IMMEDIATE"}
	}
	for _, statement := range begin {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
		_ = conn.Close() // it goes back to the pool
	}
}

// Handlers that lock purchases and accounts in different orders deadlock.
func TestFailure6DeadlocksBetweenHandlers(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		var events, backwards []*harness.Event
		for i := range 60 {
			p := harness.NewPurchase(t).For(fmt.Sprintf("student_%d", i%4)).Create(app.Database)
			events = append(events, p.Succeeded())
			backwards = append([]*harness.Event{p.Dispute(disputeCreated, "dp_1", 5000, "needs_response").At(1)}, backwards...)
		}
		deliverAll(t, []*harness.App{app}, append(events, backwards...))
		for i := range 4 {
			app.WantBalance(t, fmt.Sprintf("student_%d", i), fields{"hours_purchased": "150.00", "hours_reversed": "150.00", "balance_amount": "0"})
		}
		app.MustAudit(t)
	})
}

func TestFailure15TheEventsTableOutgrowsAllOthers(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		p := db.NewPurchase(t)
		app := db.Serve(t)
		app.MustProcess(t, p.Succeeded().Named("evt_of_money"))
		app.Deliver(t, harness.NewEvent(t, "charge.pending", "charge").Named("evt_old")).Want(t, 200)
		app.Stop(t)
		db.Exec(t, "UPDATE webhook_events SET received_at = '2026-01-01 00:00:00+00:00'")
		db.Exec(t, "DELETE FROM scheduled_jobs") // a day has gone by

		app = db.Serve(t)
		app.Deliver(t, harness.NewEvent(t, "charge.pending", "charge").Named("evt_new")).Want(t, 200)
		harness.Eventually(t, "the old event that moved nothing is gone", func() bool {
			return app.As(t, harness.ReadKey, "GET", api+"/events/evt_old/").Status == 404
		})
		app.Get(t, api+"/events/evt_of_money/")
		app.Get(t, api+"/events/evt_new/")
		db.MustAudit(t)
	})
}
