package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Call changes the state, alone with it: somebody's call, or Stripe's own.
type Call struct {
	*Store
	Now     int64 // Unix seconds; one time for all that the call makes
	Version Version
	Form    *Form
	HTTP    *http.Request // nil where nobody called
	Reason  Object        // the API call, as events name it: its id and idempotency_key
}

// NewCall makes a call of what no API call asked for.
func (st *Store) NewCall() *Call {
	return &Call{Store: st, Now: st.Clock().Unix(), Version: AccountVersion, Form: &Form{all: &whole{}},
		Reason: Object{"id": nil, "idempotency_key": nil}}
}

// Handler reads all that a call says and changes nothing: what it finds wrong
// goes to Form.Fail. It gives what the call does, which happens only if nothing
// was wrong and nothing was said that nobody read.
type Handler func(*Call) Act

// Act does what a call asks for, and gives what to answer, or an error, best an
// *Error.
type Act func() (any, error)

// On handles a call with the object of a kind that the path names.
func On(kind string, h func(*Call, Object) Act) Handler {
	return func(c *Call) Act {
		o, err := c.Find(kind, c.ID(), InPath)
		if err != nil {
			c.Form.Fail(err)
			return nil // which nobody does after that
		}
		return h(c, o)
	}
}

// Does handles a call that takes no parameters, and answers with the object
// that the path names.
func Does(kind string, do func(*Call, Object) error) Handler {
	return On(kind, func(c *Call, o Object) Act {
		return func() (any, error) { return o, do(c, o) }
	})
}

// Shows answers with the object that the path names.
func Shows(kind string) Handler {
	return Does(kind, func(*Call, Object) error { return nil })
}

// ID gives the id in the path.
func (c *Call) ID() string { return c.HTTP.PathValue("id") }

// Named reads the object that a parameter names, nil where that is not there.
func (c *Call) Named(f *Form, key, kind string) Object {
	if f.Text(key) == "" {
		return nil
	}
	o, err := c.Find(kind, f.Text(key), f.Full(key))
	if err != nil {
		f.Fail(err)
	}
	return o
}

// NeedsNamed is Named of a parameter that must be there.
func (c *Call) NeedsNamed(f *Form, key, kind string) Object {
	f.Required(key)
	return c.Named(f, key, kind)
}

// New makes the properties a new object of a kind, which is not kept yet.
func (c *Call) New(kind string, o Object) Object {
	prefix, length, _ := strings.Cut(stripes().IDs[kind], " ")
	n, _ := strconv.Atoi(length)
	o["object"], o["id"], o["created"], o["livemode"] = kind, NewID(prefix, n), c.Now, false
	if o["metadata"] == nil {
		o["metadata"] = Metadata{}
	}
	for name := range o {
		if name != "metadata" {
			o.check(name)
		}
	}
	return o
}

// Make is New and Keep.
func (c *Call) Make(kind string, o Object) Object { return c.Keep(c.New(kind, o)) }

// Later lets Stripe do something by itself after SettleAfter.
func (c *Call) Later(do func(*Call)) {
	st := c.Store
	c.Start(func(ctx context.Context) {
		if Pause(ctx, st.SettleAfter) {
			st.Within(func() { do(st.NewCall()) })
		}
	})
}

// Options refine an action; the zero value is the usual one.
type Options struct {
	Amount        int64  `json:"amount"`         // in minor units, of a dispute, or of what it gives back; 0 for all that is left
	Inquiry       bool   `json:"inquiry"`        // a dispute that takes no money yet
	Reason        string `json:"reason"`         // of a dispute, default "fraudulent"
	PaymentMethod string `json:"payment_method"` // to pay with, such as pm_card_visa
	Discount      int64  `json:"discount"`       // that a promotion code takes off a session or an invoice, in minor units
	Tax           int64  `json:"tax"`            // that comes on top, in minor units
}

// Action lets happen what at Stripe no API call does, and gives what it made.
type Action func(c *Call, o Object, with Options) (Object, error)

