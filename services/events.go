package services

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/auditlog"
	"hourbank/services/ingest"
	"hourbank/services/paging"
	"hourbank/services/payloads"
	"hourbank/services/stripe"
	"hourbank/services/stripe/scrub"
)

// EventService keeps what was delivered: it lists, shows and replays events,
// and retries the parked ones. It is safe for concurrent use.
type EventService struct {
	db       *database.DB
	stripe   *stripe.StripeService
	payments *ingest.PaymentService
}

// NewEventService makes the service.
func NewEventService(db *database.DB, stripe *stripe.StripeService, payments *ingest.PaymentService) *EventService {
	return &EventService{db: db, stripe: stripe, payments: payments}
}

// Get gives one event with its payload. It returns a *models.Error with code
// not_found.
func (s *EventService) Get(ctx context.Context, id string) (*models.WebhookEvent, error) {
	var found []models.WebhookEvent
	tx := s.db.Reader.WithContext(ctx)
	if err := tx.Where("id = ?", id).Find(&found).Error; err != nil {
		return nil, fmt.Errorf("read an event: %w", err)
	}
	if len(found) == 0 {
		return nil, models.Errorf(models.CodeNotFound, "There is no such event.")
	}
	if err := payloads.Fill(tx, found); err != nil {
		return nil, err
	}
	event := &found[0]
	if event.HasPayload() {
		event.Payload = scrub.Payload(event.Payload) // one that was stored before payloads were
	}
	return event, nil
}

// List pages through events, newest first and without payloads, of one status
// and type where these are given. It returns a *models.Error with code
// invalid_request or invalid_cursor.
func (s *EventService) List(ctx context.Context, status, eventType string, page paging.PageRequest) (paging.Page[models.WebhookEvent], error) {
	query := s.db.Reader.WithContext(ctx).Omit("payload")
	if status != "" {
		if !slices.Contains(models.EventStatuses, models.EventStatus(status)) {
			return paging.Page[models.WebhookEvent]{}, models.Errorf(models.CodeInvalidRequest, "status must be one of %s.", strings.Trim(fmt.Sprint(models.EventStatuses), "[]"))
		}
		// Written out, because a plan kept for any status can't use the
		// index that leaves the processed events out.
		query = query.Where("status = '" + status + "'")
	}
	if eventType != "" {
		query = query.Where("type = ?", eventType)
	}
	return paging.ByTime(query, "received_at", "id", page, func(e *models.WebhookEvent) paging.Position { return paging.Position{Time: e.ReceivedAt, ID: e.ID} })
}

// Replay applies a stored event once more, whatever became of it before. What
// its purchase knows already can't be learned twice, so a replay is safe. The
// actor's name is in the audit log before: a caller that hangs up doesn't stop the
// event. It returns a *models.Error with code not_found or payload_removed.
func (s *EventService) Replay(ctx context.Context, id, actor string) (ingest.Outcome, error) {
	stored, err := s.Get(ctx, id)
	if err != nil {
		return ingest.Outcome{}, err
	}
	if _, err := s.decode(stored); err != nil {
		return ingest.Outcome{}, err
	}
	if err := auditlog.Write(s.db.WithContext(ctx), actor, models.ActionReplay, id, ""); err != nil {
		return ingest.Outcome{}, err
	}
	return s.again(ctx, stored, ingest.Replayed)
}

func (s *EventService) replay(ctx context.Context, id string) (ingest.Outcome, error) {
	stored, err := s.Get(ctx, id)
	if err != nil {
		return ingest.Outcome{}, err
	}
	return s.again(ctx, stored, ingest.Replayed)
}

// again sends a stored event down the one way in.
func (s *EventService) again(ctx context.Context, stored *models.WebhookEvent, origin ingest.Origin) (ingest.Outcome, error) {
	event, err := s.decode(stored)
	if err != nil {
		return ingest.Outcome{}, err
	}
	return s.payments.Submit(ctx, event, origin)
}

// decode reads a stored event, with what was fetched for it. It returns a
// *models.Error with code payload_removed where nothing of it is kept any more.
func (s *EventService) decode(stored *models.WebhookEvent) (*stripe.Event, error) {
	if !stored.HasPayload() {
		return nil, models.Errorf(models.CodePayloadRemoved, "The payload of this event was removed; what it told is still known of its purchase.")
	}
	snapshot := ""
	if stored.Snapshot != nil {
		snapshot = *stored.Snapshot
	}
	event, err := s.stripe.Decode([]byte(stored.Payload), snapshot)
	if err != nil {
		return nil, fmt.Errorf("decode event %s: %w", stored.ID, err)
	}
	return event, nil
}

func (s *EventService) decodeAll(stored []models.WebhookEvent) ([]*stripe.Event, error) {
	events := make([]*stripe.Event, 0, len(stored))
	for i := range stored {
		event, err := s.decode(&stored[i])
		if err != nil {
			return nil, err
		}
		events = append(events, event)
	}
	return events, nil
}
