// Package audit re-adds the books.
package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hourbank/database"
	"hourbank/models"
	"hourbank/models/money"
)

// Service re-adds the ledger and compares it with what purchases and
// accounts say, purchases with what their own evidence says and with the keys
// by which events find them, and ledger entries with whose they are.
type Service struct{ db *database.DB }

// New makes the service.
func New(db *database.DB) *Service { return &Service{db: db} }

// Difference is one thing that does not add up.
type Difference struct {
	Kind     string `json:"kind"` // "purchase", "account", "entry" or "lot"
	ID       string `json:"id"`
	Field    string `json:"field"`
	Recorded string `json:"recorded"` // what the row says
	Expected string `json:"expected"` // what the ledger or the evidence says

	student string // of an account or lot
}

// Report is the result of an audit.
type Report struct {
	Purchases   int          `json:"purchases"`
	Accounts    int          `json:"accounts"`
	Entries     int          `json:"entries"`
	Lots        int          `json:"lots"` // of hours that expire
	Differences []Difference `json:"differences"`
}

const auditChunk = 1000 // rows a statement; each statement is its own snapshot

// Run audits everything. It may run beside a serving instance: each row is
// compared within one statement. progress is told the rows done so far.
func (s *Service) Run(ctx context.Context, progress func(rows int)) (Report, error) {
	report := Report{Differences: []Difference{}}
	err := s.run(ctx, &report, progress)
	return report, err
}

func (s *Service) run(ctx context.Context, report *Report, progress func(rows int)) (err error) {
	if report.Purchases, err = auditRows[purchaseSums](ctx, s.db, report, progress); err != nil {
		return fmt.Errorf("audit purchases: %w", err)
	}
	if report.Accounts, err = auditRows[accountSums](ctx, s.db, report, progress); err != nil {
		return fmt.Errorf("audit accounts: %w", err)
	}
	if report.Entries, err = auditRows[ownedEntry](ctx, s.db, report, progress); err != nil {
		return fmt.Errorf("audit ledger entries: %w", err)
	}
	if report.Lots, err = s.auditLots(ctx, report, progress); err != nil {
		return fmt.Errorf("audit lots: %w", err)
	}
	return nil
}

// audited is a row beside what others say of it. Its query reads @limit of them
// in the order of their key, from after @after.
type audited interface {
	query(db *database.DB) string
	key() string
	differences() []Difference
}

// auditRows looks at every row once, a chunk at a time.
func auditRows[T audited](ctx context.Context, db *database.DB, report *Report, progress func(int)) (done int, err error) {
	var row T
	for after := ""; ; {
		var rows []T
		chunk := map[string]any{"after": after, "limit": auditChunk}
		if err := db.Reader.WithContext(ctx).Raw(row.query(db), chunk).Scan(&rows).Error; err != nil {
			return done, err
		}
		for _, row := range rows {
			report.Differences = append(report.Differences, row.differences()...)
			after = row.key()
		}
		done += len(rows)
		progress(len(rows))
		if len(rows) < auditChunk {
			return done, nil
		}
	}
}

// comparison collects what differs about one row.
type comparison struct {
	kind, id, student string
	found             []Difference
}

func (c *comparison) compare(field string, recorded, expected any) {
	if recorded != expected {
		c.found = append(c.found, Difference{c.kind, c.id, field, fmt.Sprint(recorded), fmt.Sprint(expected), c.student})
	}
}

// purchaseSums is a purchase, what its ledger entries add up to, and the keys
// by which events find it.
type purchaseSums struct {
	models.Purchase
	LedgerCredited models.Hours
	LedgerReversed models.Hours
	LedgerKept     int64
	Keys           string // a line for each id in its evidence: whose key it is, and the id
}

func (row purchaseSums) key() string { return row.ID }

func (purchaseSums) query(db *database.DB) string {
	keys := `SELECT group_concat(k.purchase_id || ' ' || k.key, char(10)) FROM json_each(p.evidence) AS part, json_each(part.value) AS object
			JOIN purchase_keys k ON k.key = object.key`
	if db.Engine == database.Postgres {
		keys = `SELECT string_agg(k.purchase_id || ' ' || k.key, chr(10)) FROM jsonb_each(p.evidence) AS part,
			jsonb_object_keys(CASE jsonb_typeof(part.value) WHEN 'object' THEN part.value ELSE '{}' END) AS object(id)
			JOIN purchase_keys k ON k.key = object.id`
	}
	return `SELECT p.*,
		(SELECT coalesce(sum(hours), 0) FROM hour_ledger_entries WHERE transaction_id = p.id AND kind = 'credit') AS ledger_credited,
		(SELECT coalesce(-sum(hours), 0) FROM hour_ledger_entries WHERE transaction_id = p.id AND kind IN ('reversal', 'reinstatement')) AS ledger_reversed,
		(SELECT coalesce(sum(amount), 0) FROM hour_ledger_entries WHERE transaction_id = p.id) AS ledger_kept,
		coalesce((` + keys + `), '') AS keys
		FROM purchase_transactions p WHERE p.id > @after ORDER BY p.id LIMIT @limit`
}

