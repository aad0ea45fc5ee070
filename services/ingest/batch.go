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
	parkFor time.Duration
	entries []*entry
	byJob   []*entry // the entry of each job, in order
	isFirst []bool   // whether the job is the first of its entry

	// lookUp is set when an event id is likely to be known, or turned out to
	// be: only then is it worth a statement to read what is known about it.
	lookUp bool

	others    []models.OtherIntent // by which purchases were found that are named by nothing else
	now       time.Time
	purchases *purchaseBook
	periods   *periodBook
	ledger    []models.LedgerEntry
}

// entry is one event of the batch, however many callers brought it.
type entry struct {
	event      *stripe.Event
	origin     Origin
	deliveries int                  // how many of the callers were Stripe
	known      *models.WebhookEvent // the row, where the event was committed before
	outcome    Outcome
	row        models.WebhookEvent // what the row shall be
}

// errOvertaken rolls the transaction back when another one was first with
// some of the rows that it meant to insert.
var errOvertaken = errors.New("another transaction was first")

// errMorePurchases rolls the transaction back when events turn out to be about
// purchases that it has not locked, which it must do in id order.
var errMorePurchases = errors.New("more purchases are to be locked")

func newBatch(db *database.DB, jobs []*job, parkFor time.Duration) *batch {
	b := &batch{db: db, parkFor: parkFor, byJob: make([]*entry, len(jobs)), isFirst: make([]bool, len(jobs))}
	byID := make(map[string]*entry, len(jobs))
	for i, j := range jobs {
		e, ok := byID[j.event.ID]
		if !ok {
			e = &entry{event: j.event}
			byID[j.event.ID], b.isFirst[i] = e, true
			b.entries = append(b.entries, e)
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
	return slices.ContainsFunc(b.entries, func(e *entry) bool { return e.known != nil && e.deliveries > 0 })
}

// overtakenTries is how often a batch runs where others are first each time
// with another of its rows: an event, an invoice's purchase, a PaymentIntent.
const overtakenTries = 5

// run commits the batch. It may be called again after an error.
func (b *batch) run(ctx context.Context) (err error) {
	for range overtakenTries {
		err = b.transaction(ctx)
		if errors.Is(err, errMorePurchases) {
			continue
		}
		if !errors.Is(err, errOvertaken) && !database.IsOvertaken(err) {
			return err
		}
		// Looking first would cost every new event a statement; known ones
		// are rare, and pay for another round.
		b.lookUp = true
	}
	return err
}

func (b *batch) transaction(ctx context.Context) error {
	return b.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		b.now = tx.NowFunc()
		b.ledger = nil
		var err error
		if b.purchases, err = lockPurchases(tx, b.entries, b.others); err != nil {
			return err
		}
		others, err := b.purchases.otherIntents(tx, b.entries)
		if err != nil {
			return err
		}
		if len(others) > 0 {
			b.others = append(b.others, others...)
			return errMorePurchases
		}
		if err := b.loadKnown(tx); err != nil {
			return err
		}
		if b.periods, err = loadPeriods(tx, b.entries, b.purchases); err != nil {
			return err
		}
		for _, e := range b.entries {
			b.decide(e)
		}
		return b.write(tx)
	})
}

// loadKnown reads and locks the rows of events that were committed before.
func (b *batch) loadKnown(tx *gorm.DB) error {
	if !b.lookUp {
		return nil
	}
	known, err := lockEvents(tx, b.entries)
	if err != nil {
		return err
	}
	for _, e := range b.entries {
		e.known = known[e.event.ID]
	}
	return nil
}

// decide says what becomes of one event, and lets its purchase learn.
func (b *batch) decide(e *entry) {
	if e.known != nil && e.known.Status != models.EventParked && e.origin != Replayed {
		e.row = *e.known
		e.row.Deliveries += e.deliveries
		e.outcome = outcomeOf(e.row, true)
		return
	}
	row := newRow(e, b.now)
	row.Attempts++
	row.Status, row.Reason, row.TransactionID = b.try(e, row.ReceivedAt)
	row.NextAttemptAt, row.ProcessedAt = nil, &b.now
	if row.Status == models.EventParked {
		next := b.now.Add(min(retryDelay(row.Attempts), b.parkFor-b.now.Sub(row.ReceivedAt)))
		row.NextAttemptAt, row.ProcessedAt = &next, nil
	}
	e.row, e.outcome = row, outcomeOf(row, e.known != nil)
	if e.known != nil && e.known.Status == models.EventProcessed && isReason(row.Reason, models.ReasonStale) {
		e.row.Reason = e.known.Reason // a replay that adds nothing leaves what the event once did on record
	}
}

