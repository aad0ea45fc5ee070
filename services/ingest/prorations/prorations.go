// Package prorations is what is known of invoices that give back what was not used of
// others: what they did stands only as long as these were credited.
package prorations

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
)

// GivingBack is an invoice that gave others back, and took hours off by that, or bought
// more than it gave back. Its event still awaits the others: should one turn out never to
// be paid, too much was given back.
type GivingBack struct {
	EventID   string
	StudentID string           // whose hours are on it
	Case      models.CaseState // while one of the others is worth nothing, as far as is known
	Others    []string         // the other invoices
	Taken     *Taken           // the hours that it took off
	Bought    *models.Purchase // else
}

// Taken is an adjustment by which an invoice took hours off.
type Taken struct {
	models.LedgerEntry
	turns int // how often it was given back, or taken again
}

// Stands says whether what was taken is not given back.
func (t *Taken) Stands() bool { return t.turns%2 == 0 }

// mostTurns bounds how often: each of the other invoices is credited once, or turns out to
// be another purchase's.
const mostTurns = 40

// MayTurn says whether it may still be given back, or taken again.
func (t *Taken) MayTurn() bool { return t.turns < mostTurns }

// Turn gives back what was taken, or takes it again. Each time has a reference of its own.
func (t *Taken) Turn(eventID string, now time.Time) models.LedgerEntry {
	entry, hours, reference := t.LedgerEntry, t.Hours, fmt.Sprint(*t.Reference, "/", t.turns)
	if t.Stands() {
		hours = -t.Hours
	}
	t.turns++
	entry.ID, entry.Hours, entry.Reference, entry.EventID, entry.CreatedAt = models.NewID(), hours, &reference, &eventID, now
	return entry
}

// Read finds those that gave any of these invoices back, or are one of them, by these and by
// each of the others.
func Read(tx *gorm.DB, invoices []string) (map[string][]*GivingBack, error) {
	found := map[string][]*GivingBack{}
	if len(invoices) == 0 {
		return found, nil
	}
	tx = tx.Session(&gorm.Session{NewDB: true})
	var events []string
	err := tx.Table("waiting_events w").Joins("JOIN webhook_events e ON e.id = w.event_id AND e.status = 'processed'").
		Where(database.IsAnyOf(tx, "w.key", invoices)).Distinct().Order("e.id").Pluck("e.id", &events).Error
	if err != nil {
		return nil, fmt.Errorf("look for what gave invoices back: %w", err)
	}
	if len(events) == 0 {
		return found, nil
	}
	known := map[string]*GivingBack{}
	if err := addTaken(tx, events, known); err != nil {
		return nil, err
	}
	if err := addBought(tx, events, known); err != nil {
		return nil, err
	}
	var awaited []struct{ Key, EventID string }
	if err := tx.Table("waiting_events").Where(database.IsAnyOf(tx, "event_id", events)).Order("key, event_id").Find(&awaited).Error; err != nil {
		return nil, fmt.Errorf("read what they gave back: %w", err)
	}
	for _, w := range awaited {
		g := known[w.EventID]
		if g == nil || !strings.HasPrefix(w.Key, "in_") { // it waited for its owner, too
			continue
		}
		found[w.Key] = append(found[w.Key], g)
		if w.Key != g.Case.Subject {
			g.Others = append(g.Others, w.Key)
		}
	}
	return found, nil
}

