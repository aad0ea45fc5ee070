// Package sandbox is a small stand-in for Stripe: it speaks, in memory, the
// part of Stripe's API that a product selling something for card payments and
// the Stripe CLI use, and sends signed webhooks for whatever changes.
//
// Amounts are integers in a currency's minor unit, times are whole Unix
// seconds, ids and shapes are Stripe's (https://docs.stripe.com/api). What
// Stripe decides by itself is decided by calls under /sandbox/, or by its test
// cards (https://docs.stripe.com/testing). All it knows stands behind one
// mutex, which a call holds from its first check to its last event. Goroutines
// exist only under Run. This package serves; payments and billing hold objects
// and what they do, webhooks sends events, and api is what those share.
package sandbox

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"go.uber.org/zap"

	"hourbank/sandbox/api"
	"hourbank/sandbox/payments"
	"hourbank/sandbox/webhooks"
)

// Config says how a Sandbox behaves. Its zero value works.
type Config struct {
	SecretKey string // the only API key accepted; any test key (sk_test_…, rk_test_…) where empty
	Host      string // the name that the sandbox is asked by, beside its addresses and localhost

	// CLISecret signs what a listening Stripe CLI forwards; made up where
	// empty. With the product's own webhook secret here, `stripe listen
	// --forward-to` works with nothing set.
	CLISecret string

	// Clock tells the time of objects and events. A webhook's signature
	// carries the wall clock's, for that is what its receiver compares.
	Clock   func() time.Time
	Advance func(days int) error // moves Clock on, for the control call
	Logger  *zap.Logger

	RetryBase   time.Duration // before a webhook's second attempt, default 1s; it doubles, up to an hour
	MaxAttempts int           // of a webhook, default 12; its event stays in the list of events

	// SettleAfter is how long what Stripe does "some time later" takes: a
	// pending refund, a bank debit, the verdict on a dispute. Default 1s.
	SettleAfter time.Duration
}

// Endpoint is where events are sent to.
type Endpoint = webhooks.Endpoint

// Chaos is how they misbehave.
type Chaos = webhooks.Chaos

// Options are of what Do does.
type Options = api.Options

// Sandbox is the stand-in. Make one with New, serve its Handler, and run Run
// beside the server for as long as it serves.
type Sandbox struct {
	cfg      Config
	log      *zap.Logger
	handler  http.Handler
	webhooks *webhooks.Webhooks

	store   *api.Store              // guards what follows, too
	answers map[string]*savedAnswer // by Idempotency-Key
	faults  []Fault
}

// New makes a Sandbox. It starts nothing: see Run.
func New(cfg Config) *Sandbox {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	store := api.NewStore(cfg.Clock, cmp.Or(cfg.SettleAfter, time.Second))
	s := &Sandbox{
		cfg: cfg, log: cfg.Logger, store: store, answers: map[string]*savedAnswer{}, faults: []Fault{},
	}
	s.webhooks = (&webhooks.Webhooks{CLISecret: cmp.Or(cfg.CLISecret, api.NewID("whsec_", 32)), RetryBase: cmp.Or(cfg.RetryBase, time.Second),
		MaxAttempts: cmp.Or(cfg.MaxAttempts, 12), Log: cfg.Logger}).Serve(store)
	s.handler = s.routes()
	return s
}

// Handler serves Stripe's API and the control calls.
func (s *Sandbox) Handler() http.Handler { return s.handler }

// Run delivers webhooks and lets time-delayed things happen, until ctx is done
// and everything that it started has ended. It then gives nil. Run it once.
func (s *Sandbox) Run(ctx context.Context) error {
	defer s.webhooks.Close()
	s.store.Run(ctx)
	return nil
}

// Wait returns nil as soon as nothing is pending: webhooks are over, CLIs have
// acknowledged their events, and what was to happen later has. It returns ctx's
// error where that comes first.
func (s *Sandbox) Wait(ctx context.Context) error { return s.store.Wait(ctx) }

// AddEndpoint registers a webhook endpoint for the events to come. Its error
// says what of it Stripe would refuse.
func (s *Sandbox) AddEndpoint(endpoint Endpoint) (err error) {
	s.store.Within(func() { err = s.webhooks.AddEndpoint(endpoint) })
	return err
}

// SetChaos lets the webhooks of events to come misbehave. Its error says what
// is out of bounds.
func (s *Sandbox) SetChaos(x Chaos) (err error) {
	s.store.Within(func() { err = s.webhooks.SetChaos(x) })
	return err
}

// Deliveries gives what became of the last deliveries, newest first.
func (s *Sandbox) Deliveries() (all []webhooks.Delivery) {
	s.store.Within(func() { all = s.webhooks.Deliveries() })
	return all
}

// Books gives the books of all payment intents, oldest first.
func (s *Sandbox) Books() (books []payments.Book) {
	s.store.Within(func() { books = payments.Books(s.store) })
	return books
}

// AddFault lets calls to come fail. Faults hit in the order of their adding.
// Its error says what is out of bounds.
func (s *Sandbox) AddFault(x Fault) (err error) {
	s.store.Within(func() { err = s.keepFault(x) })
	return err
}

// Do lets happen to an object what at Stripe happens without an API call, and
// gives the id of what was changed or made. Its errors are Stripe's. What can
// happen to what is in payments.Actions and billing.Actions.
func (s *Sandbox) Do(id, action string, with Options) (changed string, err error) {
	s.store.Within(func() {
		var o api.Object
		if o, err = s.act(s.store.NewCall(), id, action, with); err == nil {
			changed = o.ID()
		}
	})
	return changed, err
}
