package services

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/ingest"
	"hourbank/services/payloads"
)

const (
	// A million that are due at once must not hold up what Stripe sends now.
	retryPoll = 500 * time.Millisecond
	retryMany = 100 // events claimed at a time

	// retryLease is how long a replica that claimed an event has before
	// another one may: long enough to try, short enough to survive a crash.
	retryLease = 30 * time.Second
)

// RetryWorker tries parked events again when their time comes. Any number of
// replicas may run one: each event is claimed by one of them.
type RetryWorker struct {
	db     *database.DB
	events *EventService
	log    *zap.Logger
}

// NewRetryWorker makes the worker.
func NewRetryWorker(db *database.DB, events *EventService, log *zap.Logger) *RetryWorker {
	return &RetryWorker{db: db, events: events, log: log}
}

// Run works until ctx ends.
func (w *RetryWorker) Run(ctx context.Context) error {
	return poll(ctx, retryPoll, w.log, "claiming parked events failed", w.retryDue)
}

// retryDue claims what is due and tries it, all at once so that the events
// share a transaction.
func (w *RetryWorker) retryDue(ctx context.Context) error {
	claimed, err := w.claim(ctx)
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	for _, event := range claimed {
		group.Go(func() {
			if err := w.retry(ctx, &event); err != nil && ctx.Err() == nil { // else the worker is stopping
				w.log.Warn("retrying a parked event failed", zap.String("event_id", event.ID), zap.Error(err))
			}
		})
	}
	group.Wait()
	return nil
}

func (w *RetryWorker) retry(ctx context.Context, event *models.WebhookEvent) error {
	if !event.HasPayload() {
		return w.giveUp(ctx, event.ID)
	}
	outcome, err := w.events.again(ctx, event, ingest.Retried)
	if err == nil {
		w.log.Debug("parked event retried", zap.String("event_id", event.ID), zap.String("status", string(outcome.Status)))
	}
	return err
}

// giveUp ends the wait of an event of which nothing is kept, so that it can't be tried.
func (w *RetryWorker) giveUp(ctx context.Context, id string) error {
	given := w.db.WithContext(ctx).Exec(`UPDATE webhook_events SET status = 'ignored', reason = ?, next_attempt_at = NULL, processed_at = ?
		WHERE id = ? AND status = 'parked' AND payload = ''
			AND NOT EXISTS (SELECT 1 FROM event_payloads p WHERE p.event_id = webhook_events.id AND p.received_at = webhook_events.received_at)`,
		models.ReasonUnmatched, w.db.NowFunc(), id)
	if given.Error != nil {
		return fmt.Errorf("give it up, because its payload was removed: %w", given.Error)
	}
	if given.RowsAffected > 0 {
		w.log.Warn("gave up a parked event whose payload was removed", zap.String("event_id", id))
	}
	return nil
}

// claim takes due events by moving their next attempt a lease away, so that
// no transaction stays open while they are tried.
func (w *RetryWorker) claim(ctx context.Context) ([]models.WebhookEvent, error) {
	ctx, cancel := context.WithTimeout(ctx, database.TransactionTimeout)
	defer cancel()
	due := w.db.Reader.WithContext(ctx).Model(&models.WebhookEvent{}).
		Where("status = 'parked' AND next_attempt_at <= ?", w.db.NowFunc())
	var waiting string
	if err := due.Limit(1).Pluck("id", &waiting).Error; err != nil {
		return nil, fmt.Errorf("look for due events: %w", err)
	}
	if waiting == "" {
		return nil, nil
	}
	skipLocked := ""
	if w.db.Engine == database.Postgres {
		skipLocked = "FOR UPDATE SKIP LOCKED"
	}
	now := w.db.NowFunc()
	var claimed []models.WebhookEvent
	// Not as a subquery, which some plans run again for each row, so that they
	// claim far more than the limit.
	err := w.db.WithContext(ctx).Raw(`
		WITH due AS MATERIALIZED (
			SELECT id FROM webhook_events WHERE status = 'parked' AND next_attempt_at <= ?
			ORDER BY next_attempt_at LIMIT ? `+skipLocked+`)
		UPDATE webhook_events SET next_attempt_at = ? WHERE id IN (SELECT id FROM due)
		RETURNING id, payload, snapshot`, now, retryMany, now.Add(retryLease)).Scan(&claimed).Error
	if err != nil {
		return nil, fmt.Errorf("claim due events: %w", err)
	}
	// A replay may have parked one whose payload lies apart.
	return claimed, payloads.Fill(w.db.Reader.WithContext(ctx), claimed)
}
