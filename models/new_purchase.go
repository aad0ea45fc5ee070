package models

import (
	"cmp"
	"errors"
	"time"

	"hourbank/models/money"
)

// MadeByTest is what the metadata of purchases that test-stripe-webhook makes
// have as "made_by": they are in no sum of the business.
const MadeByTest = "test-stripe-webhook"

// IsTest says whether the purchase was made by test-stripe-webhook.
func (p *Purchase) IsTest() bool { return p.Metadata["made_by"] == MadeByTest }

// NoteCustomer keeps one of the Stripe customers that were named, whatever the order,
// and says whether that changed it.
func (p *Purchase) NoteCustomer(customer string) bool {
	if !IsObjectID(customer) || (p.StripeCustomerID != nil && *p.StripeCustomerID >= customer) {
		return false
	}
	p.StripeCustomerID = &customer
	return true
}

// NewPurchase is what a purchase starts from.
type NewPurchase struct {
	ID                string // empty: a new one
	Origin            Origin
	StudentID         string
	BeneficiaryID     *string // whose account gets the hours; nil, or the student again: no gift
	TransactionType   TransactionType
	Hours             Hours
	Amount            int64  // minor units
	Currency          string // lower-case ISO code
	PaymentIntentID   string // may be empty, and told later
	CheckoutSessionID string // likewise
	PlanID            *string
	ValidDays         *int
	RolloverHours     *Hours
	Metadata          map[string]string
	Processing        bool // the customer is paying already
}

// OfPlan makes it one of so many times a plan, at its price.
func (n *NewPurchase) OfPlan(plan *Plan, quantity int64) {
	n.Hours, n.Amount, n.Currency = plan.Hours*Hours(quantity), plan.Amount*quantity, plan.Currency
	n.TransactionType, n.PlanID, n.ValidDays, n.RolloverHours = plan.TransactionType, &plan.ID, plan.ValidDays, plan.RolloverHours
}

// AccountID is the student whose account gets the hours.
func (n *NewPurchase) AccountID() string { return accountOf(n.StudentID, n.BeneficiaryID) }

// Validate returns an *Error with code invalid_request.
func (n NewPurchase) Validate() error {
	err := errors.Join(ValidateID("student_id", n.StudentID), ValidateTerms(n.Hours, n.Amount, n.Currency))
	if n.BeneficiaryID != nil {
		err = errors.Join(err, ValidateID("beneficiary_id", *n.BeneficiaryID))
	}
	if n.PaymentIntentID != "" {
		err = errors.Join(err, ValidateID("payment_intent_id", n.PaymentIntentID))
	}
	return err
}

// ValidateSale returns the same, and where a student can't buy or be given hours.
func (n NewPurchase) ValidateSale() error {
	err := errors.Join(n.Validate(), ValidateStudent("student_id", n.StudentID))
	if n.BeneficiaryID != nil {
		err = errors.Join(err, ValidateStudent("beneficiary_id", *n.BeneficiaryID))
	}
	return err
}

// IsOfTheSame says whether a purchase that was made of what counts less is of the
// same: then it may stay.
func (n NewPurchase) IsOfTheSame(p *Purchase) bool {
	return p.StudentID == n.StudentID && p.AccountID() == n.AccountID() && p.Hours == n.Hours && p.Amount == n.Amount && p.Currency == n.Currency
}

// Purchase makes it, not stored yet.
func (n NewPurchase) Purchase(now time.Time) *Purchase {
	p := &Purchase{
		ID: cmp.Or(n.ID, NewID()), Origin: n.Origin, StudentID: n.StudentID, TransactionType: n.TransactionType,
		Amount: n.Amount, Currency: n.Currency, Hours: n.Hours,
		PlanID: n.PlanID, ValidDays: n.ValidDays, RolloverHours: n.RolloverHours, Metadata: n.Metadata,
		CreatedAt: now, UpdatedAt: now,
	}
	if p.Metadata == nil {
		p.Metadata = map[string]string{}
	}
	if n.AccountID() != n.StudentID {
		p.BeneficiaryID = n.BeneficiaryID
	}
	if n.PaymentIntentID != "" {
		intent := money.Payment{Sold: true}
		if n.Processing {
			intent.Processing = new(int64) // time 0: whatever Stripe tells is later
		}
		p.Evidence.Payments = map[string]money.Payment{n.PaymentIntentID: intent}
	}
	if n.CheckoutSessionID != "" {
		p.Evidence.Sessions = map[string]money.Session{n.CheckoutSessionID: {Sold: true}}
	}
	p.settle(p.Derive())
	return p
}
