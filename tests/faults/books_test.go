package faults

import (
	"encoding/json"
	"maps"
	"testing"

	"hourbank/database"
	"hourbank/tests/harness"
)

// settle sends until everything is acknowledged, and checks the books.
func (d *driver) settle() {
	d.t.Helper()
	d.feed(d.events)
	stop := d.load()
	d.all()
	stop()
	d.checkStored()
	d.checkEnds()
	d.db.MustAudit(d.t)
	d.t.Log(d)
}

// checkStored looks for what was acknowledged since the last time in the
// database.
func (d *driver) checkStored() {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh := d.acknowledged[d.stored:]
	ids := make([]string, len(fresh))
	for i, event := range fresh {
		ids[i] = event.ID
	}
	encoded, _ := json.Marshal(ids) // strings
	query := "SELECT count(*) FROM webhook_events WHERE status = 'processed' AND id IN (SELECT json_array_elements_text($1::json))"
	if d.db.Engine == database.SQLite {
		query = "SELECT count(*) FROM webhook_events WHERE status = 'processed' AND id IN (SELECT value FROM json_each($1))"
	}
	if n := d.db.Count(d.t, query, string(encoded)); n != int64(len(fresh)) {
		d.t.Errorf("of %d events acknowledged, %d are stored", len(fresh), n)
	}
	d.stored = len(d.acknowledged)
}

// checkEnds compares everything that is stored with the books.
func (d *driver) checkEnds() {
	d.t.Helper()
	if n := d.db.Count(d.t, "SELECT count(*) FROM webhook_events"); n != int64(d.events) {
		d.t.Errorf("%d events are stored, of %d", n, d.events)
	}
	shown := map[string]end{}
	each(d.t, d.db, `SELECT id, payment_status, hours_credited, hours_reversed, amount_received, amount_refunded, amount_disputed
		FROM purchase_transactions`, func(scan func(...any)) {
		var id string
		var e end
		scan(&id, &e.Status, &e.Credited, &e.Reversed, &e.Received, &e.Refunded, &e.Disputed)
		shown[id] = e
	})
	for id, want := range d.ends {
		if shown[id] != want {
			d.t.Errorf("purchase %s is %+v, want %+v", id, shown[id], want)
		}
	}
	accounts := map[string]int64{}
	each(d.t, d.db, "SELECT student_id, hours_available FROM student_account_balances", func(scan func(...any)) {
		var student string
		var hours int64
		scan(&student, &hours)
		accounts[student] = hours
	})
	if !maps.Equal(accounts, d.students) {
		d.t.Errorf("the students hold %v hundredths of an hour, want %v", accounts, d.students)
	}
	d.checkLedger()
}

// checkLedger wants one credit for each purchase that was paid, and sums that
// are its hours.
func (d *driver) checkLedger() {
	d.t.Helper()
	type sums struct{ credits, hours int64 }
	want, got := map[string]sums{}, map[string]sums{}
	for id, end := range d.ends {
		if end.Credited > 0 {
			want[id] = sums{1, end.Credited - end.Reversed}
		}
	}
	each(d.t, d.db, `SELECT transaction_id, count(CASE WHEN kind = 'credit' THEN 1 END), sum(hours)
		FROM hour_ledger_entries WHERE transaction_id IS NOT NULL GROUP BY transaction_id`, func(scan func(...any)) {
		var id string
		var s sums
		scan(&id, &s.credits, &s.hours)
		got[id] = s
	})
	if !maps.Equal(got, want) {
		d.t.Errorf("the ledger says %v, want %v", got, want)
	}
}

// each runs a query past the service's back, and scans every row.
func each(t *testing.T, db *harness.Database, query string, row func(scan func(...any))) {
	t.Helper()
	rows, err := db.SQL(t).QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // its error is Err's
	for rows.Next() {
		row(func(into ...any) {
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
