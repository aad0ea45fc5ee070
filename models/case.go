package models

import "time"

// Case is a case as it is kept.
type Case struct {
	ID            string     `gorm:"primaryKey" json:"id"`
	Kind          CaseKind   `json:"kind"`
	Subject       string     `json:"-"`
	Status        string     `gorm:"->" json:"status"` // "open" or "closed"
	StudentID     *string    `json:"student_id"`
	TransactionID *string    `json:"transaction_id"`
	EventID       *string    `json:"event_id"`
	Payment       *string    `json:"payment"`
	Amount        *int64     `json:"amount"`
	Currency      *string    `json:"currency"`
	DueBy         *time.Time `json:"due_by"`
	OpenedAt      time.Time  `json:"opened_at"`
	ClosedAt      *time.Time `json:"closed_at"`
	ClosedBy      *string    `json:"closed_by"` // the key's name; null where the facts closed it
	Note          *string    `json:"note"`
}

// CanBeGiven says whether it is about money that has no purchase, and could be
// given to a student and a plan.
func (c *Case) CanBeGiven() bool {
	return (c.Kind == CaseUnmatchedPayment || c.Kind == CaseUnexplainedInvoice || c.Kind == CaseOtherCurrency && c.TransactionID == nil) && c.Payment != nil
}

// TableName says where they are.
func (Case) TableName() string { return "cases" }

// OrNull is the text as a column keeps it; nil: it is empty.
func OrNull[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}
