package webhooks

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

	"hourbank/sandbox/api"
)

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

const (
	// atOnce is how many webhooks an endpoint gets at the same time.
	atOnce = 16

	// webhookTimeout is how long an endpoint may take over one.
	webhookTimeout = 20 * time.Second

	// mostAnswer is what is read of an answer, so that its connection can be used
	// again, in bytes.
	mostAnswer = 1 << 20
)

type endpoint struct {
	Endpoint
	id    string
	slots chan struct{}
	held  []*delivery // waiting to be overtaken
}

func newEndpoint(e Endpoint, id string) *endpoint {
	return &endpoint{Endpoint: e, id: id, slots: make(chan struct{}, atOnce)}
}

// AddEndpoint registers an endpoint for the events to come. Its error says what
// of it Stripe would refuse.
func (w *Webhooks) AddEndpoint(e Endpoint) error {
	for _, kind := range e.Events {
		if strings.Contains(kind, "*") {
			return fmt.Errorf("%s: an endpoint names each event type in full", kind)
		}
	}
	if v := e.APIVersion; v != "" && !api.Version(v).Valid() {
		return fmt.Errorf("%q is no version of Stripe's API", v)
	}
	events := e.Events
	if len(events) == 0 {
		events = []string{"*"}
	}
	shown := w.store.NewCall().Make("webhook_endpoint", api.Object{"url": e.URL, "enabled_events": events, "status": "enabled",
		"api_version": e.APIVersion, "application": nil})
	w.endpoints = append(w.endpoints, newEndpoint(e, shown.ID()))
	return nil
}

// wants tells whether the endpoint gets events of a type: one that it asks
// for, and whose object its version knows.
func (e *endpoint) wants(event *api.Event) bool {
	return (len(e.Events) == 0 || slices.Contains(e.Events, event.Type)) && e.version().Knows(event.About)
}

func (e *endpoint) version() api.Version {
	return cmp.Or(api.Version(e.APIVersion), api.AccountVersion)
}

func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: atOnce, IdleConnTimeout: 30 * time.Second},
		Timeout:   webhookTimeout,
		// To Stripe a redirect is a failed delivery.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// headers are what a payload is sent with. The signature has the wall clock's
// time. https://docs.stripe.com/webhooks#verify-manually
func headers(payload []byte, secret string) map[string]string {
	return map[string]string{
		"Content-Type":     "application/json; charset=utf-8",
		"User-Agent":       "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
		"Stripe-Signature": webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: payload, Secret: secret}).Header,
	}
}

// post makes one attempt at a delivery to the endpoint.
func (w *Webhooks) post(ctx context.Context, to *endpoint, payload []byte) (status int, err error) {
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
	for name, value := range headers(payload, to.Secret) {
		req.Header.Set(name, value)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("post webhook: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	_, _ = io.CopyN(io.Discard, resp.Body, mostAnswer)
	return resp.StatusCode, nil
}
