package services

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/ingest"
	"hourbank/services/stripe"
)

// ReconcileService compares what Stripe knows with what arrived, and sends
// what is missing down the one way in.
type ReconcileService struct {
	db       *database.DB
	stripe   *stripe.StripeService
	payments *ingest.PaymentService
}

// NewReconcileService makes the service.
func NewReconcileService(db *database.DB, stripe *stripe.StripeService, payments *ingest.PaymentService) *ReconcileService {
	return &ReconcileService{db: db, stripe: stripe, payments: payments}
}

// ReconcileOptions say what to compare.
type ReconcileOptions struct {
	Since, Until time.Time
	DryRun       bool
	Progress     func(what string) // told of every object compared; may be nil
	Found        func(Correction)  // told of every correction, as it is made
}

// Correction is one thing that Stripe knew and Hourbank did not.
type Correction struct {
	Source  string                 `json:"source"` // "event", or the object that was compared
	ID      string                 `json:"id"`     // Stripe's id of it
	Type    string                 `json:"type"`   // the event type that it is, or stands for
	Change  *ingest.PurchaseChange `json:"change"` // null: no purchase is known for it
	Outcome *ingest.Outcome        `json:"outcome"`
}

// ReconcileReport counts what was compared and corrected.
type ReconcileReport struct {
	Since       time.Time    `json:"since"`
	DryRun      bool         `json:"dry_run"`
	Compared    int          `json:"compared"`
	Corrections []Correction `json:"corrections"`
}

const (
	// eventRetention is how long Stripe lists events.
	// https://docs.stripe.com/api/events
	eventRetention = 30 * 24 * time.Hour

	// An unpaid purchase is looked at once it is openAge old, until it is
	// abandonedAge old or older than the time asked for.
	openAge      = time.Hour
	abandonedAge = 90 * 24 * time.Hour
)

var errNoKey = models.Errorf(models.CodeInvalidRequest, "STRIPE_SECRET_KEY is not set: reconcile asks Stripe's API.")

// Run compares, in this order: the events that Stripe lists; the
// PaymentIntents of purchases that are still open; and, because some events
// are older than Stripe's list or were never made, the refunds and disputes
// created in the time asked for. Running it twice corrects nothing twice.
func (s *ReconcileService) Run(ctx context.Context, options ReconcileOptions) (*ReconcileReport, error) {
	if !s.stripe.HasKey() {
		return nil, errNoKey
	}
	r := &reconciliation{ReconcileService: s, options: options,
		report: &ReconcileReport{Since: options.Since.UTC(), DryRun: options.DryRun, Corrections: []Correction{}}}
	for _, step := range []func(context.Context) error{r.events, r.openPurchases, r.refunds, r.disputes} {
		if err := step(ctx); err != nil {
			return r.report, err
		}
	}
	return r.report, nil
}

// atOnce is how many objects are compared and applied beside each other, so that
// they join the batches of all other events.
const atOnce = 64

// together works on items beside each other, but for those of one key, which come
// in their order: what a correction says of a payment's purchase is what it was
// before it.
func together[T any](ctx context.Context, items []T, key func(T) string, work func(context.Context, T) error) error {
	byKey := map[string][]T{}
	var order []string
	for _, item := range items {
		k := key(item)
		if byKey[k] == nil {
			order = append(order, k)
		}
		byKey[k] = append(byKey[k], item)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, k := range order {
		group.Go(func() error {
			for _, item := range byKey[k] {
				if err := work(ctx, item); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// reconciliation is one run.
type reconciliation struct {
	*ReconcileService
	options ReconcileOptions

	mu     sync.Mutex // of the report and what is told meanwhile
	report *ReconcileReport
}

func (r *reconciliation) compared(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Compared++
	if r.options.Progress != nil {
		r.options.Progress(what)
	}
}

// events applies what Stripe lists and we never committed, oldest last, as
// Stripe lists it: the order makes no difference.
func (r *reconciliation) events(ctx context.Context) error {
	since := r.options.Since
	if oldest := r.db.NowFunc().Add(-eventRetention); since.Before(oldest) {
		since = oldest
	}
	for page, err := range r.stripe.List(ctx, "/v1/events", since, r.options.Until) {
		if err != nil {
			return err
		}
		missing, err := r.missing(ctx, page)
		if err != nil {
			return err
		}
		err = together(ctx, missing, func(e *stripe.Event) string { return cmp.Or(e.Payment, e.ID) },
			func(ctx context.Context, e *stripe.Event) error { return r.correct(ctx, "event", e.ID, e) })
		if err != nil {
			return err
		}
	}
	return nil
}

// missing gives the events of the page that concern us and aren't stored.
func (r *reconciliation) missing(ctx context.Context, page []json.RawMessage) ([]*stripe.Event, error) {
	var events []*stripe.Event
	var ids []string
	for _, raw := range page {
		r.compared("events")
		event, err := r.stripe.Decode(raw, "")
		if err != nil {
			return nil, fmt.Errorf("decode event %s: %w", stripe.ObjectID(raw), err)
		}
		if event.Reason != models.ReasonUnsupportedType {
			events, ids = append(events, event), append(ids, event.ID)
		}
	}
	known, err := r.stored(ctx, ids)
	if err != nil {
		return nil, err
	}
	var missing []*stripe.Event
	for _, event := range events {
		if !known[event.ID] {
			missing = append(missing, event)
		}
	}
	return missing, nil
}

// stored says which of the event ids were committed before.
func (r *reconciliation) stored(ctx context.Context, ids []string) (map[string]bool, error) {
	var rows []string
	err := r.db.Reader.WithContext(ctx).Model(&models.WebhookEvent{}).
		Where(database.IsAnyOf(r.db.Reader, "id", ids)).Pluck("id", &rows).Error
	if err != nil {
		return nil, fmt.Errorf("look for stored events: %w", err)
	}
	known := make(map[string]bool, len(rows))
	for _, id := range rows {
		known[id] = true
	}
	return known, nil
}

// correct applies an event, or says what it would do.
func (r *reconciliation) correct(ctx context.Context, source, id string, event *stripe.Event) error {
	found := Correction{Source: source, ID: id, Type: event.Type}
	var err error
	if found.Change, err = r.payments.Preview(ctx, event); err != nil {
		return err
	}
	if !r.options.DryRun {
		outcome, err := r.payments.Handle(ctx, event)
		if err != nil {
			return fmt.Errorf("apply %s %s: %w", source, id, err)
		}
		found.Outcome = &outcome
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Corrections = append(r.report.Corrections, found)
	if r.options.Found != nil {
		r.options.Found(found)
	}
	return nil
}