// addTaken adds what events took off, and how often that turned since.
func addTaken(tx *gorm.DB, events []string, known map[string]*GivingBack) error {
	var entries, since []models.LedgerEntry
	if err := tx.Where("kind = 'adjustment' AND reference IS NOT NULL").Where(database.IsAnyOf(tx, "event_id", events)).Find(&entries).Error; err != nil {
		return fmt.Errorf("read what they took off: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e models.LedgerEntry) bool { return *e.Reference != e.TakenBy() })
	byInvoice := map[string]*Taken{}
	var turns []string
	for _, entry := range entries {
		g := NewTaken(entry, nil)
		byInvoice[*entry.Reference], known[*entry.EventID] = g.Taken, g
		for turn := range mostTurns {
			turns = append(turns, fmt.Sprint(*entry.Reference, "/", turn))
		}
	}
	if len(turns) == 0 {
		return nil
	}
	err := tx.Where("kind = 'adjustment' AND event_id IS NOT NULL").Where(database.IsAnyOf(tx, "reference", turns)).Find(&since).Error
	if err != nil {
		return fmt.Errorf("read what was given back since: %w", err)
	}
	for _, turn := range since {
		if taken := byInvoice[turn.TakenBy()]; taken != nil {
			taken.turns++
		}
	}
	return nil
}

// addBought adds the purchases that other events made by invoices.
func addBought(tx *gorm.DB, events []string, known map[string]*GivingBack) error {
	var made []struct {
		EventID string
		models.Purchase
	}
	err := tx.Table("webhook_events e").Select("e.id AS event_id, p.id, p.student_id, p.beneficiary_id, p.stripe_invoice_id, p.currency, p.hours_credited, p.evidence").
		Joins("JOIN purchase_transactions p ON p.id = e.transaction_id AND p.stripe_invoice_id IS NOT NULL").
		Where(database.IsAnyOf(tx, "e.id", events)).Find(&made).Error
	if err != nil {
		return fmt.Errorf("read what they bought: %w", err)
	}
	for i := range made {
		if m := &made[i]; known[m.EventID] == nil {
			known[m.EventID] = NewBought(&m.Purchase, *m.StripeInvoiceID, m.EventID, nil)
		}
	}
	return nil
}

// NewTaken is an invoice that took hours off, and gave others back.
func NewTaken(entry models.LedgerEntry, others []string) *GivingBack {
	return &GivingBack{
		EventID: *entry.EventID, StudentID: entry.StudentID, Others: others, Taken: &Taken{LedgerEntry: entry},
		Case: models.CaseState{Kind: models.CaseUnexplainedInvoice, Subject: *entry.Reference},
	}
}

// NewBought is an invoice that bought a purchase, and gave others back.
func NewBought(p *models.Purchase, invoice, eventID string, others []string) *GivingBack {
	state := models.CaseState{Kind: models.CaseUnexplainedInvoice, Subject: invoice, Payment: invoice, Currency: p.Currency}
	if bill := p.Evidence.Invoices[invoice].Paid; bill != nil {
		state.Amount = bill.Total
	}
	return &GivingBack{EventID: eventID, StudentID: p.AccountID(), Others: others, Bought: p, Case: state}
}

// ReadTaken finds which of invoices took hours off before.
func ReadTaken(tx *gorm.DB, invoices []string) (map[string]bool, error) {
	taken := map[string]bool{}
	if len(invoices) == 0 {
		return taken, nil
	}
	var references []string
	err := tx.Session(&gorm.Session{NewDB: true}).Model(&models.LedgerEntry{}).
		Where("kind = 'adjustment' AND event_id IS NOT NULL").Where(database.IsAnyOf(tx, "reference", invoices)).Pluck("reference", &references).Error
	if err != nil {
		return nil, fmt.Errorf("look for invoices that took hours off: %w", err)
	}
	for _, reference := range references {
		taken[reference] = true
	}
	return taken, nil
}

// Worth is what an invoice is that another gives back.
type Worth struct {
	Credited bool // its hours were, or it took hours off
	Kept     bool // not all of them were reversed
}

// ReadWorth says it of those invoices that are known.
func ReadWorth(tx *gorm.DB, invoices []string) (map[string]Worth, error) {
	worth := map[string]Worth{}
	taken, err := ReadTaken(tx, invoices)
	if err != nil || len(invoices) == 0 {
		return worth, err
	}
	for invoice := range taken {
		worth[invoice] = Worth{Credited: true, Kept: true}
	}
	var known []struct {
		Key string
		Worth
	}
	err = tx.Session(&gorm.Session{NewDB: true}).Table("purchase_keys").Joins("JOIN purchase_transactions p ON p.id = purchase_id").
		Select("key, p.hours_credited > 0 AS credited, p.hours_credited > p.hours_reversed AS kept").Where(database.IsAnyOf(tx, "key", invoices)).Find(&known).Error
	if err != nil {
		return nil, fmt.Errorf("look what invoices are worth: %w", err)
	}
	for _, invoice := range known {
		worth[invoice.Key] = invoice.Worth
	}
	return worth, nil
}
