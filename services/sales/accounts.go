package sales

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/ledger"
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
	account.HoursPurchased, account.HoursReversed, account.HoursConsumed = total.Purchased, total.Reversed, total.Consumed
	account.HoursAvailable = total.Purchased - total.Reversed - total.Consumed
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

// Booking is a ledger entry, new or made before, and the account after it.
type Booking struct {
	models.LedgerEntry
	Account *models.Account `json:"account"`
	New     bool            `json:"-"`
}

// Consume books a lesson's hours, once for each reference. It returns an
// *models.Error with code invalid_request, not_found or insufficient_hours.
func (s *AccountService) Consume(ctx context.Context, studentID string, hours models.Hours, reference string) (*Booking, error) {
	if err := models.ValidateID("reference", reference); err != nil {
		return nil, err
	}
	if hours <= 0 {
		return nil, models.Errorf(models.CodeInvalidRequest, "hours must be more than 0.")
	}
	return s.book(ctx, studentID, models.EntryConsumption, reference, func(_ *gorm.DB, account *models.Account) (*models.LedgerEntry, error) {
		if account.HoursAvailable < hours {
			return nil, models.Errorf(models.CodeInsufficientHours, "The student has %s hours available, not %s.", account.HoursAvailable, hours)
		}
		return &models.LedgerEntry{Hours: -hours}, nil
	})
}

// Restore gives a booking's hours back, once. It returns a *models.Error with code
// not_found where nothing was booked under the reference.
func (s *AccountService) Restore(ctx context.Context, studentID, reference string) (*Booking, error) {
	return s.book(ctx, studentID, models.EntryRestoration, reference, func(tx *gorm.DB, _ *models.Account) (*models.LedgerEntry, error) {
		consumed, err := findBooking(tx, studentID, models.EntryConsumption, reference)
		if err != nil {
			return nil, err
		}
		if consumed == nil {
			return nil, models.Errorf(models.CodeNotFound, "Nothing was booked under this reference.")
		}
		return &models.LedgerEntry{Hours: -consumed.Hours}, nil
	})
}

// Adjust moves hours by hand, with a reason, once for each reference; hours
// may be negative, and may overdraw.
func (s *AccountService) Adjust(ctx context.Context, studentID string, hours models.Hours, reason, reference string) (*Booking, error) {
	if err := errors.Join(models.ValidateID("reference", reference), models.ValidateID("reason", reason)); err != nil {
		return nil, err
	}
	if hours == 0 {
		return nil, models.Errorf(models.CodeInvalidRequest, "hours must not be 0.")
	}
	return s.book(ctx, studentID, models.EntryAdjustment, reference, func(*gorm.DB, *models.Account) (*models.LedgerEntry, error) {
		return &models.LedgerEntry{Hours: hours, Reason: &reason}, nil
	})
}

// book appends one entry under the account's lock, unless one of this kind
// and reference is there already. make fills in its hours.
func (s *AccountService) book(ctx context.Context, studentID string, kind models.EntryKind, reference string,
	make func(*gorm.DB, *models.Account) (*models.LedgerEntry, error)) (*Booking, error) {
	var booking *Booking
	err := database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		account, err := readAccount(tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), studentID)
		if err != nil {
			return err
		}
		known, err := findBooking(tx, studentID, kind, reference)
		if err != nil || known != nil {
			booking = &Booking{Account: account}
			if known != nil {
				booking.LedgerEntry = *known
			}
			return err
		}
		entry, err := make(tx, account)
		if err != nil {
			return err
		}
		entry.ID, entry.StudentID, entry.Kind, entry.Currency = models.NewID(), studentID, kind, account.Currency
		entry.Reference, entry.CreatedAt = &reference, tx.NowFunc()
		if err := database.Store(tx, ledger.Writes([]models.LedgerEntry{*entry}, entry.CreatedAt)); err != nil {
			return err
		}
		account, err = readAccount(tx, studentID)
		booking = &Booking{LedgerEntry: *entry, Account: account, New: true}
		return err
	})
	return booking, err
}

func findBooking(tx *gorm.DB, studentID string, kind models.EntryKind, reference string) (*models.LedgerEntry, error) {
	var entries []models.LedgerEntry
	err := tx.Where("student_id = ? AND kind = ? AND reference = ? AND reference IS NOT NULL", studentID, kind, reference).Limit(1).Find(&entries).Error
	if err != nil {
		return nil, fmt.Errorf("look for a booking: %w", err)
	}
	if len(entries) == 0 {
		return nil, nil
	}
	return &entries[0], nil
}
