package harness

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"hourbank/models"
	"hourbank/models/money"
	"hourbank/services/ingest/statements"
)

// History is what a student did on one day, so many days ago.
type History struct {
	Student string
	DaysAgo int
	Bought  models.Hours // for €28.00 an hour; 0: none
	Refund  models.Hours // of these
	Used    models.Hours
}

// WriteHistory stores days that have gone by, with books that add up.
func (db *Database) WriteHistory(tb testing.TB, days ...History) {
	tb.Helper()
	for _, day := range days {
		if err := db.Models(tb).Transaction(day.write); err != nil {
			tb.Fatal("write history: ", err)
		}
	}
}

func (day History) write(tx *gorm.DB) error {
	at := time.Now().UTC().AddDate(0, 0, -day.DaysAgo).Truncate(24 * time.Hour).Add(9 * time.Hour)
	account := models.Account{StudentID: day.Student, Currency: new("eur"), CreatedAt: at, UpdatedAt: at}
	if err := tx.Where("student_id = ?", day.Student).FirstOrCreate(&account).Error; err != nil {
		return err
	}
	var entries []models.LedgerEntry
	if day.Bought > 0 {
		const pricePerHour = 2800
		p := &models.Purchase{
			ID: models.NewID(), StudentID: day.Student, TransactionType: models.TypePackage, Currency: "eur",
			Hours: day.Bought, Amount: int64(day.Bought) * pricePerHour / 100, Metadata: map[string]string{}, CreatedAt: at, UpdatedAt: at,
		}
		told := money.Evidence{Payments: map[string]money.Payment{"pi_" + p.ID: {Received: money.Received{Amount: p.Amount, At: at.Unix()}, Currency: "eur"}}}
		if day.Refund > 0 {
			told.Refunds = map[string]money.Refund{"re_" + p.ID: {PaymentIntent: "pi_" + p.ID, RefundState: money.RefundState{
				At: at.Unix(), Status: money.RefundSucceeded, Amount: p.Terms().Price(day.Refund), Currency: "eur", Created: at.Unix(),
			}}}
		}
		entries = p.Observe(told).Entries
		if err := tx.Create(p).Error; err != nil {
			return err
		}
		if err := statements.TakeKeys(tx, p); err != nil {
			return err
		}
	}
	if day.Used > 0 {
		reference := "maths_" + at.Format(time.DateOnly)
		entries = append(entries, models.LedgerEntry{StudentID: day.Student, Kind: models.EntryConsumption, Hours: -day.Used, Currency: new("eur"), Reference: &reference})
	}
	for i := range entries {
		entries[i].ID, entries[i].OccurredAt, entries[i].CreatedAt = models.NewID(), at, at
	}
	if len(entries) == 0 {
		return nil
	}
	return tx.Create(&entries).Error // which moves the account, too
}
