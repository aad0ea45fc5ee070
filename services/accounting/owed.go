package accounting

import (
	"fmt"
	"strings"

	"gorm.io/gorm"

	"hourbank/models"
)

// What is owed at a moment are the hours that can still be used, at the price
// that was paid for them:
//
//   - Each purchase that was credited is a lot: the hours credited and not
//     reversed until then, for the money that was kept of it until then. So is
//     each grant and each adjustment upwards by staff, for nothing. What expired until
//     then is gone from its lot.
//   - All hours that the student used until then (lessons less what was given
//     back, adjustments downwards, and what invoices took off and gave back of that)
//     are taken from the lots: first from those that had ended, of which only what is
//     held can be left, then from the one that was credited first; of two in one moment,
//     from the one with the lower id.
//   - What is left of a lot is worth kept × left ÷ hours of the lot, rounded half
//     up, in minor units. Hours of nothing are worth nothing.
//   - Hours that were used beyond all lots are overdrawn. Nobody owes them
//     to the student, and they lower no other student's.
//
// It depends on sums alone, so that the same facts in any order are worth the
// same.

// lotsLeft lists what is left of each lot, of entries that meet a further
// condition.
const lotsLeft = `WITH told AS (
		SELECT l.student_id, l.id, l.transaction_id, l.lot_id, l.kind, l.hours, l.amount, l.occurred_at,
			l.kind = 'adjustment' AND (l.hours < 0 OR l.event_id IS NOT NULL) AS uses
		FROM ` + entries + `
		WHERE NOT (` + isTest + `)%s
	), lots AS (
		SELECT student_id, coalesce(lot_id, transaction_id, id) AS lot, sum(CASE WHEN kind <> 'expiration' THEN hours ELSE 0 END) AS hours,
			sum(hours) AS size, sum(amount) AS kept,
			min(CASE WHEN kind IN ('credit', 'grant', 'adjustment') THEN occurred_at END) AS at
		FROM told WHERE transaction_id IS NOT NULL OR kind IN ('grant', 'expiration') OR (kind = 'adjustment' AND NOT uses)
		GROUP BY student_id, coalesce(lot_id, transaction_id, id)
		HAVING sum(hours) > 0
	), used AS (
		SELECT student_id, -sum(hours) AS hours FROM told WHERE kind IN ('consumption', 'restoration') OR uses GROUP BY student_id
	), drawn AS (
		SELECT lots.student_id, lots.hours, lots.kept, lots.size,
			coalesce(used.hours, 0) + lots.size - sum(lots.size) OVER (PARTITION BY lots.student_id ORDER BY CASE WHEN expires_at < ? THEN 0 ELSE 1 END, at, lot) AS taken
		FROM lots LEFT JOIN used ON used.student_id = lots.student_id LEFT JOIN hour_lots ON hour_lots.id = lot
	)
	SELECT coalesce(a.currency, '') AS currency, CAST(drawn.hours AS bigint) AS hours, CAST(kept AS bigint) AS kept,
		CAST(CASE WHEN taken > 0 THEN size - taken ELSE size END AS bigint) AS unused
	FROM drawn JOIN student_account_balances a ON a.student_id = drawn.student_id WHERE taken < size`

// lot is what is left of one.
type lot struct {
	Currency string
	Hours    models.Hours // credited and not reversed
	Kept     int64        // minor units
	Unused   models.Hours
}

func (l lot) worth() int64 {
	return models.Terms{Amount: max(l.Kept, 0), Hours: l.Hours}.Price(l.Unused)
}

// addOwed adds to each line what is owed when its period ends.
func addOwed(tx *gorm.DB, parts []Period, lines []Line) error {
	for _, part := range parts {
		err := eachLot(tx, part, func(l lot) {
			for i := range lines {
				if lines[i].Period == part && lines[i].Currency == l.Currency {
					lines[i].Unused += l.Unused
					lines[i].Liability += l.worth()
				}
			}
		})
		if err != nil {
			return err
		}
	}
	for i := range lines {
		lines[i].Overdrawn = lines[i].Unused - lines[i].Closing
	}
	return nil
}

// eachLot gives the lots of which something is left when the period ends, one
// by one: there may be millions.
func eachLot(tx *gorm.DB, period Period, give func(lot)) error {
	until := during(Period{To: period.To})
	at := period.To
	if at.IsZero() {
		at = tx.NowFunc()
	}
	text := fmt.Sprintf(lotsLeft, strings.Replace(until.sql(), " WHERE", " AND", 1))
	rows, err := tx.Raw(text, append(until.values, at)...).Rows()
	if err != nil {
		return fmt.Errorf("list what is left of purchases: %w", err)
	}
	defer rows.Close() //nolint:errcheck // read to its end, or given up
	for rows.Next() {
		var l lot
		if err := rows.Scan(&l.Currency, &l.Hours, &l.Kept, &l.Unused); err != nil {
			return fmt.Errorf("read what is left of a purchase: %w", err)
		}
		give(l)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list what is left of purchases: %w", err)
	}
	return nil
}
