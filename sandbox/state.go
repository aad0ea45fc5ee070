package sandbox

import (
	"math/rand/v2"
	"strings"
)

// state is everything that the sandbox knows. Sandbox.mu guards it.
type state struct {
	byID map[string]object // every object that an id can name

	intents         table[*paymentIntent]
	charges         table[*charge]
	refunds         table[*refund]
	disputes        table[*dispute]
	methods         table[*paymentMethod]
	customers       table[*customer]
	products        table[*product]
	prices          table[*price]
	sessions        table[*checkoutSession]
	subscriptions   table[*subscription]
	invoices        table[*invoice]
	invoiceItems    table[*invoiceItem]
	invoicePayments table[*invoicePayment]
	creditNotes     table[*creditNote]
	events          table[*event]
	told            map[string]map[string]any // the objects as the last events told of them

	answers map[string]*savedAnswer // by Idempotency-Key
	faults  []*fault
	chaos   Chaos
	random  *rand.Rand // decides the chaos

	endpoints  []*endpoint
	listeners  map[string]*listener // the CLI's sessions, by websocket id
	deliveries []*delivery          // the last maxDeliveries

	tasks   []task        // waiting for Run to start them
	pending int           // tasks waiting or under way
	idle    chan struct{} // closed when pending comes down to 0
	stopped bool          // Run has ended: no CLI may connect any more
	readers int           // CLI connections being read
	hungUp  chan struct{} // closed when the last of them ended, after Run
}

func newState() *state {
	return &state{
		byID:      map[string]object{},
		told:      map[string]map[string]any{},
		answers:   map[string]*savedAnswer{},
		random:    newRandom(0),
		listeners: map[string]*listener{},
		idle:      make(chan struct{}),
	}
}

// start hands work to Run.
func (st *state) start(t task) {
	st.tasks = append(st.tasks, t)
	st.pending++
}

// object is anything with a Stripe id.
type object interface {
	key() string
	named() string
	born() int64
}

// head is what every object begins with.
type head struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Created  int64  `json:"created"` // Unix seconds
	Livemode bool   `json:"livemode"`
}

func (h *head) key() string   { return h.ID }
func (h *head) named() string { return h.Object }
func (h *head) born() int64   { return h.Created }

// table keeps objects of one kind in the order of their making.
type table[T object] struct{ rows []T }

// add keeps a new object in its table and under its id.
func add[T object](st *state, t *table[T], row T) T {
	t.rows = append(t.rows, row)
	st.byID[row.key()] = row
	return row
}

// find gives the object with the id, or Stripe's 404 naming the parameter that
// held the id.
func find[T object](st *state, kind, id, param string) (T, error) {
	if row, ok := st.byID[id].(T); ok {
		return row, nil
	}
	var none T
	return none, noSuch(kind, id, param)
}

// newID makes an id such as Stripe's: a prefix, then n random characters.
func newID(prefix string, n int) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var b strings.Builder
	b.WriteString(prefix)
	for range n {
		b.WriteByte(alphabet[rand.IntN(len(alphabet))]) //nolint:gosec // ids are to differ, not to be secret
	}
	return b.String()
}

// usualID is the length of most ids behind their prefix.
const usualID = 24