// differences of a purchase. A credit once posted stays, so that of a purchase
// whose credit was undone the hours are reversed instead.
func (row purchaseSums) differences() []Difference {
	c, d := comparison{kind: "purchase", id: row.ID}, row.Derive()
	if row.MergedInto == nil {
		c.compare("payment_status", row.PaymentStatus, d.Status)
		c.compare("hours_credited", row.HoursCredited, row.LedgerCredited)
		c.compare("hours_reversed", row.HoursReversed, row.LedgerReversed)
	} else { // it is left with nothing, also where its ledger had a credit
		c.compare("payment_status", row.PaymentStatus, models.StatusCancelled)
		c.compare("hours_credited", row.HoursCredited, models.Hours(0))
		c.compare("ids in its evidence", len(row.Evidence.IDs()), 0)
		c.compare("hours_credited - hours_reversed", row.HoursCredited-row.HoursReversed, row.LedgerCredited-row.LedgerReversed)
	}
	if row.HoursCredited != 0 {
		c.compare("hours_credited", row.HoursCredited, row.Hours)
	}
	c.compare("hours_credited - hours_reversed", row.HoursCredited-row.HoursReversed, d.HoursCredited-d.HoursReversed)
	c.compare("amount_due", row.AmountDue, d.AmountDue)
	c.compare("amount_received", row.AmountReceived, d.AmountReceived)
	c.compare("amount_refunded", row.AmountRefunded, d.AmountRefunded)
	c.compare("amount_disputed", row.AmountDisputed, d.AmountDisputed)
	c.compare(completedAt, unix(row.CompletedAt), d.CompletedAtUnix)
	c.compare("amount_received - amount_refunded - amount_disputed", row.AmountReceived-row.AmountRefunded-row.AmountDisputed, row.LedgerKept)
	row.compareKeys(&c)
	return c.found
}

const completedAt = "completed_at (Unix time)"

func unix(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return t.Unix()
}

// compareKeys wants every PaymentIntent, session and invoice in the evidence to
// be a key of this purchase, and all else in it to be a key: a refund may be of
// a payment that several purchases share.
func (row purchaseSums) compareKeys(c *comparison) {
	keys := strings.Split(row.Keys, "\n")
	own := money.Evidence{Payments: row.Evidence.Payments, Sessions: row.Evidence.Sessions, Invoices: row.Evidence.Invoices}
	for _, id := range slices.Sorted(slices.Values(row.Evidence.IDs())) {
		ofPurchase := func(key string) bool { return key == row.ID+" "+id }
		ofAny := func(key string) bool { return strings.HasSuffix(key, " "+id) }
		if !slices.ContainsFunc(keys, ofPurchase) && (slices.Contains(own.IDs(), id) || !slices.ContainsFunc(keys, ofAny)) {
			c.compare("purchase_keys", "without "+id, "all ids in its evidence")
		}
	}
}

// accountSums is an account and what its ledger entries add up to.
type accountSums struct {
	models.Account
	LedgerPurchased models.Hours
	LedgerGranted   models.Hours
	LedgerReversed  models.Hours
	LedgerConsumed  models.Hours
	LedgerExpired   models.Hours
	LedgerHeld      models.Hours
	LedgerAmount    int64
	OtherCurrency   int64
}

func (row accountSums) key() string { return row.StudentID }

// sums are what ledger entries l add up to, in the order of an account's totals.
const sums = `coalesce(sum(CASE WHEN l.kind IN ('credit', 'adjustment') THEN l.hours ELSE 0 END), 0) AS ledger_purchased,
	coalesce(sum(CASE WHEN l.kind = 'grant' THEN l.hours ELSE 0 END), 0) AS ledger_granted,
	coalesce(sum(CASE WHEN l.kind IN ('reversal', 'reinstatement') THEN -l.hours ELSE 0 END), 0) AS ledger_reversed,
	coalesce(sum(CASE WHEN l.kind IN ('consumption', 'restoration') THEN -l.hours ELSE 0 END), 0) AS ledger_consumed,
	coalesce(sum(CASE WHEN l.kind = 'expiration' THEN -l.hours ELSE 0 END), 0) AS ledger_expired,
	coalesce(sum(CASE WHEN l.kind IN ('hold', 'release') THEN -l.hours ELSE 0 END), 0) AS ledger_held,
	coalesce(sum(l.amount), 0) AS ledger_amount`

