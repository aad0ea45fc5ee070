// Package ingest is the one way in for events: they wait for a transaction,
// find their purchases, let these learn, and are committed together.
package ingest

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/metrics"
	"hourbank/services/owner"
	"hourbank/services/stripe"
	"hourbank/services/tracing"
)

// Limits of the way in.
const (
	queueLength = 4096 // events waiting; more are answered 503 at once
	batchLength = 512  // events a transaction

	// answerTimeout is how long an event may wait and be worked on. Stripe
	// itself gives up after about ten seconds.
	answerTimeout = 9 * time.Second
)

// PaymentService is the one way in for events, whoever brings them: the
// webhook, the retry worker, a replay or reconcile. Nothing else credits
// hours. It is safe for concurrent use while Run runs.
type PaymentService struct {
	db      *database.DB
	log     *zap.Logger
	stripe  *stripe.StripeService
	owner   *owner.Service
	metrics *metrics.Metrics
	traces  *tracing.Tracing
	options Options
	queue   chan *job
	stopped chan struct{}

	// repeated says that the last batch held events that were committed
	// before: where some are, more will be, and looking first costs a batch
	// less than finding out by its failure and running again.
	repeated atomic.Bool
}

// Options say what becomes of events that find no purchase.
type Options struct {
	ParkFor    time.Duration // how long they are tried again
	ListOthers bool          // payments that name nothing of ours open no case
}

// NewPaymentService makes the service.
func NewPaymentService(db *database.DB, stripe *stripe.StripeService, owner *owner.Service, log *zap.Logger, metrics *metrics.Metrics, traces *tracing.Tracing, options Options) *PaymentService {
	s := &PaymentService{
		db: db, stripe: stripe, owner: owner, log: log, metrics: metrics, traces: traces, options: options,
		queue:   make(chan *job, queueLength),
		stopped: make(chan struct{}),
	}
	metrics.WatchQueue(func() int { return len(s.queue) })
	return s
}

// Outcome is what became of an event, committed.
type Outcome struct {
	EventID       string             `json:"event_id"`
	Status        models.EventStatus `json:"status"`
	Duplicate     bool               `json:"duplicate"` // this event id was committed before
	TransactionID *string            `json:"transaction_id"`
	Reason        *models.Reason     `json:"reason"`
}

// Origin says why an event is tried.
type Origin int

// The reasons for trying an event.
const (
	Delivered Origin = iota // Stripe sent it, perhaps again
	Retried                 // it is parked and its time has come
	Replayed                // an operator asks for it, whatever became of it
)

// job is one caller waiting for one event.
type job struct {
	event  *stripe.Event
	origin Origin
	caller trace.SpanContext
	done   chan answer // holds one, so that a caller that gave up blocks nobody
}

type answer struct {
	outcome Outcome
	err     error
}

// Handle applies a delivered event and returns once it is durably committed.
// An error means that nothing of it was kept, with code overloaded or
// unavailable where the same delivery may succeed later. Where ctx or
// answerTimeout ends first, the event may still be committed: its next
// delivery will say so.
func (s *PaymentService) Handle(ctx context.Context, event *stripe.Event) (Outcome, error) {
	return s.Submit(ctx, event, Delivered)
}

// Submit is Handle for an event that comes for another reason. Where the event
// can't be read without more of Stripe's, that is fetched once the event is
// safely parked, outside any transaction, and the event tried again.
func (s *PaymentService) Submit(ctx context.Context, event *stripe.Event, origin Origin) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	outcome, err := s.commitOne(ctx, event, origin)
	if err != nil || event.Unfetched == nil || outcome.Status != models.EventParked || !s.stripe.HasKey() {
		return outcome, err
	}
	fetched, err := s.stripe.Fetch(ctx, event)
	if err != nil { // the retry worker will try again
		s.log.Warn("an event is parked until Stripe answers", zap.String("event_id", event.ID), zap.Error(err))
		return outcome, nil
	}
	again, err := s.commitOne(ctx, fetched, Retried)
	if err != nil {
		return outcome, nil // it is parked, and will be tried again
	}
	again.Duplicate = outcome.Duplicate
	return again, nil
}

