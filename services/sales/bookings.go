package sales

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"hourbank/models"
)

// BookingOrder asks to move hours without money, once for each reference.
type BookingOrder struct {
	StudentID string
	Hours     models.Hours
	Reference string
	Reason    string // of a grant or adjustment
	Actor     string // the API key's name
	// When the lesson is, which says what it may be drawn from; nil: now.
	LessonAt *time.Time
	// When what is left of a grant expires; nil: never.
	ExpiresAt *time.Time
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
		return nil, errNoHours
	}
	return s.bookLesson(ctx, o, models.EntryConsumption)
}

var errNoHours = models.Errorf(models.CodeInvalidRequest, "hours must be more than 0.")

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
	case kind == models.EntryAdjustment && strings.HasPrefix(o.Reference, "in_"):
		return models.Errorf(models.CodeInvalidRequest, "reference must not begin with in_: an invoice that takes hours off has its own id.")
	case kind != models.EntryGrant:
		return nil
	case o.Hours < 0 || o.Hours > models.MaxHours:
		return models.Errorf(models.CodeInvalidRequest, "hours must be more than 0 and at most %s.", models.MaxHours)
	default: // it opens an account
		return models.ValidateStudent("student_id", o.StudentID)
	}
}

// checkTerms checks what any booking may name, and keeps its times as databases do.
func (o *BookingOrder) checkTerms() error {
	err := models.ValidateID("reference", o.Reference)
	if err != nil {
		return err
	}
	if o.LessonAt, err = models.ValidateTime("lesson_at", o.LessonAt); err != nil {
		return err
	}
	o.ExpiresAt, err = models.ValidateTime("expires_at", o.ExpiresAt)
	return err
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
// and reference is there already. Lessons and holds alone may not overdraw.
func (s *AccountService) book(ctx context.Context, o BookingOrder, kind models.EntryKind, hours models.Hours) (*Booking, error) {
	if err := o.checkTerms(); err != nil {
		return nil, err
	}
	var booking *Booking
	err := s.underLock(ctx, o, kind == models.EntryGrant, func(tx *gorm.DB, books *openBooks) error {
		known, err := bookedBefore(tx, o, kind, hours)
		if err != nil {
			return err
		}
		if known != nil {
			booking = &Booking{LedgerEntry: *known, Account: books.account}
			return nil
		}
		entry := books.entry(o, kind, hours)
		if o.ExpiresAt != nil && !o.ExpiresAt.After(books.now) {
			return models.Errorf(models.CodeInvalidRequest, "expires_at must be in the future.")
		}
		if kind == models.EntryConsumption || kind == models.EntryHold {
			if room := books.lots.Room(books.account.HoursAvailable, entry.Lesson()); room < o.Hours {
				return models.Errorf(models.CodeInsufficientHours, "The student has %s hours available, not %s.", room, o.Hours)
			}
		}
		booking, err = books.post(tx, o, entry)
		return err
	})
	return booking, err
}

// bookedBefore gives the entry that the same order made, and refuses another
// one under its reference.
func bookedBefore(tx *gorm.DB, o BookingOrder, kind models.EntryKind, hours models.Hours) (*models.LedgerEntry, error) {
	var known *models.LedgerEntry
	var err error
	if kind == models.EntryConsumption || kind == models.EntryHold {
		known, err = lessonBefore(tx, o, kind)
	} else {
		known, err = findBooking(tx, o.StudentID, kind, o.Reference)
	}
	if known == nil || err != nil {
		return nil, err
	}
	if known.Hours != hours {
		return nil, models.Errorf(models.CodeReferenceUsed, "The reference %q was used for %s hours.", o.Reference, max(known.Hours, -known.Hours))
	}
	if o.LessonAt != nil && !known.Lesson().Equal(*o.LessonAt) {
		return nil, models.Errorf(models.CodeReferenceUsed, "The reference %q was used for a lesson at another time.", o.Reference)
	}
	return known, nil
}

// lessonBefore gives the entry by which the lesson was held or booked before, and
// refuses one whose reference served otherwise.
func lessonBefore(tx *gorm.DB, o BookingOrder, kind models.EntryKind) (*models.LedgerEntry, error) {
	h, err := findHeld(tx, o)
	if err != nil {
		return nil, err
	}
	known := h.lesson
	if kind == models.EntryHold {
		known = h.hold
	}
	switch {
	case h.restored != nil:
		return nil, models.Errorf(models.CodeReferenceUsed, "The hours of %q were given back; book them again under another reference.", o.Reference)
	case known == nil && (h.hold != nil || h.lesson != nil), kind == models.EntryHold && h.release != nil:
		return nil, models.Errorf(models.CodeReferenceUsed, "The reference %q was held or booked before.", o.Reference)
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
