package faults

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// patroniFaults strike the primary, in turn. Each ends once somebody may be the primary
// again, and gives what is to be done then.
var patroniFaults = []struct {
	name   string
	strike func(t *testing.T, cluster *harness.Patroni) (mend func())
}{
	{"postmaster killed", func(t *testing.T, cluster *harness.Patroni) func() {
		cluster.Leader(t).KillPostmaster(t)
		return func() {}
	}},
	{"machine gone", func(t *testing.T, cluster *harness.Patroni) func() {
		primary := cluster.Leader(t)
		primary.Lose(t)
		return func() { primary.Start(t) }
	}},
	{"switchover", func(t *testing.T, cluster *harness.Patroni) func() {
		cluster.Switchover(t)
		return func() {}
	}},
	{"frozen", func(t *testing.T, cluster *harness.Patroni) func() {
		primary := cluster.Leader(t)
		primary.Freeze(t)
		return primary.Thaw
	}},
}

// The primary of a Patroni cluster is killed, lost, moved and frozen under load, and comes
// back: no acknowledged event is lost, and nobody has to do anything about it.
func TestPatroni(t *testing.T) {
	t.Parallel()
	cluster := harness.NewPatroni(t)
	db := cluster.NewDatabase(t)
	d := newDriver(t, db)
	app := db.ServeProcess(t).App
	d.to(app)
	for round := range rounds(t, len(patroniFaults), 10) {
		fault := patroniFaults[round%len(patroniFaults)]
		d.db = db.Via(cluster.Addresses()) // with connections of its own: the last ones may hang
		d.prepare(1000)
		stop, refused, start := d.load(), d.answered(http.StatusServiceUnavailable), time.Now()
		quiet := d.steady()
		d.another(100)
		from := cluster.Leader(t).Name
		mend := fault.strike(t, cluster)
		harness.Eventually(t, "the service answers 503", func() bool { return d.answered(http.StatusServiceUnavailable) > refused })
		d.another(100)
		mend()
		cluster.WaitUntilWhole(t)
		d.another(100)
		t.Logf("%d, %s: %.1f s without a 2xx, %d × 503, whole after %.0f s; the primary was %s and is %s",
			round+1, fault.name, quiet().Seconds(), d.answered(http.StatusServiceUnavailable)-refused,
			time.Since(start).Seconds(), from, cluster.Leader(t).Name)
		stop()
		d.settle()
	}
}

// another waits until so many more events are acknowledged, or all, while they are fed.
func (d *driver) another(events int) {
	d.t.Helper()
	want := min(d.count()+events, d.events)
	harness.Eventually(d.t, "more events are acknowledged", func() bool { return d.count() >= want })
}

// steady feeds a hundred events a second, until it is stopped; quiet then gives the longest
// time in which events waited and none was acknowledged.
func (d *driver) steady() (quiet func() time.Duration) {
	const beat = 50 * time.Millisecond
	stopping := make(chan struct{})
	var longest time.Duration
	var group sync.WaitGroup
	group.Go(func() {
		ticker := time.NewTicker(beat)
		defer ticker.Stop()
		before, last := d.count(), time.Now()
		for {
			select {
			case <-stopping:
				return
			case <-ticker.C:
			}
			if count := d.count(); count != before || !d.waits() {
				before, last = count, time.Now()
			}
			longest = max(longest, time.Since(last))
			d.feed(5)
		}
	})
	stop := sync.OnceFunc(func() { close(stopping); group.Wait() })
	d.t.Cleanup(stop)
	return func() time.Duration { stop(); return longest }
}

// waits says whether an event that was fed is not acknowledged yet.
func (d *driver) waits() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.acknowledged) < d.events-len(d.later)
}
