package sales

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/paging"
)

// AccountService reads students' accounts and ledgers, and books what moves
// hours without money: lessons and adjustments. It is safe for concurrent
// use.
type AccountService struct{ db *database.DB }

// NewAccountService makes the service.
func NewAccountService(db *database.DB) *AccountService { return &AccountService{db: db} }

var errNoAccount = models.Errorf(models.CodeNotFound, "This student has no account yet; the first purchase opens one.")

// Balance gives a student's account. It returns a *models.Error with code not_found
// where the student never bought anything.
func (s *AccountService) Balance(ctx context.Context, studentID string) (*models.Account, error) {
	return readAccount(s.db.Reader.WithContext(ctx), studentID)
}

func readAccount(tx *gorm.DB, studentID string) (*models.Account, error) {
	var account models.Account
	err := tx.Where("student_id = ?", studentID).Take(&account).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, errNoAccount
	}
	if err != nil {
		return nil, fmt.Errorf("read an account: %w", err)
	}
	return &account, nil
}

// checkCurrency refuses money in another currency than the account's, which
// its first purchase sets.
func checkCurrency(account *models.Account, currency string) error {
	if account.Currency != nil && *account.Currency != currency {
		return models.Errorf(models.CodeCurrencyMismatch, "The student's account is in %s, not %s.", *account.Currency, currency)
	}
	return nil
}

// BalanceAt gives the account as it was at a time: the sums of its entries
// until then.
func (s *AccountService) BalanceAt(ctx context.Context, studentID string, at time.Time) (*models.Account, error) {
	account, err := s.Balance(ctx, studentID)
	if err != nil {
		return nil, err
	}
	at = paging.Bounded(at)
	var entries []models.LedgerEntry
	rows := s.db.Reader.WithContext(ctx).Select("kind, sum(hours) AS hours, sum(amount) AS amount").
		Where("student_id = ? AND created_at <= ?", studentID, at).Group("kind")
	if err := rows.Find(&entries).Error; err != nil {
		return nil, fmt.Errorf("sum a ledger: %w", err)
	}
	var total models.Movement
	for _, sums := range entries {
		total.Add(sums)
	}
	account.HoursPurchased, account.HoursGranted = total.Purchased, total.Granted
	account.HoursReversed, account.HoursConsumed, account.HoursAvailable = total.Reversed, total.Consumed, total.Available()
	account.BalanceAmount, account.Overdrawn = total.Amount, account.HoursAvailable < 0
	account.UpdatedAt = at
	return account, nil
}

// Ledger pages through a student's entries, newest first. It returns a
// *models.Error with code not_found, invalid_request or invalid_cursor.
func (s *AccountService) Ledger(ctx context.Context, studentID string, page paging.PageRequest) (paging.Page[models.LedgerEntry], error) {
	if _, err := s.Balance(ctx, studentID); err != nil {
		return paging.Page[models.LedgerEntry]{}, err
	}
	query := s.db.Reader.WithContext(ctx).Where("student_id = ?", studentID)
	return paging.ByTime(query, "created_at", "id", page, func(l *models.LedgerEntry) paging.Position { return paging.Position{Time: l.CreatedAt, ID: l.ID} })
}
