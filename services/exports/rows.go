package exports

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"hourbank/models"
)

// chunkRows is how many rows a statement reads: the memory that an export
// takes. Between two chunks it holds no connection, however slowly it is read.
const chunkRows = 1000

// table reads rows in the order of its key, whose last column is unique.
type table[T any] struct {
	columns string // to select, from
	from    string
	key     []string
	keyOf   func(*T) []any
	cells   func(*T) []string
}

// write gives the rows that narrow picks.
func (t table[T]) write(tx *gorm.DB, narrow func(*gorm.DB) *gorm.DB, give func([][]string) error) error {
	key := strings.Join(t.key, ", ")
	marks := "(" + strings.Repeat("?, ", len(t.key)-1) + "?)"
	for after := []any(nil); ; {
		chunk := narrow(tx.Table(t.from).Select(t.columns)).Order(key).Limit(chunkRows)
		if after != nil {
			chunk = chunk.Where("("+key+") > "+marks, after...)
		}
		var rows []T
		if err := chunk.Find(&rows).Error; err != nil {
			return fmt.Errorf("read a chunk of %s: %w", t.from, err)
		}
		written := make([][]string, len(rows))
		for i := range rows {
			written[i] = t.cells(&rows[i])
		}
		if err := give(written); err != nil {
			return err
		}
		if len(rows) < chunkRows {
			return nil
		}
		after = t.keyOf(&rows[len(rows)-1])
	}
}

// equals picks by a parameter, where it is given.
func (q query) equals(tx *gorm.DB, parameter, column string) *gorm.DB {
	if value := q.Get(parameter); value != "" {
		return tx.Where(column+" = ?", value)
	}
	return tx
}

// during picks by the period.
func (q query) during(tx *gorm.DB, column string) *gorm.DB {
	if !q.period.From.IsZero() {
		tx = tx.Where(column+" >= ?", q.period.From)
	}
	if !q.period.To.IsZero() {
		tx = tx.Where(column+" < ?", q.period.To)
	}
	return tx
}

var studentColumns = slices.Concat(
	[]string{"student_id", "currency", "hours_purchased", "hours_granted", "hours_reversed", "hours_consumed", "hours_expired", "hours_held", "hours_available"},
	twice("balance_amount"), []string{"overdrawn", "updated_at"},
)

var students = table[models.Account]{
	columns: "*", from: "student_account_balances", key: []string{"student_id"},
	keyOf: func(a *models.Account) []any { return []any{a.StudentID} },
	cells: func(a *models.Account) []string {
		return slices.Concat([]string{text(a.StudentID), optional(a.Currency)},
			hours(a.HoursPurchased, a.HoursGranted, a.HoursReversed, a.HoursConsumed, a.HoursExpired, a.HoursHeld, a.HoursAvailable),
			amounts(optional(a.Currency), a.BalanceAmount), []string{yes(a.Overdrawn), moment(a.UpdatedAt)})
	},
}

func (s *Service) students(ctx context.Context, q query, give func([][]string) error) error {
	return students.write(s.db.Reader.WithContext(ctx), func(tx *gorm.DB) *gorm.DB { return q.equals(tx, "student_id", "student_id") }, give)
}

var caseColumns = slices.Concat(
	[]string{"id", "kind", "status", "student_id", "transaction_id", "event_id", "payment"}, twice("amount"),
	[]string{"currency", "due_by", "opened_at", "closed_at", "closed_by", "note"},
)

var cases = table[models.Case]{
	columns: "*", from: "cases", key: []string{"opened_at", "id"},
	keyOf: func(c *models.Case) []any { return []any{c.OpenedAt.UTC(), c.ID} },
	cells: func(c *models.Case) []string {
		money := []string{"", ""}
		if c.Amount != nil {
			money = amounts(optional(c.Currency), *c.Amount)
		}
		return slices.Concat(
			[]string{c.ID, string(c.Kind), c.Status, optional(c.StudentID), optional(c.TransactionID), optional(c.EventID), optional(c.Payment)}, money,
			[]string{optional(c.Currency), optionalMoment(c.DueBy), moment(c.OpenedAt), optionalMoment(c.ClosedAt), optional(c.ClosedBy), optional(c.Note)})
	},
}

func (s *Service) cases(ctx context.Context, q query, give func([][]string) error) error {
	return cases.write(s.db.Reader.WithContext(ctx), func(tx *gorm.DB) *gorm.DB {
		switch q.Get("status") {
		case "open":
			tx = tx.Where("closed_at IS NULL")
		case "closed":
			tx = tx.Where("closed_at IS NOT NULL")
		}
		return q.equals(q.equals(q.during(tx, "opened_at"), "kind", "kind"), "student_id", "student_id")
	}, give)
}

var eventColumns = []string{
	"id", "type", "api_version", "livemode", "status", "reason", "attempts", "deliveries", "transaction_id", "received_at", "processed_at", "next_attempt_at",
}

var events = table[models.WebhookEvent]{
	columns: strings.Join(eventColumns, ", "), from: "webhook_events", key: []string{"received_at", "id"},
	keyOf: func(e *models.WebhookEvent) []any { return []any{e.ReceivedAt.UTC(), e.ID} },
	cells: func(e *models.WebhookEvent) []string {
		return []string{
			text(e.ID), text(e.Type), optional(e.APIVersion), yes(e.Livemode), string(e.Status), optional(e.Reason), number(int64(e.Attempts)), number(int64(e.Deliveries)),
			optional(e.TransactionID), moment(e.ReceivedAt), optionalMoment(e.ProcessedAt), optionalMoment(e.NextAttemptAt),
		}
	},
}

func (s *Service) events(ctx context.Context, q query, give func([][]string) error) error {
	return events.write(s.db.Reader.WithContext(ctx), func(tx *gorm.DB) *gorm.DB {
		return q.equals(q.equals(q.during(tx, "received_at"), "status", "status"), "type", "type")
	}, give)
}
