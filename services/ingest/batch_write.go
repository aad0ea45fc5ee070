package ingest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/ingest/statements"
	"hourbank/services/ledger"
	"hourbank/services/lots"
	"hourbank/services/payloads"
)

// lockEvents reads and locks the rows of those events that have one.
func lockEvents(tx *gorm.DB, items []*item) (map[string]*models.WebhookEvent, error) {
	ids := make([]string, len(items))
	for i, e := range items {
		ids[i] = e.event.ID
	}
	var rows []*models.WebhookEvent
	err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Omit("payload").
		Where(database.IsAnyOf(tx, "id", ids)).Order("id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look up known events: %w", err)
	}
	known := make(map[string]*models.WebhookEvent, len(rows))
	for _, row := range rows {
		known[row.ID] = row
	}
	return known, nil
}

// write stores what was decided.
func (b *batch) write(tx *gorm.DB) error {
	var fresh, known []models.WebhookEvent
	var waiting []statements.Waiting
	var resolved []string
	var forgotten []string // whose payloads are stored
	var woken []models.WebhookEvent
	sorted := slices.SortedFunc(slices.Values(b.items), func(a, b *item) int { return cmp.Compare(a.event.ID, b.event.ID) })
	for _, e := range sorted {
		if e.known == nil {
			fresh = append(fresh, e.row)
		} else {
			known = append(known, e.row)
			if e.event.Forgotten {
				forgotten = append(forgotten, e.event.ID)
			}
			if isSettled(e.known) && !isSettled(&e.row) {
				woken = append(woken, models.WebhookEvent{ID: e.event.ID, Payload: e.event.Payload})
			}
		}
		switch {
		case e.repeated:
		case len(e.awaits) > 0:
			for _, key := range e.awaits {
				waiting = append(waiting, statements.Waiting{Key: key, EventID: e.event.ID})
			}
		case wasOpen(e.known):
			resolved = append(resolved, e.event.ID)
		}
	}
	keys := statements.KeysOf(b.book.keys)
	writes := []database.Write{
		statements.InsertEvents(fresh),
		statements.UpdateEvents(known),
		statements.Await(waiting),
		statements.AwaitNoMore(resolved),
	}
	writes = append(writes, b.book.writes()...)
	later := []database.Write{lots.Follow(append(byID(b.book.made), byID(b.book.changed)...))}
	waking := statements.Wake(b.wakingKeys(keys))
	if len(known) == 0 {
		writes = append(writes, waking)
	} else { // both update events, and one statement can't update a row twice
		later = append(later, waking)
	}
	if err := database.Store(tx, writes); err != nil {
		return err
	}
	if err := database.Store(tx, later); err != nil {
		return err
	}
	if len(woken) > 0 {
		if err := payloads.GiveBack(tx, woken); err != nil {
			return err
		}
	}
	if len(forgotten) == 0 {
		return nil
	}
	return payloads.Remove(tx, forgotten)
}

// isSettled says of a row what payloads.Settled does.
func isSettled(e *models.WebhookEvent) bool {
	return e.Status != models.EventParked && (e.Reason == nil || *e.Reason != models.ReasonUnmatched)
}

// writes store what the book holds, but for events.
func (b *book) writes() []database.Write {
	return []database.Write{
		statements.InsertPurchases(byID(b.made)),
		statements.UpdatePurchases(byID(b.changed), b.now),
		statements.MoveKeys(statements.KeysOf(b.moved)),
		statements.InsertKeys(statements.KeysOf(b.keys)),
		statements.ShareKeys(b.shared),
		statements.RememberSubscriptions(b.told, b.now),
		ledger.Book(b.ledger),
		b.cases.Opened(b.now),
		b.cases.Closed(b.now),
	}
}

// wakingKeys are what unresolved events may have waited for.
func (b *batch) wakingKeys(keys []statements.Key) []string {
	waking := make([]string, 0, len(keys)+len(b.book.told)+len(b.book.made))
	for _, key := range keys {
		waking = append(waking, key.Key)
	}
	waking = slices.AppendSeq(waking, maps.Keys(b.book.told))
	waking = slices.AppendSeq(waking, maps.Keys(b.book.made))
	for invoice, since := range b.book.credited {
		if since {
			waking = append(waking, invoice)
		}
	}
	slices.Sort(waking)
	return slices.Compact(waking)
}

func byID(purchases map[string]*models.Purchase) []*models.Purchase {
	return slices.SortedFunc(maps.Values(purchases), func(a, b *models.Purchase) int { return cmp.Compare(a.ID, b.ID) })
}
