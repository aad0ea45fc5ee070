// Package ledger books entries on students' accounts, and opens these.
package ledger

import (
	"time"

	"hourbank/database"
	"hourbank/models"
)

// Book appends entries. The database moves the students' accounts with them (migration
// 15), and nothing else can.
func Book(rows []models.LedgerEntry) database.Write {
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
		database.ColumnOf("lesson_at", "timestamptz", rows, func(l posting) *time.Time { return l.LessonAt }),
		database.ColumnOf("expires_at", "timestamptz", rows, func(l posting) *time.Time { return l.ExpiresAt }),
		database.ColumnOf("lot_id", "text", rows, func(l posting) *string { return l.LotID }),
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
