package tests

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"hourbank/tests/harness"
)

// deliverAll sends events at the same time, to the apps in turn, and wants a
// final answer for each. Where a crowded machine stood still for so long that
// the service let go, it sends again, as Stripe does.
func deliverAll(t *testing.T, apps []*harness.App, events []*harness.Event) []harness.Response {
	t.Helper()
	asks := make([]func() (harness.Response, error), len(events))
	for i, event := range events {
		asks[i] = func() (harness.Response, error) { return apps[i%len(apps)].TryDeliver(event) }
	}
	return atOnce(t, asks)
}

// atOnce asks everything at the same time, and again where the answer is 503; it wants
// 200 or 201 for each.
func atOnce(t *testing.T, asks []func() (harness.Response, error)) []harness.Response {
	t.Helper()
	answers := make([]harness.Response, len(asks))
	start := make(chan struct{})
	var group errgroup.Group
	for i, ask := range asks {
		group.Go(func() error {
			<-start
			var err error
			answers[i], err = harness.Patiently(ask)
			if err == nil && answers[i].Status != http.StatusOK && answers[i].Status != http.StatusCreated {
				err = fmt.Errorf("answered %d: %s", answers[i].Status, answers[i].Body)
			}
			return err
		})
	}
	close(start)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return answers
}

// sameAndDifferent are 32 deliveries: half of them one event, half different
// events of the same payment.
func sameAndDifferent(p *harness.Purchase) []*harness.Event {
	same := p.Succeeded().At(5)
	var events []*harness.Event
	for i := range int64(16) {
		other := p.Succeeded().At(i)
		switch i % 4 {
		case 1:
			other = p.Intent(failed).At(i)
		case 2:
			other = p.Intent("payment_intent.processing").At(i)
		case 3:
			other = p.Intent(canceled).At(i)
		}
		events = append(events, same, other)
	}
	return events
}

func wantOneCredit(t *testing.T, app *harness.App, p *harness.Purchase) {
	t.Helper()
	app.WantBalance(t, p.Student, fields{"hours_purchased": "10.00", "hours_available": "10.00", "balance_amount": "5000"})
	if n := len(app.Get(t, "/api/finances/students/"+p.Student+"/ledger/").Get("data").Array()); n != 1 {
		t.Errorf("%d ledger entries, want 1", n)
	}
	app.WantPurchase(t, p, fields{"payment_status": "completed", "completed_at": "2025-10-09T08:53:20Z"})
	app.MustAudit(t)
}

func TestConcurrentDeliveriesCreditOnce(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		answers := deliverAll(t, []*harness.App{app}, sameAndDifferent(p))
		firsts := 0
		for i := 0; i < len(answers); i += 2 {
			if !answers[i].Get("duplicate").Bool() {
				firsts++
			}
		}
		if firsts != 1 {
			t.Errorf("%d of 16 deliveries of one event were told that they are the first", firsts)
		}
		wantOneCredit(t, app, p)
	})
}

func TestConcurrentDeliveriesForManyStudents(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		student := "student_busy"
		var events []*harness.Event
		for range 20 {
			own, shared := app.NewPurchase(t), harness.NewPurchase(t).For(student).Create(app.Database)
			events = append(events, own.Succeeded(), shared.Succeeded(), shared.ChargeRefunded(2500).At(9), own.Succeeded(), shared.Succeeded().At(1))
		}
		deliverAll(t, []*harness.App{app}, events)
		app.WantBalance(t, student, fields{"hours_purchased": "200.00", "hours_reversed": "100.00", "balance_amount": "50000"})
		app.MustAudit(t)
	})
}

func TestReplicasStartAtOnceOnAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	db := harness.NewEmptyDatabase(t, "postgres")
	apps := []*harness.App{db.Start(t), db.Start(t), db.Start(t)}
	for _, app := range apps {
		app.WaitUntilListening(t)
	}
	p := db.NewPurchase(t)
	apps[0].MustProcess(t, p.Succeeded())
	apps[2].WantBalance(t, p.Student, fields{"hours_available": "10.00"})
	if status := db.MustRun(t, "migrate", "status"); !strings.Contains(status, "applied") || strings.Contains(status, "pending") {
		t.Errorf("migrate status: %s", status)
	}
}

// Two replicas' batches touch the same purchases, events and accounts in
// opposite orders: PostgreSQL has no deadlock to break.
func TestReplicasDontDeadlockOverTheSameStudents(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, "postgres")
	apps := []*harness.App{db.Serve(t), db.Serve(t)}
	var events []*harness.Event
	for i := range 40 {
		p := harness.NewPurchase(t).For(fmt.Sprintf("student_%d", i%3)).Create(db)
		event := p.Succeeded()
		events = append(events, event, p.ChargeRefunded(1000).At(5), event)
	}
	reversed := make([]*harness.Event, 0, 2*len(events))
	for i, event := range events {
		reversed = append(reversed, event, events[len(events)-1-i])
	}
	deliverAll(t, apps, reversed)
	if credits := db.Count(t, "SELECT count(*) FROM hour_ledger_entries WHERE kind = 'credit'"); credits != 40 {
		t.Errorf("%d credits, want 40", credits)
	}
	wantNoDeadlocks(t, db, apps)
	db.MustAudit(t)
}

// wantNoDeadlocks stops the apps, and wants PostgreSQL to have broken no deadlock.
func wantNoDeadlocks(t *testing.T, db *harness.Database, apps []*harness.App) {
	t.Helper()
	for _, app := range apps {
		app.Stop(t) // a session that ends says what it counted
	}
	if deadlocks := db.Count(t, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"); deadlocks != 0 {
		t.Errorf("%d deadlocks", deadlocks)
	}
}

// Parked events are claimed by one replica each.
func TestReplicasShareParkedEvents(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, "postgres")
	apps := []*harness.App{db.Serve(t), db.Serve(t)}
	purchases := make([]*harness.Purchase, 10)
	for i := range purchases {
		purchases[i], _ = park(t, apps[i%2])
	}
	for _, p := range purchases {
		p.Create(db)
	}
	for _, p := range purchases {
		waitForHours(t, apps[0], p.Student, "10.00")
	}
	db.MustAudit(t)
}
