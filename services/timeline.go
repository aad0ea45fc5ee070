package services

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"hourbank/models"
	"hourbank/services/archive"
	"hourbank/services/ingest"
	"hourbank/services/payloads"
)

// maxTimeline is more events than any payment has in practice.
const maxTimeline = 200

// Told is one event of a purchase's life and what it changed.
type Told struct {
	Event  models.WebhookEvent    `json:"event"`  // without its payload
	Change *ingest.PurchaseChange `json:"change"` // nil: not known any more
}

// Timeline tells a purchase's life again from its events, in the order in
// which they were applied. What each changed follows from the evidence alone,
// so that it need not be kept, but for those whose payload is not kept either, and
// what came after them. Archives, where some are given, tell of payloads that the database
// keeps no more.
func (s *EventService) Timeline(ctx context.Context, p *models.Purchase, archived *archive.Payloads) ([]Told, error) {
	var events []models.WebhookEvent
	tx := s.db.Reader.WithContext(ctx)
	err := tx.Where("transaction_id = ?", p.ID).Order("processed_at, received_at, id").Limit(maxTimeline).Find(&events).Error
	if err != nil {
		return nil, fmt.Errorf("read a purchase's events: %w", err)
	}
	if err := fill(tx, p.ID, events, archived); err != nil {
		return nil, err
	}
	known := events
	if gone := slices.IndexFunc(events, func(e models.WebhookEvent) bool { return !e.HasPayload() }); gone >= 0 && events != nil {
		known = events[:gone]
	}
	decoded, err := s.decodeAll(known)
	if err != nil {
		return nil, err
	}
	changes, err := ingest.Retell(tx, p.Unpaid(), decoded)
	if err != nil {
		return nil, fmt.Errorf("tell a purchase's life again: %w", err)
	}
	timeline := make([]Told, len(events))
	for i, stored := range events {
		stored.Payload, stored.Snapshot = "", nil
		timeline[i] = Told{Event: stored}
		if i < len(known) {
			timeline[i].Change = &changes[i]
		}
	}
	return timeline, nil
}

// fill gives a purchase's events their payloads, wherever they lie.
func fill(tx *gorm.DB, purchaseID string, events []models.WebhookEvent, archived *archive.Payloads) error {
	if err := payloads.Fill(tx, events); err != nil {
		return err
	}
	return archived.Fill(tx, purchaseID, events)
}

// PreviewReplay says what a replay of a stored event would change; nil where
// it has no purchase, or its payload is not kept any more.
func (s *EventService) PreviewReplay(ctx context.Context, stored *models.WebhookEvent) (*ingest.PurchaseChange, error) {
	if !stored.HasPayload() {
		return nil, nil
	}
	event, err := s.decode(stored)
	if err != nil {
		return nil, err
	}
	return s.payments.Preview(ctx, event)
}
