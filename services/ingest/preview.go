package ingest

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"hourbank/database"
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
	Reason         *models.Reason       `json:"reason"` // stale: it changes nothing; or the kind of the case that it opens
}

// Preview says what an event would do to its purchase now, without doing it;
// nil where it would find none.
func (s *PaymentService) Preview(ctx context.Context, event *stripe.Event) (*PurchaseChange, error) {
	b, err := openBook(s.db.Reader.WithContext(ctx), []*stripe.Event{event}, false)
	if err != nil {
		return nil, fmt.Errorf("preview an event: %w", err)
	}
	before := map[string]models.Purchase{}
	for id, p := range b.byID {
		before[id] = *p
	}
	decided := b.apply(event)
	if decided.purchase == nil {
		return nil, nil
	}
	known, ok := before[decided.purchase.ID]
	if !ok {
		known = *decided.purchase.Unpaid()
	}
	return changeOf(&known, decided), nil
}

func changeOf(before *models.Purchase, decided result) *PurchaseChange {
	after := decided.purchase
	return &PurchaseChange{
		TransactionID: after.ID, Reason: models.OrNull(decided.reason),
		StatusBefore: before.PaymentStatus, CreditedBefore: before.HoursCredited, ReversedBefore: before.HoursReversed,
		StatusAfter: after.PaymentStatus, CreditedAfter: after.HoursCredited, ReversedAfter: after.HoursReversed,
	}
}

// Retell lets a purchase that is not going to be stored learn events in their
// order, and says what each changed.
func Retell(tx *gorm.DB, p *models.Purchase, events []*stripe.Event) ([]PurchaseChange, error) {
	b := newBook(tx.NowFunc())
	var err error
	if b.catalogue, err = openCatalogue(tx, b, events, false); err != nil {
		return nil, err
	}
	b.byID[p.ID] = p
	b.index(p)
	if err := b.leaveToOthers(tx, p, events); err != nil {
		return nil, err
	}
	changes := make([]PurchaseChange, len(events))
	for i, event := range events {
		before := *p
		decided := result{purchase: p, reason: event.Reason}
		if event.Status == "" && event.Unfetched == nil {
			decided = b.learn(event, []*models.Purchase{p})
		}
		changes[i] = *changeOf(&before, decided)
	}
	return changes, nil
}

// leaveToOthers notes which of the events' objects are other purchases': they are no
// more p's now than when they were told.
func (b *book) leaveToOthers(tx *gorm.DB, p *models.Purchase, events []*stripe.Event) error {
	var ids []string
	for _, e := range events {
		ids = append(ids, e.Told.IDs()...)
	}
	var taken []struct{ Key, PurchaseID string }
	if err := tx.Table("purchase_keys").Where(database.IsAnyOf(tx, "key", ids)).Find(&taken).Error; err != nil {
		return fmt.Errorf("read whose objects were told of: %w", err)
	}
	other := &models.Purchase{}
	for _, key := range taken {
		if key.PurchaseID != p.ID && !p.Evidence.Merged[key.PurchaseID] && b.byKey[key.Key] == nil {
			b.byKey[key.Key] = other
		}
	}
	return nil
}
