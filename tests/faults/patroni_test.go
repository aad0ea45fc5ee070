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
	strike func(t *testing.T, cluster *harness.Patroni, d *driver) (mend func())
}{
	{"postmaster killed", func(t *testing.T, cluster *harness.Patroni, _ *driver) func() {
		cluster.Leader(t).KillPostmaster(t)
		return func() {}
	}},
	{"machine gone", func(t *testing.T, cluster *harness.Patroni, d *driver) func() {
		primary, release := cluster.Leader(t), cluster.HoldUpStandbys(t)
		d.triesMore(100) // which the standbys have in their sockets at most
		primary.Lose(t)
		release()
		return func() { primary.Start(t) }
	}},
	{"switchover", func(t *testing.T, cluster *harness.Patroni, _ *driver) func() {
		cluster.Switchover(t)
		return func() {}
	}},
	{"frozen", func(t *testing.T, cluster *harness.Patroni, _ *driver) func() {
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
	for round := range rounds(t, len(patroniFaults), 10) {
		fault := patroniFaults[round%len(patroniFaults)]
		t.Run(fault.name, func(t *testing.T) {
			d := newDriver(t, cluster.NewDatabase(t))
			d.to(d.db.ServeProcess(t).App)
			d.prepare(1000)
			stop, quiet, start := d.load(), d.steady(), time.Now()
			d.another(100)
			from, refused := cluster.Leader(t).Name, d.answered(http.StatusServiceUnavailable)
			mend := fault.strike(t, cluster, d)
			harness.Eventually(t, "the service answers 503", func() bool { return d.answered(http.StatusServiceUnavailable) > refused })
			d.another(100)
			mend()
			cluster.WaitUntilWhole(t)
			d.another(100)
			t.Logf("%.1f s without a 2xx, %d × 503, whole after %.0f s; the primary was %s and is %s", quiet().Seconds(),
				d.answered(http.StatusServiceUnavailable)-refused, time.Since(start).Seconds(), from, cluster.Leader(t).Name)
			stop()
			d.db = d.db.Via(cluster.Addresses()) // with connections of its own: the others' may hang
			d.settle()
		})
	}
}

// triesMore waits until so many more events were acknowledged, or one refused, while they
// are fed.
func (d *driver) triesMore(events int) {
	d.t.Helper()
	want, refused := d.count()+events, d.answered(http.StatusServiceUnavailable)
	harness.Eventually(d.t, "events are acknowledged or refused", func() bool {
		return d.count() >= want || d.answered(http.StatusServiceUnavailable) > refused
	})
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
