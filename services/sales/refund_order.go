package sales

import (
	"cmp"
	"slices"
	"time"

	"gorm.io/gorm"

	"hourbank/models"
	"hourbank/services/stripe"
)

// RefundOrder asks for money back: an amount in minor units, the price of so many
// hours, or the price of those that were not used.
type RefundOrder struct {
	Amount int64        `json:"amount"`
	Hours  models.Hours `json:"hours"`
	Unused bool         `json:"unused"`
	Reason string       `json:"reason"` // one of Stripe's, or in the words of whoever gives it; empty: the customer asked
}

// check returns a *models.Error with code invalid_request.
func (o *RefundOrder) check() error {
	asked := 0
	for _, one := range []bool{o.Amount > 0, o.Hours > 0, o.Unused} {
		if one {
			asked++
		}
	}
	if o.Amount < 0 || o.Hours < 0 || asked != 1 {
		return models.Errorf(models.CodeInvalidRequest, "Give one of amount and hours, more than 0, or unused.")
	}
	o.Reason = cmp.Or(o.Reason, stripe.RequestedByCustomer)
	return models.ValidateText("reason", o.Reason)
}

// plan says which payments of a purchase, as it will be after the refunds that
// were asked for before, give the money back: those that hold it, the newest
// first; where they hold too little, none. The requests have no ids yet. It
// returns a *models.Error with code invalid_request or conflict.
func (o *RefundOrder) plan(p *models.Purchase, actor string, now time.Time) ([]models.RefundRequest, error) {
	amount, err := o.amountOf(p)
	if err != nil {
		return nil, err
	}
	var requests []models.RefundRequest
	for _, payment := range refundable(p) {
		part := min(payment.Kept(), amount)
		if part == 0 {
			break
		}
		amount -= part
		requests = append(requests, models.RefundRequest{
			TransactionID: p.ID, Payment: payment.ID, Amount: part, Currency: p.Currency,
			ForHours: o.Hours > 0, Reason: o.Reason, Actor: actor, Status: models.RefundAsked, RequestedAt: now,
		})
	}
	if amount > 0 {
		return nil, models.Errorf(models.CodeConflict, "Stripe holds too little of this purchase's money: the rest was paid from a balance or outside Stripe, or in another currency.")
	}
	return requests, nil
}

// resolve says how many hours are unused, where the order is for these: beside what
// was asked for before. It returns a *models.Error with code conflict where none are.
func (o *RefundOrder) resolve(tx *gorm.DB, p, after *models.Purchase) error {
	if !o.Unused {
		return nil
	}
	unused, err := unusedOf(tx, p)
	if err != nil {
		return err
	}
	_, now := p.Left()
	_, then := after.Left()
	if o.Hours = unused - (now - then); o.Hours <= 0 {
		return models.Errorf(models.CodeConflict, "No hours of this purchase are unused, beside what was asked for already.")
	}
	return nil
}

// amountOf is what the order comes to, in minor units.
func (o *RefundOrder) amountOf(p *models.Purchase) (int64, error) {
	amount, hours := p.Left()
	switch price := p.PriceOf(o.Hours); {
	case amount <= 0:
		return 0, models.Errorf(models.CodeConflict, "There is no money of this purchase to refund, beside what was asked for already.")
	case o.Amount > amount || o.Hours > hours:
		return 0, models.Errorf(models.CodeInvalidRequest, "At most %d (%s), and %s hours, are left to refund.", amount, models.FormatMoney(amount, p.Currency), hours)
	case o.Amount > 0:
		return o.Amount, nil
	case price == 0:
		return 0, models.Errorf(models.CodeInvalidRequest, "%s hours cost less than the smallest coin.", o.Hours)
	default:
		return min(price, amount), nil
	}
}

// refundable lists the payments whose money Stripe can give back in the
// purchase's currency, newest first.
func refundable(p *models.Purchase) []models.PaymentState {
	payments := slices.DeleteFunc(p.Derive().Payments, func(s models.PaymentState) bool {
		_, isIntent := p.Evidence.Payments[s.ID]
		_, isCharge := p.Evidence.Charges[s.ID]
		return s.Kept() <= 0 || s.Currency != p.Currency || (!isIntent && !isCharge)
	})
	slices.Reverse(payments)
	return payments
}
