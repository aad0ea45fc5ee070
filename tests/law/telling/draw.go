package telling

import (
	"encoding/json"
	"fmt"
	"slices"

	"pgregory.net/rapid"
)

// Features say what a history may hold, so that a failing test can be
// narrowed.
type Features uint64

// The features. Without any, a history is sales that are paid.
const (
	Attempts      Features = 1 << iota // failed, processing, cancelled attempts
	Authorised                         // manual capture: released, captured in full or in part
	Refunds                            // in full or in part, pending too
	RefundFates                        // that fail or are cancelled
	Disputes                           // with every fate and every shape of balance transactions
	Several                            // several payments for a purchase, too little, too much
	Sessions                           // Checkout Sessions
	Details                            // discount, tax, shipping, tip
	Begun                              // purchases that Stripe begins
	Invoices                           // hand-written invoices
	Subscriptions                      // their invoices, owners, trials
	Prorations                         // upgrades and downgrades
	Mixed                              // invoice lines that are not hours, several plans, quantities
	CreditNotes                        // before and after payment
	Balance                            // invoices settled from a balance or outside Stripe
	Parts                              // invoices paid by two PaymentIntents
	OtherCurrency                      // with and without adaptive pricing
	Merges                             // two purchases that turn out to be one
	Bare                               // charges without PaymentIntent
	Strangers                          // payments and invoices of nobody
	Students                           // a second student
	Omissions                          // some events are never told
	Versions                           // versions change from event to event
	OneSecond                          // all within one second
	Noise                              // events that nobody hears
	Oddities                           // statuses that nobody knows, disputes in another currency, owners who change

	// All of them.
	All          Features = 1<<iota - 1
	featureCount          = iota
)

// Shared is a PaymentIntent that pays two invoices. It is not one of All:
// money.md says what it counts and that its refunds are a case, and leaves
// open whose key it is.
const Shared Features = 1 << 40

// The API versions in which events are told.
const (
	v2014 = "2014-06-17"
	v2020 = "2020-08-27"
	v2022 = "2022-11-15"
	v2023 = "2023-10-16"
	v2025 = "2025-03-31.basil"
	v2026 = "2026-01-28.clover"
)

// PriceList is the price list of every history.
func PriceList() []Plan {
	return []Plan{
		{ID: "plan_10", Hours: 1000, Amount: 5000, Currency: "eur", StripePriceID: "price_10"},
		{ID: "plan_8", Hours: 800, Amount: 12000, Currency: "eur", StripePriceID: "price_8"},
		{ID: "plan_16", Hours: 1600, Amount: 22000, Currency: "eur", StripePriceID: "price_16"},
		{ID: "plan_odd", Hours: 333, Amount: 997, Currency: "eur", StripePriceID: "price_odd"},
	}
}

// Epoch is when every history begins.
const Epoch = 1_760_000_000

// maxEvents is how long a history gets.
const maxEvents = 25

// Draw draws a history of anything.
func Draw(t *rapid.T) History { return DrawWith(t, All, "") }

// DrawSimple draws a history of sales, attempts, refunds and disputes.
func DrawSimple(t *rapid.T) History {
	return DrawWith(t, Attempts|Refunds|RefundFates|Disputes, "")
}

// DrawWith draws a history that holds no other features than these. The salt
// stands in every id, so that many histories may live in one database.
func DrawWith(t *rapid.T, features Features, salt string) History {
	return simulate(t, features, salt).history()
}

// Tell draws an order in which the history's events arrive, some repeatedly.
func Tell(t *rapid.T, h History) []string {
	if len(h.Events) == 0 {
		return nil
	}
	told := slices.Clone(h.Events)
	for range rapid.IntRange(0, 5).Draw(t, "repeats") {
		told = append(told, rapid.SampledFrom(h.Events).Draw(t, "again"))
	}
	return rapid.Permutation(told).Draw(t, "order")
}

type m = map[string]any

// sim is Stripe.
type sim struct {
	*rapid.T
	features Features
	accents  Features // what this history is mostly about
	salt     string
	h        History
	now      int64
	ids      map[string]int
	version  string // of most events
	mixing   bool
	omitting int // percent
	still    bool
	quiet    map[string]bool // types to which nobody subscribed
	tags     map[string]bool
	omitted  int
	cut      bool

	charges []*simCharge
	moved   []func() // refunds and disputes whose fate is open
	truths  []*truth
}

// truth is what Stripe itself knows of a purchase in the end.
type truth struct {
	anchor string // a sale's id, or one of its keys
	kept   func() int64
	vague  bool // what is told leaves it open
}

