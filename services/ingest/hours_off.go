package ingest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/stripe"
)

// mayTakeOff says whether an invoice may take hours off its student's account: none that
// it gives back were never credited (an upgrade that nobody paid is given back all the
// same), and where a Payment Link's customer said whose the subscription is, it gave as many.
func (b *book) mayTakeOff(invoice *stripe.Invoice, student string, hours models.Hours) bool {
	byCustomer := invoice.StudentID == "" && b.catalogue.subscription(invoice).ToldAt == models.ToldByLink
	unpaid := func(id string) bool {
		if p := b.byKey[id]; p != nil {
			return p.HoursCredited == 0
		}
		return b.catalogue.unpaid[id]
	}
	return b.catalogue.taken[invoice.ID] || !slices.ContainsFunc(invoice.Credited, unpaid) &&
		(!byCustomer || b.leftOf(invoice.SubscriptionID, student)+hours >= 0)
}

// watch opens a case where an invoice that is not paid turns out to be one whose hours
// another took off; it is closed once it is paid.
func (b *book) watch(e *stripe.Event, p *models.Purchase) {
	if e.Invoice == nil {
		return
	}
	for _, took := range b.catalogue.took[e.Invoice.ID] {
		if p.HoursCredited == 0 {
			b.cases.OpenFor(took.StudentID, models.CaseState{Kind: models.CaseUnexplainedInvoice, Subject: took.Invoice}, took.EventID)
		} else {
			b.cases.Close(models.CaseUnexplainedInvoice, took.Invoice, "")
		}
	}
}

// leftOf is what a subscription gave a student's account and did not take off again,
// whatever became of the money: that is the same in any order.
func (b *book) leftOf(subscription, student string) (left models.Hours) {
	for _, given := range b.catalogue.given[subscription] {
		if given.StudentID == student && b.byID[given.PurchaseID] == nil {
			left += given.Hours
		}
	}
	for _, p := range b.byID {
		if p.AccountID() == student && p.IsOf(subscription) {
			left += p.HoursCredited
		}
	}
	for _, entry := range b.ledger {
		if entry.StudentID == student && entry.Reason != nil && *entry.Reason == reasonOfLess(subscription) {
			left += entry.Hours
		}
	}
	return left
}

// reasonOfLess is the reason of an adjustment by which a subscription takes hours off.
func reasonOfLess(subscription string) string {
	return strings.TrimSpace("an invoice for fewer hours than before " + subscription)
}

// takeOff takes hours off that an invoice's lines gave back, once.
func (b *book) takeOff(e *stripe.Event, student string, hours models.Hours) result {
	invoice := e.Invoice
	switch {
	case !invoice.Paid:
		return parked("")
	case b.catalogue.taken[invoice.ID]:
		return result{status: models.EventProcessed, reason: models.ReasonStale}
	}
	b.catalogue.taken[invoice.ID] = true
	b.ledger = append(b.ledger, models.LedgerEntry{
		ID: models.NewID(), StudentID: student, Kind: models.EntryAdjustment, Hours: hours, Currency: &invoice.Currency,
		EventID: &e.ID, Reference: &invoice.ID, Reason: new(reasonOfLess(invoice.SubscriptionID)), CreatedAt: b.now,
		OccurredAt: time.Unix(e.Told.Invoices[invoice.ID].Paid.At, 0).UTC(),
	})
	for _, id := range invoice.Credited {
		b.catalogue.took[id] = append(b.catalogue.took[id], took{Credited: id, Invoice: invoice.ID, StudentID: student, EventID: e.ID})
	}
	return result{status: models.EventProcessed, awaits: append([]string{invoice.ID}, invoice.Credited...)}
}

// unmatchedAfter is how long an event that tells of money may wait for its
// purchase before a person is asked.
const unmatchedAfter = 10 * time.Minute

