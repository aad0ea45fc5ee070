package harness

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"hourbank/sandbox"
	"hourbank/sandbox/api"
)

// StripeKey is what the program and the tests call the stand-in with.
const StripeKey = "sk_test_of_the_tests"

// Stripe is the stand-in for Stripe.
type Stripe struct {
	*sandbox.Sandbox
	URL string
	API *client.API // stripe-go's own client, to play the customer with

	EventVersion string // of the events that SendTo sends; the account's where empty
}

// NewStripe starts a stand-in that sends to nobody yet.
func NewStripe(tb testing.TB) *Stripe {
	tb.Helper()
	return NewStripeAt(tb, time.Now)
}

// NewStripeAt is NewStripe with a clock of the test's own.
func NewStripeAt(tb testing.TB, clock func() time.Time) *Stripe {
	tb.Helper()
	s := &Stripe{Sandbox: sandbox.New(sandbox.Config{CLISecret: WebhookSecret, Clock: clock})}
	server := httptest.NewServer(s.Handler())
	s.URL = server.URL
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: &s.URL, LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	s.API = client.New(StripeKey, &stripe.Backends{API: backend})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
		server.CloseClientConnections()
		server.Close()
	})
	return s
}

// SendTo lets the stand-in send its events to both addresses of the program.
func (s *Stripe) SendTo(tb testing.TB, app *App) {
	tb.Helper()
	for _, to := range []sandbox.Endpoint{
		{URL: app.BaseURL + WebhookPath, Secret: WebhookSecret, Events: api.PaymentEvents(), APIVersion: s.EventVersion},
		{URL: app.BaseURL + SubscriptionsPath, Secret: SubscriptionsSecret, Events: api.BillingEvents(), APIVersion: s.EventVersion},
	} {
		if err := s.AddEndpoint(to); err != nil {
			tb.Fatal(err)
		}
	}
}

// Settle waits until everything that was to happen and to be sent has been.
func (s *Stripe) Settle(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 5*patience) // a thousand purchases' events may be waiting
	defer cancel()
	if err := s.Wait(ctx); err != nil {
		tb.Fatal("the stand-in did not settle: ", err)
	}
}

// Settings point a program at the stand-in.
func (s *Stripe) Settings() []string {
	return []string{"STRIPE_SECRET_KEY=" + StripeKey, "STRIPE_API_BASE=" + s.URL, "RECONCILE_EVERY=0"}
}

// RunOn runs one command on the database, which may ask the stand-in.
func (s *Stripe) RunOn(tb testing.TB, db *Database, args ...string) Result {
	tb.Helper()
	return RunWith(tb, db.environ(s.Settings()...), args...)
}

// Post asks the API with a key, with a JSON body.
func (app *App) Post(tb testing.TB, key, path, body string, headers ...string) Response {
	tb.Helper()
	return app.Request(tb, http.MethodPost, path, body, append([]string{"Authorization", "Bearer " + key}, headers...)...)
}

// PostPatiently is Post for a busy machine. The request must be one that is
// safe to repeat.
func (app *App) PostPatiently(tb testing.TB, key, path, body string, headers ...string) Response {
	tb.Helper()
	answer, _ := Patiently(func() (Response, error) { return app.Post(tb, key, path, body, headers...), nil })
	return answer
}
