package measure

import (
	"fmt"
	"testing"

	"hourbank/tests/harness"
)

// fill makes so many purchases over two years, paid but for one in fourteen,
// of ten for each student, one event for each, and two lessons besides, so
// that there are three times as many ledger rows. One in a hundred thousand
// is disputed. Ids are ordered by time, as ours are.
func fill(t *testing.T, db *harness.Database, purchases int) {
	t.Helper()
	const since = `timestamptz '2024-01-01'`
	id := func(kind int, n string) string {
		return fmt.Sprintf(`lpad(to_hex((extract(epoch FROM t) * 1000)::bigint), 12, '0') || '%d' || lpad(to_hex(%s), 19, '0')`, kind, n)
	}
	series := fmt.Sprintf(`(SELECT n, %s + n * interval '1 year' * 2 / %d AS t FROM generate_series(1, %d) n) AS made`, since, purchases, purchases)
	student := fmt.Sprintf(`'student_' || lpad((1 + n %% %d)::text, 8, '0')`, max(1, purchases/10))
	for _, statement := range []string{
		fmt.Sprintf(`INSERT INTO student_account_balances (student_id, currency, created_at, updated_at)
			SELECT 'student_' || lpad(n::text, 8, '0'), 'eur', %s + n * interval '1 year' * 2 / %[2]d, now() FROM generate_series(1, %[2]d) n`,
			since, max(1, purchases/10)),
		`INSERT INTO purchase_transactions (id, student_id, transaction_type, payment_status, amount, currency, hours, hours_credited,
				amount_received, stripe_payment_intent_id, completed_at, created_at, updated_at)
			SELECT ` + id(1, "n") + `, ` + student + `, 'package',
				CASE WHEN n % 100000 = 7 THEN 'disputed' WHEN n % 20 = 3 THEN 'failed' WHEN n % 50 = 1 THEN 'pending' ELSE 'completed' END,
				5000, 'eur', 1000, CASE WHEN n % 100000 <> 7 AND (n % 20 = 3 OR n % 50 = 1) THEN 0 ELSE 1000 END, 5000, 'pi_' || n, t AS completed_at, t AS created_at, t AS updated_at FROM ` + series,
		`INSERT INTO hour_ledger_entries (id, student_id, transaction_id, kind, hours, amount, currency, event_id, occurred_at, created_at)
			SELECT '2' || id, student_id, id, 'credit', hours, amount, currency, 'evt_' || id, created_at, created_at FROM purchase_transactions WHERE hours_credited > 0`,
		`INSERT INTO hour_ledger_entries (id, student_id, kind, hours, amount, currency, reference, occurred_at, created_at)
			SELECT ` + id(3, "n * 3 + lesson") + `, ` + student + `, 'consumption', -100, 0, 'eur', 'lesson_' || n || '_' || lesson, t, t AS booked
			FROM ` + series + `, generate_series(1, 2) lesson`,
		`INSERT INTO webhook_events (id, type, livemode, status, attempts, deliveries, payload, transaction_id, received_at, processed_at)
			SELECT 'evt_' || id, CASE WHEN n % 50000 = 9 THEN 'charge.refunded' ELSE 'payment_intent.succeeded' END, false,
				CASE WHEN n % 10000 = 11 THEN 'rejected' WHEN n % 10 = 0 THEN 'ignored' ELSE 'processed' END, 1, 1, '{"id":"evt"}', id, created_at, created_at
			FROM (SELECT id, created_at, row_number() OVER (ORDER BY id) n FROM purchase_transactions) made`,
		`VACUUM ANALYZE`,
	} {
		db.Exec(t, statement)
	}
}
