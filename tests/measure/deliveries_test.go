package measure

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hourbank/database"
	"hourbank/tests/harness"
)

// TestDeliveries has a million events wait for an endpoint, ten of each student, and
// counts how many a second one program sends to a receiver that answers at once.
// HOURBANK_DELIVERIES is another number of them.
func TestDeliveries(t *testing.T) {
	asked(t, "deliveries")
	size := 1_000_000
	if s := os.Getenv("HOURBANK_DELIVERIES"); s != "" {
		var err error
		if size, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "| events that wait | database | sent a second |\n|---|---|---|\n")
	for _, db := range []*harness.Database{harness.NewDurableCluster(t).NewDatabase(t), harness.NewDatabase(t, database.SQLite)} {
		fmt.Fprintf(&table, "| %d | %s | %.0f |\n", size, db.Engine, drained(t, db, size))
	}
	record(t, "deliveries", table.String())
}

// drained gives how many events a second are sent, from the first to the last.
func drained(t *testing.T, db *harness.Database, size int) float64 {
	t.Helper()
	var taken atomic.Int64
	var first atomic.Pointer[time.Time]
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if taken.Add(1) == 1 {
			now := time.Now()
			first.Store(&now)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer receiver.Close()
	settings := []string{"EVENTS_URLS=" + receiver.URL + " " + harness.EventsSecret, "EVENTS_ALLOW_PRIVATE=true"}
	numbers, now := fmt.Sprintf("SELECT n FROM generate_series(1, %d) n", size), "now()"
	if db.Engine == database.SQLite {
		numbers = fmt.Sprintf("WITH RECURSIVE series (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < %d) SELECT n FROM series", size)
		now = "strftime('%Y-%m-%d %H:%M:%f+00:00')"
	}
	db.Exec(t, fmt.Sprintf(`INSERT INTO event_deliveries (id, endpoint, ordered_by, type, payload, created_at, tried_since, next_attempt_at)
		SELECT 'event_' || n, '%s', 'student_' || (n / 10), 'hours.credited',
			'{"type":"hours.credited","timestamp":"2026-11-26T08:00:00.000000Z","data":{"id":"entry_' || n || '","student_id":"student_' || (n / 10)
				|| '","transaction_id":"purchase_' || n || '","kind":"credit","hours":"10.00","amount":5000,"currency":"eur","occurred_at":"2026-11-26T08:00:00.000000Z"}}',
			%[2]s, %[2]s, %[2]s FROM (%[3]s) numbers`, receiver.URL, now, numbers))
	if db.Engine == database.Postgres {
		db.Exec(t, "VACUUM ANALYZE")
	}
	program := db.ServeProcess(t, settings...)
	defer program.Kill()
	harness.Within(t, 2*time.Hour, "all are taken", func() bool { return taken.Load() >= int64(size) })
	took := time.Since(*first.Load())
	harness.Eventually(t, "all are noted", func() bool {
		return db.Count(t, "SELECT count(*) FROM event_deliveries WHERE delivered_at IS NULL") == 0
	})
	return float64(size) / took.Seconds()
}
