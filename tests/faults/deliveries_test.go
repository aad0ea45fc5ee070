package faults

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// SIGKILL while events are on their way: the receiver has some that the program
// doesn't know to be taken. Each arrives at least once, again under its own id and in its
// own words,
// and none of a student before the one before it.
func TestKilledWhileEventsAreOnTheirWay(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		const students, before = 8, 20 // events that are taken before the program is killed
		var taken atomic.Int64
		var once sync.Once
		sending, killed := make(chan struct{}), make(chan struct{})
		r := harness.NewReceiver(t, func(harness.Received) int {
			if taken.Add(1) > before {
				once.Do(func() { close(sending) })
				<-killed // the answer comes too late
			}
			return http.StatusNoContent
		})
		process := db.ServeProcess(t, r.Settings()...)
		for i := range students {
			p := harness.NewPurchase(t).For(fmt.Sprintf("student_%d", i)).Create(db)
			process.MustProcess(t, p.Succeeded())
			process.MustProcess(t, p.ChargeRefunded(1000))
			process.MustProcess(t, p.ChargeRefunded(2000).At(999))
		}
		<-sending
		process.Kill()
		close(killed)
		db.ServeProcess(t, r.Settings()...)
		harness.Within(t, 3*time.Minute, "all are taken", func() bool { // what was claimed, half a minute later
			return db.Count(t, "SELECT count(*) FROM event_deliveries WHERE delivered_at IS NULL") == 0
		})
		checkArrivals(t, db, r.Took())
		db.MustAudit(t)
	})
}

func checkArrivals(t *testing.T, db *harness.Database, took []harness.Received) {
	t.Helper()
	bodies, last := map[string]string{}, map[string]int64{}
	for _, received := range took {
		if known, again := bodies[received.ID]; again && known != received.Body {
			t.Errorf("%s was %s, then %s", received.ID, known, received.Body)
		}
		bodies[received.ID] = received.Body
		student, place := received.Get("data.student_id"), db.Count(t, "SELECT sequence FROM event_deliveries WHERE id = '"+received.ID+"'")
		if place < last[student] {
			t.Errorf("%s came after a later one of %s", received.Body, student)
		}
		last[student] = place
	}
	if written := db.Count(t, "SELECT count(*) FROM event_deliveries"); int64(len(bodies)) != written {
		t.Errorf("%d events arrived, %d were written", len(bodies), written)
	}
	if len(took) == len(bodies) {
		t.Error("none was sent again: the program was not killed in the middle of it")
	}
	t.Logf("%d events, %d times", len(bodies), len(took))
}
