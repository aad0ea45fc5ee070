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
	"hourbank/services/ingest/statements"
	"hourbank/services/stripe"
)

// mayTakeOff says whether an invoice may take hours off its student's account: none that
// it gives back were never credited (an upgrade that nobody paid is given back all the
// same), and where a Payment Link's customer said whose the subscription is, it gave as many.
func (b *book) mayTakeOff(invoice *stripe.Invoice, student string, hours models.Hours) bool {
	byCustomer := invoice.StudentID == "" && b.catalogue.subscription(invoice).ToldAt == models.ToldByLink
	return b.catalogue.taken[invoice.ID] || !slices.ContainsFunc(invoice.Credited, b.neverCredited) &&
		(!byCustomer || b.leftOf(invoice.SubscriptionID, student)+hours >= 0)
}

// neverCredited says whether an invoice is known, and none of its hours are credited.
func (b *book) neverCredited(id string) bool {
	if p := b.byKey[id]; p != nil {
		return p.HoursCredited == 0
	}
	return b.catalogue.unpaid[id]
}

// watch gives hours back that were taken off for an invoice that turns out never to have
// been credited, and takes them again once it is: as if that had been told first.
func (b *book) watch(invoice, eventID string) {
	for _, t := range b.catalogue.takings[invoice] {
		wrong := slices.ContainsFunc(t.credited, b.neverCredited)
		if wrong {
			b.cases.OpenFor(t.StudentID, models.CaseState{Kind: models.CaseUnexplainedInvoice, Subject: *t.Reference}, *t.EventID)
		} else {
			b.cases.Close(models.CaseUnexplainedInvoice, *t.Reference, "")
		}
		if wrong == t.stands() && t.turns < mostTurns {
			b.ledger = append(b.ledger, t.turn(eventID, b.now))
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
	entry := models.LedgerEntry{
		ID: models.NewID(), StudentID: student, Kind: models.EntryAdjustment, Hours: hours, Currency: &invoice.Currency,
		EventID: &e.ID, Reference: &invoice.ID, Reason: new(reasonOfLess(invoice.SubscriptionID)), CreatedAt: b.now,
		OccurredAt: time.Unix(e.Told.Invoices[invoice.ID].Paid.At, 0).UTC(),
	}
	b.ledger = append(b.ledger, entry)
	t := &taking{LedgerEntry: entry, credited: invoice.Credited}
	for _, id := range invoice.Credited {
		b.catalogue.takings[id] = append(b.catalogue.takings[id], t)
	}
	return result{status: models.EventProcessed, awaits: append([]string{invoice.ID}, invoice.Credited...)}
}

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

// taking is an adjustment by which an invoice took hours off that others had given. Its
// event still awaits these: should one turn out never to be paid, too much was taken.
type taking struct {
	models.LedgerEntry
	credited []string // the other invoices
	turns    int      // how often it was given back, or taken again
}

// stands says whether what was taken is not given back.
func (t *taking) stands() bool { return t.turns%2 == 0 }

// mostTurns bounds how often: each of the other invoices is credited once, or turns out to
// be another purchase's.
const mostTurns = 40

// turn gives back what was taken, or takes it again. Each time has a reference of its own.
func (t *taking) turn(eventID string, now time.Time) models.LedgerEntry {
	entry, hours, reference := t.LedgerEntry, t.Hours, fmt.Sprint(*t.Reference, "/", t.turns)
	if t.stands() {
		hours = -t.Hours
	}
	t.turns++
	entry.ID, entry.Hours, entry.Reference, entry.EventID, entry.CreatedAt = models.NewID(), hours, &reference, &eventID, now
	return entry
}

// invoices are those of events and of all purchases of the book.
func (b *book) invoices(told []string) []string {
	all := slices.Clone(told)
	for _, p := range b.byID {
		all = slices.AppendSeq(all, maps.Keys(p.Evidence.Invoices))
	}
	return all
}

// readTakings finds the adjustments by which others took off what any of these invoices
// gave, and what is to be known of them.
func (c *catalogue) readTakings(tx *gorm.DB, invoices []string, lock bool) error {
	if len(invoices) == 0 {
		return nil
	}
	tx = tx.Session(&gorm.Session{NewDB: true})
	var known []*taking
	err := tx.Table("hour_ledger_entries l").Select("DISTINCT l.*").
		Joins("JOIN waiting_events own ON own.key = l.reference AND own.event_id = l.event_id").
		Joins("JOIN waiting_events w ON w.event_id = own.event_id AND w.key <> own.key").
		Where("l.kind = 'adjustment' AND l.event_id IS NOT NULL").Where(database.IsAnyOf(tx, "w.key", invoices)).Find(&known).Error
	if err != nil {
		return fmt.Errorf("look for what took off what invoices gave: %w", err)
	}
	if len(known) == 0 {
		return nil
	}
	var events, turned []string
	for _, t := range known {
		events = append(events, *t.EventID)
		for turn := range mostTurns {
			turned = append(turned, fmt.Sprint(*t.Reference, "/", turn))
		}
	}
	var awaited []statements.Waiting
	if err := tx.Table("waiting_events").Where(database.IsAnyOf(tx, "event_id", events)).Order("key").Find(&awaited).Error; err != nil {
		return fmt.Errorf("read what they gave back: %w", err)
	}
	var since []models.LedgerEntry
	if err := tx.Where("kind = 'adjustment' AND event_id IS NOT NULL").Where(database.IsAnyOf(tx, "reference", turned)).Find(&since).Error; err != nil {
		return fmt.Errorf("read what was given back since: %w", err)
	}
	strangers := false
	for _, t := range known {
		for _, turn := range since {
			if turn.TakenBy() == *t.Reference {
				t.turns++
			}
		}
		for _, w := range awaited {
			if w.EventID == *t.EventID && w.Key != *t.Reference {
				t.credited = append(t.credited, w.Key)
				c.takings[w.Key] = append(c.takings[w.Key], t)
			}
		}
		if _, locked := c.currencies[t.StudentID]; !locked {
			c.currencies[t.StudentID], strangers = "", true
		}
	}
	if strangers {
		if err := c.readAccounts(tx, lock); err != nil {
			return err
		}
	}
	return c.readUnpaid(tx, slices.Collect(maps.Keys(c.takings)))
}

// readUnpaid finds which of invoices are known, and none of their hours are credited.
func (c *catalogue) readUnpaid(tx *gorm.DB, invoices []string) error {
	if len(invoices) == 0 {
		return nil
	}
	var unpaid []string
	err := tx.Table("purchase_keys").Joins("JOIN purchase_transactions p ON p.id = purchase_id AND p.hours_credited = 0").
		Where(database.IsAnyOf(tx, "key", invoices)).Pluck("key", &unpaid).Error
	if err != nil {
		return fmt.Errorf("look for invoices that were never paid: %w", err)
	}
	for _, id := range unpaid {
		c.unpaid[id] = true
	}
	return nil
}

// given is what a subscription gave an account by a purchase, or took off it (negative).
type given struct {
	Key, StudentID, PurchaseID string
	Hours                      models.Hours
}

// readGiven reads what counts for invoices that give others back, and take hours off.
func (c *catalogue) readGiven(tx *gorm.DB, events []*stripe.Event) error {
	var subscriptions, reasons, credited []string
	for _, e := range events {
		if e.Invoice == nil {
			continue
		}
		if credited = append(credited, e.Invoice.Credited...); e.Invoice.SubscriptionID != "" && c.buy(e.Invoice).Hours < 0 {
			subscriptions, reasons = append(subscriptions, e.Invoice.SubscriptionID), append(reasons, reasonOfLess(e.Invoice.SubscriptionID))
		}
	}
	if err := c.readUnpaid(tx.Session(&gorm.Session{NewDB: true}), credited); err != nil || len(subscriptions) == 0 {
		return err
	}
	tx = tx.Session(&gorm.Session{NewDB: true})
	var gave, took []given
	err := tx.Table("shared_keys").Select("key, coalesce(p.beneficiary_id, p.student_id) AS student_id, p.id AS purchase_id, p.hours_credited AS hours").
		Joins("JOIN purchase_transactions p ON p.id = purchase_id AND p.hours_credited > 0").Where(database.IsAnyOf(tx, "key", subscriptions)).Find(&gave).Error
	if err == nil {
		err = tx.Table("hour_ledger_entries").Select("reason AS key, student_id, hours").Where("kind = 'adjustment' AND event_id IS NOT NULL").
			Where(database.IsAnyOf(tx, "reason", reasons)).Where(database.IsAnyOf(tx, "student_id", slices.Collect(maps.Keys(c.currencies)))).Find(&took).Error
	}
	if err != nil {
		return fmt.Errorf("read what subscriptions gave: %w", err)
	}
	for _, g := range slices.Concat(gave, took) {
		subscription := strings.TrimPrefix(g.Key, reasonOfLess("")+" ")
		c.given[subscription] = append(c.given[subscription], g)
	}
	return nil
}
