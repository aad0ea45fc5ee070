package watch

import (
	"fmt"
	"testing"
	"time"

	"hourbank/database"
	"hourbank/tests/harness"
)

// many are rows with numbers from 1, on either engine.
func many(db *harness.Database, n int) string {
	if db.Engine == database.Postgres {
		return fmt.Sprintf("(SELECT generate_series(1, %d) AS n) AS numbers", n)
	}
	return fmt.Sprintf("(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %d) SELECT n FROM numbers) AS numbers", n)
}

func TestAScrapeCountsNoMoreThanTenThousandParkedEventsOfAnAge(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		const rows = 10_100
		now := time.Now().UTC().Add(-20 * time.Minute)
		app.Exec(t, `INSERT INTO webhook_events (id, type, livemode, status, attempts, deliveries, payload, next_attempt_at, received_at)
			SELECT 'evt_' || n, 'charge.updated', false, 'parked', 1, 1, '{}', $1, $2 FROM `+many(app.Database, rows), now.Add(time.Hour), now)
		harness.Eventually(t, "a scrape had time for them", func() bool {
			return scraped(t, app).value("hourbank_parked_events", "age", "under_1h") == 10_000
		})
	})
}
