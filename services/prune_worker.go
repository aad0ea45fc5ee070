package services

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"hourbank/database"
)

const (
	pruneJob   = "prune"
	pruneEvery = 24 * time.Hour
	prunePoll  = time.Hour
	pruneMany  = 1000 // rows a statement, so that none holds locks for long

	// ignoredRetention is how long an ignored event is kept: three times as
	// long as Stripe can send or list it again. https://docs.stripe.com/api/events
	ignoredRetention = 3 * eventRetention
)

// PruneWorker removes events that moved no hours and never will, so that
// what an endpoint is sent beside payments doesn't outgrow them. All others
// are kept for ever: a purchase's timeline is told from them.
type PruneWorker struct {
	db  *database.DB
	log *zap.Logger
}

// NewPruneWorker makes the worker.
func NewPruneWorker(db *database.DB, log *zap.Logger) *PruneWorker {
	return &PruneWorker{db: db, log: log}
}

// Run works until ctx ends, one replica at a time.
func (w *PruneWorker) Run(ctx context.Context) error {
	poll := time.NewTicker(prunePoll)
	defer poll.Stop()
	for {
		if err := w.pruneIfDue(ctx); err != nil && ctx.Err() == nil {
			w.log.Warn("pruning ignored events failed", zap.Error(err))
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *PruneWorker) pruneIfDue(ctx context.Context) error {
	job, err := takeJob(ctx, w.db, pruneJob, pruneEvery)
	if err != nil || job == nil {
		return err
	}
	before := w.db.NowFunc().Add(-ignoredRetention)
	for pruned := int64(0); ; {
		gone := w.db.WithContext(ctx).Exec(`DELETE FROM webhook_events WHERE id IN (
			SELECT id FROM webhook_events WHERE status = 'ignored' AND received_at < ? ORDER BY received_at LIMIT ?)`, before, pruneMany)
		if gone.Error != nil {
			return fmt.Errorf("delete ignored events: %w", gone.Error)
		}
		pruned += gone.RowsAffected
		if gone.RowsAffected < pruneMany {
			if pruned > 0 {
				w.log.Info("pruned ignored events", zap.Int64("events", pruned))
			}
			return nil
		}
	}
}
