package services

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"hourbank/models"
)

// AccountService reads students' accounts and ledgers. It is safe for
// concurrent use.
type AccountService struct{ db *models.DB }

// NewAccountService makes the service.
func NewAccountService(db *models.DB) *AccountService { return &AccountService{db: db} }

// Balance gives a student's account. It returns an *Error with code not_found
// where the student never bought anything.
func (s *AccountService) Balance(ctx context.Context, studentID string) (*models.Account, error) {
	var account models.Account
	err := s.db.Reader.WithContext(ctx).Where("student_id = ?", studentID).Take(&account).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, Errorf(CodeNotFound, "This student has no account yet; the first purchase opens one.")
	}
	if err != nil {
		return nil, fmt.Errorf("read an account: %w", err)
	}
	return &account, nil
}

// Ledger pages through a student's entries, newest first.
func (s *AccountService) Ledger(ctx context.Context, studentID string, page PageRequest) (Page[models.LedgerEntry], error) {
	if _, err := s.Balance(ctx, studentID); err != nil {
		return Page[models.LedgerEntry]{}, err
	}
	query := s.db.Reader.WithContext(ctx).Where("student_id = ?", studentID)
	return newest(query, "created_at", page, func(l *models.LedgerEntry) position { return position{l.CreatedAt, l.ID} })
}
