package ingest

import (
	"cmp"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/stripe"
)

// purchaseBook holds the purchases that a transaction has locked, under every
// key by which an event may name one.
type purchaseBook struct {
	byID, byIntent, bySession, byInvoice map[string]*models.Purchase

	fresh   []*models.Purchase          // made by this transaction
	touched map[string]*models.Purchase // changed by it
	others  []models.OtherIntent        // further PaymentIntents that paid, as it was told
}

// decisive are the columns that decide what an event changes; the others
// follow from them, or never change.
const decisive = "id, student_id, payment_status, amount, currency, hours, hours_credited, hours_reversed, amount_refunded, " +
	"amount_disputed, stripe_payment_intent_id, stripe_checkout_session_id, stripe_invoice_id, stripe_customer_id, valid_days, evidence"

// lockPurchases reads and locks, in id order, every purchase that the events
// may be about.
func lockPurchases(tx *gorm.DB, entries []*entry, others []models.OtherIntent) (*purchaseBook, error) {
	return readPurchases(tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), entries, others)
}

// otherIntents finds the purchases of those events that name none in the book,
// but a PaymentIntent that is a purchase's, though not its first.
func (b *purchaseBook) otherIntents(tx *gorm.DB, entries []*entry) ([]models.OtherIntent, error) {
	var intents []string
	for _, e := range entries {
		if b.find(e.event.Keys) == nil {
			intents = appendKey(intents, e.event.Keys.PaymentIntent)
		}
	}
	var others []models.OtherIntent
	if len(intents) == 0 {
		return nil, nil
	}
	if err := tx.Where(database.IsAnyOf(tx, "id", intents)).Find(&others).Error; err != nil {
		return nil, fmt.Errorf("read other payment intents: %w", err)
	}
	return others, nil
}

func readPurchases(tx *gorm.DB, entries []*entry, others []models.OtherIntent) (*purchaseBook, error) {
	var ids, intents, sessions, invoices []string
	for _, e := range entries {
		keys := e.event.Keys
		ids = appendKey(ids, keys.Purchase, keys.ClientReference)
		intents = appendKey(intents, keys.PaymentIntent)
		sessions = appendKey(sessions, keys.CheckoutSession)
		invoices = appendKey(invoices, keys.Invoice)
	}
	for _, other := range others {
		ids = append(ids, other.PurchaseID)
	}
	book := &purchaseBook{
		byID: map[string]*models.Purchase{}, byIntent: map[string]*models.Purchase{},
		bySession: map[string]*models.Purchase{}, byInvoice: map[string]*models.Purchase{},
		touched: map[string]*models.Purchase{},
	}
	var named []clause.Expression
	for _, key := range []struct {
		column string
		values []string
	}{{"id", ids}, {"stripe_payment_intent_id", intents}, {"stripe_checkout_session_id", sessions}, {"stripe_invoice_id", invoices}} {
		if len(key.values) > 0 {
			named = append(named, database.IsAnyOf(tx, key.column, key.values))
		}
	}
	if len(named) == 0 {
		return book, nil
	}
	var purchases []*models.Purchase
	if err := tx.Select(decisive).Where(clause.Or(named...)).Order("id").Find(&purchases).Error; err != nil {
		return nil, fmt.Errorf("read purchases: %w", err)
	}
	for _, p := range purchases {
		book.index(p)
	}
	for _, other := range others {
		if p := book.byID[other.PurchaseID]; p != nil && book.byIntent[other.ID] == nil {
			book.byIntent[other.ID] = p
		}
	}
	return book, nil
}

func appendKey(keys []string, more ...string) []string {
	for _, key := range more {
		if key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

func (b *purchaseBook) index(p *models.Purchase) {
	b.byID[p.ID] = p
	if p.StripePaymentIntentID != nil {
		b.byIntent[*p.StripePaymentIntentID] = p
	}
	if p.StripeCheckoutSessionID != nil {
		b.bySession[*p.StripeCheckoutSessionID] = p
	}
	if p.StripeInvoiceID != nil {
		b.byInvoice[*p.StripeInvoiceID] = p
	}
}

// find gives the purchase that an event is about, or nil. An absent key is
// the empty string, which no purchase has.
func (b *purchaseBook) find(keys stripe.Keys) *models.Purchase {
	return cmp.Or(b.byIntent[keys.PaymentIntent], b.byID[keys.Purchase],
		b.bySession[keys.CheckoutSession], b.byID[keys.ClientReference], b.byInvoice[keys.Invoice])
}

// add takes a purchase that this transaction makes.
func (b *purchaseBook) add(p *models.Purchase) {
	b.index(p)
	b.fresh = append(b.fresh, p)
}

// tie notes the ids that the purchase didn't have yet, so that later events
// find it by them; an id that is another purchase's stays there. It says
// whether there was anything to note.
func (b *purchaseBook) tie(p *models.Purchase, keys stripe.Keys) (tied bool) {
	for _, note := range []struct {
		field **string
		id    string
		owner *models.Purchase
	}{
		{&p.StripePaymentIntentID, keys.PaymentIntent, b.byIntent[keys.PaymentIntent]},
		{&p.StripeCheckoutSessionID, keys.CheckoutSession, b.bySession[keys.CheckoutSession]},
		{&p.StripeInvoiceID, keys.Invoice, b.byInvoice[keys.Invoice]},
		{&p.StripeCustomerID, keys.Customer, nil},
	} {
		if *note.field == nil && note.owner == nil && note.id != "" && len(note.id) <= models.MaxIDLength {
			*note.field, tied = &note.id, true
		}
	}
	if tied {
		b.index(p)
	}
	return tied
}

// noteOther notes a PaymentIntent that paid for a purchase that was tied to
// another one, so that its refunds and disputes find the purchase.
func (b *purchaseBook) noteOther(p *models.Purchase, intent string) {
	if models.IsObjectID(intent) && b.byIntent[intent] == nil {
		b.byIntent[intent] = p
		b.others = append(b.others, models.OtherIntent{ID: intent, PurchaseID: p.ID})
	}
}

// made lists the purchases to insert, in the order of their invoices, whose
// index another transaction may be in as well.
func (b *purchaseBook) made() []*models.Purchase {
	return slices.SortedFunc(slices.Values(b.fresh), func(a, b *models.Purchase) int {
		return cmp.Compare(*a.StripeInvoiceID, *b.StripeInvoiceID)
	})
}

// touch marks the purchase as one to write.
func (b *purchaseBook) touch(p *models.Purchase) { b.touched[p.ID] = p }

// changed lists the purchases to write, in id order.
func (b *purchaseBook) changed() []*models.Purchase {
	list := make([]*models.Purchase, 0, len(b.touched))
	for _, p := range b.touched {
		if !slices.Contains(b.fresh, p) {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *models.Purchase) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
