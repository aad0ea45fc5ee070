// Package services wires together all that Hourbank does. What it does beside
// taking events in, which is services/ingest's, and selling, which is
// services/sales's, is here: it retries events that came too early, reconciles
// with Stripe, keeps cases, and answers questions about all of it.
package services

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"hourbank/config"
	"hourbank/database"
	"hourbank/models"
	"hourbank/services/accounting"
	"hourbank/services/archive"
	"hourbank/services/audit"
	"hourbank/services/auditlog"
	"hourbank/services/deliveries"
	"hourbank/services/exports"
	"hourbank/services/forgetting"
	"hourbank/services/ingest"
	"hourbank/services/lots"
	"hourbank/services/metrics"
	"hourbank/services/owner"
	"hourbank/services/plans"
	"hourbank/services/sales"
	"hourbank/services/search"
	"hourbank/services/sessions"
	"hourbank/services/stripe"
	"hourbank/services/stripe/signing"
	"hourbank/services/tracing"
)

const (
	// expiryPoll is how late the tables may be with what expired. Answers are exact.
	expiryPoll = 500 * time.Millisecond

	announcePoll = time.Second
	auditPoll    = time.Minute
)

// Services is everything that Hourbank does, wired together.
type Services struct {
	Stripe     *stripe.StripeService
	Owner      *owner.Service
	Payments   *ingest.PaymentService
	Purchases  *sales.PurchaseService
	Accounts   *sales.AccountService
	Plans      *plans.Service
	Cases      *CaseService
	AuditLog   *auditlog.Service
	Events     *EventService
	Audit      *audit.Service
	Health     *HealthService
	Reconcile  *ReconcileService
	Rebuild    *RebuildService
	Archive    *archive.Service
	Forgetting *forgetting.Service
	Lots       *lots.Service
	Deliveries *deliveries.Service
	Sales      *sales.SalesService
	Overview   *OverviewService
	Accounting *accounting.Service
	Exports    *exports.Service
	Search     *search.Service
	Sessions   *sessions.Service
	Clock      *ClockService
	OIDC       *sessions.Provider // nil where people sign in with API keys alone
	Metrics    *metrics.Metrics
	Traces     *tracing.Tracing // nil: off

	background []func(context.Context) error
}

// New wires the services to a database.
func New(cfg *config.Config, db *database.DB, log *zap.Logger) *Services {
	metrics, traces := metrics.New(), tracing.New(cfg.Traces.On(), log)
	metrics.WatchDatabase(db)
	stripe := stripe.NewStripeService(stripe.Options{
		SecretKey: string(cfg.StripeSecretKey), APIBase: cfg.StripeAPIBase, Account: cfg.StripeAccount, Live: models.Mode(cfg.Mode()) == models.ModeLive,
		Signer: signing.NewSigner(cfg.StripeWebhookSecrets), Transport: metrics.Calls(traces.Calls(http.DefaultTransport)),
	})
	owner := owner.New(db, owner.Program{Mode: models.Mode(cfg.Mode()), Account: cfg.StripeAccount, StandIn: cfg.HasStandIn()})
	payments := ingest.NewPaymentService(db, stripe, owner, log, metrics, traces, ingest.Options{ParkFor: cfg.ParkFor, ListOthers: cfg.OtherPayments == config.ListOthers})
	events := NewEventService(db, stripe, payments)
	cases := NewCaseService(db, events)
	accounts := sales.NewAccountService(db)
	reconcile := NewReconcileService(db, stripe, payments)
	books := accounting.New(db)
	selling := sales.NewSalesService(db, stripe, owner)
	audits := audit.New(db)
	outbox := deliveries.New(db, cfg, metrics, traces, log)
	metrics.WatchDeliveries(outbox.Waiting, outbox.Oldest)
	return &Services{
		Stripe:     stripe,
		Owner:      owner,
		Payments:   payments,
		Purchases:  sales.NewPurchaseService(db),
		Accounts:   accounts,
		Plans:      plans.New(db),
		Cases:      cases,
		AuditLog:   auditlog.New(db),
		Events:     events,
		Audit:      audits,
		Health:     NewHealthService(db),
		Reconcile:  reconcile,
		Rebuild:    NewRebuildService(db, events),
		Archive:    archive.New(db),
		Forgetting: forgetting.New(db),
		Lots:       lots.New(db),
		Deliveries: outbox,
		Sales:      selling,
		Overview:   NewOverviewService(db),
		Accounting: books,
		Exports:    exports.New(db, books),
		Search:     search.New(db, accounts),
		Sessions:   sessions.New(db, cfg),
		Clock:      NewClockService(db),
		OIDC:       sessions.NewProvider(cfg),
		Metrics:    metrics,
		Traces:     traces,
		background: []func(context.Context) error{
			NewRetryWorker(db, events, log).Run,
			NewRefundWorker(db, selling, log).Run,
			func(ctx context.Context) error {
				return poll(ctx, expiryPoll, log, "entering expired hours failed", func(ctx context.Context) error { return lots.SettleDue(ctx, db) })
			},
			func(ctx context.Context) error {
				return poll(ctx, announcePoll, log, "announcing what time brings about failed", outbox.Announce)
			},
			func(ctx context.Context) error {
				return poll(ctx, auditPoll, log, "auditing the books failed", func(ctx context.Context) error {
					job, err := takeJob(ctx, db, audit.Job, audit.Every)
					if err != nil || job == nil {
						return err
					}
					return audits.RunDaily(ctx, log)
				})
			},
			outbox.Run,
			NewPruneWorker(db, log, cfg.RetainPayloadsFor).Run,
			NewReconcileWorker(db, reconcile, log, metrics, cfg.ReconcileEvery).Run,
		},
	}
}

// Run owns the background work until ctx ends: it stops the workers first,
// then commits what is still queued, then returns.
func (s *Services) Run(ctx context.Context) error {
	committing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var commits, workers errgroup.Group
	commits.Go(func() error { return s.Payments.Run(committing) })
	for _, run := range s.background {
		workers.Go(func() error { return run(ctx) })
	}
	err := workers.Wait()
	stop()
	return errors.Join(err, commits.Wait())
}
