package measure

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hourbank/bench"
	"hourbank/tests/harness"
)

// TestParked puts the same load on two databases in turns: an empty one, and
// one in which a million events wait for purchases that never come. Their next
// tries are spread as the growing delays spread them, or all due at once.
func TestParked(t *testing.T) {
	asked(t, "parked")
	const size, rounds = 1_000_000, 5
	cluster := harness.NewDurableCluster(t)
	empty := cluster.NewDatabase(t)
	var table strings.Builder
	fmt.Fprintf(&table, "| a million parked events, next tried | events/s | with none | ratio | p50 | with none | p99 | with none |\n|---|---|---|---|---|---|---|---|\n")
	for _, when := range []struct{ name, next string }{
		{"within twelve hours", "now() + random() * interval '12 hours'"},
		{"now, all of them", "now() - interval '1 minute'"},
	} {
		full := cluster.NewDatabase(t)
		full.Exec(t, fmt.Sprintf(`INSERT INTO webhook_events (id, type, livemode, status, attempts, deliveries, payload, next_attempt_at, received_at)
			SELECT 'evt_' || n, 'payment_intent.succeeded', false, 'parked', 10, 1,
				'{"id":"evt_' || n || '","object":"event","type":"payment_intent.succeeded","created":1790000000,"data":{"object":{"id":"pi_waits_' || n
					|| '","object":"payment_intent","status":"succeeded","amount":5000,"amount_received":5000,"currency":"eur"}}}',
				%s, now() - interval '1 day' FROM generate_series(1, %d) n`, when.next, size))
		full.Exec(t, "INSERT INTO waiting_events (key, event_id) SELECT 'pi_waits_' || substr(id, 5), id FROM webhook_events")
		full.Exec(t, "VACUUM ANALYZE")
		var with, without []bench.Result
		for range rounds { // in turns, because others use the machine too
			without, with = append(without, load(t, empty).Results[0]), append(with, load(t, full).Results[0])
		}
		row := []any{when.name}
		for _, figure := range []func(bench.Result) float64{
			func(r bench.Result) float64 { return r.PerSecond },
			func(r bench.Result) float64 { return r.P50Millis },
			func(r bench.Result) float64 { return r.P99Millis },
		} {
			row = append(row, middleOf(with, figure), middleOf(without, figure))
		}
		row = slices.Insert(row, 3, any(row[1].(float64)/row[2].(float64))) //nolint:forcetypeassert // they are medians
		fmt.Fprintf(&table, "| %s | %.0f | %.0f | %.2f | %.1f ms | %.1f ms | %.1f ms | %.1f ms |\n", row...)
	}
	record(t, "parked", table.String())
}

func middleOf(results []bench.Result, figure func(bench.Result) float64) float64 {
	figures := make([]float64, len(results))
	for i, r := range results {
		figures[i] = figure(r)
	}
	slices.Sort(figures)
	return figures[len(figures)/2]
}
