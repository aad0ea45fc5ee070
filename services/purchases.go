package services

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
)

// PurchaseService makes and finds purchases. It never credits hours: only
// events do. It is safe for concurrent use.
type PurchaseService struct{ db *database.DB }

// NewPurchaseService makes the service.
func NewPurchaseService(db *database.DB) *PurchaseService { return &PurchaseService{db: db} }

// Create stores a purchase that waits for its payment, and the student's
// account with the first one. It returns a *models.Error with code invalid_request,
// currency_mismatch where the student's account has another currency, or
// conflict where the PaymentIntent has a purchase already.
func (s *PurchaseService) Create(ctx context.Context, n models.NewPurchase) (*models.Purchase, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	p := n.Purchase(s.db.NowFunc())
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return insertPurchase(tx, p) })
	if err != nil {
		return nil, err
	}
	return p, nil
}

// insertPurchase opens the student's account where there is none.
func insertPurchase(tx *gorm.DB, p *models.Purchase) error {
	account := models.Account{StudentID: p.StudentID, Currency: p.Currency, UpdatedAt: p.CreatedAt}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&account).Error; err != nil {
		return fmt.Errorf("open the account: %w", err)
	}
	if err := tx.Where("student_id = ?", p.StudentID).Take(&account).Error; err != nil {
		return fmt.Errorf("read the account: %w", err)
	}
	if account.Currency != p.Currency {
		return models.Errorf(models.CodeCurrencyMismatch, "The student's account is in %s, not %s.", account.Currency, p.Currency)
	}
	err := tx.Create(p).Error
	if database.IsUniqueViolation(err) {
		return &models.Error{Code: models.CodeConflict, Message: "This PaymentIntent has a purchase already.", Err: err}
	}
	if err != nil {
		return fmt.Errorf("insert the purchase: %w", err)
	}
	return nil
}

// byOtherIntent is the condition that a PaymentIntent is a purchase's, though
// not its first.
const byOtherIntent = "id = (SELECT purchase_id FROM purchase_payment_intents WHERE id = @id)"

// Get finds a purchase by its id or a PaymentIntent's. It returns a *models.Error
// with code not_found.
func (s *PurchaseService) Get(ctx context.Context, id string) (*models.Purchase, error) {
	var p models.Purchase
	err := s.db.Reader.WithContext(ctx).
		Where("id = @id OR stripe_payment_intent_id = @id OR "+byOtherIntent, sql.Named("id", id)).
		Order("id").Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, models.Errorf(models.CodeNotFound, "There is no such purchase.")
	}
	if err != nil {
		return nil, fmt.Errorf("read a purchase: %w", err)
	}
	return &p, nil
}

// List pages through purchases, newest first, of one student and status where
// these are given. It returns a *models.Error with code invalid_request or
// invalid_cursor.
func (s *PurchaseService) List(ctx context.Context, studentID, status string, page PageRequest) (Page[models.Purchase], error) {
	if status != "" && !slices.Contains(models.PaymentStatuses, models.PaymentStatus(status)) {
		return Page[models.Purchase]{}, models.Errorf(models.CodeInvalidRequest, "payment_status must be one of %s.", strings.Trim(fmt.Sprint(models.PaymentStatuses), "[]"))
	}
	query, timeColumn, idColumn := s.db.Reader.WithContext(ctx).Model(&models.Purchase{}), "created_at", "purchase_transactions.id"
	switch {
	case studentID != "":
		query = query.Where("student_id = ?", studentID)
		if status != "" {
			query = query.Where("payment_status = ?", status)
		}
	case status == string(models.StatusCompleted): // most are
		query = query.Where("payment_status = ?", status)
	case status != "":
		query = query.Joins("JOIN purchases_not_completed listed ON listed.id = purchase_transactions.id").Where("listed.payment_status = ?", status)
		timeColumn, idColumn = "listed.created_at", "listed.id"
	}
	return newest(query, timeColumn, idColumn, page, func(p *models.Purchase) position { return position{p.CreatedAt, p.ID} })
}
