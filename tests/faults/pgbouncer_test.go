package faults

import (
	"testing"

	"hourbank/database"
	"hourbank/tests/harness"
)

// Behind PgBouncer in transaction mode, which dies now and then.
func TestBehindPgBouncer(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.Postgres)
	bouncer := harness.NewPgBouncer(t, db)
	d := newDriver(t, db)
	deaths := rounds(t, 3, 10)
	d.prepare(120 * deaths)
	d.to(db.Via(bouncer.Address()).ServeProcess(t).App)
	stop := d.load()
	for round := range deaths {
		d.feed(200)
		d.more(100)
		bouncer.Kill()
		d.refused()
		bouncer.Start(t)
		d.recovers()
		progress(t, round, deaths, d)
	}
	stop()
	d.settle()
	t.Logf("%d deaths of PgBouncer", deaths)
}
