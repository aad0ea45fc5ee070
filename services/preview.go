package services

import (
	"context"
	"fmt"

	"hourbank/models"
	"hourbank/services/stripe"
)

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
	return teach(p, event), nil
}

// teach lets a purchase that is not going to be stored learn from an event,
// and says what that changed.
func teach(p *models.Purchase, event *stripe.Event) *PurchaseChange {
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

// maxTimeline is more events than any payment has in practice.
const maxTimeline = 200

// Told is one event of a purchase's life and what it changed.
type Told struct {
	Event  models.WebhookEvent // without its payload
	Change PurchaseChange
}

// Timeline tells a purchase's life again from its events, in the order in
// which they were applied. What each changed follows from the evidence alone,
// so that it need not be kept.
func (s *EventService) Timeline(ctx context.Context, p *models.Purchase) ([]Told, error) {
	var events []models.WebhookEvent
	err := s.db.Reader.WithContext(ctx).Where("transaction_id = ?", p.ID).
		Order("processed_at, received_at, id").Limit(maxTimeline).Find(&events).Error
	if err != nil {
		return nil, fmt.Errorf("read a purchase's events: %w", err)
	}
	again := p.Unpaid()
	timeline := make([]Told, len(events))
	for i, stored := range events {
		event, err := s.stripe.Decode([]byte(stored.Payload))
		if err != nil {
			return nil, fmt.Errorf("decode event %s: %w", stored.ID, err)
		}
		stored.Payload = ""
		timeline[i] = Told{Event: stored, Change: *teach(again, event)}
	}
	return timeline, nil
}

// PreviewReplay says what a replay of a stored event would change; nil where
// it has no purchase.
func (s *EventService) PreviewReplay(ctx context.Context, stored *models.WebhookEvent) (*PurchaseChange, error) {
	event, err := s.stripe.Decode([]byte(stored.Payload))
	if err != nil {
		return nil, fmt.Errorf("decode event %s: %w", stored.ID, err)
	}
	return s.payments.Preview(ctx, event)
}
