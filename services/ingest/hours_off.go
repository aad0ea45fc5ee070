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
	"hourbank/services/ingest/prorations"
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
	credited, known := b.credits(id)
	return known && !credited
}

// notCredited says the same, or that nothing was told of the invoice: Stripe tells nothing
// of one that is just left open.
func (b *book) notCredited(id string) bool {
	credited, _ := b.credits(id)
	return !credited
}

// credits says whether an invoice's hours are credited, or were taken off, where it is known.
func (b *book) credits(id string) (credited, known bool) {
	if p := b.byKey[id]; p != nil {
		return p.HoursCredited > 0, true
	}
	if b.catalogue.taken[id] {
		return true, true
	}
	credited, known = b.catalogue.credited[id]
	return credited, known
}

// watch looks again at what gave an invoice back.
func (b *book) watch(invoice, eventID string) {
	for _, g := range b.catalogue.givingBack[invoice] {
		b.lookAt(g, eventID)
	}
}

// lookAt opens a case of what gave an invoice back that was not credited, as far as is known.
// Where it turns out that it never was, hours come back that were taken off for it; once it
// is credited, they are taken again: as if that had been told first.
func (b *book) lookAt(g *prorations.GivingBack, eventID string) {
	wrong := slices.ContainsFunc(g.Others, b.neverCredited)
	if slices.ContainsFunc(g.Others, b.notCredited) {
		b.cases.OpenFor(g.StudentID, g.Case, g.EventID)
	} else {
		b.cases.Close(g.Case.Kind, g.Case.Subject, "")
	}
	if t := g.Taken; t != nil && wrong == t.Stands() && t.MayTurn() {
		b.ledger = append(b.ledger, t.Turn(eventID, b.now))
	}
}

// standsOn lists the invoices that an event's gives back, and bought more than that: they
// are awaited from then on.
func (b *book) standsOn(e *stripe.Event, p *models.Purchase) []string {
	if e.Invoice == nil || len(e.Invoice.Credited) == 0 || p.HoursCredited == 0 {
		return nil
	}
	g := prorations.NewBought(p, e.Invoice.ID, e.ID, e.Invoice.Credited)
	b.lookAt(g, e.ID)
	return b.noteGivingBack(g)
}

// noteGivingBack notes what an invoice did that gives others back, and what its event awaits.
func (b *book) noteGivingBack(g *prorations.GivingBack) (awaits []string) {
	for _, other := range g.Others {
		b.catalogue.givingBack[other] = append(b.catalogue.givingBack[other], g)
	}
	return g.Others
}

// buysNothing leaves an invoice that is for nothing. What gives it back, where it changed a
// plan for another of the same sum and hours, gives back what others gave.
func (b *book) buysNothing(e *stripe.Event) result {
	ignored := result{status: models.EventIgnored, reason: models.ReasonNotAPeriod}
	if e.Invoice.Paid && len(e.Invoice.Credited) > 0 {
		b.catalogue.credited[e.Invoice.ID] = true
		b.watch(e.Invoice.ID, e.ID)
		ignored.awaits = []string{e.Invoice.ID}
	}
	return ignored
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
	g := prorations.NewTaken(entry, invoice.Credited)
	b.lookAt(g, e.ID)
	return result{status: models.EventProcessed, awaits: append([]string{invoice.ID}, b.noteGivingBack(g)...)}
}

// invoices are those of events and of all purchases of the book.
func (b *book) invoices(told []string) []string {
	all := slices.Clone(told)
	for _, p := range b.byID {
		all = slices.AppendSeq(all, maps.Keys(p.Evidence.Invoices))
	}
	return all
}

// readGivingBack reads what gave any of these invoices back, and locks the accounts whose
// hours that may move.
func (c *catalogue) readGivingBack(tx *gorm.DB, invoices []string, lock bool) (err error) {
	if c.givingBack, err = prorations.Read(tx, invoices); err != nil || len(c.givingBack) == 0 {
		return err
	}
	strangers := false
	for _, known := range c.givingBack {
		for _, g := range known {
			if _, locked := c.currencies[g.StudentID]; !locked && g.Taken != nil {
				c.currencies[g.StudentID], strangers = "", true
			}
		}
	}
	if strangers {
		if err := c.readAccounts(tx, lock); err != nil {
			return err
		}
	}
	return c.readCredited(tx, slices.Collect(maps.Keys(c.givingBack)))
}

func (c *catalogue) readCredited(tx *gorm.DB, invoices []string) error {
	credited, err := prorations.ReadCredited(tx, invoices)
	maps.Copy(c.credited, credited)
	return err
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
	if err := c.readCredited(tx, credited); err != nil || len(subscriptions) == 0 {
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
