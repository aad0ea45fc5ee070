package audit

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/lots"
)

// Readd gives accounts whose totals are not the sums of their ledger entries these
// again, and makes lots anew that don't follow from what was booked. It answers what
// differed; where dryRun is set it changes nothing. It may run beside a serving
// instance: an account is locked while it is put right.
func (s *Service) Readd(ctx context.Context, dryRun bool, progress func(rows int)) ([]Difference, error) {
	report := Report{Differences: []Difference{}}
	if _, err := auditRows[accountSums](ctx, s.db, &report, progress); err != nil {
		return nil, fmt.Errorf("audit accounts: %w", err)
	}
	if _, err := s.auditLots(ctx, &report, progress); err != nil {
		return nil, fmt.Errorf("audit lots: %w", err)
	}
	differ := slices.DeleteFunc(report.Differences, func(d Difference) bool { return d.Field == otherCurrency })
	done := ""
	for _, d := range differ {
		if dryRun || d.student == done {
			continue
		}
		done = d.student
		if err := database.Transact(ctx, s.db, func(tx *gorm.DB) error { return readd(tx, d.student) }); err != nil {
			return nil, err
		}
	}
	return differ, nil
}

// readd puts one account right. It is locked first: what somebody else books meanwhile
// is in the sums, or comes after.
func readd(tx *gorm.DB, student string) error {
	account := &models.Account{StudentID: student}
	if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Take(account).Error; err != nil {
		return fmt.Errorf("lock an account: %w", err)
	}
	err := tx.Exec(`UPDATE student_account_balances SET
		(hours_purchased, hours_granted, hours_reversed, hours_consumed, hours_expired, hours_held, balance_amount) =
		(SELECT `+sums+` FROM hour_ledger_entries l WHERE l.student_id = @student) WHERE student_id = @student`,
		map[string]any{"student": student}).Error
	if err != nil {
		return fmt.Errorf("set an account's totals: %w", err)
	}
	if account.LotsSettled == nil {
		return nil
	}
	if err := tx.Take(account).Error; err != nil {
		return fmt.Errorf("read an account: %w", err)
	}
	return lots.MakeAnew(tx, account)
}