// readTaken finds the invoices that took hours off before.
func (c *catalogue) readTaken(tx *gorm.DB, invoices []string) error {
	if len(invoices) == 0 {
		return nil
	}
	var references []string
	err := tx.Session(&gorm.Session{NewDB: true}).Model(&models.LedgerEntry{}).
		Where("kind = 'adjustment' AND event_id IS NOT NULL").Where(database.IsAnyOf(tx, "reference", invoices)).Pluck("reference", &references).Error
	if err != nil {
		return fmt.Errorf("look for invoices that took hours off: %w", err)
	}
	for _, reference := range references {
		c.taken[reference] = true
	}
	return nil
}

// took is an invoice that took hours off which another one had given. Its event still awaits
// the other: should that turn out never to be paid, too much was taken.
type took struct{ Credited, Invoice, StudentID, EventID string }

// readTook finds the invoices that took hours off which any of these had given.
func (c *catalogue) readTook(tx *gorm.DB, invoices []string) error {
	if len(invoices) == 0 {
		return nil
	}
	var known []took
	tx = tx.Session(&gorm.Session{NewDB: true})
	err := tx.Table("waiting_events w").Select("w.key AS credited, l.reference AS invoice, l.student_id, l.event_id").
		Joins("JOIN waiting_events own ON own.event_id = w.event_id").
		Joins("JOIN hour_ledger_entries l ON l.reference = own.key AND l.event_id = w.event_id AND l.kind = 'adjustment' AND l.event_id IS NOT NULL").
		Where("w.key <> own.key").Where(database.IsAnyOf(tx, "w.key", invoices)).Find(&known).Error
	if err != nil {
		return fmt.Errorf("look for what took off what invoices gave: %w", err)
	}
	for _, t := range known {
		c.took[t.Credited] = append(c.took[t.Credited], t)
	}
	return nil
}

// given is what a subscription gave an account by a purchase, or took off it (negative).
type given struct {
	Key, StudentID, PurchaseID string
	Hours                      models.Hours
}

// readGiven reads what counts for invoices that take hours off.
func (c *catalogue) readGiven(tx *gorm.DB, events []*stripe.Event) error {
	var subscriptions, reasons, credited []string
	for _, e := range events {
		if e.Invoice != nil && e.Invoice.SubscriptionID != "" && c.buy(e.Invoice).Hours < 0 {
			subscriptions, reasons = append(subscriptions, e.Invoice.SubscriptionID), append(reasons, reasonOfLess(e.Invoice.SubscriptionID))
			credited = append(credited, e.Invoice.Credited...)
		}
	}
	if len(subscriptions) == 0 {
		return nil
	}
	tx = tx.Session(&gorm.Session{NewDB: true})
	var gave, took []given
	err := tx.Table("shared_keys").Select("key, coalesce(p.beneficiary_id, p.student_id) AS student_id, p.id AS purchase_id, p.hours_credited AS hours").
		Joins("JOIN purchase_transactions p ON p.id = purchase_id AND p.hours_credited > 0").Where(database.IsAnyOf(tx, "key", subscriptions)).Find(&gave).Error
	if err == nil {
		err = tx.Table("hour_ledger_entries").Select("reason AS key, student_id, hours").Where("kind = 'adjustment' AND event_id IS NOT NULL").
			Where(database.IsAnyOf(tx, "reason", reasons)).Where(database.IsAnyOf(tx, "student_id", slices.Collect(maps.Keys(c.currencies)))).Find(&took).Error
	}
	var unpaid []string
	if err == nil && len(credited) > 0 {
		err = tx.Table("purchase_keys").Joins("JOIN purchase_transactions p ON p.id = purchase_id AND p.hours_credited = 0").
			Where(database.IsAnyOf(tx, "key", credited)).Pluck("key", &unpaid).Error
	}
	if err != nil {
		return fmt.Errorf("read what subscriptions gave: %w", err)
	}
	for _, g := range slices.Concat(gave, took) {
		subscription := strings.TrimPrefix(g.Key, reasonOfLess("")+" ")
		c.given[subscription] = append(c.given[subscription], g)
	}
	for _, id := range unpaid {
		c.unpaid[id] = true
	}
	return nil
}
