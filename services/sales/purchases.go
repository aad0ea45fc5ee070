package sales

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/ingest/statements"
	"hourbank/services/ledger"
	"hourbank/services/paging"
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
	if err := n.ValidateSale(); err != nil {
		return nil, err
	}
	p := n.Purchase(s.db.NowFunc())
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return InsertPurchase(tx, p) })
	if err != nil {
		return nil, err
	}
	return p, nil
}

// InsertPurchase stores a purchase that we sell, and its keys, and opens the accounts
// that it needs where there are none. A gift gives none a currency before it is paid:
// else anybody could keep another student's account in one. An event of the sale may
// have been faster, and made the same purchase.
func InsertPurchase(tx *gorm.DB, p *models.Purchase) error {
	needed := []models.Account{{StudentID: p.StudentID, Currency: &p.Currency, UpdatedAt: p.CreatedAt}}
	if p.BeneficiaryID != nil {
		needed[0].Currency = nil
		needed = append(needed, models.Account{StudentID: *p.BeneficiaryID, UpdatedAt: p.CreatedAt})
	}
	accounts, err := ledger.OpenAccounts(tx, needed)
	if err != nil {
		return err
	}
	getsHours := slices.IndexFunc(accounts, func(a models.Account) bool { return a.StudentID == p.AccountID() })
	if err := checkCurrency(tx, &accounts[getsHours], p.Currency); err != nil {
		return err
	}
	inserted := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, DoNothing: true}).Create(p)
	if inserted.Error != nil {
		return fmt.Errorf("insert the purchase: %w", inserted.Error)
	}
	if inserted.RowsAffected == 0 {
		return nil
	}
	if err := statements.TakeKeys(tx, p); err != nil {
		if database.IsUniqueViolation(err) {
			return &models.Error{Code: models.CodeConflict, Message: "This PaymentIntent has a purchase already.", Err: err}
		}
		return err
	}
	return nil
}

// ByAnyID is the condition that a purchase has an id, or one of its Stripe
// objects does.
const ByAnyID = "id = @id OR id = (SELECT purchase_id FROM purchase_keys WHERE key = @id)"

// Get finds a purchase by its id or that of any of its Stripe objects, such as
// a PaymentIntent's. It returns a *models.Error with code not_found.
func (s *PurchaseService) Get(ctx context.Context, id string) (*models.Purchase, error) {
	return ReadPurchase(s.db.Reader.WithContext(ctx), id)
}

// ReadPurchase reads a purchase that has the id, or one of whose Stripe objects
// does. It returns a *models.Error with code not_found.
func ReadPurchase(tx *gorm.DB, id string) (*models.Purchase, error) {
	var p models.Purchase
	err := tx.Where(ByAnyID, sql.Named("id", id)).
		Order("merged_into IS NULL, id").Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, models.Errorf(models.CodeNotFound, "There is no such purchase.")
	}
	if err != nil {
		return nil, fmt.Errorf("read a purchase: %w", err)
	}
	return &p, nil
}

// PurchaseFilter picks purchases; what is empty picks all. A gift is its buyer's, and
// also of the student who gets its hours.
type PurchaseFilter struct{ StudentID, Status, PlanID string }

// List pages through purchases, newest first. It returns a *models.Error with
// code invalid_request or invalid_cursor.
func (s *PurchaseService) List(ctx context.Context, filter PurchaseFilter, page paging.PageRequest) (paging.Page[models.Purchase], error) {
	if filter.Status != "" && !slices.Contains(models.PaymentStatuses, models.PaymentStatus(filter.Status)) {
		return paging.Page[models.Purchase]{}, models.Errorf(models.CodeInvalidRequest, "payment_status must be one of %s.", strings.Trim(fmt.Sprint(models.PaymentStatuses), "[]"))
	}
	query, timeColumn, idColumn := s.db.Reader.WithContext(ctx).Model(&models.Purchase{}), "purchase_transactions.created_at", "purchase_transactions.id"
	if filter.StudentID != "" {
		query = query.Where("(student_id = ? OR beneficiary_id = ?)", filter.StudentID, filter.StudentID)
	}
	if filter.PlanID != "" {
		query = query.Where("plan_id = ?", filter.PlanID)
	}
	switch {
	case filter.Status == "":
	case filter.StudentID != "" || filter.Status == string(models.StatusCompleted): // a student's are few, and most are completed
		query = query.Where("purchase_transactions.payment_status = ?", filter.Status)
	default:
		query = query.Joins("JOIN purchases_not_completed listed ON listed.id = purchase_transactions.id").Where("listed.payment_status = ?", filter.Status)
		timeColumn, idColumn = "listed.created_at", "listed.id"
	}
	return paging.ByTime(query, timeColumn, idColumn, page, func(p *models.Purchase) paging.Position { return paging.Position{Time: p.CreatedAt, ID: p.ID} })
}

// PurchaseDetail is one purchase with its payments, the refunds that staff
// asked for, and its open cases.
type PurchaseDetail struct {
	*models.Purchase
	Payments []Payment              `json:"payments"`
	Refunds  []models.RefundRequest `json:"refunds"` // with the latest that is known of them
	Cases    []models.Case          `json:"cases"`

	// After is the purchase as it will be when Stripe's events have told of
	// these refunds.
	After *models.Purchase `json:"-"`
}

// Payment is money that Stripe took for a purchase, in its own currency.
type Payment struct {
	ID       string               `json:"id"`
	Received int64                `json:"received"`
	Currency string               `json:"currency"`
	Refunded int64                `json:"refunded"`
	Disputed int64                `json:"disputed"`
	Status   models.PaymentStatus `json:"status"`
	At       *time.Time           `json:"at"` // null: not received
}

// Detail gives a purchase, by its id or that of any of its Stripe objects,
// with its payments, refunds and open cases. It returns a *models.Error with
// code not_found.
func (s *PurchaseService) Detail(ctx context.Context, id string) (*PurchaseDetail, error) {
	p, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	detail := &PurchaseDetail{Purchase: p, Payments: []Payment{}, Cases: []models.Case{}}
	for _, known := range p.Derive().Payments {
		payment := Payment{
			ID: known.ID, Received: known.Received, Currency: cmp.Or(known.Currency, p.Currency),
			Refunded: known.Refunded, Disputed: known.Disputed, Status: known.Status,
		}
		if known.Received > 0 {
			at := time.Unix(known.At, 0).UTC()
			payment.At = &at
		}
		detail.Payments = append(detail.Payments, payment)
	}
	if detail.Refunds, err = refundRequests(s.db.Reader.WithContext(ctx), p); err != nil {
		return nil, err
	}
	detail.After, _ = p.AfterRefunds(detail.Refunds)
	for i := range detail.Refunds {
		detail.Refunds[i].Status = detail.Refunds[i].StatusIn(p)
	}
	err = s.db.Reader.WithContext(ctx).Where("transaction_id = ? AND closed_at IS NULL", p.ID).
		Order("opened_at DESC, id DESC").Limit(paging.MaxPageSize).Find(&detail.Cases).Error
	if err != nil {
		return nil, fmt.Errorf("read a purchase's cases: %w", err)
	}
	return detail, nil
}
