package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
)

const (
	// atOnce is how many webhooks an endpoint gets at the same time.
	atOnce = 16

	// webhookTimeout is how long an endpoint may take over one.
	webhookTimeout = 20 * time.Second
)

// endpoint is a registered webhook endpoint.
// https://docs.stripe.com/api/webhook_endpoints
type endpoint struct {
	head
	URL           string     `json:"url"`
	EnabledEvents []string   `json:"enabled_events"`
	Status        string     `json:"status"`
	APIVersion    nullString `json:"api_version"`
	Application   nullString `json:"application"`

	thin   bool
	secret string
	slots  chan struct{}
	held   []*delivery // waiting to be overtaken
}

// PaymentEvents are the types of a payment's events that the sandbox makes.
func PaymentEvents() []string { return strings.Fields(stripes().Events.Payments) }

// BillingEvents are those of what asks for payments by itself.
func BillingEvents() []string { return strings.Fields(stripes().Events.Billing) }

func newEndpoint(e Endpoint, now int64) *endpoint {
	events := e.Events
	if len(events) == 0 {
		events = []string{"*"}
	}
	return &endpoint{
		head:          head{ID: newID("we_1", usualID-1), Object: "webhook_endpoint", Created: now},
		URL:           e.URL,
		EnabledEvents: events,
		Status:        "enabled",
		APIVersion:    nullString(e.APIVersion),
		thin:          e.Thin,
		secret:        e.Secret,
		slots:         make(chan struct{}, atOnce),
	}
}

func (c *call) listEndpoints() (any, error) {
	return list(c, &table[*endpoint]{rows: c.endpoints}, func(*endpoint) bool { return true })
}

// wants tells whether the endpoint gets events of a type: one that it asks
// for, and whose object its version knows.
func (e *endpoint) wants(event *event) bool {
	asked := slices.Contains(e.EnabledEvents, "*") || slices.Contains(e.EnabledEvents, event.kind)
	return asked && e.version().knows(event.about.Object)
}

func (e *endpoint) version() version { return cmp.Or(version(e.APIVersion), accountVersion) }

func newWebhookClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: atOnce, IdleConnTimeout: 30 * time.Second},
		Timeout:   webhookTimeout,
		// To Stripe a redirect is a failed delivery.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// sign makes the Stripe-Signature header, with the wall clock's time.
// https://docs.stripe.com/webhooks#verify-manually
func sign(payload []byte, secret string) string {
	return webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: payload, Secret: secret}).Header
}

// post makes one attempt at a delivery to the endpoint.
func (s *Sandbox) post(ctx context.Context, to *endpoint, payload []byte) (status int, err error) {
	select {
	case to.slots <- struct{}{}:
		defer func() { <-to.slots }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(payload))
	if err != nil {
		return 0, errors.New("the endpoint's URL is malformed")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	req.Header.Set("Stripe-Signature", sign(payload, to.secret))
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("post webhook: %w", err)
	}
	defer resp.Body.Close()                         //nolint:errcheck // it was only read
	_, _ = io.CopyN(io.Discard, resp.Body, maxBody) // lets the connection be used again
	return resp.StatusCode, nil
}
