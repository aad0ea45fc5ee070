package faults

import (
	"testing"

	"hourbank/tests/harness"
)

// A primary with a synchronous standby is lost under load, the standby is
// promoted, and the service follows it by itself: no acknowledged event is
// lost.
func TestFailover(t *testing.T) {
	t.Parallel()
	for range rounds(t, 1, 20) {
		t.Run("round", failOver)
	}
}

func failOver(t *testing.T) {
	primary := harness.NewCluster(t)
	standby := primary.NewStandby(t)
	db := primary.NewDatabase(t).Via(primary.Address() + "," + standby.Address()).With("target_session_attrs=read-write")
	d := newDriver(t, db)
	d.prepare(150)
	d.to(db.ServeProcess(t).App)
	stop := d.load()
	d.feed(300)
	d.more(100)
	primary.Crash()
	d.refused()
	standby.Promote(t)
	d.recovers()
	stop()
	d.settle()
}
