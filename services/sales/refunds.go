package sales

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/auditlog"
)

// RefundRequested is what Stripe answered; hours move with its events. Where
// several payments had to be refunded, the first refund that Stripe made
// stands for them, and Refunds lists all.
type RefundRequested struct {
	ID            string          `json:"id"`
	TransactionID string          `json:"transaction_id"`
	Amount        int64           `json:"amount"` // of all that Stripe made
	Currency      string          `json:"currency"`
	Status        string          `json:"status"`
	Refunds       []PaymentRefund `json:"refunds"`
}

// PaymentRefund is the refund of one payment.
type PaymentRefund struct {
	ID      *string `json:"id"` // null: Stripe made none
	Payment string  `json:"payment"`
	Amount  int64   `json:"amount"`
	Status  string  `json:"status"`
	Message *string `json:"message"` // why there is none
}

// Refund asks Stripe to refund a purchase's payments, those that hold the
// money, newest first; the answer is a RefundRequested, and hours move when
// Stripe's events come. What is asked is kept first: what Stripe doesn't
// answer now is asked again by itself. It returns a *models.Error with code
// not_found, invalid_request, conflict (there is nothing to refund),
// idempotency_mismatch, or one of Stripe's where it made no refund at all.
func (s *SalesService) Refund(ctx context.Context, purchaseID string, order RefundOrder, key RequestKey) (*Answer, error) {
	if err := order.check(); err != nil {
		return nil, err
	}
	if answer, err := s.answered(ctx, key); answer != nil || err != nil {
		return answer, err
	}
	if err := s.settle(ctx, purchaseID, order); err != nil {
		return nil, err
	}
	requests, repeated, err := s.keepRequests(ctx, purchaseID, order, key)
	if err != nil {
		return nil, err
	}
	var failed error
	for i := range requests {
		if requests[i].Status == models.RefundAsked {
			failed = errors.Join(s.ask(ctx, &requests[i], repeated), failed)
		}
	}
	requested, err := toldOf(requests, failed)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(requested)
	if err != nil {
		return nil, fmt.Errorf("encode a refund: %w", err)
	}
	return &Answer{Status: http.StatusCreated, Body: body, Replayed: repeated}, nil
}

// keepRequests writes down what Stripe will be asked for, one request a
// payment, under the purchase's lock, so that no two orders ask for the same
// money; or finds what the same order wrote before.
func (s *SalesService) keepRequests(ctx context.Context, purchaseID string, order RefundOrder, key RequestKey) (requests []models.RefundRequest, repeated bool, err error) {
	base := models.NewID()
	if key.Key != "" {
		base = key.id()
	}
	err = database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		p, err := ReadPurchase(tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), purchaseID)
		if err != nil {
			return err
		}
		known, err := refundRequests(tx, p)
		if err != nil {
			return err
		}
		requests = slices.DeleteFunc(slices.Clone(known), func(r models.RefundRequest) bool { return !strings.HasPrefix(r.ID, base) })
		if repeated = len(requests) > 0; repeated {
			slices.SortFunc(requests, func(a, b models.RefundRequest) int { return strings.Compare(a.ID, b.ID) })
			return checkKey(tx, key)
		}
		after, _ := p.AfterRefunds(known)
		if err := order.resolve(tx, p, after); err != nil {
			return err
		}
		if requests, err = order.plan(after, key.APIKey, tx.NowFunc()); err != nil {
			return err
		}
		if !s.stripe.HasKey() {
			return models.Errorf(models.CodeStripeUnavailable, "STRIPE_SECRET_KEY is not set, so that nothing can be refunded.")
		}
		return s.writeRequests(tx, requests, base, key)
	})
	if database.IsUniqueViolation(err) {
		return nil, false, models.Errorf(models.CodeIdempotencyMismatch, "This Idempotency-Key was used for another request.")
	}
	return requests, repeated, err
}

func checkKey(tx *gorm.DB, key RequestKey) error {
	var known idempotencyKey
	if err := tx.Where("api_key = ? AND key = ?", key.APIKey, key.Key).Take(&known).Error; err != nil {
		return fmt.Errorf("read an idempotency key: %w", err)
	}
	return known.isOf(key)
}

// writeRequests gives an order's requests their ids, signs them, and stores them,
// its key, and whose order it was.
func (s *SalesService) writeRequests(tx *gorm.DB, requests []models.RefundRequest, base string, key RequestKey) error {
	var sum int64
	for i := range requests {
		requests[i].ID = base
		if i > 0 {
			requests[i].ID += fmt.Sprintf("_%03d", i)
		}
		sum += requests[i].Amount
		s.stripe.SignRefund(&requests[i])
	}
	if err := tx.Create(&requests).Error; err != nil {
		return fmt.Errorf("store refund requests: %w", err)
	}
	if err := remember(tx, key, answeredElsewhere, nil); err != nil {
		return fmt.Errorf("store a refund's key: %w", err)
	}
	first := requests[0]
	return auditlog.Write(tx, first.Actor, models.ActionRefund, first.TransactionID, models.FormatMoney(sum, first.Currency)+": "+first.Reason)
}

