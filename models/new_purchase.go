package models

import (
	"errors"
	"time"
)

// NewPurchase is what a purchase starts from.
type NewPurchase struct {
	StudentID       string
	TransactionType TransactionType
	Hours           Hours
	Amount          int64  // minor units
	Currency        string // lower-case ISO code
	PaymentIntentID string // may be empty, and tied later
	PlanID          *string
	ValidDays       *int
	Metadata        map[string]string
	Processing      bool // the customer is paying already
}

// Validate returns an *Error with code invalid_request.
func (n NewPurchase) Validate() error {
	err := errors.Join(ValidateID("student_id", n.StudentID), ValidateTerms(n.Hours, n.Amount, n.Currency))
	if n.PaymentIntentID != "" {
		err = errors.Join(err, ValidateID("payment_intent_id", n.PaymentIntentID))
	}
	return err
}

// Purchase makes it, not stored yet.
func (n NewPurchase) Purchase(now time.Time) *Purchase {
	p := &Purchase{
		ID: NewID(), StudentID: n.StudentID, TransactionType: n.TransactionType,
		Amount: n.Amount, Currency: n.Currency, Hours: n.Hours,
		PlanID: n.PlanID, ValidDays: n.ValidDays, Metadata: n.Metadata,
		CreatedAt: now, UpdatedAt: now,
	}
	if p.Metadata == nil {
		p.Metadata = map[string]string{}
	}
	if n.PaymentIntentID != "" {
		p.StripePaymentIntentID = &n.PaymentIntentID
	}
	if n.Processing {
		// Time 0: whatever Stripe tells is later.
		p.Learn([]Fact{PaymentProcessing{}})
	} else {
		p.Learn(nil)
	}
	return p
}