// Changes makes an action that changes the object.
func Changes(do func(*Call, Object, Options) error) Action {
	return func(c *Call, o Object, with Options) (Object, error) { return o, do(c, o, with) }
}

// Error is an error as Stripe answers it. https://docs.stripe.com/api/errors
type Error struct {
	Status int
	Object // what is said of it
}

func (e *Error) Error() string { return e.Text("message") }

// NewError makes an error of a type.
func NewError(status int, kind, format string, args ...any) *Error {
	return &Error{status, Object{"type": kind, "message": fmt.Sprintf(format, args...)}}
}

// With adds what else is said of an error, but what is empty.
func (e *Error) With(more Object) *Error {
	maps.DeleteFunc(more, func(_ string, value any) bool { return value == "" })
	maps.Copy(e.Object, more)
	if code := e.Text("code"); code != "" {
		e.Object["doc_url"] = "https://stripe.com/docs/error-codes/" + strings.ReplaceAll(code, "_", "-")
	}
	return e
}

// Invalid is a 400 about one parameter.
func Invalid(code, param, format string, args ...any) *Error {
	return NewError(http.StatusBadRequest, "invalid_request_error", format, args...).With(Object{"code": code, "param": param})
}

// Refused is a request that no parameter could make good.
func Refused(status int, format string, args ...any) *Error {
	return NewError(status, "invalid_request_error", format, args...)
}

// NoSuch is the answer for an id that names nothing: 404 where the id stood in
// the path, else 400.
func NoSuch(kind, id, param string) *Error {
	e := Invalid("resource_missing", param, "No such %s: '%s'", kind, id)
	if param == InPath {
		e.Status, e.Object["param"] = http.StatusNotFound, "id"
	}
	return e
}

// InPath names the id in the path as the parameter that was wrong.
const InPath = ""

// Work guards the state by one mutex, and holds what was begun under it and
// takes longer. Goroutines exist only under Run.
type Work struct {
	mu      sync.Mutex
	changed *sync.Cond // there are tasks, or none is pending any more
	tasks   []Task     // waiting for Run to start them
	pending int        // tasks waiting or under way
}

// Task is work that Run starts and waits for.
type Task func(ctx context.Context)

func newWork() *Work {
	w := &Work{}
	w.changed = sync.NewCond(&w.mu)
	return w
}

// Within runs f alone.
func (w *Work) Within(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// Start hands work to Run. It is called under Within.
func (w *Work) Start(t Task) {
	w.tasks = append(w.tasks, t)
	w.pending++
	w.changed.Broadcast()
}

// await waits until it is so or ctx is done, and then calls then, alone.
func (w *Work) await(ctx context.Context, isSo func() bool, then func()) {
	defer context.AfterFunc(ctx, func() { w.Within(w.changed.Broadcast) })()
	w.mu.Lock()
	defer w.mu.Unlock()
	for !isSo() && ctx.Err() == nil {
		w.changed.Wait()
	}
	then()
}

// Run does the work until ctx is done and all that it started has ended.
func (w *Work) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for ctx.Err() == nil {
		w.await(ctx, func() bool { return len(w.tasks) > 0 }, func() {
			for _, task := range w.tasks {
				running.Go(func() { w.perform(ctx, task) }) // after ctx it only notes that it is too late
			}
			w.tasks = nil
		})
	}
}

func (w *Work) perform(ctx context.Context, task Task) {
	task(ctx)
	w.Within(func() {
		w.pending--
		w.changed.Broadcast()
	})
}

// Wait returns nil as soon as nothing is pending, or ctx's error before.
func (w *Work) Wait(ctx context.Context) (err error) {
	idle := func() bool { return w.pending == 0 }
	w.await(ctx, idle, func() {
		if !idle() {
			err = ctx.Err()
		}
	})
	return err
}

// Pause waits for d, and tells whether ctx let it.
func Pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
