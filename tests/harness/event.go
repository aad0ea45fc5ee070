package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Version is a Stripe API version; each keeps some fields elsewhere.
type Version string

// The versions whose shapes stand in tests/testdata.
const (
	V2020 Version = "2020-08-27"
	V2023 Version = "2023-10-16"
	V2026 Version = "2026-01-28"
)

// Versions are all of them.
var Versions = []Version{V2020, V2023, V2026}

// Epoch is second 0 of the tests' stories, in Unix time.
const Epoch = 1_760_000_000

// Event builds a Stripe event. Its methods change it and give it back.
type Event struct {
	ID, Type string

	tb      testing.TB
	kind    string // data.object.object
	version Version
	created int64
	live    bool
	charge  string // the id of the charge that it names
	changes []func(object map[string]any)
	finish  func(object map[string]any) // after all changes; nil: nothing
}

// NewEvent starts an event about an object of the kind, such as
// "payment_intent", in the shape of 2023-10-16.
func NewEvent(tb testing.TB, eventType, kind string) *Event {
	return &Event{
		ID: "evt_" + RandomName(), Type: eventType, tb: tb, kind: kind, version: V2023, created: Epoch, charge: "ch_" + RandomName(),
	}
}

// In sets the API version.
func (e *Event) In(version Version) *Event { e.version = version; return e }

// At sets event.created, in seconds after Epoch.
func (e *Event) At(second int64) *Event { e.created = Epoch + second; return e }

// Named sets the event's id.
func (e *Event) Named(id string) *Event { e.ID = id; return e }

// Live makes it an event of live mode.
func (e *Event) Live() *Event { e.live = true; return e }

// Again is another event that tells the same.
func (e *Event) Again() *Event {
	other := *e
	other.ID = "evt_" + RandomName()
	return &other
}

// Set sets a field of the object, by its path with dots.
func (e *Event) Set(path string, value any) *Event {
	return e.change(func(object map[string]any) {
		names := strings.Split(path, ".")
		for _, name := range names[:len(names)-1] {
			inner, ok := object[name].(map[string]any)
			if !ok {
				inner = map[string]any{}
				object[name] = inner
			}
			object = inner
		}
		object[names[len(names)-1]] = value
	})
}

// Unset leaves a field of the object out.
func (e *Event) Unset(name string) *Event {
	return e.change(func(object map[string]any) { delete(object, name) })
}

func (e *Event) change(change func(object map[string]any)) *Event {
	e.changes = append(e.changes[:len(e.changes):len(e.changes)], change)
	return e
}

// Body is the event as Stripe sends it.
func (e *Event) Body() string {
	e.tb.Helper()
	object := shape(e.tb, e.version, e.kind, e.charge)
	for _, change := range e.changes {
		change(object)
	}
	if e.finish != nil {
		e.finish(object)
	}
	body, err := json.MarshalIndent(map[string]any{
		"id": e.ID, "object": "event", "api_version": e.version, "created": e.created, "livemode": e.live,
		"pending_webhooks": 1, "request": map[string]any{"id": "req_" + e.ID, "idempotency_key": nil},
		"type": e.Type, "data": map[string]any{"object": object},
	}, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("encode event: %v", err)) // it came from JSON and literals
	}
	return string(body)
}

var shapes sync.Map // path → []byte

// chargeOfShapes is the charge that all objects of tests/testdata are about.
const chargeOfShapes = "ch_3Q0shape000000000000001"

// shape reads an object from tests/testdata, about a charge of one's own.
func shape(tb testing.TB, version Version, kind, charge string) map[string]any {
	tb.Helper()
	path := filepath.Join("tests", "testdata", string(version), kind+".json")
	content, known := shapes.Load(path)
	if !known {
		read, err := os.ReadFile(filepath.Join(ModuleRoot(tb), path))
		if err != nil {
			tb.Fatal(err)
		}
		content, _ = shapes.LoadOrStore(path, read)
	}
	var object map[string]any
	if err := json.Unmarshal(bytes.ReplaceAll(content.([]byte), []byte(chargeOfShapes), []byte(charge)), &object); err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	return object
}