func (accountSums) query(*database.DB) string {
	return `SELECT a.*, l.* FROM (SELECT * FROM student_account_balances WHERE student_id > @after ORDER BY student_id LIMIT @limit) a
		JOIN (
			SELECT k.student_id AS of_student, ` + sums + `,
				coalesce(sum(CASE WHEN l.currency <> k.currency THEN 1 ELSE 0 END), 0) AS other_currency
			FROM (SELECT student_id, currency FROM student_account_balances WHERE student_id > @after ORDER BY student_id LIMIT @limit) k
			LEFT JOIN hour_ledger_entries l ON l.student_id = k.student_id
			GROUP BY k.student_id
		) l ON l.of_student = a.student_id
		ORDER BY a.student_id`
}

// otherCurrency is a field that no sum puts right.
const otherCurrency = "entries in another currency"

func (row accountSums) differences() []Difference {
	c := comparison{kind: "account", id: row.StudentID, student: row.StudentID}
	c.compare("hours_purchased", row.HoursPurchased, row.LedgerPurchased)
	c.compare("hours_granted", row.HoursGranted, row.LedgerGranted)
	c.compare("hours_reversed", row.HoursReversed, row.LedgerReversed)
	c.compare("hours_consumed", row.HoursConsumed, row.LedgerConsumed)
	c.compare("hours_expired", row.HoursExpired, row.LedgerExpired)
	c.compare("hours_held", row.HoursHeld, row.LedgerHeld)
	c.compare("balance_amount", row.BalanceAmount, row.LedgerAmount)
	c.compare(otherCurrency, row.OtherCurrency, int64(0))
	return c.found
}

// ownedEntry is a ledger entry and the account and purchase that it is of.
type ownedEntry struct {
	models.LedgerEntry
	AccountStudent   *string
	PurchaseID       *string
	PurchaseStudent  *string
	PurchaseCurrency *string
}

func (row ownedEntry) key() string { return row.ID }

func (ownedEntry) query(*database.DB) string {
	return `SELECT l.*, a.student_id AS account_student, p.id AS purchase_id, coalesce(p.beneficiary_id, p.student_id) AS purchase_student, p.currency AS purchase_currency
		FROM (SELECT * FROM hour_ledger_entries WHERE id > @after ORDER BY id LIMIT @limit) l
		LEFT JOIN student_account_balances a ON a.student_id = l.student_id
		LEFT JOIN purchase_transactions p ON p.id = l.transaction_id
		ORDER BY l.id`
}

func (row ownedEntry) differences() []Difference {
	c := comparison{kind: "entry", id: row.ID}
	if row.AccountStudent == nil {
		c.compare("student_id", row.StudentID, "a student with an account")
	}
	switch {
	case row.TransactionID == nil:
	case row.PurchaseID == nil:
		c.compare("transaction_id", *row.TransactionID, "a purchase")
	default:
		c.compare("student_id", row.StudentID, *row.PurchaseStudent)
		c.compare("currency", orNone(row.Currency), *row.PurchaseCurrency)
	}
	return c.found
}

func orNone(value *string) string {
	if value == nil {
		return "none"
	}
	return *value
}

// Between compares a purchase as it is recorded with the same as it was
// derived anew.
func Between(recorded, rebuilt *models.Purchase) []Difference {
	c := comparison{kind: "purchase", id: recorded.ID}
	c.compare("payment_status", recorded.PaymentStatus, rebuilt.PaymentStatus)
	c.compare("amount_due", recorded.AmountDue, rebuilt.AmountDue)
	c.compare("hours left", recorded.HoursCredited-recorded.HoursReversed, rebuilt.HoursCredited-rebuilt.HoursReversed)
	c.compare("amount_received", recorded.AmountReceived, rebuilt.AmountReceived)
	c.compare("amount_refunded", recorded.AmountRefunded, rebuilt.AmountRefunded)
	c.compare("amount_disputed", recorded.AmountDisputed, rebuilt.AmountDisputed)
	c.compare(completedAt, unix(recorded.CompletedAt), unix(rebuilt.CompletedAt))
	c.compare("ids in its evidence", len(recorded.Evidence.IDs()), len(rebuilt.Evidence.IDs()))
	return c.found
}
