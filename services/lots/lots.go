// Package lots keeps hours that expire in step with the ledger.
//
// An account has lots once any of its hours expire; others have none, and pay nothing.
// What moves hours of one that has, beside lessons and holds, only leaves a mark on it
// (migration 15). Whoever asks for the account next, or books on it, first settles:
// lots and draws are made anew, and what has expired is entered in the ledger. A
// worker does the same at each lot's end, so that tables read right, too; no answer
// depends on it.
package lots

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/ledger"
)

// Of gives an account's lots as they were settled last, in the order in which lessons
// draw from them; none where none of its hours expire.
func Of(tx *gorm.DB, account *models.Account) (models.Lots, error) {
	lots, err := OfMany(tx, []*models.Account{account})
	return lots[account.StudentID], err
}

// OfMany gives Of accounts by their students.
func OfMany(tx *gorm.DB, accounts []*models.Account) (map[string]models.Lots, error) {
	lots, students := map[string]models.Lots{}, []string{}
	for _, a := range accounts {
		lots[a.StudentID] = models.Lots{}
		if a.LotsSettled != nil {
			students = append(students, a.StudentID)
		}
	}
	if len(students) == 0 {
		return lots, nil
	}
	var all models.Lots
	if err := tx.Where(database.IsAnyOf(tx, "student_id", students)).Find(&all).Error; err != nil {
		return nil, fmt.Errorf("read lots: %w", err)
	}
	all.Sort()
	for _, l := range all {
		lots[l.StudentID] = append(lots[l.StudentID], l)
	}
	return lots, nil
}

// IsDue says whether the ledger has to follow an account's lots.
func IsDue(account *models.Account, lots models.Lots, now time.Time) bool {
	return account.LotsSettled != nil && (!*account.LotsSettled ||
		slices.ContainsFunc(lots, func(l models.Lot) bool { return !l.IsValidAt(now) && l.Left() > 0 }))
}

// Settle brings an account, its lots and its ledger up to date, and gives the lots.
// Its caller has locked the account.
func Settle(tx *gorm.DB, account *models.Account) (models.Lots, error) {
	lots, err := settleAll(tx, account)
	return lots[account.StudentID], err
}

// settleAll settles accounts that are locked, and gives their lots by student.
func settleAll(tx *gorm.DB, accounts ...*models.Account) (map[string]models.Lots, error) {
	lots, err := OfMany(tx, accounts)
	if err != nil {
		return nil, err
	}
	now := tx.NowFunc()
	var changes []Change
	var unsettled []string
	for _, a := range accounts {
		if known := lots[a.StudentID]; IsDue(a, known, now) {
			changes = append(changes, Change{Account: a, Known: slices.Clone(known), Lots: known, Now: now, LastBooked: a.UpdatedAt})
			if !*a.LotsSettled {
				unsettled = append(unsettled, a.StudentID)
			}
		}
	}
	if len(unsettled) > 0 {
		from, err := start(tx)
		if err != nil {
			return nil, err
		}
		all, err := replayAll(tx, unsettled, from)
		if err != nil {
			return nil, err
		}
		for i := range changes {
			c := &changes[i]
			if anew, found := all[c.Account.StudentID]; found {
				c.Lots = anew.Carry(c.Known)
				lots[c.Account.StudentID] = c.Lots
			}
		}
	}
	return lots, Save(tx, changes...)
}

// Replayed makes a student's lots of what is booked, and says nothing of what of
// them the ledger has as expired. None expires before from; nil: none at all.
func Replayed(tx *gorm.DB, studentID string, from *time.Time) (models.Lots, error) {
	all, err := replayAll(tx, []string{studentID}, from)
	if lots, found := all[studentID]; found {
		return lots, nil
	}
	return models.Lots{}, err
}

func replayAll(tx *gorm.DB, students []string, from *time.Time) (map[string]models.Lots, error) {
	var purchases []models.Purchase
	err := tx.Where("((? AND beneficiary_id IS NULL) OR ?) AND hours_credited > 0", database.IsAnyOf(tx, "student_id", students),
		database.IsAnyOf(tx, "beneficiary_id", students)).Find(&purchases).Error
	if err != nil {
		return nil, fmt.Errorf("read students' purchases: %w", err)
	}
	var entries []models.LedgerEntry
	if err := tx.Where(database.IsAnyOf(tx, "student_id", students)).Where("kind IN ?", models.LotKinds).Find(&entries).Error; err != nil {
		return nil, fmt.Errorf("read bookings: %w", err)
	}
	bought, booked := map[string][]models.Purchase{}, map[string][]models.LedgerEntry{}
	for _, p := range purchases {
		bought[p.AccountID()] = append(bought[p.AccountID()], p)
	}
	for _, e := range entries {
		booked[e.StudentID] = append(booked[e.StudentID], e)
	}
	lots := map[string]models.Lots{}
	for _, student := range students {
		lots[student] = models.LotsOf(bought[student], booked[student], from)
		lots[student].Replay(models.DrawsOf(booked[student]))
	}
	return lots, nil
}

