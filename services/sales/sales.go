// Package sales sells hours: purchases, refunds and plans, and the accounts on
// which lessons and adjustments are booked.
package sales

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/models/money"
	"hourbank/services/owner"
	"hourbank/services/plans"
	"hourbank/services/stripe"
)

// SalesService sells hours: it asks Stripe to collect a payment and stores the
// purchase that waits for it. It is safe for concurrent use.
type SalesService struct {
	db     *database.DB
	stripe *stripe.StripeService
	owner  *owner.Service
}

// NewSalesService makes the service.
func NewSalesService(db *database.DB, stripe *stripe.StripeService, owner *owner.Service) *SalesService {
	return &SalesService{db: db, stripe: stripe, owner: owner}
}

// Order is what a student wants: a plan, or so many hours for so much.
type Order struct {
	StudentID     string               `json:"student_id"`
	BeneficiaryID *string              `json:"beneficiary_id"` // whose account gets the hours; nil, or the student again: no gift
	Plan          string               `json:"plan"`
	Hours         models.Hours         `json:"hours"`
	Amount        int64                `json:"amount"` // minor units
	Currency      string               `json:"currency"`
	Checkout      *stripe.CheckoutURLs `json:"checkout"` // a Checkout Session instead of a PaymentIntent
}

// NamesPrice says whether it is for another price than a plan's.
func (o Order) NamesPrice() bool {
	return o.Plan == "" && (o.Hours != 0 || o.Amount != 0 || o.Currency != "")
}

// Sale is a purchase and what a browser needs to pay it.
type Sale struct {
	*models.Purchase
	ClientSecret string `json:"client_secret,omitempty"`
	URL          string `json:"url,omitempty"` // of Stripe's checkout page
}

// RequestKey makes a request repeatable: the same key and hash get the same
// answer. An empty Key is a request like any other.
type RequestKey struct {
	APIKey string // the caller's name
	Key    string // the Idempotency-Key header
	Hash   string // of the request's content
}

// id follows from the key, so that a repetition after a crash names the same
// thing to Stripe.
func (k RequestKey) id() string {
	return uuid.NewSHA1(hourbankNamespace, []byte(k.APIKey+"\x00"+k.Key)).String()
}

// Answer is a response as it was given first, or again.
type Answer struct {
	Status   int
	Body     []byte
	Replayed bool
}

// hourbankNamespace is where purchase ids that follow from a request come from.
var hourbankNamespace = uuid.MustParse("6f7b2a52-7f0e-5d0c-9d3c-2f9f0f5a9b11")

// Sell makes a purchase. Nothing is stored before Stripe has answered, and no
// transaction is open while it is asked: with an Idempotency-Key the
// purchase's id, and so Stripe's idempotency key, follow from the request, so
// that a repetition after a crash finds the same PaymentIntent. It returns an
// *models.Error with code invalid_request, currency_mismatch, idempotency_mismatch
// or one of Stripe's.
func (s *SalesService) Sell(ctx context.Context, order Order, key RequestKey) (*Answer, error) {
	if answer, err := s.answered(ctx, key); answer != nil || err != nil {
		return answer, err
	}
	p, err := s.prepare(ctx, order)
	if err != nil {
		return nil, err
	}
	if key.Key != "" {
		if p.ID, err = s.idOf(ctx, key); err != nil {
			return nil, err
		}
	}
	sale := &Sale{Purchase: p}
	if order.Checkout != nil {
		session, err := s.stripe.CreateCheckoutSession(ctx, p, *order.Checkout, "purchase_"+p.ID)
		if err != nil {
			return nil, err
		}
		p.SoldBy(money.Evidence{Sessions: map[string]money.Session{session.ID: {Sold: true}}})
		sale.URL = session.URL
	} else {
		intent, err := s.stripe.CreatePaymentIntent(ctx, p, "purchase_"+p.ID)
		if err != nil {
			return nil, err
		}
		p.SoldBy(money.Evidence{Payments: map[string]money.Payment{intent.ID: {Sold: true}}})
		sale.ClientSecret = intent.ClientSecret
	}
	return s.commit(ctx, sale, key)
}

// prepare checks the order and the account that gets the hours, before Stripe is asked.
func (s *SalesService) prepare(ctx context.Context, order Order) (*models.Purchase, error) {
	if !s.stripe.HasKey() {
		return nil, models.Errorf(models.CodeStripeUnavailable, "STRIPE_SECRET_KEY is not set, so that no payment can be collected.")
	}
	n := models.NewPurchase{
		StudentID: order.StudentID, BeneficiaryID: order.BeneficiaryID, TransactionType: models.TypePackage,
		Hours: order.Hours, Amount: order.Amount, Currency: order.Currency,
	}
	if order.Plan != "" {
		if err := models.ValidateID("plan", order.Plan); err != nil {
			return nil, err
		}
		if order.Hours != 0 || order.Amount != 0 || order.Currency != "" {
			return nil, models.Errorf(models.CodeInvalidRequest, "Give either plan, or hours, amount and currency.")
		}
		plan, err := s.plan(ctx, order.Plan)
		if err != nil {
			return nil, err
		}
		n.OfPlan(plan, 1)
	}
	if err := n.ValidateSale(); err != nil {
		return nil, err
	}
	if err := order.Checkout.Validate(); err != nil {
		return nil, err
	}
	account, err := readAccount(s.db.Reader.WithContext(ctx), n.AccountID())
	if err != nil && !errors.Is(err, errNoAccount) {
		return nil, err
	}
	if account != nil {
		if err := checkCurrency(s.db.Reader.WithContext(ctx), account, n.Currency); err != nil {
			return nil, err
		}
	}
	return n.Purchase(s.db.NowFunc()), nil
}

