package law

import (
	"fmt"

	"pgregory.net/rapid"

	"hourbank/models"
	"hourbank/tests/harness"
)

// told is one event of a payment's history: what it means to the core, and
// how Stripe sends it.
type told struct {
	n     int   // which one it is
	at    int64 // seconds after harness.Epoch
	name  string
	facts []models.Fact
	event func(p *harness.Purchase) *harness.Event
}

// GoString keeps what rapid prints short.
func (t told) GoString() string { return fmt.Sprintf("%s@%d", t.name, t.at) }

// history is a payment as Stripe could tell it, in the order in which it
// happened.
type history struct {
	terms models.Terms
	told  []told

	// What Stripe itself knows in the end. A refund that fails in the very
	// second of a charge's snapshot leaves open which came first.
	paid, ambiguous bool
	returned        int64
}

// world is Stripe, living through one payment.
type world struct {
	*rapid.T
	history
	now       int64
	version   harness.Version
	charged   int64
	refunds   []*refund
	disputes  []*dispute
	snapshots []int64 // when
	failures  []int64 // when
}

type refund struct {
	id      string
	amount  int64
	status  string
	created int64
}

type dispute struct {
	id         string
	amount     int64
	status     string
	reinstated bool
}

// drawHistory makes up a history: attempts, an end to them, and after a
// success any refunds and disputes, each with its own fate.
func drawHistory(t *rapid.T) history {
	w := &world{T: t, version: rapid.SampledFrom(harness.Versions).Draw(t, "version")}
	w.terms = models.Terms{
		// rapid likes the first ones best.
		Amount:   rapid.SampledFrom([]int64{300, 5000, 7, 12_345, 100, 999_999, 3, 2, 1}).Draw(t, "amount"),
		Hours:    rapid.SampledFrom([]models.Hours{100, 1000, 7, 333, 1, 123_456, 50, 3}).Draw(t, "hours"),
		Currency: "eur",
	}
	for range rapid.IntRange(0, 3).Draw(t, "attempts") {
		w.attempt()
	}
	switch w.pick("ending", "succeeded", "succeeded", "succeeded", "succeeded", "mismatched", "canceled", "open") {
	case "succeeded":
		w.paid, w.charged = true, w.terms.Amount
		w.succeed()
	case "mismatched":
		w.charged = rapid.Int64Range(1, w.terms.Amount+10).Filter(func(n int64) bool { return n != w.terms.Amount }).Draw(t, "charged")
		w.succeed()
	case "canceled":
		w.cancel()
	}
	if w.charged > 0 {
		w.afterwards()
	}
	w.conclude()
	return w.history
}

func (w *world) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(w.T, label)
}

func (w *world) chance(label string) bool { return rapid.Bool().Draw(w.T, label) }

// tick lets time pass, or not: much happens within one second.
func (w *world) tick() { w.now += int64(rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(w.T, "tick")) }

func (w *world) unix() int64 { return harness.Epoch + w.now }

func (w *world) tell(name string, event func(p *harness.Purchase) *harness.Event, facts ...models.Fact) {
	at, version := w.now, w.version
	w.told = append(w.told, told{n: len(w.told), at: at, name: name, facts: facts, event: func(p *harness.Purchase) *harness.Event {
		return event(p).At(at).In(version)
	}})
}

func (w *world) tellIntent(name string, change func(*harness.Event), facts ...models.Fact) {
	w.tell(name, func(p *harness.Purchase) *harness.Event {
		e := p.Intent(name)
		change(e)
		return e
	}, facts...)
}

func asItIs(*harness.Event) {}

func (w *world) attempt() {
	w.tick()
	switch name := "payment_intent." + w.pick("attempt", "processing", "amount_capturable_updated", "requires_action", "payment_failed", "payment_failed"); name {
	case "payment_intent.requires_action":
		w.tellIntent(name, asItIs)
	case "payment_intent.payment_failed":
		code := w.pick("code", "card_declined", "expired_card")
		w.tellIntent(name, func(e *harness.Event) {
			e.Set("last_payment_error", map[string]any{"code": code, "message": "Declined."})
		}, models.AttemptFailed{At: w.unix(), Code: code, Message: "Declined."})
	default:
		w.tellIntent(name, asItIs, models.PaymentProcessing{At: w.unix()})
	}
}

func (w *world) cancel() {
	w.tick()
	w.tellIntent("payment_intent.canceled", asItIs,
		models.PaymentCancelled{At: w.unix(), Code: "abandoned", Message: "The payment was cancelled: abandoned."})
}

// succeed tells of the success once or twice: a Checkout Session has events
// of its own.
func (w *world) succeed() {
	w.tick()
	charged := w.charged
	ways := w.pick("told by", "intent", "intent", "session", "both")
	if ways != "session" {
		w.tellIntent("payment_intent.succeeded", func(e *harness.Event) { e.Set("amount_received", charged) },
			models.PaymentReceived{Amount: charged, Currency: "eur", At: w.unix()})
	}
	if ways != "intent" {
		w.tick()
		name := w.pick("session", "checkout.session.completed", "checkout.session.async_payment_succeeded")
		w.tell(name, func(p *harness.Purchase) *harness.Event {
			return p.Session(name, "cs_"+p.ID, "paid").Set("amount_total", charged)
		}, models.PaymentReceived{Amount: charged, Currency: "eur", At: w.unix()})
	}
}

func (w *world) afterwards() {
	for range rapid.SampledFrom([]int{6, 10, 3, 15, 1, 0}).Draw(w.T, "steps") {
		w.tick()
		switch w.pick("step", "refund", "refund's fate", "refund", "dispute's fate", "refund's fate", "dispute", "dispute's fate") {
		case "refund":
			w.refund()
		case "refund's fate":
			w.moveRefund()
		case "dispute":
			w.dispute()
		case "dispute's fate":
			w.moveDispute()
		}
	}
}

// conclude notes what Stripe knows in the end.
func (w *world) conclude() {
	w.returned = w.refunded()
	for _, failure := range w.failures {
		for _, snapshot := range w.snapshots {
			w.ambiguous = w.ambiguous || failure == snapshot
		}
	}
}

func (h history) String() string {
	text := fmt.Sprintf("%s hours for %d:", h.terms.Hours, h.terms.Amount)
	for _, told := range h.told {
		text += fmt.Sprintf("\n  %3d %s %+v", told.at, told.name, told.facts)
	}
	return text
}