// refundRequests lists the refunds that were asked for of a purchase, newest
// first, and of those whose evidence it has.
func refundRequests(tx *gorm.DB, p *models.Purchase) ([]models.RefundRequest, error) {
	ids := append(slices.Collect(maps.Keys(p.Evidence.Merged)), p.ID)
	requests := []models.RefundRequest{}
	err := tx.Where(database.IsAnyOf(tx, "transaction_id", ids)).Order("requested_at DESC, id").Find(&requests).Error
	if err != nil {
		return nil, fmt.Errorf("read refund requests: %w", err)
	}
	return requests, nil
}

// ask asks Stripe for one refund, perhaps again, and keeps its answer, if only that there
// is none to be had. Where Stripe gives no answer, the request stays as it is, until Stripe
// may not know it any more: a refund that was made would be made once more.
func (s *SalesService) ask(ctx context.Context, r *models.RefundRequest, again bool) error {
	if s.db.NowFunc().Sub(r.RequestedAt) >= giveUpAfter {
		r.Status, r.Message = models.RefundRefused, new("Stripe gave no answer for 23 hours, so that it is not asked any more. Whether it made the refund, its dashboard says.")
		return s.keepAnswer(ctx, r)
	}
	refund, err := s.stripe.CreateRefund(ctx, r)
	known, isOurs := errors.AsType[*models.Error](err)
	switch {
	case err == nil:
		r.RefundID, r.Status = &refund.ID, string(refund.Status)
	case !isOurs || known.Code == models.CodeStripeUnavailable, again && saysNothingOfBefore(known.Code):
		return err
	default:
		r.Status, r.Message = models.RefundRefused, &known.Message
	}
	return errors.Join(err, s.keepAnswer(ctx, r))
}

// saysNothingOfBefore says of an answer to a repeated request whether the first one may have
// been taken all the same: our key was changed meanwhile, or what we send.
func saysNothingOfBefore(code models.Code) bool {
	return code == models.CodeStripeError || code == models.CodeIdempotencyMismatch
}

// keepAnswer stores what became of a request, also where whoever asked is gone.
func (s *SalesService) keepAnswer(ctx context.Context, r *models.RefundRequest) error {
	err := database.Transact(context.WithoutCancel(ctx), s.db, func(tx *gorm.DB) error {
		now := tx.NowFunc()
		r.AnsweredAt = &now
		return tx.Model(r).Where("status = ?", models.RefundAsked).Select("refund_id", "status", "message", "answered_at").Updates(r).Error
	})
	if err != nil {
		return fmt.Errorf("store Stripe's answer to a refund: %w", err) // asking again gets it again
	}
	return nil
}

// toldOf is what an order's requests came to. Where Stripe made no refund, it
// returns why: failed, or what it answered before.
func toldOf(requests []models.RefundRequest, failed error) (*RefundRequested, error) {
	told := &RefundRequested{TransactionID: requests[0].TransactionID, Currency: requests[0].Currency}
	asked := false
	for _, r := range requests {
		told.Refunds = append(told.Refunds, PaymentRefund{ID: r.RefundID, Payment: r.Payment, Amount: r.Amount, Status: r.Status, Message: r.Message})
		asked = asked || r.Status == models.RefundAsked
		if r.RefundID == nil {
			continue
		}
		if told.ID == "" {
			told.ID, told.Status = *r.RefundID, r.Status
		}
		told.Amount += r.Amount
	}
	switch {
	case told.ID != "":
		return told, nil
	case asked:
		return nil, &models.Error{Code: models.CodeStripeUnavailable, Message: "Stripe gives no answer now. The refund is kept, and Hourbank asks for it again by itself: don't ask for another one.", Err: failed}
	case failed != nil:
		return nil, failed
	default:
		return nil, models.Errorf(models.CodeStripeRefused, "%s", *requests[0].Message)
	}
}

// How Stripe is asked again for what it gave no answer to.
const (
	askAgainAfter = time.Minute
	// giveUpAfter is a little less than the time for which Stripe is sure to
	// know an idempotency key. https://docs.stripe.com/api/idempotent_requests
	giveUpAfter  = 23 * time.Hour
	askAgainMany = 20 // requests at a time
)

// Unanswered says whether any refund waits to be asked for again.
func (s *SalesService) Unanswered(ctx context.Context) (bool, error) {
	due, err := s.unanswered(ctx, 1)
	return len(due) > 0, err
}

func (s *SalesService) unanswered(ctx context.Context, limit int) ([]models.RefundRequest, error) {
	var due []models.RefundRequest
	err := s.db.Reader.WithContext(ctx).Where("status = 'asked' AND requested_at <= ?", s.db.NowFunc().Add(-askAgainAfter)).
		Order("requested_at").Limit(limit).Find(&due).Error
	if err != nil {
		return nil, fmt.Errorf("look for refunds without an answer: %w", err)
	}
	return due, nil
}

// AskAgain asks Stripe once more, under the same keys, for the refunds to
// which it gave no answer, a bounded number of them. Those that it won't know
// any more are given up.
func (s *SalesService) AskAgain(ctx context.Context) error {
	due, err := s.unanswered(ctx, askAgainMany)
	for i := range due {
		err = errors.Join(err, s.ask(ctx, &due[i], true))
	}
	return err
}
