package api

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Event is Stripe's notice of one change. https://docs.stripe.com/api/events
// It holds the object as it was right after the change, and what of it was
// before, as all versions have it; what it is rendered for decides.
type Event struct {
	ID, Type string
	About    string // the kind of the object
	Pending  int    // webhooks not yet answered with a 2xx
	Number   int    // counts the events, for those of one second

	head          Object // what all versions say
	after, before Object // before is nil where that makes no sense
}

// eventLifetime is for how many seconds Stripe shows an event.
const eventLifetime = 30 * 24 * 60 * 60

// Render gives the event as a version has it.
func (e *Event) Render(v Version) Object {
	rendered := maps.Clone(e.head)
	after := e.after.shaped(v)
	data := Object{"object": after}
	if e.before != nil {
		data["previous_attributes"] = differences(e.before.shaped(v), after)
	}
	rendered["api_version"], rendered["data"], rendered["pending_webhooks"] = v, data, e.Pending
	return rendered
}

// Thin gives the event as one that only names its object.
// https://docs.stripe.com/event-destinations#thin-events
func (e *Event) Thin() Object {
	id := e.after.ID()
	return Object{"id": "evt_test_65" + e.ID[len("evt_1"):], "object": "v2.core.event", "type": "v1." + e.Type, "livemode": false,
		"context": nil, "created": time.Unix(e.head.Number("created"), 0).UTC().Format("2006-01-02T15:04:05.000Z"),
		"reason":         Object{"type": "request", "request": e.head["request"]},
		"related_object": Object{"id": id, "type": e.About, "url": "/v1/" + strings.ReplaceAll(e.About, ".", "/") + "s/" + id}, "snapshot_event": e.ID}
}

// changes are the endings of the types that tell what was before.
// https://docs.stripe.com/api/events/object#event_object-data-previous_attributes
var changes = []string{"updated", "captured", "refunded", "closed", "funds_withdrawn", "funds_reinstated"}

// Emit makes the event of a change and sends it to whoever wants it.
func (c *Call) Emit(kind string, o Object) {
	now := o.snapshot()
	row := c.Make("event", Object{"type": kind, "request": c.Reason})
	e := &Event{ID: row.ID(), Type: kind, About: o.Kind(), Number: len(c.rows["event"]), head: maps.Clone(row), after: now}
	delete(e.head, "metadata")
	if slices.Contains(changes, kind[strings.LastIndexByte(kind, '.')+1:]) {
		e.before = c.told[o.ID()]
	}
	c.told[o.ID()] = now
	row["_event"] = e
	c.Dispatch(e)
}

// Tell is Emit, for what a call then answers with.
func (c *Call) Tell(kind string, o Object) (Object, error) {
	c.Emit(kind, o)
	return o, nil
}

// differences gives what before had otherwise than after, deep into objects
// and whole for lists; null for what was not there.
func differences(before, after Object) Object {
	changed := Object{}
	for name, now := range after {
		then := before[name]
		if reflect.DeepEqual(then, now) {
			continue
		}
		inner, isObject := parts(then)
		outer, areObjects := parts(now)
		if isObject && areObjects {
			then = differences(inner, outer)
		}
		changed[name] = then
	}
	for name, then := range before {
		if _, kept := after[name]; !kept {
			changed[name] = then
		}
	}
	return changed
}

func parts(value any) (Object, bool) {
	if metadata, ok := value.(Metadata); ok {
		o := Object{}
		for k, v := range metadata {
			o[k] = v
		}
		return o, true
	}
	o, ok := value.(Object)
	return o, ok
}

// eventOf gives the event that a row stands for, nil where it is shown no more.
func (c *Call) eventOf(row Object) *Event {
	e, ok := row["_event"].(*Event)
	if !ok || e.head.Number("created") < c.Now-eventLifetime || !AccountVersion.Knows(e.About) {
		return nil
	}
	return e
}

// GetEvent answers with the event that the path names.
func GetEvent(c *Call) Act {
	row := c.Get(c.ID())
	if c.eventOf(row) == nil {
		c.Form.Fail(NoSuch("event", c.ID(), InPath))
	}
	return func() (any, error) { return row, nil }
}

// ListEvents narrows by type, which may end in ".*", or by types.
// https://docs.stripe.com/api/events/list
func ListEvents(c *Call) Act {
	types := c.Form.Texts("types")
	if kind := c.Form.Text("type"); kind != "" {
		types = append(types, kind)
	}
	return c.List("event", func(row Object) bool {
		e := c.eventOf(row)
		return e != nil && (len(types) == 0 || slices.ContainsFunc(types, func(t string) bool { return covers(t, e.Type) }))
	})
}

// covers tells whether a type, or "family.*", covers the type.
func covers(pattern, kind string) bool {
	if family, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(kind, family)
	}
	return pattern == kind
}