func simulate(t *rapid.T, features Features, salt string) *sim {
	s := &sim{
		T: t, features: features, salt: salt, now: Epoch, ids: map[string]int{}, quiet: map[string]bool{}, tags: map[string]bool{},
	}
	s.h.Plans = PriceList()
	if !s.chance("simple", 25) {
		for range 3 {
			s.accents |= 1 << (even.Draw(t, "accent") * featureCount / 128)
		}
	}
	s.version = pick(s, "version", v2026, v2023, v2025, v2020, v2022, v2014)
	s.tag("version " + s.version[:4])
	s.mixing = s.may(Versions, "versions change", 30)
	s.still = s.may(OneSecond, "one second", 12)
	if s.may(Omissions, "omissions", 35) {
		s.omitting = pick(s, "omitting", 8, 20, 45)
	}
	for _, event := range []string{"charge.succeeded", "charge.captured", "payment_intent.created", "charge.updated", "refund.created", "charge.refund.updated"} {
		s.quiet[event] = s.chance("quiet "+event, 50)
	}
	if features&Omissions == 0 { // without its refunds by id a total may be read in several ways
		s.quiet["refund.created"] = false
	}
	for range pick(s, "deals", 1, 1, 1, 2, 2, 3) {
		s.deal()
		s.tick()
	}
	s.afterwards()
	return s
}

func (s *sim) history() History {
	for tag := range s.tags {
		s.h.Tags = append(s.h.Tags, tag)
	}
	slices.Sort(s.h.Tags)
	return s.h
}

// Drawing. rapid's own numbers are mostly small; these are even, and shrink
// to the first choice and to no.

var even = rapid.Custom(func(t *rapid.T) int {
	n := 0
	for range 7 {
		n <<= 1
		if rapid.Bool().Draw(t, "bit") {
			n++
		}
	}
	return n
})

func pick[V any](s *sim, label string, from ...V) V {
	at := even.Draw(s.T, label) * len(from) / 128
	for i, v := range from {
		if i == at {
			return v
		}
	}
	panic("nothing to pick from: " + label)
}

func (s *sim) chance(label string, percent int) bool {
	return even.Draw(s.T, label)*100/128 >= 100-percent
}

// may is a chance of a feature, if it is allowed; a large one where the history
// is about it.
func (s *sim) may(f Features, label string, percent int) bool {
	if s.accents&f != 0 {
		percent = max(percent, min(3*percent, 75))
	}
	if s.features&f == 0 || !s.chance(label, percent) {
		return false
	}
	s.tag(label)
	return true
}

func (s *sim) tag(tag string) { s.tags[tag] = true }

// tick lets time pass, or not: much happens within one second.
func (s *sim) tick() {
	if !s.still {
		s.now += pick[int64](s, "tick", 0, 0, 1, 1, 60, 86_400)
	}
}

// later surely lets time pass: what follows undoes what went before.
func (s *sim) later() { s.now += pick[int64](s, "later", 1, 1, 30, 86_400) }

// id makes the next id of a kind.
func (s *sim) id(prefix string) string {
	s.ids[prefix]++
	return fmt.Sprintf("%s_%s%d", prefix, s.salt, s.ids[prefix])
}

func (s *sim) full() bool { return len(s.h.Events) >= maxEvents-3 }

// emit tells of an object, in some version, unless it is omitted.
func (s *sim) emit(event, note string, object func(version string) m) {
	s.emitIn("", "", event, note, object)
}

// emitIn is emit with versions from and until, each empty for any.
func (s *sim) emitIn(from, until, event, note string, object func(version string) m) {
	s.send(from, until, false, event, note, object)
}

// pinned is emit of what is never omitted.
func (s *sim) pinned(event, note string, object func(version string) m) {
	s.send("", "", true, event, note, object)
}

func (s *sim) send(from, until string, pin bool, event, note string, object func(version string) m) {
	if !pin && s.quiet[event] {
		return
	}
	if !pin && s.omitting > 0 && s.chance("omit", s.omitting) {
		s.omitted++
		s.tag("omitted " + event)
		return
	}
	if len(s.h.Events) >= maxEvents {
		s.cut = true
		return
	}
	version := s.version
	if s.mixing {
		version = pick(s, "version", s.version, s.version, v2026, v2025, v2023, v2022, v2020, v2014)
	}
	if version < from {
		version = from
	}
	if until != "" && version > until {
		version = until
	}
	o := object(version)
	id := s.id("evt")
	body, err := json.Marshal(m{
		"id": id, "object": "event", "api_version": version, "created": s.now, "livemode": false, "pending_webhooks": 1,
		"type": event, "data": m{"object": o},
	})
	if err != nil {
		panic(err) // it came from literals
	}
	s.h.Events = append(s.h.Events, string(body))
	s.h.Note = append(s.h.Note, fmt.Sprintf("%s +%ds %s %s %v: %s", id, s.now-Epoch, version[:4], event, o["id"], note))
	s.tag("event " + event)
}

func (s *sim) student() string {
	if s.may(Students, "second student", 12) {
		return "student_" + s.salt + "2"
	}
	return "student_" + s.salt + "1"
}

// sell makes a sale before everything.
func (s *sim) sell() *Sale {
	p := pick(s, "plan", s.h.Plans...)
	sale := Sale{
		PurchaseID: s.id("purchase"), StudentID: s.student(), Hours: p.Hours, Price: p.Amount, Currency: p.Currency,
	}
	s.h.Sales = append(s.h.Sales, sale)
	return &s.h.Sales[len(s.h.Sales)-1]
}

func ours(sale *Sale) m {
	return m{"purchase_transaction_id": sale.PurchaseID, "student_id": sale.StudentID}
}

func ref(id string) any {
	if id == "" {
		return nil
	}
	return id
}
