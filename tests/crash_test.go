package tests

import (
	"net/http"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"hourbank/models"
	"hourbank/tests/harness"
)

const (
	loadPurchases = 200
	loadClients   = 16
)

// load delivers events from many clients until all are delivered or the
// program dies, and gives those that were acknowledged.
func load(app *harness.App, events []*harness.Event, acknowledged func(n int)) map[string]bool {
	var mu sync.Mutex
	done := map[string]bool{}
	var group errgroup.Group
	group.SetLimit(loadClients)
	for _, event := range events {
		group.Go(func() error {
			answer, err := app.TryDeliver(event)
			if err == nil && answer.Status == http.StatusOK {
				mu.Lock()
				defer mu.Unlock()
				done[event.ID] = true
				acknowledged(len(done))
			}
			return nil // a program that was killed answers nobody
		})
	}
	_ = group.Wait() // no goroutine returns an error
	return done
}

// SIGKILL in the middle of a load: every acknowledged event is there, and
// after all are delivered again the sums are exact.
func TestKilledProgramKeepsWhatItAcknowledged(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		var events []*harness.Event
		for range loadPurchases {
			p := harness.NewPurchase(t).For("student_of_the_crash").Create(db)
			events = append(events, p.Succeeded(), p.ChargeRefunded(1000).At(9), p.Succeeded().At(3))
		}
		killed := db.ServeProcess(t)
		var kill sync.Once
		acknowledged := load(killed.App, events, func(n int) {
			if n >= len(events)/3 {
				kill.Do(killed.Kill)
			}
		})
		if len(acknowledged) == len(events) {
			t.Fatal("the program was killed too late to prove anything")
		}
		restarted := db.ServeProcess(t)
		for id := range acknowledged {
			restarted.Get(t, "/api/finances/events/"+id+"/").WantFields(t, fields{"id": id, "status": "processed"})
		}
		db.MustAudit(t) // whatever was committed is whole
		if again := load(restarted.App, events, func(int) {}); len(again) != len(events) {
			t.Errorf("%d of %d events were acknowledged when sent again", len(again), len(events))
		}
		restarted.WantBalance(t, "student_of_the_crash", fields{
			"hours_purchased": "2000.00", "hours_reversed": "400.00", "balance_amount": "800000",
		})
		if n := db.Count(t, "SELECT count(*) FROM webhook_events"); n != int64(len(events)) {
			t.Errorf("%d events are stored, want %d", n, len(events))
		}
		db.MustAudit(t)
	})
}

// SIGTERM in the middle of a load: whoever was answered 200 is committed, and
// the program exits 0.
func TestTerminatedProgramFinishesWhatIsInFlight(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		var events []*harness.Event
		for range loadPurchases {
			events = append(events, db.NewPurchase(t).Succeeded())
		}
		process := db.ServeProcess(t)
		exit := make(chan int, 1)
		var stop sync.Once
		acknowledged := load(process.App, events, func(n int) {
			if n >= len(events)/3 {
				stop.Do(func() { go func() { exit <- process.Terminate() }() })
			}
		})
		if code := <-exit; code != 0 {
			t.Errorf("exit code %d:\n%s", code, process.Log)
		}
		for id := range acknowledged {
			if db.Count(t, "SELECT count(*) FROM webhook_events WHERE status = 'processed' AND id = '"+id+"'") != 1 {
				t.Errorf("%s was acknowledged and is not there", id)
			}
		}
		db.MustAudit(t)
	})
}

func TestProgramExits2OnAMistake(t *testing.T) {
	t.Parallel()
	result := harness.NewDatabase(t, models.SQLite).RunBinary(t, "serve", "--nonsense")
	if result.Code != 2 || result.Stdout != "" || result.Stderr == "" {
		t.Errorf("got %+v", result)
	}
}
