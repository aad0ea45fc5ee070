package tests

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"hourbank/tests/harness"
)

// One event eight times in one transaction: one delivery is the first, the
// others are told that they are duplicates, and all are counted.
func TestOneEventManyTimesInOneBatch(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		blocked, p := app.NewPurchase(t), app.NewPurchase(t)
		release := lock(t, app.Database, blocked)
		var group errgroup.Group
		send := func(event *harness.Event) {
			group.Go(func() error {
				_, err := app.TryDeliver(event)
				return err
			})
		}
		// Every committer is busy with the locked purchase once one event more
		// has to wait.
		harness.Eventually(t, "events wait", func() bool {
			send(blocked.Succeeded())
			return waiting(t, app) != "0"
		})
		event, answers := p.Succeeded(), make([]harness.Response, 8)
		for i := range answers {
			group.Go(func() (err error) {
				answers[i], err = app.TryDeliver(event)
				return err
			})
		}
		harness.Eventually(t, "all eight wait", func() bool {
			n, err := strconv.Atoi(waiting(t, app))
			return err == nil && n > len(answers)
		})
		release()
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		firsts := 0
		for _, answer := range answers {
			answer.Want(t, http.StatusOK).WantFields(t, fields{"event_id": event.ID, "status": "processed", "transaction_id": p.ID})
			if !answer.Get("duplicate").Bool() {
				firsts++
			}
		}
		if firsts != 1 {
			t.Errorf("%d deliveries were told that they are the first", firsts)
		}
		app.Get(t, api+"/events/"+event.ID+"/").WantFields(t, fields{"deliveries": "8"})
		app.WantBalance(t, p.Student, fields{"hours_available": "10.00"})
		app.MustAudit(t)
	})
}

// waiting is how many events wait for a transaction.
func waiting(t *testing.T, app *harness.App) string {
	t.Helper()
	for line := range strings.Lines(app.Request(t, http.MethodGet, "/metrics", "").Body) {
		if value, ok := strings.CutPrefix(line, "hourbank_events_waiting "); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatal("no metric of waiting events")
	return ""
}

// What an invoice takes off, and the word that neither of the two that gave it was ever
// credited, in one transaction: it comes back once.
func TestWhatIsTakenOffComesBackOnceInOneBatch(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		tell(t, app, s.Invoice("paid", "in_1", month))
		blocked := app.NewPurchase(t)
		release := lock(t, app.Database, blocked)
		var group errgroup.Group
		harness.Eventually(t, "events wait", func() bool {
			event := blocked.Succeeded()
			group.Go(func() error { _, err := app.TryDeliver(event); return err })
			return waiting(t, app) != "0"
		})
		for _, told := range []*harness.Told{
			givingBackEach(s, s.Invoice("paid", "in_down", prorated(month, -2800), prorated(month, -2800)), "in_a", "in_b"),
			s.Invoice("payment_failed", "in_a", month), s.Invoice("voided", "in_b", month),
		} {
			before := waiting(t, app)
			group.Go(func() error { _, err := app.Tell(told); return err })
			harness.Eventually(t, "it waits, too", func() bool { return waiting(t, app) != before })
		}
		release()
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		app.WantBalance(t, s.Student, fields{"hours_available": "4.00"})
		app.MustAudit(t)
	})
}
