package faults

import (
	"testing"

	"hourbank/database"
	"hourbank/tests/harness"
)

// Another process holds the SQLite file's lock for longer than anybody waits:
// 503 meanwhile, and soon after it works again.
func TestSQLiteFileLockedByAnotherProcess(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.SQLite)
	d := newDriver(t, db)
	locks := rounds(t, 2, 20)
	d.prepare(60 * locks)
	d.to(db.ServeProcess(t).App)
	stop := d.load()
	for round := range locks {
		d.feed(100)
		d.more(20)
		release := db.HoldUp(t, "purchase_transactions")
		d.refused()
		release()
		d.recovers()
		progress(t, round, locks, d)
	}
	stop()
	d.settle()
	t.Logf("%d locks", locks)
}
