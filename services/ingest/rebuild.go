package ingest

import (
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/ledger"
	"hourbank/services/lots"
	"hourbank/services/stripe"
)

// Rebuild derives a purchase from its events alone, told from the start, and
// gives it as it was recorded, as it was booked, and as it should be. Where commit is set, the
// transaction locks it, stores it, and posts what of it the ledger lacks, whatever its
// row said. The events of merged purchases are its own.
func Rebuild(tx *gorm.DB, id string, events []*stripe.Event, commit bool) (recorded, booked, rebuilt *models.Purchase, err error) {
	read := tx
	if commit {
		read = tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	p := &models.Purchase{}
	if err := read.Where("id = ?", id).Take(p).Error; err != nil {
		return nil, nil, nil, fmt.Errorf("read purchase %s: %w", id, err)
	}
	again := p.Unpaid()
	again.Evidence.Merged = p.Evidence.Merged
	if _, err := Retell(tx, again, events); err != nil {
		return nil, nil, nil, err
	}
	before := *p
	if err := ledger.Restate(tx, p); err != nil {
		return nil, nil, nil, err
	}
	posted, b := *p, newBook(tx.NowFunc())
	var keys []string
	if err := tx.Table("purchase_keys").Where(database.IsAnyOf(tx, "key", again.Evidence.IDs())).Pluck("key", &keys).Error; err != nil {
		return nil, nil, nil, fmt.Errorf("read the keys of purchase %s: %w", id, err)
	}
	for _, key := range keys {
		b.byKey[key] = p // it is written already, maybe of a purchase that shares it
	}
	change := p.Relearn(again.Evidence)
	b.note(p, change, "")
	for _, state := range change.After { // also those that stood before there were cases
		b.cases.Open(p, state, "")
	}
	if !commit || (!change.Changed && len(change.After) == 0 && ledger.SaysTheSame(&before, p)) {
		return &before, &posted, p, nil
	}
	b.changed[p.ID] = p
	for _, writes := range [][]database.Write{b.writes(), {lots.Follow([]*models.Purchase{p})}} {
		if err := database.Store(tx, writes); err != nil {
			return nil, nil, nil, fmt.Errorf("store purchase %s: %w", id, err)
		}
	}
	return &before, &posted, p, nil
}
