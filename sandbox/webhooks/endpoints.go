package webhooks

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
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
	atOnce         = 16               // webhooks that an endpoint gets at the same time
	webhookTimeout = 20 * time.Second // that it may take over one
	mostAnswer     = 1 << 20          // bytes read of an answer, so that its connection can be used again
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

// Chaos says how webhooks misbehave, as Stripe warns that they may
// (https://docs.stripe.com/webhooks#best-practices). Each probability is
// between 0 and 1 and holds for each event and endpoint. An event that is sent
// to nobody still stands in the list of events.
type Chaos struct {
	Duplicate float64 `json:"duplicate"` // sent twice
	Drop      float64 `json:"drop"`      // not sent at all
	Reorder   float64 `json:"reorder"`   // held until a later one has overtaken it
	DelayMS   int64   `json:"delay_ms"`  // late by up to so many milliseconds
	Seed      uint64  `json:"seed"`      // the same seed and calls misbehave alike
}

// LongestDelay is what can be asked for.
const LongestDelay = time.Hour

// longestHold is when a held delivery goes even though nothing overtook it.
const longestHold = 200 * time.Millisecond

// SetChaos lets the webhooks of events to come misbehave. Its error says what
// is out of bounds.
func (w *Webhooks) SetChaos(x Chaos) error {
	for name, p := range map[string]float64{"duplicate": x.Duplicate, "drop": x.Drop, "reorder": x.Reorder} {
		if p < 0 || p > 1 {
			return api.Invalid("", name, "Invalid %s: must be between 0 and 1.", name)
		}
	}
	if longest := LongestDelay.Milliseconds(); x.DelayMS < 0 || x.DelayMS > longest {
		return api.Invalid("", "delay_ms", "Invalid delay_ms: must be between 0 and %d.", longest)
	}
	w.Chaos = x
	w.random = rand.New(rand.NewPCG(x.Seed, x.Seed)) //nolint:gosec // chaos is to be repeatable, not secret
	return nil
}

// upset gives the deliveries that chaos makes of one event for one endpoint.
func (w *Webhooks) upset(e *api.Event, to *endpoint) []*delivery {
	x := w.Chaos
	if x.Drop > 0 && w.random.Float64() < x.Drop {
		d := newDelivery(e, to)
		d.State, d.Chaos = "dropped", "dropped"
		return []*delivery{d}
	}
	copies := []*delivery{newDelivery(e, to)}
	if x.Duplicate > 0 && w.random.Float64() < x.Duplicate {
		copies = append(copies, newDelivery(e, to))
	}
	for i, d := range copies {
		did := []string{}
		if i > 0 {
			did = append(did, "doubled")
		}
		if x.DelayMS > 0 {
			d.delay = time.Duration(w.random.Int64N(x.DelayMS+1)) * time.Millisecond
			did = append(did, "delayed")
		}
		if x.Reorder > 0 && w.random.Float64() < x.Reorder {
			d.overtaken = make(chan struct{})
			to.held = append(to.held, d)
			did = append(did, "reordered")
		}
		d.Chaos = strings.Join(did, ",")
	}
	return copies
}

// heldBack waits until the delivery was overtaken, and tells whether ctx let
// it.
func (d *delivery) heldBack(ctx context.Context) bool {
	if d.overtaken == nil {
		return ctx.Err() == nil
	}
	select {
	case <-d.overtaken:
	case <-time.After(longestHold):
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// letOvertake frees the held deliveries that by overtook. The state is locked.
func (e *endpoint) letOvertake(by *delivery) {
	e.held = slices.DeleteFunc(e.held, func(d *delivery) bool {
		if d == by {
			return true
		}
		if d.event.Number >= by.event.Number {
			return false
		}
		close(d.overtaken)
		return true
	})
}