// commitOne queues an event and waits for its commit.
func (s *PaymentService) commitOne(ctx context.Context, event *stripe.Event, origin Origin) (Outcome, error) {
	j := &job{event: event, origin: origin, caller: s.traces.Caller(ctx), done: make(chan answer, 1)}
	select {
	case <-s.stopped:
		return Outcome{}, models.Errorf(models.CodeUnavailable, "The service is shutting down; please try again.")
	case s.queue <- j:
	default:
		return Outcome{}, models.Errorf(models.CodeOverloaded, "Too many events are waiting; please try again.")
	}
	select {
	case a := <-j.done:
		return a.outcome, a.err
	case <-ctx.Done():
		return Outcome{}, &models.Error{Code: models.CodeUnavailable, Message: "The event was not committed in time; please try again.", Err: ctx.Err()}
	case <-s.stopped:
		return Outcome{}, models.Errorf(models.CodeUnavailable, "The service is shutting down; please try again.")
	}
}

// Run commits events until ctx ends, then commits what is still queued and
// returns.
func (s *PaymentService) Run(ctx context.Context) error {
	defer close(s.stopped)
	committers := 2 // one prepares and writes while the other waits for the disk
	if s.db.Engine == database.SQLite {
		committers = 1 // it has one writer
	}
	var group errgroup.Group
	for range committers {
		group.Go(func() error {
			s.commitUntil(ctx)
			return nil
		})
	}
	return group.Wait()
}

// commitUntil is group commit: the first event to arrive goes at once, and
// what arrives while its transaction runs goes together in the next one. A
// lone event never waits for company.
func (s *PaymentService) commitUntil(ctx context.Context) {
	for {
		select {
		case first := <-s.queue:
			s.process(s.drain(first))
		case <-ctx.Done():
			for len(s.queue) > 0 {
				select {
				case first := <-s.queue:
					s.process(s.drain(first))
				default:
				}
			}
			return
		}
	}
}

// drain takes whatever else is waiting, without waiting for more.
func (s *PaymentService) drain(first *job) []*job {
	jobs := append(make([]*job, 0, min(len(s.queue)+1, batchLength)), first)
	for len(jobs) < batchLength {
		select {
		case next := <-s.queue:
			jobs = append(jobs, next)
		default:
			return jobs
		}
	}
	return jobs
}

// process commits the jobs together. Where that fails, the event at fault is
// found by running them one by one, so that the others don't suffer for it.
func (s *PaymentService) process(jobs []*job) {
	err := s.commit(jobs)
	if err == nil {
		return
	}
	if len(jobs) == 1 {
		jobs[0].done <- answer{err: err}
		return
	}
	s.log.Warn("batch failed; running its events one by one", zap.Int("events", len(jobs)), zap.Error(err))
	unavailable := 0
	for _, j := range jobs {
		// When the database fails event after event, it is not the events.
		if unavailable < 2 {
			err = s.commit([]*job{j})
		}
		switch {
		case err == nil:
			unavailable = 0
			continue
		case database.IsUnavailable(err):
			unavailable++
		}
		j.done <- answer{err: err}
	}
}

// commit runs one transaction for all jobs and answers them. Conflicts with
// other transactions are tried again, with jitter. The callers' contexts play
// no part: one that gave up must not cancel the others.
func (s *PaymentService) commit(jobs []*job) error {
	start, b := time.Now(), newBatch(s.db, s.owner, jobs, s.options)
	b.lookUp = b.lookUp || s.repeated.Load()
	ended := s.traces.Batch(len(jobs), func(i int) trace.SpanContext { return jobs[i].caller })
	err := database.RetryConflicts(context.Background(), func() error { return s.runOnce(b) })
	if ended(err); err != nil {
		return fmt.Errorf("commit %d events: %w", len(jobs), err)
	}
	s.owner.Committed(context.Background())
	s.repeated.Store(b.hasRepeated())
	events := make([]metrics.Event, len(jobs))
	for i, j := range jobs {
		o := b.outcome(i)
		events[i] = metrics.Event{Type: j.event.Type, Created: time.Unix(j.event.Created, 0), Status: o.Status, Reason: o.Reason, Duplicate: o.Duplicate}
	}
	s.metrics.Batch(events, s.db.NowFunc(), time.Since(start)) // before anybody is answered, who may look
	for i, j := range jobs {
		j.done <- answer{outcome: b.outcome(i)}
	}
	return nil
}

func (s *PaymentService) runOnce(b *batch) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic while applying events: %v\n%s", r, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), database.TransactionTimeout)
	defer cancel()
	return b.run(ctx)
}
