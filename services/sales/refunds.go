package sales

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/stripe"
)

// RefundOrder asks for money back: an amount in minor units, or the price of
// so many hours; neither means all that is left.
type RefundOrder struct {
	Amount int64        `json:"amount"`
	Hours  models.Hours `json:"hours"`
	Reason string       `json:"reason"` // one of Stripe's, or in the words of whoever gives it; may be empty
}

// RefundRequested is what Stripe answered; hours move with its events. Where
// several payments had to be refunded, the first stands for them, and Refunds
// lists all.
type RefundRequested struct {
	ID            string          `json:"id"`
	TransactionID string          `json:"transaction_id"`
	Amount        int64           `json:"amount"` // of all of them
	Currency      string          `json:"currency"`
	Status        string          `json:"status"`
	Refunds       []PaymentRefund `json:"refunds"`
}

// PaymentRefund is the refund of one payment.
type PaymentRefund struct {
	ID      string `json:"id"`
	Payment string `json:"payment"`
	Amount  int64  `json:"amount"`
	Status  string `json:"status"`
}

// Refund asks Stripe to refund a purchase's payments, those that hold the
// money, newest first; the answer is a RefundRequested, and hours move when
// Stripe's events come. It returns a *models.Error with code not_found,
// invalid_request, conflict (there is nothing to refund), idempotency_mismatch,
// or one of Stripe's.
func (s *SalesService) Refund(ctx context.Context, purchaseID string, order RefundOrder, key RequestKey) (*Answer, error) {
	if answer, err := s.answered(ctx, key); answer != nil || err != nil {
		return answer, err
	}
	p, err := ReadPurchase(s.db.Reader.WithContext(ctx), purchaseID)
	if err != nil {
		return nil, err
	}
	order.Reason = cmp.Or(order.Reason, stripe.RequestedByCustomer)
	if err := models.ValidateID("reason", order.Reason); err != nil {
		return nil, err
	}
	amount, err := order.amountOf(p)
	if err != nil {
		return nil, err
	}
	stripeKey := "refund_" + models.NewID()
	if key.Key != "" {
		stripeKey = "refund_" + key.id()
	}
	requested, err := s.refundPayments(ctx, p, amount, order.Reason, stripeKey)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(requested)
	if err != nil {
		return nil, fmt.Errorf("encode a refund: %w", err)
	}
	if err := remember(s.db.WithContext(ctx), key, body); err != nil && !database.IsUniqueViolation(err) {
		return nil, fmt.Errorf("remember a refund: %w", err) // asking again finds it by Stripe's key
	}
	return &Answer{Status: http.StatusCreated, Body: body}, nil
}

// refundPayments takes the amount from the payments that hold money, newest
// first; where they hold too little, from none. Its calls are repeatable under
// keys that follow from stripeKey.
func (s *SalesService) refundPayments(ctx context.Context, p *models.Purchase, amount int64, reason, stripeKey string) (*RefundRequested, error) {
	requested := &RefundRequested{TransactionID: p.ID, Currency: p.Currency}
	payments := refundable(p)
	var held int64
	for _, payment := range payments {
		held += payment.Kept()
	}
	if held < amount {
		return nil, models.Errorf(models.CodeConflict, "Stripe holds too little of this purchase's money: the rest was paid from a balance or outside Stripe, or in another currency.")
	}
	for i, payment := range payments {
		part := min(payment.Kept(), amount-requested.Amount)
		if part <= 0 {
			break
		}
		key := stripeKey
		if i > 0 {
			key += "_" + payment.ID
		}
		refund, err := s.stripe.CreateRefund(ctx, stripe.Refunded{
			PaymentIntent: has(p.Evidence.Payments, payment.ID), Charge: has(p.Evidence.Charges, payment.ID),
		}, part, reason, key)
		if err != nil {
			return nil, err
		}
		requested.Refunds = append(requested.Refunds, PaymentRefund{ID: refund.ID, Payment: payment.ID, Amount: refund.Amount, Status: string(refund.Status)})
		requested.Amount += refund.Amount
	}
	requested.ID, requested.Status = requested.Refunds[0].ID, requested.Refunds[0].Status
	return requested, nil
}

// refundable lists the payments whose money Stripe can give back in the
// purchase's currency, newest first.
func refundable(p *models.Purchase) []models.PaymentState {
	payments := slices.DeleteFunc(p.Derive().Payments, func(s models.PaymentState) bool {
		return s.Kept() <= 0 || s.Currency != p.Currency || has(p.Evidence.Payments, s.ID)+has(p.Evidence.Charges, s.ID) == ""
	})
	slices.Reverse(payments)
	return payments
}

func has[T any](objects map[string]T, id string) string {
	if _, ok := objects[id]; ok {
		return id
	}
	return ""
}

// amountOf is what the order comes to, in minor units.
func (o RefundOrder) amountOf(p *models.Purchase) (int64, error) {
	left := p.AmountReceived - p.AmountRefunded - p.AmountDisputed
	switch {
	case left <= 0:
		return 0, models.Errorf(models.CodeConflict, "There is no money of this purchase to refund.")
	case o.Amount < 0 || o.Hours < 0 || (o.Amount > 0 && o.Hours > 0):
		return 0, models.Errorf(models.CodeInvalidRequest, "Give either amount or hours, more than 0.")
	case o.Amount > left:
		return 0, models.Errorf(models.CodeInvalidRequest, "At most %d is left to refund.", left)
	case o.Hours > p.HoursCredited-p.HoursReversed:
		return 0, models.Errorf(models.CodeInvalidRequest, "At most %s hours are left to refund.", p.HoursCredited-p.HoursReversed)
	case o.Hours > 0:
		return min(p.PriceOf(o.Hours), left), nil
	case o.Amount == 0:
		return left, nil
	default:
		return o.Amount, nil
	}
}
