package sandbox

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"go.uber.org/zap"
)

// event is Stripe's notice of one change. https://docs.stripe.com/api/events
type event struct {
	head
	APIVersion      string       `json:"api_version"`
	Data            eventData    `json:"data"`
	PendingWebhooks int          `json:"pending_webhooks"` // not yet answered with a 2xx
	Request         eventRequest `json:"request"`
	Type            string       `json:"type"`

	number int // counts the events, for those of one second
}

// eventData is the object as it was right after the change, and what of it was
// different before.
type eventData struct {
	Object             json.RawMessage `json:"object"`
	PreviousAttributes any             `json:"previous_attributes,omitempty"`
}

// eventRequest names the API call behind an event; null for what Stripe did.
type eventRequest struct {
	ID             nullString `json:"id"`
	IdempotencyKey nullString `json:"idempotency_key"`
}

// eventLifetime is how long Stripe shows an event.
// https://docs.stripe.com/api/events
const eventLifetime = 30 * 24 * time.Hour

// snapshot is an object as it is now, to compare with later.
type snapshot map[string]any

func (c *call) snapshot(o object) snapshot {
	rendered, err := generic(o)
	if err != nil {
		c.sandbox.log.Error("sandbox snapshot failed", zap.Error(err))
		return nil
	}
	m, _ := rendered.(map[string]any)
	return m
}

// emit makes the event of a change and sends it to whoever wants it. before is
// the object before the change, nil where that makes no sense.
func (c *call) emit(kind string, o object, before snapshot) {
	raw, err := json.Marshal(o)
	if err != nil {
		c.sandbox.log.Error("sandbox event failed", zap.String("type", kind), zap.Error(err))
		return
	}
	e := &event{
		head:       head{ID: newID("evt_1", usualID-1), Object: "event", Created: c.now},
		APIVersion: APIVersion,
		Data:       eventData{Object: raw},
		Request:    c.reason,
		Type:       kind,
		number:     len(c.events.rows),
	}
	if before != nil {
		e.Data.PreviousAttributes = differences(before, c.snapshot(o))
	}
	add(c.state, &c.events, e)
	c.dispatch(e)
}

// differences gives what before had otherwise than after, deep into objects
// and whole for lists; null for what was not there.
func differences(before, after map[string]any) map[string]any {
	changed := map[string]any{}
	for key, now := range after {
		then := before[key]
		if reflect.DeepEqual(then, now) {
			continue
		}
		inner, isMap := then.(map[string]any)
		outer, areMaps := now.(map[string]any)
		if isMap && areMaps {
			then = differences(inner, outer)
		}
		changed[key] = then
	}
	for key, then := range before {
		if _, kept := after[key]; !kept {
			changed[key] = then
		}
	}
	return changed
}

func (c *call) shown(e *event) bool {
	return e.Created >= c.now-int64(eventLifetime.Seconds())
}

func (c *call) getEvent() (any, error) {
	e, err := find[*event](c.state, "event", c.id(), inPath)
	if err != nil || !c.shown(e) {
		return nil, noSuch("event", c.id(), inPath)
	}
	return e, nil
}

// listEvents narrows by type, which may end in ".*", or by types.
// https://docs.stripe.com/api/events/list
func (c *call) listEvents() (any, error) {
	types := c.form.texts("types")
	if kind := c.form.text("type"); kind != "" {
		types = append(types, kind)
	}
	c.form.ignore("delivery_success")
	return list(c, &c.events, func(e *event) bool {
		return c.shown(e) && (len(types) == 0 || slices.ContainsFunc(types, func(t string) bool { return covers(t, e.Type) }))
	})
}

// resendEvent sends an event again: to the listening CLIs, to the endpoint
// named, or to everybody.
func (c *call) resendEvent() (any, error) {
	e, err := find[*event](c.state, "event", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	onlyCLI, only := c.form.flag("for_stripecli"), c.form.text("webhook_endpoint")
	c.form.ignore("expand", "account")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	switch {
	case only != "":
		i := slices.IndexFunc(c.endpoints, func(to *endpoint) bool { return to.ID == only })
		if i < 0 {
			return nil, noSuch("webhook endpoint", only, "webhook_endpoint")
		}
		c.send(e, c.endpoints[i])
	case onlyCLI:
		c.sendToListeners(e)
	default:
		c.sendToEndpoints(e)
		c.sendToListeners(e)
	}
	return e, nil
}
