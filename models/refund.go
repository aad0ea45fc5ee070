package models

import (
	"time"

	"hourbank/models/money"
)

// Statuses of a refund request beside Stripe's own, which it has once it is
// answered.
const (
	RefundAsked   = "asked"   // no answer yet; it is asked again by itself
	RefundRefused = "refused" // no refund was made, for the reason in Message
)

// RefundRequest is a refund of one payment that staff asked Stripe for. It is
// kept before Stripe is asked, so that nobody asks for the same money twice,
// whatever dies in between.
type RefundRequest struct {
	ID            string     `gorm:"primaryKey" json:"id"` // Stripe's idempotency key for it
	TransactionID string     `json:"-"`                    // the purchase
	Payment       string     `json:"payment"`              // the PaymentIntent or charge
	Amount        int64      `json:"amount"`               // minor units
	Currency      string     `json:"currency"`
	ForHours      bool       `json:"-"` // it was asked for as hours, and takes these alone
	Reason        string     `json:"reason"`
	Actor         string     `json:"actor"`     // the API key's name
	RefundID      *string    `json:"refund_id"` // Stripe's; null: it made none yet
	Status        string     `json:"status"`
	Message       *string    `json:"message"` // why it was refused
	RequestedAt   time.Time  `json:"requested_at"`
	AnsweredAt    *time.Time `json:"-"`
	MAC           string     `gorm:"column:mac" json:"-"` // that it is ours: signing.SignRefund
}

// TableName says where they are.
func (RefundRequest) TableName() string { return "refund_requests" }

// IsOpen says whether the request takes money of the purchase of which
// Stripe's events have not told yet, or may do so.
func (r *RefundRequest) IsOpen(p *Purchase) bool {
	switch {
	case r.Status == RefundRefused, r.Status == money.RefundFailed, r.Status == money.RefundCanceled:
		return false
	case r.RefundID == nil:
		return true
	}
	_, told := p.Evidence.Refunds[*r.RefundID]
	return !told
}

// StatusIn is the latest that is known of the request: what Stripe's events
// told of its refund, else what Stripe answered.
func (r *RefundRequest) StatusIn(p *Purchase) string {
	if r.RefundID != nil {
		if told := p.Evidence.Refunds[*r.RefundID]; told.Status != "" {
			return told.Status
		}
	}
	return r.Status
}

// AfterRefunds is the purchase as it will be when Stripe's events have told of
// those of the requests that are open, and what that changes. The purchase
// itself stays as it is.
func (p *Purchase) AfterRefunds(requests []RefundRequest) (*Purchase, Change) {
	refunds := map[string]money.Refund{}
	for _, r := range requests {
		if !r.IsOpen(p) {
			continue
		}
		at := r.RequestedAt.Unix()
		refund := money.Refund{ForHours: r.ForHours, RefundState: money.RefundState{
			At: at, Status: money.RefundPending, Amount: r.Amount, Currency: r.Currency, Created: at,
		}}
		if _, isIntent := p.Evidence.Payments[r.Payment]; isIntent {
			refund.PaymentIntent = r.Payment
		} else {
			refund.Charge = r.Payment
		}
		refunds[r.ID] = refund
	}
	after := *p
	change := after.Observe(money.Evidence{Refunds: refunds})
	return &after, change
}

// Left is what of the purchase's money is neither returned nor held, in minor
// units, and what of its hours is not reversed.
func (p *Purchase) Left() (amount int64, hours Hours) {
	return p.AmountReceived - p.AmountRefunded - p.AmountDisputed, p.HoursCredited - p.HoursReversed
}
