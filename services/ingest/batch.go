package ingest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/ingest/statements"
	"hourbank/services/owner"
	"hourbank/services/stripe"
)

// batch applies a set of events in one transaction:
//
//  1. lock the purchases that they name, in id order;
//  2. let the pure core decide, event by event in order of arrival;
//  3. write events, purchases, accounts and ledger, one statement each.
//
// Locks are always taken in the order purchases, events, accounts, and by id
// within each, so that two replicas can't deadlock. (The accounts that new
// invoices open come between the first two, and by id as well.)
type batch struct {
	db      *database.DB
	owner   *owner.Service
	items   []*item
	byJob   []*item // the item of each job, in order
	isFirst []bool  // whether the job is the first of its item

	// lookUp is set when an event id is likely to be known, or turned out to
	// be: only then is it worth a statement to read what is known about it.
	lookUp bool

	options Options
	now     time.Time
	book    *book
}

// item is one event of the batch, however many callers brought it.
type item struct {
	event      *stripe.Event
	origin     Origin
	deliveries int                  // how many of the callers were Stripe
	known      *models.WebhookEvent // the row, where the event was committed before
	repeated   bool                 // it is final already
	awaits     []string             // keys
	outcome    Outcome
	row        models.WebhookEvent // what the row shall be
}

func newBatch(db *database.DB, owner *owner.Service, jobs []*job, options Options) *batch {
	b := &batch{db: db, owner: owner, options: options, byJob: make([]*item, len(jobs)), isFirst: make([]bool, len(jobs))}
	byID := make(map[string]*item, len(jobs))
	for i, j := range jobs {
		e, ok := byID[j.event.ID]
		if !ok {
			e = &item{event: j.event}
			byID[j.event.ID], b.isFirst[i] = e, true
			b.items = append(b.items, e)
		}
		e.origin = max(e.origin, j.origin)
		if j.origin == Delivered {
			e.deliveries++
		}
		b.lookUp = b.lookUp || j.origin != Delivered
		b.byJob[i] = e
	}
	return b
}

// outcome is what the caller of the i-th job is told.
func (b *batch) outcome(i int) Outcome {
	outcome := b.byJob[i].outcome
	outcome.Duplicate = outcome.Duplicate || !b.isFirst[i]
	return outcome
}

// hasRepeated says whether Stripe brought an event again that was committed before.
func (b *batch) hasRepeated() bool {
	return slices.ContainsFunc(b.items, func(e *item) bool { return e.known != nil && e.deliveries > 0 })
}

// overtakenTries is how often a batch runs where others are first each time
// with another of its rows: an event, an invoice's purchase, a PaymentIntent.
const overtakenTries = 5

// run commits the batch. It may be called again after an error.
func (b *batch) run(ctx context.Context) (err error) {
	for range overtakenTries {
		err = b.transaction(ctx)
		if !errors.Is(err, statements.ErrOvertaken) && !database.IsOvertaken(err) {
			return err
		}
		// Looking first would cost every new event a statement; known ones
		// are rare, and pay for another round.
		b.lookUp = true
	}
	return err
}

func (b *batch) transaction(ctx context.Context) error {
	return b.db.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
		b.now = tx.NowFunc()
		events := make([]*stripe.Event, len(b.items))
		for i, e := range b.items {
			events[i] = e.event
		}
		if err := b.owner.RefuseOthers(tx, events); err != nil {
			return err
		}
		if b.book, err = openBook(tx, events, true); err != nil {
			return err
		}
		if b.options.ListOthers {
			if err := b.book.readOurs(tx, events); err != nil {
				return err
			}
		}
		if err := b.loadKnown(tx); err != nil {
			return err
		}
		b.decide()
		return b.write(tx)
	})
}

// loadKnown reads and locks the rows of events that were committed before.
func (b *batch) loadKnown(tx *gorm.DB) error {
	if !b.lookUp {
		return nil
	}
	known, err := lockEvents(tx, b.items)
	if err != nil {
		return err
	}
	for _, e := range b.items {
		e.known = known[e.event.ID]
	}
	return nil
}

