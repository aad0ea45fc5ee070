package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Config says how a Sandbox behaves. Its zero value works.
type Config struct {
	// SecretKey is the only API key accepted; where it is empty any test key
	// (sk_test_…, rk_test_…) is.
	SecretKey string

	// Host is the name that the sandbox is asked by, beside its addresses and
	// localhost; none where empty.
	Host string

	// CLISecret signs what a listening Stripe CLI forwards; made up where
	// empty. With the product's own webhook secret here, `stripe listen
	// --forward-to` works with nothing set.
	CLISecret string

	// Clock tells the time of objects and events. A webhook's signature
	// carries the wall clock's, for that is what its receiver compares.
	Clock func() time.Time

	Logger *zap.Logger

	// RetryBase is the wait before a webhook's second attempt, default 1s. It
	// doubles from attempt to attempt, up to an hour.
	RetryBase time.Duration

	// MaxAttempts ends the retries of a webhook, default 12. Its event stays
	// in the list of events.
	MaxAttempts int

	// SettleAfter is how long what Stripe does "some time later" takes: a
	// pending refund, a bank debit, the verdict on a dispute. Default 1s.
	SettleAfter time.Duration
}

// Endpoint is a registered webhook endpoint.
type Endpoint struct {
	URL    string
	Secret string // whsec_…, signs what is sent to it

	// Events are the enabled event types, each in full, as Stripe has them; none
	// means all.
	Events []string

	APIVersion string // of its events; the account's where empty
	Thin       bool   // gets thin events, which only name the object
}

// Sandbox is the stand-in. Make one with New, serve its Handler, and run Run
// beside the server for as long as it serves.
type Sandbox struct {
	cfg     Config
	log     *zap.Logger
	client  *http.Client
	handler http.Handler
	wake    chan struct{} // Run has something to start

	mu    sync.Mutex
	state *state
}

// New makes a Sandbox. It starts nothing: see Run.
func New(cfg Config) *Sandbox {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	cfg.RetryBase = cmp.Or(cfg.RetryBase, time.Second)
	cfg.MaxAttempts = cmp.Or(cfg.MaxAttempts, 12)
	cfg.SettleAfter = cmp.Or(cfg.SettleAfter, time.Second)
	cfg.CLISecret = cmp.Or(cfg.CLISecret, newID("whsec_", 32))
	s := &Sandbox{
		cfg:    cfg,
		log:    cfg.Logger,
		client: newWebhookClient(),
		wake:   make(chan struct{}, 1),
		state:  newState(),
	}
	s.handler = s.routes()
	return s
}

// AddEndpoint registers a webhook endpoint for the events to come. Its error
// says what of it Stripe would refuse.
func (s *Sandbox) AddEndpoint(endpoint Endpoint) error {
	for _, kind := range endpoint.Events {
		if strings.Contains(kind, "*") {
			return fmt.Errorf("%s: an endpoint names each event type in full", kind)
		}
	}
	if v := endpoint.APIVersion; v != "" && !versionForm.MatchString(v) {
		return fmt.Errorf("%q is no version of Stripe's API", v)
	}
	e := newEndpoint(endpoint, s.cfg.Clock().Unix())
	s.within(func(st *state) { st.endpoints = append(st.endpoints, e) })
	return nil
}

// Run delivers webhooks and lets time-delayed things happen, until ctx is done
// and everything that it started has ended. It then gives nil. Run it once.
func (s *Sandbox) Run(ctx context.Context) error {
	var tasks sync.WaitGroup
	defer s.client.CloseIdleConnections()
	defer tasks.Wait()
	defer s.hangUp()
	for {
		for _, task := range s.takeTasks() {
			tasks.Go(func() { s.perform(ctx, task) })
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			for _, task := range s.takeTasks() {
				s.perform(ctx, task) // only notes that it is too late
			}
			return nil
		}
	}
}

func (s *Sandbox) perform(ctx context.Context, task task) {
	task(ctx)
	s.within(func(st *state) {
		st.pending--
		if st.pending == 0 {
			close(st.idle)
			st.idle = make(chan struct{})
		}
	})
}

// Wait returns nil as soon as nothing is pending: every webhook was answered
// with a 2xx, dropped or given up, every listening CLI has acknowledged its
// events, and whatever was to happen later has happened. It returns ctx's
// error where that comes first.
func (s *Sandbox) Wait(ctx context.Context) error {
	for {
		var idle chan struct{}
		s.within(func(st *state) {
			if st.pending > 0 {
				idle = st.idle
			}
		})
		if idle == nil {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// task is work that Run starts and waits for.
type task func(ctx context.Context)

// within runs f on the state, alone, and wakes Run where f left it work.
func (s *Sandbox) within(f func(*state)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.state)
	if len(s.state.tasks) > 0 {
		select {
		case s.wake <- struct{}{}:
		default: // Run is about to look anyway
		}
	}
}

func (s *Sandbox) takeTasks() (tasks []task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tasks, s.state.tasks = s.state.tasks, nil
	return tasks
}

// pause waits for d, and tells whether ctx let it.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
