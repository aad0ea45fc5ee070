package ingest

import (
	"context"
	"fmt"

	"hourbank/models"
	"hourbank/services/stripe"
)

// PurchaseChange is what an event does, or would do, to its purchase.
type PurchaseChange struct {
	TransactionID  string               `json:"transaction_id"`
	StatusBefore   models.PaymentStatus `json:"status_before"`
	StatusAfter    models.PaymentStatus `json:"status_after"`
	CreditedBefore models.Hours         `json:"hours_credited_before"`
	CreditedAfter  models.Hours         `json:"hours_credited_after"`
	ReversedBefore models.Hours         `json:"hours_reversed_before"`
	ReversedAfter  models.Hours         `json:"hours_reversed_after"`
	Reason         *models.Reason       `json:"reason"` // stale: it changes nothing
}

// Preview says what an event would do to its purchase now, without doing it;
// nil where no purchase is known for it.
func (s *PaymentService) Preview(ctx context.Context, event *stripe.Event) (*PurchaseChange, error) {
	if event.Status != "" {
		return nil, nil
	}
	db, entries := s.db.Reader.WithContext(ctx), []*entry{{event: event}}
	book, err := readPurchases(db, entries, nil)
	if err != nil {
		return nil, fmt.Errorf("preview an event: %w", err)
	}
	others, err := book.otherIntents(db, entries)
	if err != nil {
		return nil, fmt.Errorf("preview an event: %w", err)
	}
	if len(others) > 0 {
		if book, err = readPurchases(db, entries, others); err != nil {
			return nil, fmt.Errorf("preview an event: %w", err)
		}
	}
	p := book.find(event.Keys)
	if p == nil {
		return nil, nil
	}
	return Teach(p, event), nil
}

// Teach lets a purchase that is not going to be stored learn from an event,
// and says what that changed.
func Teach(p *models.Purchase, event *stripe.Event) *PurchaseChange {
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
	return change
}
