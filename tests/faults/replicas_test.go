package faults

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"hourbank/database"
	"hourbank/tests/harness"
)

const replicas = 3

// Three replicas on one database, any of them killed at any time while each
// event goes to any of them.
func TestReplicasKilledInTurn(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.Postgres)
	d := newDriver(t, db)
	d.mayBreak = true
	processes := make([]*harness.Process, replicas)
	aim := func() {
		apps := make([]*harness.App, replicas)
		for i, process := range processes {
			apps[i] = process.App
		}
		d.to(apps...)
	}
	for i := range processes {
		processes[i] = db.ServeProcess(t)
	}
	aim()
	kills := rounds(t, 6, 2)
	stop := d.load()
	for round := range kills {
		d.add(40)
		d.more(rand.IntN(80))
		victim := rand.IntN(replicas)
		processes[victim].Kill()
		d.more(rand.IntN(40)) // by the other two
		processes[victim] = db.ServeProcess(t)
		aim()
		progress(t, round, kills, d)
	}
	stop()
	d.settle()
	t.Logf("%d kills of one of %d replicas", kills, replicas)
}

// The same event to all three at once: one of the answers is the first's.
func TestReplicasGetTheSameEventAtOnce(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.Postgres)
	d := newDriver(t, db)
	var apps []*harness.App
	for range replicas {
		apps = append(apps, db.ServeProcess(t).App)
	}
	d.to(apps...)
	d.add(20 * rounds(t, 3, 1))
	for _, event := range d.waiting {
		toAllAtOnce(d, apps, event)
	}
	d.waiting = nil
	if len(d.acknowledged) != d.events {
		t.Fatalf("%d of %d events were sent to all", len(d.acknowledged), d.events)
	}
	for _, event := range d.acknowledged {
		if d.firsts[event.ID] != 1 {
			t.Errorf("%s was told %d times that it is the first", event.ID, d.firsts[event.ID])
		}
	}
	d.settle()
}

func toAllAtOnce(d *driver, apps []*harness.App, event *harness.Event) {
	start := make(chan struct{})
	answers := make([]harness.Response, len(apps))
	var group sync.WaitGroup
	for i, app := range apps {
		group.Go(func() {
			<-start
			var err error
			if answers[i], err = app.TryDeliver(event); err != nil || answers[i].Status != http.StatusOK {
				d.t.Errorf("%s: %v %d %s", event.ID, err, answers[i].Status, answers[i].Body)
			}
		})
	}
	close(start)
	group.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.acknowledged = append(d.acknowledged, event)
	for _, answer := range answers {
		if !answer.Get("duplicate").Bool() {
			d.firsts[event.ID]++
		}
	}
}
