package faults

import (
	"net/http"
	"sync"
	"testing"

	"hourbank/tests/harness"
)

// SIGTERM under load loses no answer: each request gets its 2xx, or it was
// never accepted and has left no trace. The program exits 0.
func TestTerminatedUnderLoad(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		for range rounds(t, 3, 10) {
			terminateUnderLoad(t, db)
		}
		db.MustAudit(t)
	})
}

func terminateUnderLoad(t *testing.T, db *harness.Database) {
	t.Helper()
	process := db.ServeProcess(t)
	var mu sync.Mutex
	answered, unanswered := map[string]int{}, map[string]error{}
	some, stop := make(chan struct{}), make(chan struct{})
	enough := sync.OnceFunc(func() { close(some) })
	var group sync.WaitGroup
	for range senders {
		p := db.NewPurchase(t)
		group.Go(func() {
			for second := int64(0); ; second++ {
				event := p.Succeeded().At(second)
				answer, err := process.TryDeliver(event)
				mu.Lock()
				if err != nil {
					unanswered[event.ID] = err
				} else {
					answered[event.ID] = answer.Status
				}
				if len(answered) >= 10*senders {
					enough()
				}
				mu.Unlock()
				select {
				case <-stop:
					return
				default:
				}
				if err != nil {
					return // the listener is closed
				}
			}
		})
	}
	<-some
	if code := process.Terminate(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, process.Log)
	}
	close(stop)
	group.Wait()
	for id, status := range answered {
		if status != http.StatusOK || !isStored(t, db, id) {
			t.Errorf("%s was answered %d; stored: %t", id, status, isStored(t, db, id))
		}
	}
	for id, err := range unanswered {
		if isStored(t, db, id) {
			t.Errorf("%s was accepted, but got no answer: %v", id, err)
		}
	}
	t.Logf("%d answered, %d never accepted", len(answered), len(unanswered))
}

func isStored(t *testing.T, db *harness.Database, event string) bool {
	t.Helper()
	return db.Count(t, "SELECT count(*) FROM webhook_events WHERE id = $1", event) == 1
}
