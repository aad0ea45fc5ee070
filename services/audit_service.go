package services

import (
	"context"
	"fmt"
	"reflect"

	"hourbank/models"
)

// AuditService re-adds the ledger and compares it with what purchases and
// accounts say, and purchases with what their own evidence says.
type AuditService struct{ db *models.DB }

// NewAuditService makes the service.
func NewAuditService(db *models.DB) *AuditService { return &AuditService{db: db} }

// Difference is one thing that does not add up.
type Difference struct {
	Kind     string `json:"kind"` // "purchase" or "account"
	ID       string `json:"id"`
	Field    string `json:"field"`
	Recorded string `json:"recorded"` // what the row says
	Expected string `json:"expected"` // what the ledger or the evidence says
}

// AuditReport is the result of an audit.
type AuditReport struct {
	Purchases   int          `json:"purchases"`
	Accounts    int          `json:"accounts"`
	Differences []Difference `json:"differences"`
}

const auditChunk = 1000 // rows a statement; each statement is its own snapshot

// Run audits everything. It may run beside a serving instance: each row is
// compared within one statement. progress is told the rows done so far.
func (s *AuditService) Run(ctx context.Context, progress func(rows int)) (AuditReport, error) {
	report := AuditReport{Differences: []Difference{}}
	if err := s.auditPurchases(ctx, &report, progress); err != nil {
		return report, err
	}
	err := s.auditAccounts(ctx, &report, progress)
	return report, err
}

// purchaseSums is a purchase and what its ledger entries add up to.
type purchaseSums struct {
	models.Purchase
	LedgerCredited models.Hours
	LedgerReversed models.Hours
	LedgerReceived int64
	LedgerBack     int64
}

func (s *AuditService) auditPurchases(ctx context.Context, report *AuditReport, progress func(int)) error {
	for after := ""; ; {
		var rows []purchaseSums
		err := s.db.Reader.WithContext(ctx).Raw(`
			SELECT p.*,
				(SELECT coalesce(sum(hours), 0) FROM hour_ledger_entries WHERE transaction_id = p.id AND kind = 'credit') AS ledger_credited,
				(SELECT coalesce(sum(amount), 0) FROM hour_ledger_entries WHERE transaction_id = p.id AND kind = 'credit') AS ledger_received,
				(SELECT coalesce(-sum(hours), 0) FROM hour_ledger_entries WHERE transaction_id = p.id AND kind IN ('reversal', 'reinstatement')) AS ledger_reversed,
				(SELECT coalesce(-sum(amount), 0) FROM hour_ledger_entries WHERE transaction_id = p.id AND kind IN ('reversal', 'reinstatement')) AS ledger_back
			FROM purchase_transactions p WHERE p.id > ? ORDER BY p.id LIMIT ?`, after, auditChunk).Scan(&rows).Error
		if err != nil {
			return fmt.Errorf("audit purchases: %w", err)
		}
		for _, row := range rows {
			report.Differences = append(report.Differences, row.differences()...)
			after = row.ID
		}
		report.Purchases += len(rows)
		progress(len(rows))
		if len(rows) < auditChunk {
			return nil
		}
	}
}

func (row purchaseSums) differences() []Difference {
	var found []Difference
	compare := func(field string, recorded, expected any) {
		if !reflect.DeepEqual(recorded, expected) {
			found = append(found, Difference{"purchase", row.ID, field, fmt.Sprint(recorded), fmt.Sprint(expected)})
		}
	}
	d := models.Derive(row.Terms(), row.Evidence)
	compare("payment_status", row.PaymentStatus, d.Status)
	compare("hours_credited", row.HoursCredited, d.HoursCredited)
	compare("hours_reversed", row.HoursReversed, d.HoursReversed)
	compare("amount_received", row.AmountReceived, d.AmountReceived)
	compare("amount_refunded", row.AmountRefunded, d.AmountRefunded)
	compare("amount_disputed", row.AmountDisputed, d.AmountDisputed)
	compare("hours_credited", row.HoursCredited, row.LedgerCredited)
	compare("hours_reversed", row.HoursReversed, row.LedgerReversed)
	if row.HoursCredited > 0 { // a mismatched success shows as received but posts nothing
		compare("amount_received", row.AmountReceived, row.LedgerReceived)
	}
	compare("amount_refunded + amount_disputed", row.AmountRefunded+row.AmountDisputed, row.LedgerBack)
	return found
}

// accountSums is an account and what its ledger entries add up to.
type accountSums struct {
	models.Account
	LedgerPurchased models.Hours
	LedgerReversed  models.Hours
	LedgerConsumed  models.Hours
	LedgerAmount    int64
	OtherCurrency   int64
}

func (s *AuditService) auditAccounts(ctx context.Context, report *AuditReport, progress func(int)) error {
	for after := ""; ; {
		var rows []accountSums
		err := s.db.Reader.WithContext(ctx).Raw(`
			SELECT a.*, l.* FROM (SELECT * FROM student_account_balances WHERE student_id > ? ORDER BY student_id LIMIT ?) a
			JOIN (
				SELECT k.student_id AS of_student,
					coalesce(sum(CASE WHEN l.kind IN ('credit', 'adjustment') THEN l.hours ELSE 0 END), 0) AS ledger_purchased,
					coalesce(sum(CASE WHEN l.kind IN ('reversal', 'reinstatement') THEN -l.hours ELSE 0 END), 0) AS ledger_reversed,
					coalesce(sum(CASE WHEN l.kind IN ('consumption', 'restoration') THEN -l.hours ELSE 0 END), 0) AS ledger_consumed,
					coalesce(sum(l.amount), 0) AS ledger_amount,
					coalesce(sum(CASE WHEN l.currency <> k.currency THEN 1 ELSE 0 END), 0) AS other_currency
				FROM (SELECT student_id, currency FROM student_account_balances WHERE student_id > ? ORDER BY student_id LIMIT ?) k
				LEFT JOIN hour_ledger_entries l ON l.student_id = k.student_id
				GROUP BY k.student_id
			) l ON l.of_student = a.student_id
			ORDER BY a.student_id`, after, auditChunk, after, auditChunk).Scan(&rows).Error
		if err != nil {
			return fmt.Errorf("audit accounts: %w", err)
		}
		for _, row := range rows {
			report.Differences = append(report.Differences, row.differences()...)
			after = row.StudentID
		}
		report.Accounts += len(rows)
		progress(len(rows))
		if len(rows) < auditChunk {
			return nil
		}
	}
}

func (row accountSums) differences() []Difference {
	var found []Difference
	compare := func(field string, recorded, expected any) {
		if recorded != expected {
			found = append(found, Difference{"account", row.StudentID, field, fmt.Sprint(recorded), fmt.Sprint(expected)})
		}
	}
	compare("hours_purchased", row.HoursPurchased, row.LedgerPurchased)
	compare("hours_reversed", row.HoursReversed, row.LedgerReversed)
	compare("hours_consumed", row.HoursConsumed, row.LedgerConsumed)
	compare("balance_amount", row.BalanceAmount, row.LedgerAmount)
	compare("entries in another currency", row.OtherCurrency, int64(0))
	return found
}