// decide says what becomes of each event, in order of arrival; those that find
// no purchase are tried again where later ones told of theirs.
func (b *batch) decide() {
	var open []*item
	for _, e := range b.items {
		if b.decideOne(e); e.row.Status == models.EventParked {
			open = append(open, e)
		}
	}
	for again := true; again; {
		again = false
		open = slices.DeleteFunc(open, func(e *item) bool {
			if e.repeated || !slices.ContainsFunc(e.event.AwaitedKeys(), b.book.knows) {
				return false
			}
			b.book.cases.Withdraw(e.event.ID)
			b.decideOne(e)
			resolved := e.row.Status != models.EventParked
			again = again || resolved
			return resolved
		})
	}
}

// decideOne says what becomes of one event.
func (b *batch) decideOne(e *item) {
	if e.known != nil && e.known.Status != models.EventParked && e.origin != Replayed {
		e.row, e.repeated = *e.known, true
		e.row.Deliveries += e.deliveries
		e.outcome = outcomeOf(e.row, true)
		return
	}
	row := newRow(e, b.now)
	row.Attempts++
	row.Snapshot = cmp.Or(models.OrNull(e.event.Snapshot), row.Snapshot)
	decided := b.book.apply(e.event)
	if e.awaits = decided.awaits; decided.status == models.EventParked {
		e.awaits = e.event.AwaitedKeys()
		b.park(e, &row, decided)
	} else {
		row.Status, row.Reason = decided.status, models.OrNull(decided.reason)
		row.NextAttemptAt, row.ProcessedAt = nil, &b.now
		if decided.purchase != nil {
			row.TransactionID = &decided.purchase.ID
		}
		if wasOpen(e.known) {
			b.book.cases.Settle(e.event, decided.purchase)
		}
		if e.event.Forgotten {
			row.Payload, row.Snapshot = "", nil
		}
	}
	e.row, e.outcome = row, outcomeOf(row, e.known != nil)
	if e.known != nil && e.known.Status == models.EventProcessed && decided.reason == models.ReasonStale {
		e.row.Reason = e.known.Reason // a replay that adds nothing leaves what the event once did on record
	}
}

// park keeps an event whose purchase is not here yet. One that tells of money
// opens a case after a while; one that was parked for too long is given up,
// and its case stays.
func (b *batch) park(e *item, row *models.WebhookEvent, decided result) {
	waited := b.now.Sub(row.ReceivedAt)
	patience := min(unmatchedAfter, b.options.ParkFor)
	reason := decided.reason
	if reason == "" && e.event.Money && waited >= patience && b.book.concerns(e.event) {
		b.book.cases.OpenFor("", e.event.Case(models.CaseUnmatchedPayment), e.event.ID)
		reason = models.Reason(models.CaseUnmatchedPayment)
	}
	if waited >= b.options.ParkFor {
		row.Status, row.Reason = models.EventIgnored, models.OrNull(models.ReasonUnmatched)
		row.NextAttemptAt, row.ProcessedAt = nil, &b.now
		return
	}
	delay := min(retryDelay(row.Attempts), b.options.ParkFor-waited)
	if waited < patience {
		delay = min(delay, patience-waited)
	}
	next := b.now.Add(delay)
	row.Status, row.Reason = models.EventParked, models.OrNull(reason)
	row.NextAttemptAt, row.ProcessedAt = &next, nil
}

// unmatchedAfter is how long an event that tells of money may wait for its
// purchase before a person is asked.
const unmatchedAfter = 10 * time.Minute

// wasOpen says whether an event found no purchase before, so that it may have opened a case.
func wasOpen(known *models.WebhookEvent) bool {
	return known != nil && known.Status != models.EventProcessed
}

// newRow starts the event's row from what is known of it.
func newRow(e *item, now time.Time) models.WebhookEvent {
	row := e.event.Row(now)
	if e.known != nil {
		row = *e.known
	}
	row.Deliveries += e.deliveries
	return row
}

func outcomeOf(row models.WebhookEvent, duplicate bool) Outcome {
	return Outcome{EventID: row.ID, Status: row.Status, Duplicate: duplicate, TransactionID: row.TransactionID, Reason: row.Reason}
}

// Delays between the tries of a parked event: the first ones catch a webhook
// that was faster than our own commit, the last ones cost next to nothing.
const (
	firstRetryDelay = time.Second
	lastRetryDelay  = 12 * time.Hour
)

// retryDelay is four times as long with every attempt, up to lastRetryDelay.
func retryDelay(attempts int) time.Duration {
	return min(firstRetryDelay<<min(2*(attempts-1), 20), lastRetryDelay)
}
