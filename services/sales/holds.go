package sales

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"hourbank/models"
	"hourbank/services/paging"
)

// Hold keeps hours for a lesson until it is captured or released, for months if
// need be: they don't expire under a lesson that is before their end. It returns a
// *models.Error with code invalid_request, not_found, insufficient_hours, or
// reference_used where the reference was held or booked otherwise before.
func (s *AccountService) Hold(ctx context.Context, o BookingOrder) (*Booking, error) {
	if o.Hours <= 0 {
		return nil, errNoHours
	}
	return s.bookLesson(ctx, o, models.EntryHold)
}

// held is what became of the hours under a reference; nil: nothing.
type held struct{ hold, release, lesson, restored *models.LedgerEntry }

func findHeld(tx *gorm.DB, o BookingOrder) (h held, err error) {
	var entries []models.LedgerEntry
	err = tx.Where("student_id = ? AND kind IN ? AND reference = ?", o.StudentID, heldKinds, o.Reference).Find(&entries).Error
	if err != nil {
		return h, fmt.Errorf("look for a lesson: %w", err)
	}
	for i := range entries {
		e := &entries[i]
		switch e.Kind {
		case models.EntryHold:
			h.hold = e
		case models.EntryRelease:
			h.release = e
		case models.EntryConsumption:
			h.lesson = e
		default:
			h.restored = e
		}
	}
	return h, nil
}

var heldKinds = []models.EntryKind{models.EntryHold, models.EntryRelease, models.EntryConsumption, models.EntryRestoration}

// Capture books a held lesson, whole (hours 0) or less of it; the rest is given
// back. It returns a *models.Error with code invalid_request where more is asked than
// is held, not_found, or reference_used where the hold is over otherwise.
func (s *AccountService) Capture(ctx context.Context, o BookingOrder) (*Booking, error) {
	return s.endHold(ctx, o, func(tx *gorm.DB, books *openBooks, h held) (*Booking, error) {
		if o.Hours == 0 {
			o.Hours = -h.hold.Hours
		}
		switch {
		case o.Hours < 0:
			return nil, errNoHours
		case h.lesson != nil && (h.lesson.Hours != -o.Hours || h.restored != nil), h.lesson == nil && h.release != nil:
			return nil, models.Errorf(models.CodeReferenceUsed, "The hold %q is over.", o.Reference)
		case h.lesson != nil:
			return &Booking{LedgerEntry: *h.lesson, Account: books.account}, nil
		case o.Hours > -h.hold.Hours:
			return nil, models.Errorf(models.CodeInvalidRequest, "%s hours are held, not %s.", -h.hold.Hours, o.Hours)
		}
		o.LessonAt = new(h.hold.Lesson())
		return books.post(tx, o, books.entry(o, models.EntryConsumption, -o.Hours), books.entry(o, models.EntryRelease, -h.hold.Hours))
	})
}

// Release gives a hold's hours back, once. It returns a *models.Error with code
// not_found, or reference_used where the hold was captured.
func (s *AccountService) Release(ctx context.Context, o BookingOrder) (*Booking, error) {
	return s.endHold(ctx, o, func(tx *gorm.DB, books *openBooks, h held) (*Booking, error) {
		switch {
		case h.lesson != nil:
			return nil, models.Errorf(models.CodeReferenceUsed, "The hold %q was captured.", o.Reference)
		case h.release != nil:
			return &Booking{LedgerEntry: *h.release, Account: books.account}, nil
		}
		return books.post(tx, o, books.entry(o, models.EntryRelease, -h.hold.Hours))
	})
}

func (s *AccountService) endHold(ctx context.Context, o BookingOrder, end func(*gorm.DB, *openBooks, held) (*Booking, error)) (*Booking, error) {
	var booking *Booking
	err := s.underLock(ctx, o, false, func(tx *gorm.DB, books *openBooks) error {
		h, err := findHeld(tx, o)
		if err != nil {
			return err
		}
		if h.hold == nil {
			return models.Errorf(models.CodeNotFound, "Nothing was held under this reference.")
		}
		booking, err = end(tx, books, h)
		return err
	})
	return booking, err
}

// Holds pages through what is held of a student's hours, newest first. It returns a
// *models.Error with code not_found, invalid_request or invalid_cursor.
func (s *AccountService) Holds(ctx context.Context, studentID string, page paging.PageRequest) (paging.Page[models.LedgerEntry], error) {
	if _, err := s.Balance(ctx, studentID); err != nil {
		return paging.Page[models.LedgerEntry]{}, err
	}
	open := s.db.Reader.WithContext(ctx).Where(`student_id = ? AND kind = 'hold' AND NOT EXISTS (SELECT 1 FROM hour_ledger_entries r
		WHERE r.student_id = hour_ledger_entries.student_id AND r.kind = 'release' AND r.reference = hour_ledger_entries.reference)`, studentID)
	return paging.ByTime(open, "created_at", "id", page, func(l *models.LedgerEntry) paging.Position { return paging.Position{Time: l.CreatedAt, ID: l.ID} })
}
