package sales

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/auditlog"
	"hourbank/services/ledger"
)

// BookingOrder asks to move hours without money, once for each reference.
type BookingOrder struct {
	StudentID string
	Hours     models.Hours
	Reference string
	Reason    string // of a grant or adjustment
	Actor     string // the API key's name
}

// Booking is a ledger entry, new or made before, and the account after it.
type Booking struct {
	models.LedgerEntry
	Account *models.Account `json:"account"`
	New     bool            `json:"-"`
}

// Consume books a lesson's hours. It returns a *models.Error with code
// invalid_request, not_found, insufficient_hours, or reference_used where the
// reference was booked with other hours or given back.
func (s *AccountService) Consume(ctx context.Context, o BookingOrder) (*Booking, error) {
	if o.Hours <= 0 {
		return nil, models.Errorf(models.CodeInvalidRequest, "hours must be more than 0.")
	}
	return s.book(ctx, o, models.EntryConsumption, -o.Hours)
}

// Restore gives a lesson's hours back, once. It returns a *models.Error with
// code not_found where nothing was booked under the reference.
func (s *AccountService) Restore(ctx context.Context, studentID, reference, actor string) (*Booking, error) {
	consumed, err := findBooking(s.db.Reader.WithContext(ctx), studentID, models.EntryConsumption, reference)
	if err != nil {
		return nil, err
	}
	if consumed == nil {
		return nil, models.Errorf(models.CodeNotFound, "Nothing was booked under this reference.")
	}
	o := BookingOrder{StudentID: studentID, Reference: reference, Actor: actor}
	return s.book(ctx, o, models.EntryRestoration, -consumed.Hours)
}

// Adjust moves hours by hand, with a reason; hours may be negative, and may
// overdraw. It returns a *models.Error with code invalid_request, not_found or
// reference_used.
func (s *AccountService) Adjust(ctx context.Context, o BookingOrder) (*Booking, error) {
	if err := o.check(models.EntryAdjustment); err != nil {
		return nil, err
	}
	return s.book(ctx, o, models.EntryAdjustment, o.Hours)
}

// Grant gives hours without money (a trial, a gift, goodwill), with a reason,
// and opens the student's account where there is none. It returns a
// *models.Error with code invalid_request or reference_used.
func (s *AccountService) Grant(ctx context.Context, o BookingOrder) (*Booking, error) {
	if err := o.check(models.EntryGrant); err != nil {
		return nil, err
	}
	return s.book(ctx, o, models.EntryGrant, o.Hours)
}

// check returns a *models.Error with code invalid_request where a grant or
// adjustment can't be booked for anybody.
func (o BookingOrder) check(kind models.EntryKind) error {
	if err := models.ValidateText("reason", o.Reason); err != nil {
		return err
	}
	switch {
	case o.Hours == 0:
		return models.Errorf(models.CodeInvalidRequest, "hours must not be 0.")
	case kind != models.EntryGrant:
		return nil
	case o.Hours < 0 || o.Hours > models.MaxHours:
		return models.Errorf(models.CodeInvalidRequest, "hours must be more than 0 and at most %s.", models.MaxHours)
	default: // it opens an account
		return models.ValidateID("student_id", o.StudentID)
	}
}

// BookingPreview is what a booking would do.
type BookingPreview struct {
	Account *models.Account     // as it is; nil: none yet
	Balance models.Hours        // hours available then
	Booked  bool                // the reference was used before
	Same    *models.LedgerEntry // of the same kind and hours, within the last hour; nil: none
}

// PreviewBooking says what an adjustment or grant would do, and whether the
// same was booked lately under another reference. It changes nothing. It returns a
// *models.Error with code invalid_request or not_found.
func (s *AccountService) PreviewBooking(ctx context.Context, kind models.EntryKind, o BookingOrder) (*BookingPreview, error) {
	if err := o.check(kind); err != nil {
		return nil, err
	}
	db, preview := s.db.Reader.WithContext(ctx), &BookingPreview{Balance: o.Hours}
	account, err := readAccount(db, o.StudentID)
	switch {
	case errors.Is(err, errNoAccount) && kind == models.EntryGrant:
		return preview, nil
	case err != nil:
		return nil, err
	}
	preview.Account, preview.Balance = account, account.HoursAvailable+o.Hours
	booked, err := findBooking(db, o.StudentID, kind, o.Reference)
	if err != nil || booked != nil {
		preview.Booked = booked != nil
		return preview, err
	}
	var same []models.LedgerEntry
	err = db.Where("student_id = ? AND kind = ? AND hours = ? AND created_at > ? AND reference <> ?", o.StudentID, kind, o.Hours, s.db.NowFunc().Add(-time.Hour), o.Reference).
		Order("created_at DESC, id DESC").Limit(1).Find(&same).Error
	if err != nil {
		return nil, fmt.Errorf("look for the same booking: %w", err)
	}
	if len(same) > 0 {
		preview.Same = &same[0]
	}
	return preview, nil
}

