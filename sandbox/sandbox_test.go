package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/stripe/stripe-go/v76/webhook"

	"hourbank/sandbox"
	"hourbank/sandbox/payments"
)

const (
	testKey    = "sk_test_sandbox_1234567890"
	testSecret = "whsec_test"
	patience   = 20 * time.Second // only a broken test ever waits so long
)

// bench is a running sandbox with a receiver of its webhooks and stripe-go's
// own client.
type bench struct {
	*sandbox.Sandbox
	t    *testing.T
	url  string
	api  *client.API
	hook *receiver
}

func start(t *testing.T, configure ...func(*sandbox.Config)) *bench {
	t.Helper()
	hook := newReceiver(t, testSecret)
	cfg := sandbox.Config{
		RetryBase:   time.Millisecond,
		MaxAttempts: 5,
		SettleAfter: time.Millisecond,
	}
	for _, f := range configure {
		f(&cfg)
	}
	s := sandbox.New(cfg)
	if cfg.CLISecret == "" {
		ok(t, s.AddEndpoint(sandbox.Endpoint{URL: hook.url, Secret: testSecret}))
	}
	server := httptest.NewServer(s.Handler())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		server.Close()
	})
	return &bench{Sandbox: s, t: t, url: server.URL, api: newClient(server.URL, testKey), hook: hook}
}

func newClient(url, key string) *client.API {
	return client.New(key, &stripe.Backends{API: stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL:               stripe.String(url),
		MaxNetworkRetries: stripe.Int64(0),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
		EnableTelemetry:   stripe.Bool(false),
	})})
}

// settled waits until nothing is pending.
func (b *bench) settled() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Wait(ctx); err != nil {
		b.t.Fatalf("the sandbox never came to rest: %v", err)
	}
}

// types gives the types of all events, oldest first.
func (b *bench) types() (types []string) {
	b.t.Helper()
	list := b.api.Events.List(&stripe.EventListParams{ListParams: stripe.ListParams{Limit: stripe.Int64(100)}})
	for list.Next() {
		types = append(types, string(list.Event().Type))
	}
	ok(b.t, list.Err())
	slices.Reverse(types)
	return types
}

func (b *bench) pay(amount int64, method string) *stripe.PaymentIntent {
	b.t.Helper()
	pi, err := b.api.PaymentIntents.New(paid(amount, method))
	ok(b.t, err)
	return pi
}

func paid(amount int64, method string) *stripe.PaymentIntentParams {
	return &stripe.PaymentIntentParams{
		Amount: stripe.Int64(amount), Currency: stripe.String("eur"),
		Confirm: stripe.Bool(true), PaymentMethod: stripe.String(method),
	}
}

func (b *bench) do(id, action string, with sandbox.Options) string {
	b.t.Helper()
	changed, err := b.Do(id, action, with)
	ok(b.t, err)
	return changed
}

// book gives the sandbox's own book of a payment intent.
func (b *bench) book(id string) payments.Book {
	b.t.Helper()
	for _, book := range b.Books() {
		if book.PaymentIntent == id {
			return book
		}
	}
	b.t.Fatalf("no book of %s", id)
	return payments.Book{}
}

// call makes a plain HTTP call and decodes the JSON answer.
func (b *bench) call(method, path, body string) (int, map[string]any) {
	b.t.Helper()
	req, err := http.NewRequest(method, b.url+path, bytes.NewBufferString(body))
	ok(b.t, err)
	req.Header.Set(sandbox.ControlHeader, "1")
	resp, err := http.DefaultClient.Do(req)
	ok(b.t, err)
	defer resp.Body.Close() //nolint:errcheck // it was only read
	var answer map[string]any
	ok(b.t, json.NewDecoder(resp.Body).Decode(&answer))
	return resp.StatusCode, answer
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func equalTypes(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("events: got %q\nwant %q", got, want)
	}
}

// refusal is an error of Stripe's that was looked at already.
type refusal stripe.Error

// refused asserts an error of Stripe's.
func refused(t *testing.T, err error, status int, kind stripe.ErrorType, code stripe.ErrorCode) *refusal {
	t.Helper()
	e, isStripe := errors.AsType[*stripe.Error](err)
	if !isStripe {
		t.Fatalf("got %v, want a Stripe error", err)
	}
	if e.HTTPStatusCode != status || e.Type != kind || e.Code != code {
		t.Errorf("got %d %s %s, want %d %s %s", e.HTTPStatusCode, e.Type, e.Code, status, kind, code)
	}
	if e.RequestID == "" {
		t.Error("the error names no request")
	}
	return (*refusal)(e)
}

// receiver takes webhooks as a product does.
type receiver struct {
	url string

	mu     sync.Mutex
	events []stripe.Event
	answer func(stripe.Event) int // the status, 200 where nil
}

func newReceiver(t *testing.T, secret string) *receiver {
	r := &receiver{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil { // the sandbox was stopped in the middle of it
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		event, err := webhook.ConstructEventWithOptions(body, req.Header.Get("Stripe-Signature"), secret,
			webhook.ConstructEventOptions{IgnoreAPIVersionMismatch: true})
		if err != nil {
			t.Errorf("webhook: %v", err)
		}
		w.WriteHeader(r.take(event))
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) take(event stripe.Event) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event)
	if r.answer != nil {
		return r.answer(event)
	}
	return http.StatusOK
}

func (r *receiver) answers(f func(stripe.Event) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// types gives how often each type was received.
func (r *receiver) types() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	types := map[string]int{}
	for _, event := range r.events {
		types[string(event.Type)]++
	}
	return types
}

func (r *receiver) ids() (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, event := range r.events {
		ids = append(ids, event.ID)
	}
	return ids
}
