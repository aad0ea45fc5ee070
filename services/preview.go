package services

import (
	"context"
	"fmt"

	"hourbank/models"
)

// Preview says what an event would do to its purchase now, without doing it;
// nil where no purchase is known for it.
func (s *PaymentService) Preview(ctx context.Context, event *Event) (*PurchaseChange, error) {
	if event.Status != "" {
		return nil, nil
	}
	book, err := readPurchases(s.db.Reader.WithContext(ctx), []*entry{{event: event}})
	if err != nil {
		return nil, fmt.Errorf("preview an event: %w", err)
	}
	p := book.find(event.Keys)
	if p == nil {
		return nil, nil
	}
	change := &PurchaseChange{
		TransactionID: p.ID, StatusBefore: p.PaymentStatus,
		CreditedBefore: p.HoursCredited, ReversedBefore: p.HoursReversed,
	}
	if event.Period != nil && event.Period.Paid {
		p.Reprice(event.Period.Amount)
	}
	if lesson := p.Learn(event.Facts); lesson.Reason != models.ReasonNone {
		change.Reason = &lesson.Reason
	}
	change.StatusAfter, change.CreditedAfter, change.ReversedAfter = p.PaymentStatus, p.HoursCredited, p.HoursReversed
	return change, nil
}
