package faults

import (
	"testing"

	"hourbank/tests/harness"
)

// PostgreSQL stopped as by pg_ctl stop -m immediate under load, and started
// again: 503 with Retry-After meanwhile, and soon after it works again.
func TestPostgresCrashes(t *testing.T) {
	t.Parallel()
	cluster := harness.NewCluster(t)
	db := cluster.NewDatabase(t)
	d := newDriver(t, db)
	crashes := rounds(t, 3, 5)
	d.prepare(120 * crashes)
	d.to(db.ServeProcess(t).App)
	stop := d.load()
	for round := range crashes {
		d.feed(200)
		d.more(100)
		cluster.Crash()
		d.refused()
		cluster.Start(t)
		d.recovers()
		progress(t, round, crashes, d)
	}
	stop()
	d.settle()
	t.Logf("%d crashes of PostgreSQL", crashes)
}
