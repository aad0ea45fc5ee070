package sales

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/auditlog"
	"hourbank/services/ledger"
	"hourbank/services/lots"
)

// openBooks are a student's account and lots, settled, while nobody else can book.
type openBooks struct {
	account     *models.Account
	known, lots models.Lots // as they are stored, and as they are drawn from
	now         time.Time   // after all that came or was booked before, also by other clocks
	lastBooked  time.Time
	drawn       []models.LedgerEntry // lessons and holds that are to be stored
}

// openThem opens the books of an account that is locked, with its lots, settled.
func openThem(account *models.Account, held models.Lots, now time.Time) *openBooks {
	for _, latest := range append(held.Came(), account.UpdatedAt) {
		if !now.After(latest) {
			now = latest.Add(time.Microsecond)
		}
	}
	account.NextExpiry = held.NextExpiry(now)
	return &openBooks{account: account, known: slices.Clone(held), lots: held, now: now, lastBooked: account.UpdatedAt}
}

// underLock lets work book on a student's account; open opens it where there is
// none.
func (s *AccountService) underLock(ctx context.Context, o BookingOrder, open bool, work func(*gorm.DB, *openBooks) error) error {
	return database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		if open {
			if err := ledger.Open(tx, []models.Account{{StudentID: o.StudentID, UpdatedAt: tx.NowFunc()}}); err != nil {
				return err
			}
		}
		account, err := readAccount(tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), o.StudentID)
		if err != nil {
			return err
		}
		held, err := lots.Settle(tx, account)
		if err != nil {
			return err
		}
		return work(tx, openThem(account, held, tx.NowFunc()))
	})
}

// entry makes one of an order.
func (b *openBooks) entry(o BookingOrder, kind models.EntryKind, hours models.Hours) models.LedgerEntry {
	entry := models.LedgerEntry{
		ID: models.NewID(), StudentID: o.StudentID, Kind: kind, Hours: hours, Currency: b.account.PaidCurrency(),
		Actor: &o.Actor, Reference: &o.Reference, LessonAt: o.LessonAt, ExpiresAt: o.ExpiresAt, OccurredAt: b.now, CreatedAt: b.now,
	}
	if o.Reason != "" {
		entry.Reason = &o.Reason
	}
	return entry
}

// post books the entry, after others that belong to it, has lots and account follow,
// and writes into the audit log what a person decided.
func (b *openBooks) post(tx *gorm.DB, o BookingOrder, entry models.LedgerEntry, others ...models.LedgerEntry) (*Booking, error) {
	book := b.postAnew
	if b.account.LotsSettled != nil && len(others) == 0 && (entry.Kind == models.EntryConsumption || entry.Kind == models.EntryHold) {
		book = b.postDrawn
	}
	if err := book(tx, append(others, entry)...); err != nil {
		return nil, err
	}
	if action, decided := decisions[entry.Kind]; decided {
		if err := auditlog.Write(tx, o.Actor, action, o.StudentID, entry.Hours.String()+" hours: "+o.Reason); err != nil {
			return nil, err
		}
	}
	b.account.NextExpiry = b.lots.NextExpiry(b.now)
	return &Booking{LedgerEntry: entry, Account: b.account, New: true}, nil
}

// postDrawn books lessons or holds, which draw from the lots.
func (b *openBooks) postDrawn(tx *gorm.DB, entries ...models.LedgerEntry) error {
	for _, e := range entries {
		b.draw(e)
	}
	return lots.Save(tx, b.change())
}

// draw lets a lesson or hold draw from the lots, and the account move.
func (b *openBooks) draw(e models.LedgerEntry) {
	b.lots.Draw(&models.Draw{Hours: -e.Hours, LessonAt: e.Lesson()}, b.now)
	b.account.Move(e)
	b.drawn = append(b.drawn, e)
	b.now = b.now.Add(time.Microsecond) // the next one is after it
}

func (b *openBooks) change() lots.Change {
	return lots.Change{Account: b.account, Known: b.known, Lots: b.lots, Now: b.now, LastBooked: b.lastBooked, Entries: b.drawn}
}

// postAnew books all else, also a lesson that was held, and has the lots settled anew.
func (b *openBooks) postAnew(tx *gorm.DB, entries ...models.LedgerEntry) error {
	if err := database.Store(tx, []database.Write{ledger.Book(entries)}); err != nil {
		return err
	}
	b.account.Move(entries...)
	switch ends := func(e models.LedgerEntry) bool { return e.ExpiresAt != nil }; {
	case slices.ContainsFunc(entries, ends): // the first hours that do, maybe
		if err := lots.Begin(tx, b.account); err != nil {
			return err
		}
	case b.account.LotsSettled != nil:
		b.account.LotsSettled = new(false) // the entries said so
	}
	var err error
	b.lots, err = lots.Settle(tx, b.account)
	return err
}

var decisions = map[models.EntryKind]models.AuditAction{
	models.EntryAdjustment: models.ActionAdjustment,
	models.EntryGrant:      models.ActionGrant,
}
