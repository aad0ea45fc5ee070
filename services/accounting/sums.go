package accounting

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/lots"
)

// isTest is the condition that a purchase p is no sale but made by
// test-stripe-webhook. It is the one place that knows: all sums leave these out.
const isTest = "coalesce(p.metadata->>'made_by', '') = '" + models.MadeByTest + "'"

// Flows are what happened in some time: hours and money moved, by what moved
// them.
type Flows struct {
	Purchases int64 // that were credited
	Sold      models.Hours
	Granted   models.Hours
	Adjusted  models.Hours // signed
	Reversed  models.Hours // less what came back
	Used      models.Hours // less what was given back
	Expired   models.Hours // less what came back
	Held      models.Hours // for lessons, less what was released or captured
	Received  int64        // minor units, as all money
	Refunded  int64
	Disputed  int64 // newly held by disputes, less what they gave back
}

// Kept is what was received, less what was refunded or is held.
func (f *Flows) Kept() int64 { return f.Received - f.Back() }

// Back is what was refunded or is held.
func (f *Flows) Back() int64 { return f.Refunded + f.Disputed }

// Hours is by how much hours that can be used became more. What is held for a
// lesson still can.
func (f *Flows) Hours() models.Hours {
	return f.Sold + f.Granted + f.Adjusted - f.Reversed - f.Used - f.Expired
}

// sum is what entries of one kind add up to.
type sum struct {
	Slot     string // a day or month
	Plan     string // of the purchase; empty: none
	Currency string // the student's; empty: none yet
	Test     bool
	Merged   bool // the purchase turned out to be another one
	Entries  int64
	models.LedgerEntry
}

// add books entries. A purchase that turned out to be another one sold
// nothing: its credit and what undid it are one movement. It is what audit and
// models.Movement say of kinds, in a bookkeeper's words.
func (f *Flows) add(s *sum) {
	switch s.Kind {
	case models.EntryCredit, models.EntryReversal, models.EntryReinstatement:
		switch {
		case s.Merged:
			f.Sold += s.Hours
		case s.Kind == models.EntryCredit:
			f.Sold += s.Hours
			f.Purchases += s.Entries
		default:
			f.Reversed -= s.Hours
		}
	case models.EntryGrant:
		f.Granted += s.Hours
	case models.EntryAdjustment:
		f.Adjusted += s.Hours
	case models.EntryConsumption, models.EntryRestoration:
		f.Used -= s.Hours
	case models.EntryExpiration:
		f.Expired -= s.Hours
	case models.EntryHold, models.EntryRelease:
		f.Held -= s.Hours
	case models.EntryPayment: // money alone
	}
	f.Received += s.Received()
	f.Refunded += s.AmountRefunded
	f.Disputed += s.AmountDisputed
}

// entries are ledger entries l, each with its purchase p.
const entries = "hour_ledger_entries l LEFT JOIN purchase_transactions p ON p.id = l.transaction_id"

// currencyOf is the expression for the currency of an entry's student. Entries
// know it, but for those before the first purchase.
const currencyOf = "coalesce(l.currency, (SELECT a.currency FROM student_account_balances a WHERE a.student_id = l.student_id), '')"

// group adds entries up by the expressions, whose values become the fields of
// that name.
func group(tx *gorm.DB, where condition, by map[string]string) ([]sum, error) {
	selected := currencyOf + " AS currency, l.kind, " + isTest + " AS test, p.merged_into IS NOT NULL AS merged"
	groups := "1, 2, 3, 4"
	for name, expression := range by {
		groups += fmt.Sprintf(", %d", strings.Count(groups, ",")+2)
		selected += ", " + expression + " AS " + name
	}
	for _, column := range []string{"hours", "amount", "amount_refunded", "amount_disputed"} {
		selected += fmt.Sprintf(", CAST(coalesce(sum(l.%s), 0) AS bigint) AS %[1]s", column)
	}
	var sums []sum
	err := tx.Raw("SELECT "+selected+", count(*) AS entries FROM "+entries+where.sql()+" GROUP BY "+groups, where.values...).Scan(&sums).Error
	if err != nil {
		return nil, fmt.Errorf("sum the ledger: %w", err)
	}
	return sums, nil
}

// condition picks entries.
type condition struct {
	parts  []string
	values []any
}

func (c *condition) and(part string, values ...any) {
	c.parts, c.values = append(c.parts, part), append(c.values, values...)
}

func (c *condition) sql() string {
	if len(c.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.parts, " AND ")
}

// during picks what happened in the period.
func during(p Period) (c condition) {
	switch {
	case !p.From.IsZero():
		c.and("l.occurred_at >= ?", p.From)
		if !p.To.IsZero() {
			c.and("l.occurred_at < ?", p.To)
		}
	case !p.To.IsZero(): // most of the table: SQLite is not to go by the index
		c.and("NOT (l.occurred_at >= ?)", p.To)
	}
	return c
}

// slotOf is the expression for the day or month, in UTC, of an entry: its first
// 10 or 7 letters of 2026-10-31.
func slotOf(tx *gorm.DB, letters int) string {
	if database.IsPostgres(tx) {
		return fmt.Sprintf("left(to_char(l.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), %d)", letters)
	}
	return fmt.Sprintf("substr(l.occurred_at, 1, %d)", letters) // kept as text, in UTC
}

// read runs statements that see the same moment of the database, once what has
// expired is entered.
func (s *Service) read(ctx context.Context, work func(tx *gorm.DB) error) error {
	if err := lots.SettleDue(ctx, s.db); err != nil {
		return err
	}
	var options []*sql.TxOptions
	if s.db.Engine == database.Postgres {
		options = append(options, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	}
	return s.db.Reader.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if s.db.Engine == database.Postgres {
			// These read most of a table, which is fastest in its own order.
			err := tx.Exec("SELECT set_config(name, 'on', true) FROM pg_settings WHERE name = 'enable_seqscan'").Error
			if err != nil {
				return fmt.Errorf("prepare a report: %w", err)
			}
		}
		return work(tx)
	}, options...)
}
