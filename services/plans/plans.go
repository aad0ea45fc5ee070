// Package plans keeps the price list: what hours cost.
package plans

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/ingest/statements"
)

// Service keeps the pricing plans. It is safe for concurrent use.
type Service struct{ db *database.DB }

// New makes the service.
func New(db *database.DB) *Service { return &Service{db: db} }

// List gives the plans by id; only those still sold, unless all are asked for.
func (s *Service) List(ctx context.Context, all bool) ([]models.Plan, error) {
	query := s.db.Reader.WithContext(ctx).Order("id")
	if !all {
		query = query.Where("active")
	}
	plans := []models.Plan{}
	if err := query.Find(&plans).Error; err != nil {
		return nil, fmt.Errorf("list plans: %w", err)
	}
	return plans, nil
}

// Add stores a new plan, on sale where it is active. It returns a *models.Error with code
// invalid_request, or conflict where the id or price is taken.
func (s *Service) Add(ctx context.Context, plan models.Plan) (*models.Plan, error) {
	if plan.TransactionType != models.TypePackage && plan.TransactionType != models.TypeSubscription {
		return nil, models.Errorf(models.CodeInvalidRequest, "type must be package or subscription.")
	}
	if strings.TrimSpace(plan.Name) == "" {
		return nil, models.Errorf(models.CodeInvalidRequest, "name must not be empty.")
	}
	if plan.ValidDays != nil && (*plan.ValidDays <= 0 || *plan.ValidDays > models.MaxValidDays) {
		return nil, models.Errorf(models.CodeInvalidRequest, "valid days must be more than 0 and at most %d.", models.MaxValidDays)
	}
	if r := plan.RolloverHours; r != nil && (plan.TransactionType != models.TypeSubscription || *r < 0 || *r > models.MaxHours) {
		return nil, models.Errorf(models.CodeInvalidRequest, "rollover hours are a subscription's, and not below 0.")
	}
	if plan.LowHours != nil && *plan.LowHours <= 0 {
		return nil, models.Errorf(models.CodeInvalidRequest, "low hours must be more than 0.")
	}
	if err := errors.Join(models.ValidateID("id", plan.ID), models.ValidateTerms(plan.Hours, plan.Amount, plan.Currency)); err != nil {
		return nil, err
	}
	plan.CreatedAt = s.db.NowFunc()
	plan.UpdatedAt = plan.CreatedAt
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Create(&plan).Error; err != nil {
			return err
		}
		return database.Store(tx, []database.Write{statements.Wake([]string{plan.ID, orEmpty(plan.StripePriceID)})}) // invoices that nothing explained so far
	})
	if database.IsUniqueViolation(err) {
		return nil, &models.Error{Code: models.CodeConflict, Message: "A plan with this id or Stripe price exists already.", Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("add a plan: %w", err)
	}
	return &plan, nil
}

// Retire takes a plan off sale; what was bought by it stays as it is. It
// returns a *models.Error with code not_found.
func (s *Service) Retire(ctx context.Context, id string) (*models.Plan, error) {
	var plan models.Plan
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Where("id = ?", id).Take(&plan).Error; err != nil {
			return err
		}
		plan.Active, plan.UpdatedAt = false, tx.NowFunc()
		return tx.Model(&plan).Select("active", "updated_at").Updates(plan).Error
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, models.Errorf(models.CodeNotFound, "There is no plan %q.", id)
	}
	if err != nil {
		return nil, fmt.Errorf("retire a plan: %w", err)
	}
	return &plan, nil
}

// Read reads a plan that somebody named. It returns a *models.Error with
// code invalid_request.
func Read(tx *gorm.DB, id string) (*models.Plan, error) {
	var plan models.Plan
	err := tx.Where("id = ?", id).Take(&plan).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, models.Errorf(models.CodeInvalidRequest, "There is no plan %q on sale.", id)
	}
	if err != nil {
		return nil, fmt.Errorf("read a plan: %w", err)
	}
	return &plan, nil
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
