package measure

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hourbank/bench"
	"hourbank/config"
	"hourbank/tests/harness"
)

// TestGrowth puts the same load on two databases in turns: one that holds ten
// thousand events, and one that holds a million, then ten million.
func TestGrowth(t *testing.T) {
	asked(t, "growth")
	cluster := harness.NewDurableCluster(t)
	small, grown := cluster.NewDatabase(t), cluster.NewDatabase(t)
	storeEvents(t, small, 0, 10_000)
	var table strings.Builder
	fmt.Fprintf(&table, "| events stored | events/s | the same with 10,000 | ratio | p50 | most memory so far, clients included | retry worker's claim |\n|---|---|---|---|---|---|---|\n")
	stored := 0
	for _, size := range []int{1_000_000, 10_000_000} {
		storeEvents(t, grown, stored, size)
		stored = size
		t.Logf("%d events are stored", size)
		var few, many float64
		var last bench.Report
		const rounds = 5
		for range rounds { // in turns, because others use the machine too
			few += load(t, small).Results[0].PerSecond / rounds
			last = load(t, grown)
			many += last.Results[0].PerSecond / rounds
		}
		fmt.Fprintf(&table, "| %d | %.0f | %.0f | %.2f | %.1f ms | %.0f MiB | `%s` |\n", size, many, few, many/few,
			last.Results[0].P50Millis, last.PeakMemoryMiB, claimPlan(t, grown))
	}
	record(t, "growth", table.String())
}

// storeEvents makes a database hold events with small payloads, one in a
// hundred thousand of them parked.
func storeEvents(t *testing.T, db *harness.Database, stored, size int) {
	t.Helper()
	db.Exec(t, fmt.Sprintf(`INSERT INTO webhook_events (id, type, livemode, status, attempts, deliveries, payload, next_attempt_at, received_at, processed_at)
		SELECT 'evt_' || md5(n::text), 'payment_intent.succeeded', false, CASE WHEN n %% 100000 = 0 THEN 'parked' ELSE 'processed' END, 1, 1,
			'{"id":"evt","object":"event","data":{"object":{"id":"pi"}}}', CASE WHEN n %% 100000 = 0 THEN timestamptz '2100-01-01' END, t, t
		FROM (SELECT n, timestamptz '2024-01-01' + n * interval '5 second' AS t FROM generate_series(%d, %d) n) made`, stored+1, size))
	db.Exec(t, "VACUUM ANALYZE")
}

func load(t *testing.T, db *harness.Database) bench.Report {
	t.Helper()
	report, err := bench.Run(t.Context(), &config.Config{DatabaseURL: config.Secret(db.URL)}, bench.Options{
		Clients: []int{64}, Duration: 5 * time.Second, Progress: func(string) {}, Ways: []bench.Way{bench.Service}, InPlace: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return *report
}

// claimPlan is how the retry worker finds what is due.
func claimPlan(t *testing.T, db *harness.Database) string {
	t.Helper()
	var lines []string
	tx := db.Models(t).Raw("EXPLAIN SELECT id FROM webhook_events WHERE status = 'parked' AND next_attempt_at <= now() ORDER BY next_attempt_at LIMIT 100 FOR UPDATE SKIP LOCKED")
	if err := tx.Scan(&lines).Error; err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(planned.FindString(strings.Join(lines, "\n")))
}
