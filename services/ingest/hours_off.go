package ingest

import (
	"cmp"
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
	worth, known := b.worthOf(id)
	return known && !worth.Credited
}

// worthOf says what an invoice is worth that another gives back, where it is known.
func (b *book) worthOf(id string) (worth prorations.Worth, known bool) {
	if p := b.byKey[id]; p != nil {
		return prorations.Worth{Credited: p.HoursCredited > 0, Kept: p.HoursCredited > p.HoursReversed}, true
	}
	if b.catalogue.taken[id] {
		return prorations.Worth{Credited: true, Kept: true}, true
	}
	worth, known = b.catalogue.worth[id]
	return worth, known
}

// watch looks again at what an invoice gave back, and at what gave it back.
func (b *book) watch(invoice, eventID string) {
	for _, g := range b.catalogue.givingBack[invoice] {
		b.lookAt(g, eventID)
	}
}

// lookAt opens a case of what gives back an invoice that is worth nothing, as far as is known:
// Stripe gives back what nobody paid or what was refunded, too, and tells nothing of an
// upgrade that is just left open. Hours that were taken off for what turns out never to have
// been credited come back; once it is, they are taken again: as if that had been told first.
func (b *book) lookAt(g *prorations.GivingBack, eventID string) {
	var worth []prorations.Worth // of an invoice of which nothing is known: none
	for _, id := range g.Others {
		known, _ := b.worthOf(id)
		worth = append(worth, known)
	}
	if g.Taken == nil {
		p := cmp.Or(b.byID[g.Bought.ID], g.Bought)
		b.tell(g, p.HoursCredited > 0 && slices.ContainsFunc(worth, func(w prorations.Worth) bool { return !w.Kept }))
		return
	}
	b.tell(g, slices.ContainsFunc(worth, func(w prorations.Worth) bool { return !w.Credited }))
	never := slices.ContainsFunc(g.Others, b.neverCredited)
	if never == g.Taken.Stands() && g.Taken.MayTurn() {
		b.ledger = append(b.ledger, g.Taken.Turn(eventID, b.now))
	}
}

// tell opens the case of what gives others back, or closes it.
func (b *book) tell(g *prorations.GivingBack, open bool) {
	if open {
		b.cases.OpenFor(g.StudentID, g.Case, g.EventID)
	} else {
		b.cases.Close(g.Case.Kind, g.Case.Subject, "")
	}
}

// giveBack notes what an invoice did that gives others back, for watch, and what its event
// then awaits.
func (b *book) giveBack(g *prorations.GivingBack) (awaits []string) {
	awaits = append([]string{g.Case.Subject}, g.Others...)
	for _, invoice := range awaits {
		b.catalogue.givingBack[invoice] = append(b.catalogue.givingBack[invoice], g)
	}
	return awaits
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
	awaits := b.giveBack(prorations.NewTaken(entry, invoice.Credited))
	b.watch(invoice.ID, e.ID)
	return result{status: models.EventProcessed, awaits: awaits}
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
	return c.readWorth(tx, slices.Collect(maps.Keys(c.givingBack)))
}

func (c *catalogue) readWorth(tx *gorm.DB, invoices []string) error {
	worth, err := prorations.ReadWorth(tx, invoices)
	maps.Copy(c.worth, worth)
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
	if err := c.readWorth(tx, credited); err != nil || len(subscriptions) == 0 {
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
