package services

import (
	"context"
	"time"

	"go.uber.org/zap"

	"hourbank/database"
	"hourbank/services/metrics"
)

const (
	reconcileJob  = "reconcile"
	reconcilePoll = 30 * time.Second

	// What Stripe made less than inFlight ago may still be on its way.
	inFlight = 5 * time.Minute

	// How far back a run looks: to the last success and an overlap more, or,
	// where there was none, as long as Stripe itself retries a delivery.
	reconcileOverlap  = time.Hour
	reconcileLookBack = 72 * time.Hour
)

// ReconcileWorker reconciles every now and then, one replica at a time, and
// says loudly when it finds anything: then the webhook is not working.
type ReconcileWorker struct {
	db        *database.DB
	reconcile *ReconcileService
	log       *zap.Logger
	metrics   *metrics.Metrics
	every     time.Duration
}

// NewReconcileWorker makes the worker; every 0 means never.
func NewReconcileWorker(db *database.DB, reconcile *ReconcileService, log *zap.Logger, metrics *metrics.Metrics, every time.Duration) *ReconcileWorker {
	return &ReconcileWorker{db: db, reconcile: reconcile, log: log, metrics: metrics, every: every}
}

// Run works until ctx ends.
func (w *ReconcileWorker) Run(ctx context.Context) error {
	if w.every == 0 || !w.reconcile.stripe.HasKey() {
		return nil
	}
	poll := time.NewTicker(min(w.every, reconcilePoll))
	defer poll.Stop()
	for {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return nil
		}
		if err := w.runIfDue(ctx); err != nil && ctx.Err() == nil {
			w.log.Error("reconciling with Stripe failed", zap.Error(err))
		}
	}
}

func (w *ReconcileWorker) runIfDue(ctx context.Context) error {
	job, err := takeJob(ctx, w.db, reconcileJob, w.every)
	if err != nil || job == nil {
		return err
	}
	now := w.db.NowFunc()
	since := now.Add(-reconcileLookBack)
	if job.LastSuccessAt != nil {
		since = job.LastSuccessAt.Add(-reconcileOverlap)
	}
	report, err := w.reconcile.Run(ctx, ReconcileOptions{Since: since, Until: now.Add(-inFlight), Found: w.alarm})
	if err != nil {
		return err
	}
	w.log.Info("reconciled with Stripe", zap.Int("compared", report.Compared), zap.Int("corrections", len(report.Corrections)))
	return noteSuccess(ctx, w.db, reconcileJob, now)
}

// alarm tells of a correction.
func (w *ReconcileWorker) alarm(found Correction) {
	w.metrics.Correction()
	w.log.Error("Stripe knew what the webhook was not told: check the endpoint in Stripe's dashboard",
		zap.String("source", found.Source), zap.String("id", found.ID), zap.String("event_type", found.Type))
}
