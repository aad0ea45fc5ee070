package ingest

import (
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/stripe"
)

// book is what a transaction has read and locked for its events, under every
// id by which one may name a purchase, and what they changed of it. Nothing in
// it reaches the database: a batch writes it down, a preview throws it away.
type book struct {
	now   time.Time
	byID  map[string]*models.Purchase // by its own id
	byKey map[string]*models.Purchase // by the ids of Stripe's objects in its evidence

	catalogue *catalogue

	made    map[string]*models.Purchase // by this book
	changed map[string]*models.Purchase // not made, but changed by it
	keys    map[string]*models.Purchase // new ones
	moved   map[string]string           // purchases whose keys are another's now
	told    map[string]*models.Subscription
	ledger  []models.LedgerEntry
	cases   caseBook
}

// decisive are the columns that decide what an event changes, or that it may
// leave as they are; the others follow from them, or never change.
const decisive = "id, student_id, payment_status, amount, amount_due, currency, hours, hours_credited, hours_reversed, amount_received, " +
	"amount_refunded, amount_disputed, stripe_payment_intent_id, stripe_checkout_session_id, stripe_invoice_id, stripe_customer_id, " +
	"origin, merged_into, valid_days, evidence, created_at"

// openBook reads what the events may be about: their purchases in id order,
// and where one of them may make a purchase, what that takes. Where lock is
// set, the purchases are locked, and accounts that may be needed are opened.
func openBook(tx *gorm.DB, events []*stripe.Event, lock bool) (*book, error) {
	b := &book{
		now: tx.NowFunc(), byID: map[string]*models.Purchase{}, byKey: map[string]*models.Purchase{},
		made: map[string]*models.Purchase{}, changed: map[string]*models.Purchase{}, keys: map[string]*models.Purchase{},
		moved: map[string]string{}, told: map[string]*models.Subscription{}, cases: caseBook{},
	}
	purchases, err := readPurchases(tx, events, lock)
	if err != nil {
		return nil, err
	}
	for _, p := range purchases {
		b.byID[p.ID] = p
		if p.MergedInto == nil {
			b.index(p)
		}
	}
	for _, p := range purchases {
		if p.MergedInto != nil && b.byID[*p.MergedInto] == nil {
			return nil, errOvertaken // it was merged while we waited for its lock
		}
	}
	b.catalogue, err = openCatalogue(tx, b, events, lock)
	return b, err
}

// readPurchases finds purchases by the keys of the events, in one statement
// and in id order.
func readPurchases(tx *gorm.DB, events []*stripe.Event, lock bool) ([]*models.Purchase, error) {
	var keys []string
	for _, e := range events {
		keys = append(keys, keysOf(e)...)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	if lock {
		tx = tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	var purchases []*models.Purchase
	if err := tx.Select(decisive).Where(byKeys(tx, keys)).Order("id").Find(&purchases).Error; err != nil {
		return nil, fmt.Errorf("read purchases: %w", err)
	}
	return purchases, nil
}

// keysOf lists the ids by which an event may find a purchase.
func keysOf(e *stripe.Event) []string {
	keys := e.Told.IDs()
	for _, name := range []string{e.Names.Purchase, e.Names.ClientReference} {
		if models.IsObjectID(name) {
			keys = append(keys, name)
		}
	}
	return keys
}

// byKeys is the condition that a purchase has one of the keys, or is named by
// it. A merged purchase's id is a key of the one that took its evidence.
func byKeys(tx *gorm.DB, keys []string) clause.Expression {
	if database.IsPostgres(tx) {
		return clause.Expr{
			SQL:  "id = ANY(ARRAY(SELECT purchase_id FROM purchase_keys WHERE key = ANY(?)) || ?::text[])",
			Vars: []any{&keys, &keys},
		}
	}
	list := *database.JSONOrNull(&keys)
	return clause.Expr{
		SQL:  "id IN (SELECT purchase_id FROM purchase_keys WHERE key IN (SELECT value FROM json_each(?)) UNION ALL SELECT value FROM json_each(?))",
		Vars: []any{list, list},
	}
}

// index notes the purchase under the ids in its evidence.
func (b *book) index(p *models.Purchase) {
	for _, id := range p.Evidence.IDs() {
		b.byKey[id] = p
	}
}

// named gives the purchase of an id that somebody named, or the one that took
// its evidence; nil: there is none.
func (b *book) named(id string) *models.Purchase {
	p := b.byID[id]
	for p != nil && p.MergedInto != nil {
		p = b.byID[*p.MergedInto]
	}
	return p
}

// group lists the purchases that the event is about, the one that shall have
// its evidence first: those that hold an object that it names, and the one
// that is named by metadata, unless Stripe's ids lead to a sale of ours
// already.
func (b *book) group(e *stripe.Event) []*models.Purchase {
	var group []*models.Purchase
	add := func(p *models.Purchase) {
		if p != nil && !slices.Contains(group, p) {
			group = append(group, p)
		}
	}
	for _, id := range e.Told.IDs() {
		add(b.byKey[id])
	}
	isSale := func(p *models.Purchase) bool { return p.Origin == models.OriginSale }
	named := b.named(e.Names.Purchase)
	if named == nil {
		named = b.named(e.Names.ClientReference)
	}
	if len(group) == 0 || (named != nil && isSale(named) && !slices.ContainsFunc(group, isSale)) {
		add(named)
	}
	return b.ofOneInvoice(e, group)
}

// ofOneInvoice leaves out purchases of other invoices than the event's: a
// PaymentIntent may pay several, which stay purchases of their own.
func (b *book) ofOneInvoice(e *stripe.Event, group []*models.Purchase) []*models.Purchase {
	slices.SortFunc(group, func(a, b *models.Purchase) int {
		if a.Outranks(b) {
			return -1
		}
		return 1
	})
	holds := func(p *models.Purchase) bool { return len(p.Evidence.Invoices) > 0 }
	first := slices.IndexFunc(group, func(p *models.Purchase) bool {
		return slices.ContainsFunc(slices.Collect(keysIn(e.Told.Invoices)), func(id string) bool { return b.byKey[id] == p })
	})
	if first < 0 {
		first = slices.IndexFunc(group, holds)
	}
	var kept []*models.Purchase
	for i, p := range group {
		if i == first || !holds(p) {
			kept = append(kept, p)
		}
	}
	return kept
}

func keysIn[T any](objects map[string]T) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for id := range objects {
			if !yield(id) {
				return
			}
		}
	}
}

// own leaves out of what was told the objects that are another purchase's.
func (b *book) own(told models.Evidence, p *models.Purchase) models.Evidence {
	return told.Without(func(id string) bool { return b.byKey[id] != nil && b.byKey[id] != p })
}

// add takes a purchase that this book makes.
func (b *book) add(p *models.Purchase) {
	b.byID[p.ID] = p
	b.made[p.ID] = p
}

// note keeps what a change did to a purchase: keys, ledger entries, cases.
func (b *book) note(p *models.Purchase, change models.Change, eventID string) {
	for _, id := range p.Evidence.IDs() {
		if b.byKey[id] == nil {
			b.keys[id] = p
		}
		b.byKey[id] = p
	}
	for _, entry := range change.Entries {
		entry.ID, entry.EventID, entry.CreatedAt = models.NewID(), &eventID, b.now
		b.ledger = append(b.ledger, entry)
	}
	b.cases.change(p, change, eventID)
	if change.Changed && b.made[p.ID] == nil {
		b.changed[p.ID] = p
	}
}
