// Package ledger books entries: in the ledger, and on the students' accounts.
package ledger

import (
	"cmp"
	"slices"
	"time"

	"hourbank/database"
	"hourbank/models"
)

// Writes book entries: on the students' accounts, and in the ledger.
func Writes(entries []models.LedgerEntry, now time.Time) []database.Write {
	return []database.Write{moveAccounts(totals(entries), now), insertEntries(entries)}
}

// moveAccounts adds to the accounts' totals. Its rows are in student order, and
// so are the locks it takes: whether a plan looks up each row's account or
// walks the index of accounts, it comes by them in that order.
func moveAccounts(rows []accountMovement, now time.Time) database.Write {
	type movement = accountMovement
	return database.Write{What: "move accounts", Rows: len(rows), Statement: `
		UPDATE student_account_balances SET hours_purchased = hours_purchased + r.purchased, hours_granted = hours_granted + r.granted,
			hours_reversed = hours_reversed + r.reversed, hours_consumed = hours_consumed + r.consumed,
			balance_amount = balance_amount + r.amount, updated_at = r.updated_at
		FROM %s WHERE student_account_balances.student_id = r.student_id`, Columns: []database.Column{
		database.ColumnOf("student_id", "text", rows, func(m movement) string { return m.studentID }),
		database.ColumnOf("purchased", "bigint", rows, func(m movement) int64 { return int64(m.Purchased) }),
		database.ColumnOf("granted", "bigint", rows, func(m movement) int64 { return int64(m.Granted) }),
		database.ColumnOf("reversed", "bigint", rows, func(m movement) int64 { return int64(m.Reversed) }),
		database.ColumnOf("consumed", "bigint", rows, func(m movement) int64 { return int64(m.Consumed) }),
		database.ColumnOf("amount", "bigint", rows, func(m movement) int64 { return m.Amount }),
		database.ColumnOf("updated_at", "timestamptz", rows, func(movement) *time.Time { return &now }),
	}}
}

func insertEntries(rows []models.LedgerEntry) database.Write {
	type posting = models.LedgerEntry
	return database.Insert("insert ledger entries", "hour_ledger_entries", rows, []database.Column{
		database.ColumnOf("id", "text", rows, func(l posting) string { return l.ID }),
		database.ColumnOf("student_id", "text", rows, func(l posting) string { return l.StudentID }),
		database.ColumnOf("transaction_id", "text", rows, func(l posting) *string { return l.TransactionID }),
		database.ColumnOf("kind", "text", rows, func(l posting) string { return string(l.Kind) }),
		database.ColumnOf("hours", "bigint", rows, func(l posting) int64 { return int64(l.Hours) }),
		database.ColumnOf("amount", "bigint", rows, func(l posting) int64 { return l.Amount }),
		database.ColumnOf("amount_refunded", "bigint", rows, func(l posting) *int64 { return orNull(l.AmountRefunded) }),
		database.ColumnOf("amount_disputed", "bigint", rows, func(l posting) *int64 { return orNull(l.AmountDisputed) }),
		database.ColumnOf("currency", "text", rows, func(l posting) *string { return l.Currency }),
		database.ColumnOf("actor", "text", rows, func(l posting) *string { return l.Actor }),
		database.ColumnOf("event_id", "text", rows, func(l posting) *string { return l.EventID }),
		database.ColumnOf("reference", "text", rows, func(l posting) *string { return l.Reference }),
		database.ColumnOf("reason", "text", rows, func(l posting) *string { return l.Reason }),
		database.ColumnOf("occurred_at", "timestamptz", rows, func(l posting) *time.Time { return &l.OccurredAt }),
		database.ColumnOf("created_at", "timestamptz", rows, func(l posting) *time.Time { return &l.CreatedAt }),
	}, "")
}

// orNull leaves nothing out, which most entries have.
func orNull(amount int64) *int64 {
	if amount == 0 {
		return nil
	}
	return &amount
}

// totals adds ledger entries up by student, in student order.
func totals(entries []models.LedgerEntry) []accountMovement {
	byStudent := map[string]*accountMovement{}
	for _, posting := range entries {
		m := byStudent[posting.StudentID]
		if m == nil {
			m = &accountMovement{studentID: posting.StudentID}
			byStudent[posting.StudentID] = m
		}
		m.Add(posting)
	}
	movements := make([]accountMovement, 0, len(byStudent))
	for _, m := range byStudent {
		movements = append(movements, *m)
	}
	slices.SortFunc(movements, func(a, b accountMovement) int { return cmp.Compare(a.studentID, b.studentID) })
	return movements
}

type accountMovement struct {
	studentID string
	models.Movement
}
