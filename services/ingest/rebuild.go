package ingest

import (
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/lots"
	"hourbank/services/stripe"
)

// Rebuild derives a purchase from its events alone, told from the start, and
// gives it as it was recorded and as it should be. Where commit is set, the
// transaction locks it and stores and posts what differs. The events of
// merged purchases are its own.
func Rebuild(tx *gorm.DB, id string, events []*stripe.Event, commit bool) (recorded, rebuilt *models.Purchase, err error) {
	read := tx
	if commit {
		read = tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	p := &models.Purchase{}
	if err := read.Where("id = ?", id).Take(p).Error; err != nil {
		return nil, nil, fmt.Errorf("read purchase %s: %w", id, err)
	}
	again := p.Unpaid()
	again.Evidence.Merged = p.Evidence.Merged
	if _, err := Retell(tx, again, events); err != nil {
		return nil, nil, err
	}
	before := *p
	b := newBook(tx.NowFunc())
	b.index(p)
	change := p.Relearn(again.Evidence)
	b.note(p, change, "")
	for _, state := range change.After { // also those that stood before there were cases
		b.cases.open(p, state, "")
	}
	if !commit || (!change.Changed && len(change.After) == 0) {
		return &before, p, nil
	}
	b.changed[p.ID] = p
	for _, writes := range [][]database.Write{b.writes(), {lots.Follow([]*models.Purchase{p})}} {
		if err := database.Store(tx, writes); err != nil {
			return nil, nil, fmt.Errorf("store purchase %s: %w", id, err)
		}
	}
	return &before, p, nil
}
