// Package lots keeps hours that expire in step with the ledger.
//
// What events change of a lot is only noted with them. Whoever asks for the account
// next, or books on it, first settles: bookings are drawn anew where lots changed, and
// what has expired is entered in the ledger. A worker does the same at each lot's
// end, so that tables read right, too; no answer depends on it.
package lots

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/ledger"
)

// Of gives a student's lots, in the order in which lessons draw from them; none
// where hours don't expire yet.
func Of(tx *gorm.DB, studentID string) (models.Lots, error) {
	var lots models.Lots
	if err := tx.Where("student_id = ?", studentID).Find(&lots).Error; err != nil {
		return nil, fmt.Errorf("read lots: %w", err)
	}
	return lots, asOfStart(tx, &lots)
}

// asOfStart lets no lot expire before hours do: see start.
func asOfStart(tx *gorm.DB, lots *models.Lots) error {
	if len(*lots) == 0 {
		return nil
	}
	from, err := start(tx)
	if err != nil || from == nil {
		*lots = nil
		return err
	}
	for i := range *lots {
		if l := &(*lots)[i]; l.ExpiresAt.Before(*from) {
			l.ExpiresAt = *from
		}
	}
	lots.Sort()
	return nil
}

// Settle brings a student's lots and ledger up to date, and gives the lots. Its
// caller has locked the account.
func Settle(tx *gorm.DB, account *models.Account) (models.Lots, error) {
	lots, err := Of(tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), account.StudentID)
	if err != nil {
		return nil, err
	}
	now := tx.NowFunc()
	if !IsDue(lots, now) {
		return lots, nil
	}
	if slices.ContainsFunc(lots, func(l models.Lot) bool { return l.Stale }) {
		draws, err := Draws(tx, account.StudentID)
		if err != nil {
			return nil, err
		}
		lots.DrawAnew(draws)
	}
	return lots, Save(tx, account, lots, now)
}

// Draws are a student's bookings in force.
func Draws(tx *gorm.DB, studentID string) ([]models.Draw, error) {
	var entries []models.LedgerEntry
	if err := tx.Where("student_id = ? AND kind IN ?", studentID, models.BookingKinds).Find(&entries).Error; err != nil {
		return nil, fmt.Errorf("read bookings: %w", err)
	}
	return models.DrawsOf(entries), nil
}

// IsDue says whether the ledger has to follow one of the lots.
func IsDue(lots models.Lots, now time.Time) bool {
	return slices.ContainsFunc(lots, func(l models.Lot) bool { return l.IsDue(now) })
}

// Save stores lots of an account that were drawn from, and enters what is expired.
func Save(tx *gorm.DB, account *models.Account, lots models.Lots, now time.Time) error {
	entries := lots.Expire(now)
	for i := range entries {
		entries[i].ID, entries[i].Currency = models.NewID(), account.Currency
	}
	update := database.Update("draw from lots", models.Lot{}.TableName(), lots, []database.Column{
		database.ColumnOf("id", "text", lots, func(l models.Lot) string { return l.ID }),
		database.ColumnOf("drawn", "bigint", lots, func(l models.Lot) int64 { return int64(l.Drawn) }),
		database.ColumnOf("expired", "bigint", lots, func(l models.Lot) int64 { return int64(l.Expired) }),
		database.ColumnOf("stale", "boolean", lots, func(l models.Lot) bool { return l.Stale }),
	})
	return database.Store(tx, []database.Write{ledger.Book(entries), update})
}

// SettleStudent settles a student's account in a transaction of its own.
func SettleStudent(ctx context.Context, db *database.DB, studentID string) error {
	return database.Transact(ctx, db, func(tx *gorm.DB) error {
		var account models.Account
		if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("student_id = ?", studentID).Take(&account).Error; err != nil {
			return fmt.Errorf("lock an account: %w", err)
		}
		_, err := Settle(tx, &account)
		return err
	})
}

// settleMany is how many students' accounts are looked up at a time.
const settleMany = 100

// SettleDue settles all accounts that are due.
func SettleDue(ctx context.Context, db *database.DB) error {
	for {
		from, err := start(db.Reader.WithContext(ctx))
		now := db.NowFunc()
		if err != nil || from == nil || from.After(now) {
			return err
		}
		var students []string
		// Two conditions, each with an index of its own.
		err = db.Reader.WithContext(ctx).Raw(`SELECT student_id FROM hour_lots WHERE stale UNION
			SELECT student_id FROM hour_lots WHERE drawn + expired < hours AND expires_at <= ? LIMIT ?`, now, settleMany).Scan(&students).Error
		if err != nil {
			return fmt.Errorf("look for hours that expired: %w", err)
		}
		for _, student := range students {
			if err := SettleStudent(ctx, db, student); err != nil {
				return fmt.Errorf("settle an account: %w", err)
			}
		}
		if len(students) < settleMany {
			return nil
		}
	}
}

// DrawAnew has the next one who settles draw a student's bookings from its lots
// anew.
func DrawAnew(tx *gorm.DB, studentID string) error {
	if err := tx.Model(&models.Lot{}).Where("student_id = ?", studentID).Update("stale", true).Error; err != nil {
		return fmt.Errorf("have lots drawn from anew: %w", err)
	}
	return nil
}
