// Package webhooks sends events to webhook endpoints and to listening Stripe
// CLIs, signed, and as badly as it is asked to.
package webhooks

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"hourbank/sandbox/api"
)

// Webhooks sends the events of a store. The store's Work guards it.
type Webhooks struct {
	CLISecret   string        // signs what a listening CLI forwards
	RetryBase   time.Duration // before the second attempt; it doubles, up to an hour
	MaxAttempts int
	Log         *zap.Logger

	store  *api.Store
	client *http.Client

	Chaos      Chaos      // see SetChaos
	random     *rand.Rand // decides the chaos
	endpoints  []*endpoint
	deliveries []*delivery // the last maxDeliveries

	links   map[string]*link // of the CLI's sessions, by websocket id; nil while it is not connected
	stopped bool             // no CLI may connect any more
	readers sync.WaitGroup   // CLI connections being read
}

// Serve has the webhooks send the events of a store from now on.
func (w *Webhooks) Serve(store *api.Store) *Webhooks {
	w.store, w.client, w.links = store, newClient(), map[string]*link{}
	_ = w.SetChaos(Chaos{}) // none is within its bounds
	store.Dispatch = w.dispatch
	return w
}

// Delivery is what became of one sending of one event.
type Delivery struct {
	Event    string `json:"event"`
	Type     string `json:"type"`
	Endpoint string `json:"endpoint"` // the endpoint's id (we_…), or a listening CLI's (cliws_…)
	URL      string `json:"url,omitempty"`
	State    string `json:"state"`
	Attempts int    `json:"attempts"`
	Status   int    `json:"status"`          // of the last answer, 0 for none
	Error    string `json:"error,omitempty"` // of the last attempt
	Chaos    string `json:"chaos,omitempty"` // what chaos did to it
}

// States of a delivery:
//
//	waiting → delivered: answered with a 2xx, or acknowledged by a CLI
//	waiting → given_up: MaxAttempts failed
//	waiting → abandoned: Run ended first, or the CLI went away
//	dropped: by chaos, never sent
const (
	maxDeliveries = 10_000    // remembered
	longestRetry  = time.Hour // between two attempts, https://docs.stripe.com/webhooks#retries
)

type delivery struct {
	Delivery
	event     *api.Event
	version   api.Version
	payload   []byte // until it is over; each attempt sends the same bytes
	to        *endpoint
	delay     time.Duration
	overtaken chan struct{} // closed once it may go; nil where nothing holds it
}

// dispatch sends a new event to everybody who wants it. How many do stands in
// the event from the start, so it is counted first.
func (w *Webhooks) dispatch(e *api.Event) {
	wanted := slices.DeleteFunc(slices.Clone(w.endpoints), func(to *endpoint) bool { return !to.wants(e) })
	e.Pending = len(w.connected()) + len(wanted)
	for _, to := range wanted {
		for _, d := range w.upset(e, to) {
			if w.remember(d); d.State != "dropped" && w.render(d) {
				w.store.Start(func(ctx context.Context) { w.deliver(ctx, d) })
			}
		}
	}
	w.sendToListeners(e)
}

func newDelivery(e *api.Event, to *endpoint) *delivery {
	return &delivery{
		Delivery: Delivery{Event: e.ID, Type: e.Type, Endpoint: to.id, URL: to.URL, State: "waiting"},
		event:    e, version: to.version(), to: to,
	}
}

func (w *Webhooks) remember(d *delivery) {
	if len(w.deliveries) >= 2*maxDeliveries {
		w.deliveries = append([]*delivery(nil), w.deliveries[maxDeliveries:]...)
	}
	w.deliveries = append(w.deliveries, d)
}

// render makes the payload as its receiver asked for it.
func (w *Webhooks) render(d *delivery) bool {
	content := d.event.Render(d.version)
	if d.to != nil && d.to.Thin {
		content = d.event.Thin()
	}
	payload, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		w.Log.Error("sandbox event failed", zap.String("event_id", d.Event), zap.Error(err))
		d.State, d.Error = "given_up", "the event cannot be rendered"
		return false
	}
	d.payload = payload
	return true
}

// deliver sends until a 2xx comes back, ever more rarely.
func (w *Webhooks) deliver(ctx context.Context, d *delivery) {
	wait := w.RetryBase
	letGo := api.Pause(ctx, d.delay) && d.heldBack(ctx)
	for attempt := 1; letGo && attempt <= w.MaxAttempts; attempt++ {
		status, err := w.post(ctx, d.to, d.payload)
		if w.attempted(d, status, err) {
			return
		}
		letGo = attempt == w.MaxAttempts || api.Pause(ctx, wait)
		wait = min(2*wait, longestRetry)
	}
	w.store.Within(func() {
		d.State, d.payload = "given_up", nil
		if !letGo {
			d.State = "abandoned"
		}
	})
}

// attempted notes an attempt and tells whether it was the last one needed.
func (w *Webhooks) attempted(d *delivery, status int, err error) (done bool) {
	w.store.Within(func() {
		d.Attempts++
		d.Status, d.Error = status, ""
		if err != nil {
			d.Error = err.Error()
		}
		if done = status >= 200 && status < 300; done {
			d.State, d.payload = "delivered", nil
			d.event.Pending = max(d.event.Pending-1, 0)
		}
		d.to.letOvertake(d)
	})
	w.Log.Debug("sandbox webhook attempted", zap.String("event_id", d.Event), zap.String("type", d.Type),
		zap.String("endpoint", d.Endpoint), zap.Int("status", status), zap.Error(err))
	return done
}

// Deliveries gives what became of the last deliveries, newest first. It is
// called under the store's Within, as SetChaos and AddEndpoint are.
func (w *Webhooks) Deliveries() []Delivery {
	all := []Delivery{}
	for i := len(w.deliveries) - 1; i >= 0 && len(all) < maxDeliveries; i-- {
		all = append(all, w.deliveries[i].Delivery)
	}
	return all
}
