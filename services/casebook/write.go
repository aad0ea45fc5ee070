package casebook

import (
	"time"

	"hourbank/database"
	"hourbank/models"
)

// largest is the amount of a case: of a purchase what follows from it now, else the most that
// any event told of, while it is open.
const largest = `CASE WHEN EXCLUDED.transaction_id IS NULL AND cases.closed_at IS NULL AND cases.currency = EXCLUDED.currency AND cases.amount > EXCLUDED.amount
			THEN cases.amount ELSE EXCLUDED.amount END`

// Opened opens cases, or renews what is known of open ones. One that staff
// closed opens again only when its amount grows, or its last day is another one: an inquiry
// has become a dispute.
func (b Book) Opened(now time.Time) database.Write {
	rows := b.rows(true, now)
	w := database.Insert("open cases", "cases", rows, append(columns(rows),
		database.ColumnOf("id", "text", rows, func(c models.Case) string { return c.ID }),
		database.ColumnOf("student_id", "text", rows, func(c models.Case) *string { return c.StudentID }),
		database.ColumnOf("transaction_id", "text", rows, func(c models.Case) *string { return c.TransactionID }),
		database.ColumnOf("event_id", "text", rows, func(c models.Case) *string { return c.EventID }),
		database.ColumnOf("payment", "text", rows, func(c models.Case) *string { return c.Payment }),
		database.ColumnOf("amount", "bigint", rows, func(c models.Case) *int64 { return c.Amount }),
		database.ColumnOf("currency", "text", rows, func(c models.Case) *string { return c.Currency }),
		database.ColumnOf("due_by", "timestamptz", rows, func(c models.Case) *time.Time { return c.DueBy }),
		database.ColumnOf("opened_at", "timestamptz", rows, func(c models.Case) *time.Time { return &c.OpenedAt }),
	), `ON CONFLICT (kind, subject) DO UPDATE SET student_id = EXCLUDED.student_id, transaction_id = EXCLUDED.transaction_id,
			event_id = EXCLUDED.event_id, payment = EXCLUDED.payment, amount = `+largest+`, currency = EXCLUDED.currency,
			due_by = EXCLUDED.due_by, closed_at = NULL, closed_by = NULL, note = NULL,
			opened_at = CASE WHEN cases.closed_at IS NULL THEN cases.opened_at ELSE EXCLUDED.opened_at END
		WHERE cases.closed_at IS NULL OR cases.closed_by IS NULL OR EXCLUDED.amount > coalesce(cases.amount, 0)
			OR EXCLUDED.due_by IS NOT NULL AND EXCLUDED.due_by IS DISTINCT FROM cases.due_by`)
	w.AtMost = true
	return w
}

// Closed closes those that the facts settled. One that staff closed before is then
// closed by the facts, so that any new one opens it again.
func (b Book) Closed(now time.Time) database.Write {
	rows := b.rows(false, now)
	return database.Write{What: "close cases", Rows: len(rows), AtMost: true, Statement: `
		UPDATE cases SET closed_at = coalesce(cases.closed_at, r.closed_at), closed_by = NULL
		FROM %s WHERE cases.kind = r.kind AND cases.subject = r.subject AND (cases.closed_at IS NULL OR cases.closed_by IS NOT NULL)`,
		Columns: append(columns(rows), database.ColumnOf("closed_at", "timestamptz", rows, func(c models.Case) *time.Time { return c.ClosedAt })),
	}
}

func columns(rows []models.Case) []database.Column {
	return []database.Column{
		database.ColumnOf("kind", "text", rows, func(c models.Case) string { return string(c.Kind) }),
		database.ColumnOf("subject", "text", rows, func(c models.Case) string { return c.Subject }),
	}
}
