package services

import (
	"context"
	"time"

	"go.uber.org/zap"

	"hourbank/database"
	"hourbank/services/lots"
)

// expiryPoll is how late the tables may be with what expired. Answers are exact.
const expiryPoll = 500 * time.Millisecond

// ExpiryWorker enters in the ledger what has expired. Any number of replicas may run
// one: each settles accounts under their lock.
type ExpiryWorker struct {
	db  *database.DB
	log *zap.Logger
}

// NewExpiryWorker makes the worker.
func NewExpiryWorker(db *database.DB, log *zap.Logger) *ExpiryWorker { return &ExpiryWorker{db, log} }

// Run works until ctx ends.
func (w *ExpiryWorker) Run(ctx context.Context) error {
	poll := time.NewTicker(expiryPoll)
	defer poll.Stop()
	for {
		if err := lots.SettleDue(ctx, w.db); err != nil && ctx.Err() == nil {
			w.log.Warn("entering expired hours failed", zap.Error(err))
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return nil
		}
	}
}
