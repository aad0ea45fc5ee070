package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hourbank/tests/harness"
)

const (
	senders  = 16
	repeated = 8 // one delivery in so many is of an event that was acknowledged before

	// redelivery is how long the driver waits after an answer that was none.
	redelivery = 10 * time.Millisecond

	// recovery is within how long the service must work again once a fault
	// has ended.
	recovery = 5 * time.Second
)

// driver plays Stripe: it sends each event until a 2xx, in any order, some of
// them again after that, and keeps books of what it was answered.
type driver struct {
	t  *testing.T
	db *harness.Database

	// mayBreak says that an exchange may end without an answer, because the
	// service itself is what is killed.
	mayBreak bool
	targets  atomic.Pointer[[]*harness.App]

	mu           sync.Mutex
	events       int              // how many there are
	ends         map[string]end   // by purchase
	students     map[string]int64 // hours that each must hold in the end, in hundredths
	waiting      []*harness.Event
	later        []*harness.Event // not waiting yet: see feed
	acknowledged []*harness.Event
	stored       int // how many of the acknowledged were found in the database
	firsts       map[string]int
	answers      map[int]int // by status; 0 is none

	slowest time.Duration // recovery
	longest atomic.Int64  // exchange, in nanoseconds
}

func newDriver(t *testing.T, db *harness.Database) *driver {
	return &driver{t: t, db: db, ends: map[string]end{}, students: map[string]int64{}, firsts: map[string]int{}, answers: map[int]int{}}
}

func (d *driver) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprintf("%d events acknowledged, %d waiting; answers by status %v, the longest took %s; slowest recovery %s",
		len(d.acknowledged), len(d.waiting), d.answers, time.Duration(d.longest.Load()).Round(time.Millisecond), d.slowest.Round(time.Millisecond))
}

// add makes purchases, and sends the events that tell about them.
func (d *driver) add(purchases int) {
	d.t.Helper()
	d.prepare(purchases)
	d.feed(d.events)
}

// feed lets so many of the prepared events happen.
func (d *driver) feed(events int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	events = min(events, len(d.later))
	d.waiting, d.later = append(d.waiting, d.later[:events]...), d.later[events:]
}

// prepare makes purchases, and the events that will tell about them.
func (d *driver) prepare(purchases int) {
	d.t.Helper()
	for range purchases {
		n := len(d.ends)
		life := lives[n%len(lives)]
		p := harness.NewPurchase(d.t).For(studentOf(n)).Create(d.db)
		told := life.tell(p)
		d.mu.Lock()
		d.ends[p.ID] = life.end
		d.students[p.Student] += life.end.Credited - life.end.Reversed
		d.later, d.events = append(d.later, told...), d.events+len(told)
		d.mu.Unlock()
	}
}

// to sets where events are sent from now on.
func (d *driver) to(apps ...*harness.App) { d.targets.Store(&apps) }

// load sends from many connections until it is stopped; stop returns once
// every exchange has ended.
func (d *driver) load() (stop func()) {
	stopping := make(chan struct{})
	var group sync.WaitGroup
	for range senders {
		group.Go(func() {
			for {
				pause := time.Duration(0)
				if !d.sendOne() {
					pause = redelivery
				}
				select {
				case <-stopping:
					return
				case <-time.After(pause):
				}
			}
		})
	}
	stop = sync.OnceFunc(func() { close(stopping); group.Wait() })
	d.t.Cleanup(stop) // also where the test fails meanwhile
	return stop
}

// sendOne sends any event that waits, or one time in eight, or where none
// does, one that was acknowledged before.
func (d *driver) sendOne() (acknowledged bool) {
	event, again := d.take()
	if event == nil {
		return false
	}
	apps := *d.targets.Load()
	app := apps[rand.IntN(len(apps))]
	start := time.Now()
	answer, err := app.TryDeliver(event)
	d.longest.Store(max(d.longest.Load(), int64(time.Since(start)))) // of two at once one may be missed: it is only told
	if answer.Status == http.StatusInternalServerError {
		d.t.Errorf("a bug: %v", app.Log.Lines("request_id", answer.Get("request_id").String()))
	}
	return d.record(event, again, answer, err)
}

func (d *driver) take() (event *harness.Event, again bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.acknowledged); n > 0 && (len(d.waiting) == 0 || rand.IntN(repeated) == 0) {
		return d.acknowledged[rand.IntN(n)], true
	}
	last := len(d.waiting) - 1
	if last < 0 {
		return nil, false
	}
	i := rand.IntN(last + 1)
	event = d.waiting[i]
	d.waiting[i] = d.waiting[last]
	d.waiting = d.waiting[:last]
	return event, false
}

// record keeps the books, and refuses any answer that Stripe should not get.
func (d *driver) record(event *harness.Event, again bool, answer harness.Response, err error) (acknowledged bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		answer.Status = 0
	}
	d.answers[answer.Status]++
	switch {
	case err != nil:
		if !d.mayBreak {
			d.t.Errorf("%s got no answer: %v", event.ID, err)
		}
	case answer.Status == http.StatusOK && answer.Get("status").String() == "processed":
		d.acknowledge(event, again, answer)
		return true
	case answer.Status == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "":
	default:
		d.t.Errorf("%s was answered %d: %s", event.ID, answer.Status, answer.Body)
	}
	if !again {
		d.waiting = append(d.waiting, event)
	}
	return false
}

func (d *driver) acknowledge(event *harness.Event, again bool, answer harness.Response) {
	if !again {
		d.acknowledged = append(d.acknowledged, event)
	}
	if answer.Get("duplicate").Bool() {
		return
	}
	if d.firsts[event.ID]++; again || d.firsts[event.ID] > 1 {
		d.t.Errorf("%s was acknowledged before, and told now that it is the first: %s", event.ID, answer.Body)
	}
}

// count is how many events were acknowledged so far.
func (d *driver) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.acknowledged)
}

// more waits until so many more events were acknowledged, or all that were
// fed.
func (d *driver) more(events int) {
	d.t.Helper()
	before := d.count()
	harness.Eventually(d.t, "more events are acknowledged", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.acknowledged) >= min(before+events, d.events-len(d.later))
	})
}

// all waits until every event is acknowledged, for as long as there is
// progress.
func (d *driver) all() {
	d.t.Helper()
	for d.count() < d.events {
		d.more(1)
	}
}

// refused waits until the service says that it can't work now.
func (d *driver) refused() {
	d.t.Helper()
	before := d.answered(http.StatusServiceUnavailable)
	harness.Eventually(d.t, "the service answers 503", func() bool {
		return d.answered(http.StatusServiceUnavailable) > before
	})
}

func (d *driver) answered(status int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.answers[status]
}

// recovers wants an event acknowledged for the first time soon after a fault
// has ended, and notes how soon.
func (d *driver) recovers() {
	d.t.Helper()
	d.feed(20) // so that one waits
	before := d.count()
	took := harness.Within(d.t, recovery, "the service recovers: "+d.String(), func() bool { return d.count() > before })
	d.slowest = max(d.slowest, took)
}