// book appends one entry under the account's lock, unless one of this kind
// and reference is there already. Lessons alone may not overdraw.
func (s *AccountService) book(ctx context.Context, o BookingOrder, kind models.EntryKind, hours models.Hours) (*Booking, error) {
	if err := models.ValidateID("reference", o.Reference); err != nil {
		return nil, err
	}
	var booking *Booking
	err := database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		if kind == models.EntryGrant {
			if _, err := ledger.OpenAccounts(tx, []models.Account{{StudentID: o.StudentID, UpdatedAt: tx.NowFunc()}}); err != nil {
				return err
			}
		}
		account, err := readAccount(tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), o.StudentID)
		if err != nil {
			return err
		}
		known, err := bookedBefore(tx, o, kind, hours)
		if err != nil || known != nil {
			booking = &Booking{Account: account}
			if known != nil {
				booking.LedgerEntry = *known
			}
			return err
		}
		if kind == models.EntryConsumption && account.HoursAvailable < o.Hours {
			return models.Errorf(models.CodeInsufficientHours, "The student has %s hours available, not %s.", account.HoursAvailable, o.Hours)
		}
		booking, err = post(tx, account, o, kind, hours)
		return err
	})
	return booking, err
}

// post writes the entry, and into the audit log what a person decided.
func post(tx *gorm.DB, account *models.Account, o BookingOrder, kind models.EntryKind, hours models.Hours) (*Booking, error) {
	now := tx.NowFunc()
	entry := models.LedgerEntry{
		ID: models.NewID(), StudentID: o.StudentID, Kind: kind, Hours: hours, Currency: account.Currency,
		Actor: &o.Actor, Reference: &o.Reference, OccurredAt: now, CreatedAt: now,
	}
	if o.Reason != "" {
		entry.Reason = &o.Reason
	}
	if err := database.Store(tx, []database.Write{ledger.Book([]models.LedgerEntry{entry})}); err != nil {
		return nil, err
	}
	if action, decided := decisions[kind]; decided {
		if err := auditlog.Write(tx, o.Actor, action, o.StudentID, hours.String()+" hours: "+o.Reason); err != nil {
			return nil, err
		}
	}
	after, err := readAccount(tx, o.StudentID)
	return &Booking{LedgerEntry: entry, Account: after, New: true}, err
}

var decisions = map[models.EntryKind]models.AuditAction{
	models.EntryAdjustment: models.ActionAdjustment,
	models.EntryGrant:      models.ActionGrant,
}

// bookedBefore gives the entry that the same order made, and refuses another
// one under its reference.
func bookedBefore(tx *gorm.DB, o BookingOrder, kind models.EntryKind, hours models.Hours) (*models.LedgerEntry, error) {
	known, err := findBooking(tx, o.StudentID, kind, o.Reference)
	if err != nil || known == nil {
		return nil, err
	}
	if known.Hours != hours {
		return nil, models.Errorf(models.CodeReferenceUsed, "The reference %q was used for %s hours.", o.Reference, max(known.Hours, -known.Hours))
	}
	if kind == models.EntryConsumption {
		restored, err := findBooking(tx, o.StudentID, models.EntryRestoration, o.Reference)
		if err != nil {
			return nil, err
		}
		if restored != nil {
			return nil, models.Errorf(models.CodeReferenceUsed, "The hours of %q were given back; book them again under another reference.", o.Reference)
		}
	}
	return known, nil
}

func findBooking(tx *gorm.DB, studentID string, kind models.EntryKind, reference string) (*models.LedgerEntry, error) {
	var entries []models.LedgerEntry
	err := tx.Where("student_id = ? AND kind = ? AND reference = ? AND reference IS NOT NULL", studentID, kind, reference).Limit(1).Find(&entries).Error
	if err != nil {
		return nil, fmt.Errorf("look for a booking: %w", err)
	}
	if len(entries) == 0 {
		return nil, nil
	}
	return &entries[0], nil
}
