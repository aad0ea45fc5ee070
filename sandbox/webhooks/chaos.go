package webhooks

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"hourbank/sandbox/api"
)

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

// longestHold is when a held delivery goes even though nothing overtook it.
const longestHold = 200 * time.Millisecond

// LongestDelay bounds what is asked to be late.
const LongestDelay = time.Hour

func newRandom(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // chaos is to be repeatable, not secret
}

func (x Chaos) check() error {
	for name, p := range map[string]float64{"duplicate": x.Duplicate, "drop": x.Drop, "reorder": x.Reorder} {
		if p < 0 || p > 1 {
			return api.Invalid("", name, "Invalid %s: must be between 0 and 1.", name)
		}
	}
	if x.DelayMS < 0 || x.DelayMS > LongestDelay.Milliseconds() {
		return api.Invalid("", "delay_ms", "Invalid delay_ms: must be between 0 and %d.", LongestDelay.Milliseconds())
	}
	return nil
}

// SetChaos lets the webhooks of events to come misbehave. Its error says what
// is out of bounds.
func (w *Webhooks) SetChaos(x Chaos) error {
	if err := x.check(); err != nil {
		return err
	}
	w.chaos, w.random = x, newRandom(x.Seed)
	return nil
}

// Chaos gives how webhooks misbehave.
func (w *Webhooks) Chaos() Chaos { return w.chaos }

// upset gives the deliveries that chaos makes of one event for one endpoint.
func (w *Webhooks) upset(e *api.Event, to *endpoint) []*delivery {
	x := w.chaos
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
	timer := time.NewTimer(longestHold)
	defer timer.Stop()
	select {
	case <-d.overtaken:
	case <-timer.C:
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
