package faults

import (
	"math/rand/v2"
	"testing"

	"hourbank/tests/harness"
)

// SIGKILL at random moments of a load, some of them right at the start: what
// was acknowledged is stored, and in the end every hour is right.
func TestKilledAtRandomMoments(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		d := newDriver(t, db)
		d.mayBreak = true
		kills := rounds(t, 5, 1)
		for round := range kills {
			d.add(60)
			process := db.ServeProcess(t)
			d.to(process.App)
			stop := d.load()
			d.more(rand.IntN(120))
			process.Kill()
			stop()
			d.checkStored()
			progress(t, round, kills, d)
		}
		db.MustAudit(t) // whatever was committed is whole
		d.to(db.ServeProcess(t).App)
		d.settle()
		t.Logf("%d kills", kills)
	})
}
