package services

import (
	"context"
	"time"

	"go.uber.org/zap"

	"hourbank/database"
	"hourbank/services/sales"
)

const (
	refundJob   = "refunds"
	refundEvery = time.Minute
	refundPoll  = time.Second
)

// RefundWorker asks Stripe again for refunds to which it gave no answer:
// because it could not be reached, or the machine that asked died. It is no
// part of the RetryWorker, which must not wait for Stripe.
type RefundWorker struct {
	db    *database.DB
	sales *sales.SalesService
	log   *zap.Logger
}

// NewRefundWorker makes the worker.
func NewRefundWorker(db *database.DB, sales *sales.SalesService, log *zap.Logger) *RefundWorker {
	return &RefundWorker{db: db, sales: sales, log: log}
}

// Run works until ctx ends, one replica at a time.
func (w *RefundWorker) Run(ctx context.Context) error {
	return poll(ctx, refundPoll, w.log, "asking Stripe again for refunds failed", w.askIfDue)
}

func (w *RefundWorker) askIfDue(ctx context.Context) error {
	waiting, err := w.sales.Unanswered(ctx)
	if err != nil || !waiting {
		return err
	}
	job, err := takeJob(ctx, w.db, refundJob, refundEvery)
	if err != nil || job == nil {
		return err
	}
	return w.sales.AskAgain(ctx)
}
