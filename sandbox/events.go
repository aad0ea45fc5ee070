package sandbox

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// event is Stripe's notice of one change. https://docs.stripe.com/api/events
// It holds the object as it was right after the change, and what of it was
// before, as all versions have it; what it is rendered for decides.
type event struct {
	head
	kind    string
	request eventRequest
	about   head           // the object
	object  map[string]any // as whole gives it
	before  map[string]any // nil where that makes no sense
	pending int            // webhooks not yet answered with a 2xx
	number  int            // counts the events, for those of one second
}

// eventRequest names the API call behind an event; null for what Stripe did.
type eventRequest struct {
	ID             nullString `json:"id"`
	IdempotencyKey nullString `json:"idempotency_key"`
}

// eventLifetime is how long Stripe shows an event.
// https://docs.stripe.com/api/events
const eventLifetime = 30 * 24 * time.Hour

// render gives the event as a version has it.
func (e *event) render(v version) map[string]any {
	after, _ := shaped(e.object, v).(map[string]any)
	data := map[string]any{"object": after}
	if e.before != nil {
		before, _ := shaped(e.before, v).(map[string]any)
		data["previous_attributes"] = differences(before, after)
	}
	return map[string]any{"id": e.ID, "object": "event", "created": e.Created, "livemode": false, "type": e.kind, "api_version": v,
		"data": data, "pending_webhooks": e.pending, "request": e.request}
}

// MarshalJSON gives the event as the account's own version has it.
func (e *event) MarshalJSON() ([]byte, error) { return json.Marshal(e.render(accountVersion)) }

// thin gives the event as one that only names its object.
// https://docs.stripe.com/event-destinations#thin-events
func (e *event) thin() map[string]any {
	return map[string]any{"id": "evt_test_65" + e.ID[len("evt_1"):], "object": "v2.core.event", "type": "v1." + e.kind, "livemode": false,
		"context": nil, "created": time.Unix(e.Created, 0).UTC().Format("2006-01-02T15:04:05.000Z"),
		"reason":         map[string]any{"type": "request", "request": e.request},
		"related_object": map[string]any{"id": e.about.ID, "type": e.about.Object, "url": pathOf(e.about)}, "snapshot_event": e.ID}
}

// pathOf is where an object is fetched.
func pathOf(o head) string {
	folder := o.Object
	if folder == "checkout.session" {
		folder = "checkout/session"
	}
	return "/v1/" + folder + "s/" + o.ID
}

// changes are the endings of the types that tell what was before.
// https://docs.stripe.com/api/events/object#event_object-data-previous_attributes
var changes = []string{"updated", "captured", "refunded", "closed", "funds_withdrawn", "funds_reinstated"}

// emit makes the event of a change and sends it to whoever wants it.
func (c *call) emit(kind string, o object) {
	rendered, err := c.whole(o)
	if err != nil {
		c.sandbox.log.Error("sandbox event failed", zap.String("type", kind), zap.Error(err))
		return
	}
	now, _ := rendered.(map[string]any)
	e := &event{
		head: head{ID: newID("evt_1", usualID-1), Object: "event", Created: c.now},
		kind: kind, request: c.reason, about: head{ID: o.key(), Object: o.named()}, object: now, number: len(c.events.rows),
	}
	if slices.Contains(changes, kind[strings.LastIndexByte(kind, '.')+1:]) {
		e.before = c.told[o.key()]
	}
	c.told[o.key()] = now
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
	return e.Created >= c.now-int64(eventLifetime.Seconds()) && accountVersion.knows(e.about.Object)
}

func (c *call) getEvent(e *event) (any, error) {
	if !c.shown(e) {
		return nil, noSuch("event", e.ID, inPath)
	}
	return e, c.form.end()
}

// listEvents narrows by type, which may end in ".*", or by types.
// https://docs.stripe.com/api/events/list
func (c *call) listEvents() (any, error) {
	types := c.form.texts("types")
	if kind := c.form.text("type"); kind != "" {
		types = append(types, kind)
	}
	return list(c, &c.events, func(e *event) bool {
		return c.shown(e) && (len(types) == 0 || slices.ContainsFunc(types, func(t string) bool { return covers(t, e.kind) }))
	})
}

// covers tells whether a type, or "family.*", covers the type.
func covers(pattern, kind string) bool {
	if family, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(kind, family)
	}
	return pattern == kind
}
