package ingest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/models/money"
	"hourbank/services/casebook"
	"hourbank/services/ingest/statements"
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

	ours map[string]bool // customers and subscriptions of purchases; nil: all payments are for a person to look at

	made     map[string]*models.Purchase // by this book
	changed  map[string]*models.Purchase // not made, but changed by it
	keys     map[string]*models.Purchase // new ones
	moved    map[string]*models.Purchase // keys that were another's before
	credited map[string]bool             // invoices whose hours are, since this book
	shared   map[statements.Key]bool     // keys that other purchases may have too
	told     map[string][]*models.Subscription
	ledger   []models.LedgerEntry
	cases    casebook.Book
}

// decisive are the columns that decide what an event changes, or that it may
// leave as they are; the others follow from them, or never change.
const decisive = "id, student_id, beneficiary_id, payment_status, amount, amount_due, currency, hours, hours_credited, hours_reversed, amount_received, " +
	"amount_refunded, amount_disputed, stripe_payment_intent_id, stripe_checkout_session_id, stripe_invoice_id, stripe_customer_id, " +
	"origin, merged_into, valid_days, rollover_hours, evidence, created_at"

// openBook reads what the events may be about: their purchases in id order,
// and where one of them may make a purchase, what that takes. Where lock is
// set, the purchases are locked, and accounts that may be needed are opened.
func openBook(tx *gorm.DB, events []*stripe.Event, lock bool) (*book, error) {
	b := newBook(tx.NowFunc())
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
		if p.MergedInto != nil && b.named(p.ID) == nil {
			return nil, statements.ErrOvertaken // it was merged while we waited for its lock
		}
	}
	b.keepForgotten(purchases, events)
	b.catalogue, err = openCatalogue(tx, b, events, lock)
	return b, err
}

// keepForgotten lets what is told of a forgotten student's payment be the
// pseudonym's, whatever its metadata say: nothing brings the person back.
func (b *book) keepForgotten(purchases []*models.Purchase, events []*stripe.Event) {
	isForgotten := func(p *models.Purchase) bool {
		return models.IsForgotten(p.StudentID) || models.IsForgotten(p.AccountID())
	}
	if !slices.ContainsFunc(purchases, isForgotten) {
		return
	}
	for _, e := range events {
		for _, p := range b.group(e) {
			if isForgotten(p) {
				e.Forget(p.StudentID, p.AccountID())
			}
		}
	}
}

func newBook(now time.Time) *book {
	return &book{
		now: now, byID: map[string]*models.Purchase{}, byKey: map[string]*models.Purchase{},
		made: map[string]*models.Purchase{}, changed: map[string]*models.Purchase{}, keys: map[string]*models.Purchase{},
		moved: map[string]*models.Purchase{}, credited: map[string]bool{}, shared: map[statements.Key]bool{}, told: map[string][]*models.Subscription{}, cases: casebook.Book{},
	}
}

// readPurchases finds purchases by the keys of the events, in one statement
// and in id order.
func readPurchases(tx *gorm.DB, events []*stripe.Event, lock bool) ([]*models.Purchase, error) {
	var keys []string
	for _, e := range events {
		keys = append(keys, e.Keys()...)
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
		if b.byKey[id] == nil {
			b.byKey[id] = p
		}
	}
}

// named gives the purchase of an id that somebody named, or the one that took
// its evidence; nil: there is none.
func (b *book) named(id string) *models.Purchase {
	if p := b.byID[id]; p == nil || p.MergedInto == nil {
		return p
	}
	return b.byKey[id] // also where the one that took it was merged itself
}

// group lists the purchases that the event is about, and that are one: those
// that hold an object that it names, and the sale that metadata name.
func (b *book) group(e *stripe.Event) []*models.Purchase {
	group := b.holders(e)
	named := b.named(e.Names.Purchase)
	// A customer writes the reference: their money may pay a sale, and moves no purchase.
	if sale := b.named(e.Names.ClientReference); named == nil && sale != nil && sale.Origin == models.OriginSale {
		named = sale
	}
	if named != nil && !slices.Contains(group, named) && (len(group) == 0 || named.Origin == models.OriginSale) {
		group = append(group, named)
	}
	return b.apart(e, group)
}

