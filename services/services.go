package services

import (
	"context"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"hourbank/config"
	"hourbank/models"
)

// Services is everything that Hourbank does, wired together.
type Services struct {
	Stripe    *StripeService
	Payments  *PaymentService
	Purchases *PurchaseService
	Accounts  *AccountService
	Plans     *PlanService
	Events    *EventService
	Audit     *AuditService
	Health    *HealthService

	retries *RetryWorker
}

// New wires the services to a database.
func New(cfg *config.Config, db *models.DB, log *zap.Logger) *Services {
	stripe := NewStripeService(string(cfg.StripeSecretKey))
	payments := NewPaymentService(db, log, cfg.ParkFor)
	events := NewEventService(db, stripe, payments)
	return &Services{
		Stripe:    stripe,
		Payments:  payments,
		Purchases: NewPurchaseService(db),
		Accounts:  NewAccountService(db),
		Plans:     NewPlanService(db),
		Events:    events,
		Audit:     NewAuditService(db),
		Health:    NewHealthService(db),
		retries:   NewRetryWorker(db, events, log),
	}
}

// Run owns the background work until ctx ends: it stops the retry worker
// first, then commits what is still queued, then returns.
func (s *Services) Run(ctx context.Context) error {
	committing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var group errgroup.Group
	group.Go(func() error { return s.Payments.Run(committing) })
	group.Go(func() error {
		defer stop()
		return s.retries.Run(ctx)
	})
	return group.Wait()
}