// try matches the event with its purchase and applies it.
func (b *batch) try(e *entry, receivedAt time.Time) (models.EventStatus, *models.Reason, *string) {
	switch {
	case e.event.Status != "":
		return e.event.Status, &e.event.Reason, nil
	case e.event.Subscription != nil:
		return b.remembered(e.event.Subscription)
	}
	p := b.purchases.find(e.event.Keys)
	if p == nil && e.event.Period != nil {
		made, reason := b.periods.purchase(e.event.Period, b.now)
		if reason != models.ReasonNone {
			return models.EventRejected, &reason, nil
		}
		if p = made; p != nil {
			b.purchases.add(p)
		}
	}
	if p == nil {
		return b.unmatched(receivedAt)
	}
	return b.apply(e.event, p)
}

// unmatched parks an event whose purchase is not here yet, and gives up on
// one that was parked for too long.
func (b *batch) unmatched(receivedAt time.Time) (models.EventStatus, *models.Reason, *string) {
	if b.now.Sub(receivedAt) < b.parkFor {
		return models.EventParked, nil, nil
	}
	reason := models.ReasonUnmatched
	return models.EventIgnored, &reason, nil
}

func (b *batch) remembered(told *models.Subscription) (models.EventStatus, *models.Reason, *string) {
	if b.periods.isLatest(told) {
		return models.EventProcessed, nil, nil
	}
	stale := models.ReasonStale
	return models.EventProcessed, &stale, nil
}

// apply lets the purchase learn from the event.
func (b *batch) apply(event *stripe.Event, p *models.Purchase) (models.EventStatus, *models.Reason, *string) {
	tied := b.purchases.tie(p, event.Keys)
	if event.Period != nil && event.Period.Paid {
		p.Reprice(event.Period.Amount)
	}
	unpaid := p.HoursCredited == 0
	lesson := p.Learn(event.Facts)
	if (unpaid && p.HoursCredited > 0) || event.PaysInvoice {
		b.purchases.noteOther(p, event.Keys.PaymentIntent)
	}
	for _, posting := range lesson.Entries {
		posting.ID, posting.EventID, posting.CreatedAt = models.NewID(), &event.ID, b.now
		b.ledger = append(b.ledger, posting)
	}
	if tied || lesson.Changed {
		b.purchases.touch(p)
	}
	switch {
	case lesson.Reason == models.ReasonNone, lesson.Reason == models.ReasonStale && tied:
		return models.EventProcessed, nil, &p.ID
	case lesson.Reason == models.ReasonStale:
		return models.EventProcessed, &lesson.Reason, &p.ID
	default:
		return models.EventRejected, &lesson.Reason, &p.ID
	}
}

// newRow starts the event's row from what is known of it.
func newRow(e *entry, now time.Time) models.WebhookEvent {
	if e.known != nil {
		row := *e.known
		row.Deliveries += e.deliveries
		return row
	}
	row := models.WebhookEvent{
		ID: e.event.ID, Type: e.event.Type, Livemode: e.event.Livemode, Payload: e.event.Payload,
		Deliveries: e.deliveries, ReceivedAt: now,
	}
	if e.event.APIVersion != "" {
		row.APIVersion = &e.event.APIVersion
	}
	return row
}

func outcomeOf(row models.WebhookEvent, duplicate bool) Outcome {
	return Outcome{
		EventID: row.ID, Status: row.Status, Duplicate: duplicate,
		TransactionID: row.TransactionID, Reason: row.Reason,
	}
}

func isReason(reason *models.Reason, want models.Reason) bool {
	return reason != nil && *reason == want
}

// Delays between the tries of a parked event: the first ones catch a webhook
// that was faster than our own commit, the last ones cost next to nothing.
const (
	firstRetryDelay = time.Second
	lastRetryDelay  = 5 * time.Minute
)

// retryDelay doubles with every attempt, up to lastRetryDelay.
func retryDelay(attempts int) time.Duration {
	return min(firstRetryDelay<<min(attempts-1, 20), lastRetryDelay)
}

// totals adds ledger entries up by student, in student order.
func totals(ledger []models.LedgerEntry) []accountMovement {
	byStudent := map[string]*accountMovement{}
	for _, posting := range ledger {
		m := byStudent[posting.StudentID]
		if m == nil {
			m = &accountMovement{studentID: posting.StudentID}
			byStudent[posting.StudentID] = m
		}
		m.Add(posting)
	}
	movements := make([]accountMovement, 0, len(byStudent))
	for _, m := range byStudent {
		movements = append(movements, *m)
	}
	slices.SortFunc(movements, func(a, b accountMovement) int { return cmp.Compare(a.studentID, b.studentID) })
	return movements
}

type accountMovement struct {
	studentID string
	models.Movement
}