// holders lists the purchases that hold the PaymentIntents, sessions, invoices
// and charges that the event names; only where none does, refunds, disputes
// and credit notes.
func (b *book) holders(e *stripe.Event) []*models.Purchase {
	var holders []*models.Purchase
	add := func(p *models.Purchase) {
		if p != nil && !slices.Contains(holders, p) {
			holders = append(holders, p)
		}
	}
	named := money.Evidence{Payments: e.Told.Payments, Sessions: e.Told.Sessions, Invoices: e.Told.Invoices}
	for _, id := range named.IDs() {
		add(b.byKey[id])
	}
	for id, charge := range e.Told.Charges {
		// A charge is of one PaymentIntent: what contradicts that links nothing.
		if p := b.byKey[id]; p != nil && !p.Evidence.Charges[id].IsOfAnother(charge.PaymentIntent) {
			add(p)
		}
	}
	if len(holders) == 0 {
		others := money.Evidence{Refunds: e.Told.Refunds, Disputes: e.Told.Disputes, CreditNotes: e.Told.CreditNotes}
		for _, id := range others.IDs() {
			add(b.byKey[id])
		}
	}
	return b.ofNoOtherInvoice(e, holders)
}

// ofNoOtherInvoice leaves purchases of other invoices out where the event tells
// of one that is no purchase's yet: a PaymentIntent may pay several.
func (b *book) ofNoOtherInvoice(e *stripe.Event, holders []*models.Purchase) []*models.Purchase {
	if len(e.Told.Invoices) == 0 {
		return holders
	}
	for id := range e.Told.Invoices {
		if b.byKey[id] != nil {
			return holders
		}
	}
	return slices.DeleteFunc(holders, func(p *models.Purchase) bool { return len(p.Evidence.Invoices) > 0 })
}

// apart leaves purchases out that are not one with the others, whatever links
// them: further sales for which we made an object of their own, and those of
// other invoices than the event's, because a PaymentIntent may pay several.
func (b *book) apart(e *stripe.Event, group []*models.Purchase) []*models.Purchase {
	if len(group) < 2 {
		return group
	}
	ofInvoice := func(p *models.Purchase) bool {
		return slices.ContainsFunc(slices.Collect(maps.Keys(e.Told.Invoices)), func(id string) bool { return b.byKey[id] == p })
	}
	slices.SortFunc(group, func(p, o *models.Purchase) int {
		return cmp.Or(rank(ofInvoice(p), ofInvoice(o)), rank(b.byKey[e.Payment] == p && p.HasOwn(), b.byKey[e.Payment] == o && o.HasOwn()), rank(p.Outranks(o), o.Outranks(p)))
	})
	kept := group[:0]
	sale, invoice := false, false
	for _, p := range group {
		holdsInvoice := len(p.Evidence.Invoices) > 0
		if (p.HasOwn() && sale) || (holdsInvoice && invoice) {
			continue
		}
		sale, invoice = sale || p.HasOwn(), invoice || holdsInvoice
		kept = append(kept, p)
	}
	return kept
}

// rank orders what is so before what is not.
func rank(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

// own leaves out of what was told the objects that are another purchase's.
func (b *book) own(told money.Evidence, p *models.Purchase) money.Evidence {
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
			b.keys[id], b.byKey[id] = p, p
		}
	}
	for _, entry := range change.Entries {
		entry.ID, entry.EventID, entry.CreatedAt = models.NewID(), models.OrNull(eventID), b.now
		if entry.OccurredAt.IsZero() {
			entry.OccurredAt = b.now
		}
		b.ledger = append(b.ledger, entry)
	}
	b.cases.Follow(p, change, eventID)
	if change.Changed && b.made[p.ID] == nil {
		b.changed[p.ID] = p
	}
}

// knows says whether the book learned something by a key that an event of its
// may wait for.
func (b *book) knows(key string) bool {
	return b.keys[key] != nil || b.made[key] != nil || b.credited[key] || len(b.told[key]) > 0
}

// readOurs finds which customers and subscriptions that events name have bought before.
func (b *book) readOurs(tx *gorm.DB, events []*stripe.Event) error {
	var named, known []string
	for _, e := range events {
		if named = append(named, e.Names.Customer); e.Invoice != nil {
			named = append(named, e.Invoice.SubscriptionID)
		}
	}
	err := tx.Session(&gorm.Session{NewDB: true}).Table("shared_keys").Where(database.IsAnyOf(tx, "key", named)).Distinct().Pluck("key", &known).Error
	if err != nil {
		return fmt.Errorf("look whether customers are known: %w", err)
	}
	b.ours = map[string]bool{}
	for _, key := range known {
		b.ours[key] = true
	}
	return nil
}
