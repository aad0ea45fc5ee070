package sandbox

import (
	"context"
	"encoding/json"
	"time"

	"go.uber.org/zap"
)

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
//	waiting → delivered | given_up | abandoned
//	dropped
const (
	deliveryWaiting   = "waiting"   // not answered with a 2xx yet
	deliveryDelivered = "delivered" // answered with one, or acknowledged by a CLI
	deliveryGivenUp   = "given_up"  // Config.MaxAttempts failed
	deliveryAbandoned = "abandoned" // Run ended first, or the CLI went away
	deliveryDropped   = "dropped"   // by chaos: never sent
)

// maxDeliveries bounds the deliveries remembered.
const maxDeliveries = 10_000

// longestRetry bounds the wait between two attempts, as Stripe's are about an
// hour apart in the end. https://docs.stripe.com/webhooks#retries
const longestRetry = time.Hour

type delivery struct {
	Delivery
	event     *event
	version   version
	payload   []byte // until it is over
	to        *endpoint
	delay     time.Duration
	overtaken chan struct{} // closed once it may go; nil where nothing holds it
}

// dispatch sends a new event to everybody who wants it. How many do stands in
// the event from the start, so it is counted first.
func (c *call) dispatch(e *event) {
	e.pending = c.connected()
	for _, to := range c.endpoints {
		if to.wants(e) {
			e.pending++
		}
	}
	c.sendToEndpoints(e)
	c.sendToListeners(e)
}

func (c *call) sendToEndpoints(e *event) {
	for _, to := range c.endpoints {
		if !to.wants(e) {
			continue
		}
		for _, d := range c.upset(e, to) {
			c.enqueue(d)
		}
	}
}

func newDelivery(e *event, to *endpoint) *delivery {
	return &delivery{
		Delivery: Delivery{Event: e.ID, Type: e.kind, Endpoint: to.ID, URL: to.URL, State: deliveryWaiting},
		event:    e,
		version:  to.version(),
		to:       to,
	}
}

// enqueue remembers the delivery and, unless it is dropped, lets Run make it.
func (c *call) enqueue(d *delivery) {
	c.remember(d)
	if d.State == deliveryDropped {
		return
	}
	if !c.fix(d) {
		return
	}
	s := c.sandbox
	c.start(func(ctx context.Context) { s.deliver(ctx, d) })
}

func (c *call) remember(d *delivery) {
	if len(c.deliveries) >= 2*maxDeliveries {
		c.deliveries = append([]*delivery(nil), c.deliveries[maxDeliveries:]...)
	}
	c.deliveries = append(c.deliveries, d)
}

// fix renders the payload, so that each attempt sends the same bytes.
func (c *call) fix(d *delivery) bool {
	payload, err := json.MarshalIndent(d.content(), "", "  ")
	if err != nil {
		c.sandbox.log.Error("sandbox event failed", zap.String("event_id", d.Event), zap.Error(err))
		d.State, d.Error = deliveryGivenUp, "the event cannot be rendered"
		return false
	}
	d.payload = payload
	return true
}

// content is the event as its receiver asked for it.
func (d *delivery) content() any {
	if d.to != nil && d.to.thin {
		return d.event.thin()
	}
	return d.event.render(d.version)
}

// deliver sends until a 2xx comes back, ever more rarely.
func (s *Sandbox) deliver(ctx context.Context, d *delivery) {
	wait := s.cfg.RetryBase
	letGo := pause(ctx, d.delay) && d.heldBack(ctx)
	for attempt := 1; letGo && attempt <= s.cfg.MaxAttempts; attempt++ {
		status, err := s.post(ctx, d.to, d.payload)
		if s.attempted(d, status, err) {
			return
		}
		if attempt == s.cfg.MaxAttempts {
			break
		}
		letGo = pause(ctx, wait)
		wait = min(2*wait, longestRetry)
	}
	s.within(func(*state) {
		d.State, d.payload = deliveryGivenUp, nil
		if !letGo {
			d.State = deliveryAbandoned
		}
	})
}

// attempted notes an attempt and tells whether it was the last one needed.
func (s *Sandbox) attempted(d *delivery, status int, err error) (done bool) {
	s.within(func(*state) {
		d.Attempts++
		d.Status, d.Error = status, ""
		if err != nil {
			d.Error = err.Error()
		}
		if status >= 200 && status < 300 {
			d.State, d.payload = deliveryDelivered, nil
			d.event.pending = max(d.event.pending-1, 0)
			done = true
		}
		d.to.letOvertake(d)
	})
	s.log.Debug("sandbox webhook attempted", zap.String("event_id", d.Event), zap.String("type", d.Type),
		zap.String("endpoint", d.Endpoint), zap.Int("status", status), zap.Error(err))
	return done
}

// Deliveries gives what became of the last deliveries, newest first.
func (s *Sandbox) Deliveries() (all []Delivery) {
	s.within(func(st *state) { all = st.lastDeliveries() })
	return all
}

func (st *state) lastDeliveries() []Delivery {
	all := []Delivery{}
	for i := len(st.deliveries) - 1; i >= 0 && len(all) < maxDeliveries; i-- {
		all = append(all, st.deliveries[i].Delivery)
	}
	return all
}