// Change is what became of an account.
type Change struct {
	Account     *models.Account
	Known, Lots models.Lots // as they were, and are
	Now         time.Time
	LastBooked  time.Time            // before Entries
	Entries     []models.LedgerEntry // with which account and lots have moved already
}

// Save books the entries of the changes, with what is expired by now and moves the
// accounts, and stores those of the lots that differ from what is known.
func Save(tx *gorm.DB, changes ...Change) error {
	var entries []models.LedgerEntry
	var changed models.Lots
	for _, c := range changes {
		entries = append(entries, c.Entries...)
		for _, expired := range c.Lots.Expire(c.Now, c.LastBooked) {
			expired.ID, expired.Currency = models.NewID(), c.Account.PaidCurrency()
			entries = append(entries, expired)
			c.Account.Move(expired)
		}
		same := map[models.Lot]bool{}
		for _, l := range c.Known {
			same[l] = true
		}
		changed = append(changed, slices.DeleteFunc(slices.Clone(c.Lots), func(l models.Lot) bool { return same[l] })...)
	}
	if err := database.Store(tx, []database.Write{ledger.Book(entries), keep(changed)}); err != nil {
		return err
	}
	marked := map[bool][]*models.Account{}
	for _, c := range changes {
		if settled := !c.Lots.AwaitRenewal(c.Now); c.Account.LotsSettled != nil && settled != *c.Account.LotsSettled {
			marked[settled] = append(marked[settled], c.Account)
		}
	}
	return errors.Join(mark(tx, true, marked[true]...), mark(tx, false, marked[false]...))
}

// mark says whether accounts' lots are settled.
func mark(tx *gorm.DB, settled bool, accounts ...*models.Account) error {
	students := make([]string, len(accounts))
	for i, a := range accounts {
		a.LotsSettled, students[i] = &settled, a.StudentID
	}
	if len(students) == 0 {
		return nil
	}
	err := tx.Model(&models.Account{}).Where(database.IsAnyOf(tx, "student_id", students)).UpdateColumn("lots_settled", settled).Error
	if err != nil {
		return fmt.Errorf("say whether lots are settled: %w", err)
	}
	return nil
}

// keep stores lots as they are now.
func keep(lots models.Lots) database.Write {
	type lot = models.Lot
	return database.Insert("keep lots", lot{}.TableName(), lots, []database.Column{
		database.ColumnOf("id", "text", lots, func(l lot) string { return l.ID }),
		database.ColumnOf("student_id", "text", lots, func(l lot) string { return l.StudentID }),
		database.ColumnOf("transaction_id", "text", lots, func(l lot) *string { return l.TransactionID }),
		database.ColumnOf("hours", "bigint", lots, func(l lot) int64 { return int64(l.Hours) }),
		database.ColumnOf("drawn", "bigint", lots, func(l lot) int64 { return int64(l.Drawn) }),
		database.ColumnOf("expired", "bigint", lots, func(l lot) int64 { return int64(l.Expired) }),
		database.ColumnOf("came_at", "timestamptz", lots, func(l lot) *time.Time { return &l.CameAt }),
		database.ColumnOf("expires_at", "timestamptz", lots, func(l lot) *time.Time { return l.ExpiresAt }),
		database.ColumnOf("subscription_id", "text", lots, func(l lot) *string { return l.SubscriptionID }),
		database.ColumnOf("rollover_hours", "bigint", lots, func(l lot) *int64 { return (*int64)(l.RolloverHours) }),
		database.ColumnOf("carried", "bigint", lots, func(l lot) int64 { return int64(l.Carried) }),
	}, `ON CONFLICT (id) DO UPDATE SET hours = EXCLUDED.hours, drawn = EXCLUDED.drawn, expired = EXCLUDED.expired,
		came_at = EXCLUDED.came_at, expires_at = EXCLUDED.expires_at, subscription_id = EXCLUDED.subscription_id,
		rollover_hours = EXCLUDED.rollover_hours, carried = EXCLUDED.carried`)
}

// Begin gives an account lots, now that some of its hours expire, or has them settled
// anew. Its caller has locked the account.
func Begin(tx *gorm.DB, account *models.Account) error {
	return mark(tx, false, account)
}

// Follow has accounts settled whose purchases changed and expire. It is to be stored
// after the ledger's entries, which lock the accounts. Other purchases cost nothing.
func Follow(purchases []*models.Purchase) database.Write {
	students := map[string]bool{}
	for _, p := range purchases {
		if (p.ValidDays != nil || p.RolloverHours != nil) && p.HoursCredited > 0 {
			students[p.AccountID()] = true
		}
	}
	rows := slices.Sorted(maps.Keys(students))
	return database.Write{What: "have lots settled", Rows: len(rows), Statement: `
		UPDATE student_account_balances SET lots_settled = false FROM %s WHERE student_account_balances.student_id = r.student_id`,
		Columns: []database.Column{database.ColumnOf("student_id", "text", rows, func(id string) string { return id })},
	}
}
