package sales

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/ledger"
	"hourbank/services/lots"
	"hourbank/services/paging"
)

// AccountService reads students' accounts and ledgers, and books what moves
// hours without money: lessons and adjustments. It is safe for concurrent
// use.
type AccountService struct {
	db      *database.DB
	lessons lessonQueue
}

// NewAccountService makes the service.
func NewAccountService(db *database.DB) *AccountService {
	return &AccountService{db: db, lessons: lessonQueue{turn: make(chan struct{}, 1)}}
}

var errNoAccount = models.Errorf(models.CodeNotFound, "This student has no account yet; the first purchase opens one.")

// Balance gives a student's account. It returns a *models.Error with code not_found
// where the student never bought anything.
func (s *AccountService) Balance(ctx context.Context, studentID string) (*models.Account, error) {
	account, _, err := s.settled(ctx, studentID)
	return account, err
}

// Lots gives a student's hours by what they came with, in the order in which lessons
// draw from them; none where none of them expire. It returns a *models.Error with code not_found.
func (s *AccountService) Lots(ctx context.Context, studentID string) (models.Lots, error) {
	_, held, err := s.settled(ctx, studentID)
	return held, err
}

// settled reads an account and its lots as they are now: what has expired since
// somebody looked last is entered first.
func (s *AccountService) settled(ctx context.Context, studentID string) (*models.Account, models.Lots, error) {
	tx, now := s.db.Reader.WithContext(ctx), s.db.NowFunc()
	account, held, err := readWithLots(tx, studentID)
	if err != nil {
		return nil, nil, err
	}
	if lots.IsDue(account, held, now) {
		if err := lots.SettleStudent(ctx, s.db, studentID); err != nil {
			return nil, nil, err
		}
		if account, held, err = readWithLots(tx, studentID); err != nil {
			return nil, nil, err
		}
	}
	account.NextExpiry = held.NextExpiry(now)
	return account, held, nil
}

func readWithLots(tx *gorm.DB, studentID string) (*models.Account, models.Lots, error) {
	account, err := readAccount(tx, studentID)
	if err != nil {
		return nil, nil, err
	}
	held, err := lots.Of(tx, account)
	return account, held, err
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
// its first purchase sets, and keeps unless it is cancelled.
func checkCurrency(tx *gorm.DB, account *models.Account, currency string) error {
	takes, err := ledger.TakesCurrency(tx, account, currency)
	if err == nil && !takes {
		return models.Errorf(models.CodeCurrencyMismatch, "The student's account is in %s, not %s.", *account.Currency, currency)
	}
	return err
}

// BalanceAt gives the account as it was at a time, the sums of its entries until
// then; or, of a time to come, as it will be if nothing is booked until then.
func (s *AccountService) BalanceAt(ctx context.Context, studentID string, at time.Time) (*models.Account, error) {
	account, held, err := s.settled(ctx, studentID)
	if err != nil {
		return nil, err
	}
	at = paging.Bounded(at)
	account.UpdatedAt, account.NextExpiry = at, held.NextExpiry(at)
	if now := s.db.NowFunc(); at.After(now) {
		gone := held.Left(now) - held.Left(at)
		account.HoursExpired, account.HoursAvailable = account.HoursExpired+gone, account.HoursAvailable-gone
		account.Overdrawn = account.HoursAvailable < 0
		return account, nil
	}
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
	account.SetTotals(total)
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
