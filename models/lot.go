package models

import (
	"cmp"
	"slices"
	"time"
)

// Lot is hours that came in together and expire together: those of a purchase, or
// of a grant. Hours that never expire are in no lot: they are what the lots leave of
// the account.
//
// What is drawn from which lot, and what of it expires, is a pure function of the
// lots and of the bookings in force, whatever the order in which they were told or
// booked. A lesson can use what ends after it, and takes what ends soonest: as cars
// that park along a one-way street, each from its own place on, take the same places
// whoever comes first (Konheim and Weiss, "An occupancy discipline and
// applications", 1966).
type Lot struct {
	ID            string    `gorm:"primaryKey" json:"id"` // the purchase's, or that of the grant's ledger entry
	StudentID     string    `json:"student_id"`
	TransactionID *string   `json:"transaction_id"` // null: a grant's
	Hours         Hours     `json:"hours"`          // credited or granted, and not reversed
	Drawn         Hours     `json:"hours_drawn"`    // by lessons, holds, and what staff took off
	Expired       Hours     `json:"hours_expired"`  // in the ledger
	Stale         bool      `json:"-"`              // Hours or ExpiresAt changed since Drawn and Expired were settled
	CameAt        time.Time `json:"came_at"`
	ExpiresAt     time.Time `json:"expires_at"` // what is left then is gone at that moment
	BookedAt      time.Time `json:"-"`          // when its hours came into the ledger
}

// TableName says where lots are.
func (Lot) TableName() string { return "hour_lots" }

// Left is what can still be used of the lot, or will expire.
func (l *Lot) Left() Hours { return l.Hours - l.Drawn - l.Expired }

// IsValidAt says whether a lesson at a time can use the lot. It may have been before
// the lot came: hours that are bought later pay for it.
func (l *Lot) IsValidAt(lesson time.Time) bool { return lesson.Before(l.ExpiresAt) }

// IsDue says whether the ledger has to follow the lot.
func (l *Lot) IsDue(now time.Time) bool { return l.Stale || !l.IsValidAt(now) && l.Left() > 0 }

// Lots are a student's, the first to expire first.
type Lots []Lot

// Sort brings lots in the order in which lessons draw from them: what expires soonest
// first, then what came first.
func (lots Lots) Sort() {
	slices.SortFunc(lots, func(a, b Lot) int {
		return cmp.Or(a.ExpiresAt.Compare(b.ExpiresAt), a.CameAt.Compare(b.CameAt), cmp.Compare(a.ID, b.ID))
	})
}

// Left is what can be used of all lots at a time, were nothing booked any more.
func (lots Lots) Left(at time.Time) (left Hours) {
	for i := range lots {
		if lots[i].IsValidAt(at) {
			left += lots[i].Left()
		}
	}
	return left
}

// NextExpiry is when the next hours expire; nil: none will.
func (lots Lots) NextExpiry(now time.Time) *time.Time {
	for i := range lots {
		if lots[i].IsValidAt(now) && lots[i].Left() > 0 {
			return &lots[i].ExpiresAt
		}
	}
	return nil
}

// Room is what a lesson at a time can use of an account with so many hours
// available: of its lots those that are valid then, and all that is in none. A lot
// that has expired since can still be used by a lesson that was before.
func (lots Lots) Room(available Hours, lesson time.Time) Hours {
	room := available
	for i := range lots {
		room -= lots[i].Left()
		if lots[i].IsValidAt(lesson) {
			room += lots[i].Hours - lots[i].Drawn
		}
	}
	return room
}

// Draw takes a booking's hours from the lots that are valid at its lesson's time, in
// the order of the lots. What they don't cover is drawn from hours that never expire, or
// overdraws.
func (lots Lots) Draw(b Draw) {
	for i := range lots {
		if l := &lots[i]; l.IsValidAt(b.LessonAt) {
			taken := max(min(b.Hours, l.Hours-l.Drawn), 0)
			l.Drawn, b.Hours = l.Drawn+taken, b.Hours-taken
		}
	}
}

// DrawAnew takes all bookings in force, in any order, from the lots as they are now.
func (lots Lots) DrawAnew(draws []Draw) {
	for i := range lots {
		lots[i].Drawn, lots[i].Stale = 0, false
	}
	for _, draw := range draws {
		lots.Draw(draw)
	}
}

// Expire gives the entries, without ids, by which the ledger says what of the lots
// is expired by now, and notes them as posted. What was said to be expired and was
// drawn after all, or given back to the customer, comes back by one.
func (lots Lots) Expire(now time.Time) []LedgerEntry {
	var entries []LedgerEntry
	for i := range lots {
		l, expired := &lots[i], Hours(0)
		if !l.IsValidAt(now) {
			expired = l.Hours - l.Drawn
		}
		more := expired - l.Expired
		if more == 0 {
			continue
		}
		// Nobody may have looked since the moment when it expired. What
		// changes afterwards is of now.
		at := now
		if l.Expired == 0 {
			at = l.ExpiresAt
			if at.Before(l.BookedAt) {
				at = l.BookedAt
			}
		}
		entries = append(entries, LedgerEntry{
			StudentID: l.StudentID, TransactionID: l.TransactionID, LotID: &l.ID, Kind: EntryExpiration, Hours: -more,
			OccurredAt: l.ExpiresAt, CreatedAt: at,
		})
		l.Expired = expired
	}
	return entries
}

// Draw is a booking in force: a lesson, a hold, or hours that were taken off.
type Draw struct {
	Hours    Hours
	LessonAt time.Time
}

// DrawsOf are the bookings that entries, in any order, leave in force; other entries
// don't matter. A lesson that was held before is when its hold said; what an invoice
// took off counts when Stripe did.
func DrawsOf(entries []LedgerEntry) []Draw {
	byReference := map[string]*Draw{}
	var draws []*Draw
	for i := range entries {
		e := &entries[i]
		switch {
		case e.Kind == EntryHold, e.Kind == EntryConsumption:
			draw := byReference[*e.Reference]
			if draw == nil {
				draw = &Draw{LessonAt: e.Lesson()}
				byReference[*e.Reference], draws = draw, append(draws, draw)
			}
			draw.Hours -= e.Hours
		case e.Kind == EntryAdjustment && e.Hours < 0:
			draws = append(draws, &Draw{-e.Hours, e.OccurredAt})
		}
	}
	for i := range entries { // a capture releases the hold, too
		if e := &entries[i]; e.Kind == EntryRelease || e.Kind == EntryRestoration {
			byReference[*e.Reference].Hours -= e.Hours
		}
	}
	inForce := make([]Draw, len(draws))
	for i, draw := range draws {
		inForce[i] = *draw
	}
	return inForce
}
