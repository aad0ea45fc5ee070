package telling

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// A snapshot is one object as one event showed it.
type snapshot struct {
	at      int64 // event.created
	version string
	event   string // type
	id      string // of the event
	object  gjson.Result
}

// told is everything that was told, by Stripe's own objects. Each list is
// sorted by time and event, so that nothing below depends on arrival.
type told struct {
	intents, charges, refunds, disputes, sessions, invoices, notes, subscriptions map[string][]snapshot

	invoicePayments []snapshot
}

// heard are the event types of contract.md, section 2. Anything else is
// stored and ignored, with all that it names.
var heard = strings.Fields(`
payment_intent.succeeded payment_intent.processing payment_intent.partially_funded
payment_intent.amount_capturable_updated payment_intent.created payment_intent.requires_action
payment_intent.payment_failed payment_intent.canceled
charge.succeeded charge.captured charge.updated charge.refunded
refund.created refund.updated refund.failed charge.refund.updated
charge.dispute.created charge.dispute.updated charge.dispute.funds_withdrawn
charge.dispute.funds_reinstated charge.dispute.closed
checkout.session.completed checkout.session.async_payment_succeeded
checkout.session.async_payment_failed checkout.session.expired
invoice.paid invoice.payment_failed invoice.voided invoice.marked_uncollectible
credit_note.created credit_note.updated credit_note.voided
invoice_payment.paid
customer.subscription.created customer.subscription.updated customer.subscription.deleted`)

func read(events []string) *told {
	t := &told{
		intents: map[string][]snapshot{}, charges: map[string][]snapshot{}, refunds: map[string][]snapshot{},
		disputes: map[string][]snapshot{}, sessions: map[string][]snapshot{}, invoices: map[string][]snapshot{},
		notes: map[string][]snapshot{}, subscriptions: map[string][]snapshot{},
	}
	once := map[string]bool{}
	var all []snapshot
	for _, body := range events {
		e := gjson.Parse(body)
		s := snapshot{
			at: e.Get("created").Int(), version: e.Get("api_version").String(), event: e.Get("type").String(),
			id: e.Get("id").String(), object: e.Get("data.object"),
		}
		if !once[s.id] && slices.Contains(heard, s.event) {
			all = append(all, s)
		}
		once[s.id] = true
	}
	slices.SortFunc(all, func(a, b snapshot) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	for _, s := range all {
		t.add(s)
	}
	return t
}

func (t *told) add(s snapshot) {
	id := s.object.Get("id").String()
	switch {
	case strings.HasPrefix(s.event, "payment_intent."):
		t.addIntent(id, s)
	case strings.HasPrefix(s.event, "charge.dispute."):
		if id == "" { // before 2014-09 a dispute is known by its charge
			id = "of " + idOf(s.object.Get("charge"))
		}
		t.disputes[id] = append(t.disputes[id], s)
	case strings.HasPrefix(s.event, "refund."), s.event == "charge.refund.updated":
		t.refunds[id] = append(t.refunds[id], s)
	case strings.HasPrefix(s.event, "charge."):
		t.addCharge(id, s)
	case strings.HasPrefix(s.event, "checkout.session."):
		t.sessions[id] = append(t.sessions[id], s)
	case strings.HasPrefix(s.event, "invoice."):
		t.invoices[id] = append(t.invoices[id], s)
	case strings.HasPrefix(s.event, "credit_note."):
		t.notes[id] = append(t.notes[id], s)
	case strings.HasPrefix(s.event, "invoice_payment."):
		t.invoicePayments = append(t.invoicePayments, s)
	case strings.HasPrefix(s.event, "customer.subscription."):
		t.subscriptions[id] = append(t.subscriptions[id], s)
	}
}

// addIntent also adds the charges that the PaymentIntent lists (before
// 2022-11-15).
func (t *told) addIntent(id string, s snapshot) {
	t.intents[id] = append(t.intents[id], s)
	for _, charge := range s.object.Get("charges.data").Array() {
		inner := s
		inner.object = charge
		t.addCharge(idOf(charge), inner)
	}
}

// addCharge also adds the refunds that the charge lists (before 2022-11-15).
func (t *told) addCharge(id string, s snapshot) {
	t.charges[id] = append(t.charges[id], s)
	for _, refund := range listed(s.object.Get("refunds")) {
		inner := s
		inner.object = refund
		t.refunds[idOf(refund)] = append(t.refunds[idOf(refund)], inner)
	}
}

// listed reads a list object or, as the oldest versions had it, an array.
func listed(r gjson.Result) []gjson.Result {
	if r.IsArray() {
		return r.Array()
	}
	return r.Get("data").Array()
}

// idOf reads a reference, expanded or not; "" where there is none.
func idOf(r gjson.Result) string {
	if r.IsObject() {
		return r.Get("id").String()
	}
	return r.String()
}

// latest is the last of an object's snapshots: the later event wins, in the
// same second the later state in the object's life.
func latest(all []snapshot, life func(snapshot) int) snapshot {
	return slices.MaxFunc(all, func(a, b snapshot) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(life(a), life(b))) })
}

// lifeOf ranks a status field; one that nobody knows comes first.
func lifeOf(field string, states ...string) func(snapshot) int {
	return func(s snapshot) int { return slices.Index(states, s.object.Get(field).String()) }
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
