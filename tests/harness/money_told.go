package harness

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// More versions, at which Stripe moved what matters for money.
const (
	V2022  Version = "2022-08-01"       // PaymentIntents list charges, charges list refunds; the last such one
	VBasil Version = "2025-03-31.basil" // an invoice names no payment any more, invoice_payment does
)

// MoneyVersions are those in which a story of money is told, oldest first.
var MoneyVersions = []Version{V2020, V2022, V2023, VBasil, V2026}

// lists says whether PaymentIntents list charges and charges list refunds.
func (v Version) lists() bool { return v < "2022-11-15" }

// basil says whether invoices are of 2025-03-31 or later.
func (v Version) basil() bool { return v >= "2025-03-31" }

// Object is a Stripe object or a part of one.
type Object = map[string]any

// Told is an event whose object is a test's own, whole. Its methods change it
// and give it back.
type Told struct {
	ID, Type string
	Object   Object

	// What must have become of it in the end; "" is not asked.
	Status, Reason string

	version Version
	created int64 // seconds after Epoch
	beside  Object
	whole   Object // all of the body, where it is no event of the usual shape
}

// With sets a field of the object, by its path with dots.
func (e *Told) With(path string, value any) *Told {
	object, names := e.Object, strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		inner, ok := object[name].(Object)
		if !ok {
			inner = Object{}
			object[name] = inner
		}
		object = inner
	}
	object[names[len(names)-1]] = value
	return e
}

// Without leaves fields of the object out.
func (e *Told) Without(names ...string) *Told {
	for _, name := range names {
		delete(e.Object, name)
	}
	return e
}

// Beside sets a field of the event itself.
func (e *Told) Beside(name string, value any) *Told { e.beside[name] = value; return e }

// At sets event.created, in seconds after Epoch.
func (e *Told) At(second int64) *Told { e.created = second; return e }

// Becomes says what must have become of the event in the end.
func (e *Told) Becomes(status, reason string) *Told { e.Status, e.Reason = status, reason; return e }

// Again is another event that tells the same.
func (e *Told) Again() *Told {
	other := *e
	other.ID = "evt_" + RandomName()
	if e.whole != nil {
		other.whole = maps.Clone(e.whole)
		other.whole["id"] = other.ID
	}
	return &other
}

// Body is the event as Stripe sends it.
func (e *Told) Body() string {
	event := e.whole
	if event == nil {
		event = Object{
			"id": e.ID, "object": "event", "api_version": e.version, "created": Epoch + e.created, "livemode": false,
			"pending_webhooks": 1, "request": Object{"id": "req_" + e.ID, "idempotency_key": nil},
			"type": e.Type, "data": Object{"object": e.Object},
		}
		maps.Copy(event, e.beside)
	}
	body, err := json.Marshal(event)
	if err != nil {
		panic(fmt.Sprintf("encode event: %v", err)) // it is made of literals
	}
	return string(body)
}

// Tell sends an event as Stripe does, again where the answer is 503, and holds
// the exchange to no document: that is another test's business, and costs.
func (app *App) Tell(e *Told) (Response, error) {
	body := e.Body()
	path, secret := WebhookPath, WebhookSecret
	if about, _, _ := strings.Cut(e.Type, "."); about == "invoice" || about == "invoice_payment" || about == "customer" {
		path, secret = SubscriptionsPath, SubscriptionsSecret
	}
	return Patiently(func() (Response, error) {
		return app.Try(http.MethodPost, path, body, "Stripe-Signature", Sign(body, secret))
	})
}

// Read asks the API, as Tell does.
func (app *App) Read(path string) (Response, error) {
	return Patiently(func() (Response, error) {
		return app.Try(http.MethodGet, path, "", "Authorization", "Bearer "+ReadKey)
	})
}
