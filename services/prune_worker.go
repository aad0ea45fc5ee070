package services

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"hourbank/database"
	"hourbank/services/deliveries"
	"hourbank/services/payloads"
	"hourbank/services/sales"
)

const (
	pruneJob   = "prune"
	pruneEvery = 24 * time.Hour
	prunePoll  = time.Minute
	pruneMany  = 1000 // rows a statement, so that none holds locks for long

	// ignoredRetention is how long an ignored event is kept: three times as
	// long as Stripe can send or list it again. https://docs.stripe.com/api/events
	ignoredRetention = 3 * eventRetention
)

// PruneWorker removes what is not needed any more: events that moved no hours
// and never will, so that what an endpoint is sent beside payments doesn't outgrow
// them; events that were delivered long ago; answers to requests that nobody
// repeats; and, where RETAIN_PAYLOADS_FOR says so, the payloads of old events. Else
// these are kept for ever, apart: a purchase's timeline is told from them.
type PruneWorker struct {
	db     *database.DB
	log    *zap.Logger
	retain time.Duration // payloads; 0: for ever
}

// NewPruneWorker makes the worker.
func NewPruneWorker(db *database.DB, log *zap.Logger, retainPayloads time.Duration) *PruneWorker {
	return &PruneWorker{db: db, log: log, retain: retainPayloads}
}

// Run works until ctx ends, one replica at a time.
func (w *PruneWorker) Run(ctx context.Context) error {
	return poll(ctx, prunePoll, w.log, "pruning failed", w.pruneIfDue)
}

func (w *PruneWorker) pruneIfDue(ctx context.Context) error {
	job, err := takeJob(ctx, w.db, pruneJob, pruneEvery)
	if err != nil || job == nil {
		return err
	}
	now := w.db.NowFunc()
	if err := w.prune(ctx, now); err != nil {
		return errors.Join(err, tryAgain(ctx, w.db, pruneJob))
	}
	return noteSuccess(ctx, w.db, pruneJob, now)
}

// ofOpenCases are the events that waited for what an open case is about: who settles it
// may give the payment to a student, which they tell of.
const ofOpenCases = `SELECT w.event_id FROM cases JOIN waiting_events w ON w.key IN (cases.subject, cases.payment) WHERE cases.closed_at IS NULL
	UNION SELECT event_id FROM cases WHERE closed_at IS NULL AND event_id IS NOT NULL`

// prune does all that it can, whatever of it fails.
func (w *PruneWorker) prune(ctx context.Context, now time.Time) error {
	return errors.Join(
		w.inChunks(ctx, "ignored events", `DELETE FROM webhook_events WHERE id IN (
			SELECT id FROM webhook_events WHERE status = 'ignored' AND received_at < ? AND id NOT IN (`+ofOpenCases+`) ORDER BY received_at LIMIT ?)`, now.Add(-ignoredRetention)),
		w.inChunks(ctx, "keys that nothing waits for", `DELETE FROM waiting_events WHERE event_id IN (
			SELECT event_id FROM waiting_events WHERE NOT EXISTS (SELECT 1 FROM webhook_events WHERE id = event_id) LIMIT ?)`),
		w.inChunks(ctx, "deliveries", `DELETE FROM event_deliveries WHERE id IN (
			SELECT id FROM event_deliveries WHERE delivered_at < ? LIMIT ?)`, database.WallClock().Add(-deliveries.KeptFor)),
		// A refund's key holds no answer (status 0), and goes on to name its refund.
		w.inChunks(ctx, "answers", `DELETE FROM idempotency_keys WHERE (api_key, key) IN (
			SELECT api_key, key FROM idempotency_keys WHERE status <> 0 AND created_at < ? LIMIT ?)`, now.Add(-sales.AnswersKeptFor)),
		w.retainPayloads(ctx, now),
		w.movePayloads(ctx),
	)
}

// retainPayloads removes those that are too old.
func (w *PruneWorker) retainPayloads(ctx context.Context, now time.Time) error {
	if w.retain == 0 {
		return nil
	}
	emptied, err := payloads.Retain(ctx, w.db, now.Add(-w.retain))
	if emptied > 0 {
		w.log.Info("emptied old payloads", zap.Int("events", emptied))
	}
	return err
}

// movePayloads puts those apart that stay.
func (w *PruneWorker) movePayloads(ctx context.Context) error {
	moved, err := payloads.Move(ctx, w.db)
	if moved > 0 {
		w.log.Info("put payloads apart", zap.Int("events", moved))
	}
	return err
}

// inChunks runs a statement, whose last argument is how many rows it may find, until it
// finds no more.
func (w *PruneWorker) inChunks(ctx context.Context, what, statement string, args ...any) error {
	for pruned := int64(0); ; {
		gone := w.db.WithContext(ctx).Exec(statement, append(args, pruneMany)...)
		if gone.Error != nil {
			return fmt.Errorf("prune %s: %w", what, gone.Error)
		}
		if pruned += gone.RowsAffected; gone.RowsAffected < pruneMany {
			if pruned > 0 {
				w.log.Info("pruned "+what, zap.Int64("rows", pruned))
			}
			return nil
		}
	}
}