func (s *SalesService) plan(ctx context.Context, id string) (*models.Plan, error) {
	plan, err := plans.Read(s.db.Reader.WithContext(ctx).Where("active"), id)
	if err != nil {
		return nil, err
	}
	if plan.TransactionType != models.TypePackage {
		return nil, models.Errorf(models.CodeInvalidRequest, "The plan %q is a subscription, which is bought from Stripe.", id)
	}
	return plan, nil
}

// idempotencyKey is an answered request. The answer to a refund is not here:
// it follows from what was asked and answered (RefundRequest).
type idempotencyKey struct {
	APIKey      string `gorm:"column:api_key"`
	Key         string
	RequestHash string
	Status      int
	Response    string
	CreatedAt   time.Time
}

// TableName says where they are.
func (idempotencyKey) TableName() string { return "idempotency_keys" }

// answeredElsewhere is the status of a key whose answer follows from other rows.
const answeredElsewhere = 0

func (k *idempotencyKey) isOf(key RequestKey) error {
	if k.RequestHash != key.Hash {
		return models.Errorf(models.CodeIdempotencyMismatch, "This Idempotency-Key was used for another request.")
	}
	return nil
}

// AnswersKeptFor is how long an answer is kept, with the client secret in it, for
// who asks again: as long as Stripe is sure to know a key.
// https://docs.stripe.com/api/idempotent_requests
const AnswersKeptFor = 24 * time.Hour

// idOf is the id of the purchase that a key makes. A key whose answer is gone is
// new, as it is to Stripe, so that what it once made must be left alone; so is one whose
// student, or who got the hours, was forgotten.
func (s *SalesService) idOf(ctx context.Context, key RequestKey) (string, error) {
	var made []models.Purchase
	err := s.db.Reader.WithContext(ctx).Select("created_at, student_id, beneficiary_id").Where("id = ?", key.id()).Limit(1).Find(&made).Error
	if err != nil {
		return "", fmt.Errorf("look for what an idempotency key made: %w", err)
	}
	if len(made) > 0 && (s.db.NowFunc().Sub(made[0].CreatedAt) > AnswersKeptFor || models.IsForgotten(made[0].StudentID) || models.IsForgotten(made[0].AccountID())) {
		return models.NewID(), nil
	}
	return key.id(), nil
}

// answered gives the answer that the key got before, or nil.
func (s *SalesService) answered(ctx context.Context, key RequestKey) (*Answer, error) {
	if key.Key == "" {
		return nil, nil
	}
	if err := models.ValidateID("Idempotency-Key", key.Key); err != nil {
		return nil, err
	}
	var known []idempotencyKey
	err := s.db.Reader.WithContext(ctx).Where("api_key = ? AND key = ?", key.APIKey, key.Key).Limit(1).Find(&known).Error
	if err != nil {
		return nil, fmt.Errorf("look up an idempotency key: %w", err)
	}
	if len(known) == 0 {
		return nil, nil
	}
	if err := known[0].isOf(key); err != nil || known[0].Status == answeredElsewhere {
		return nil, err
	}
	// Who is told of it again must find it after a failover, too: a lock waits for the
	// standbys, as the first answer did.
	err = database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		return tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("api_key = ? AND key = ?", key.APIKey, key.Key).Find(&idempotencyKey{}).Error
	})
	if err != nil {
		return nil, fmt.Errorf("make sure of an idempotency key's answer: %w", err)
	}
	return &Answer{Status: known[0].Status, Body: []byte(known[0].Response), Replayed: true}, nil
}

// remember stores what a key was answered.
func remember(tx *gorm.DB, key RequestKey, status int, body []byte) error {
	if key.Key == "" {
		return nil
	}
	return tx.Create(&idempotencyKey{
		APIKey: key.APIKey, Key: key.Key, RequestHash: key.Hash,
		Status: status, Response: string(body), CreatedAt: tx.NowFunc(),
	}).Error
}

// commit stores the purchase together with the answer to its key. Of two that
// ran at once, the second finds the first one's answer.
func (s *SalesService) commit(ctx context.Context, sale *Sale, key RequestKey) (*Answer, error) {
	body, err := json.Marshal(sale) //nolint:gosec // the buyer's browser needs the client secret
	if err != nil {
		return nil, fmt.Errorf("encode a sale: %w", err)
	}
	err = database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		if _, err := s.owner.Stamp(tx, s.stripe.Live()); err != nil {
			return err
		}
		if err := InsertPurchase(tx, sale.Purchase); err != nil {
			return err
		}
		return remember(tx, key, http.StatusCreated, body)
	})
	if known, ok := errors.AsType[*models.Error](err); key.Key != "" && (database.IsUniqueViolation(err) || (ok && known.Code == models.CodeConflict)) {
		if answer, lookupErr := s.answered(ctx, key); answer != nil || lookupErr != nil {
			return answer, lookupErr
		}
	}
	if err != nil {
		return nil, fmt.Errorf("store a sale: %w", err)
	}
	return &Answer{Status: http.StatusCreated, Body: body}, nil
}
