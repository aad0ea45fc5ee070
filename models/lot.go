package models

import (
	"cmp"
	"slices"
	"time"
)

// Lot is hours that came in together: those of a purchase, of a grant, or of an
// adjustment upwards. An account has lots where any of its hours expire.
//
// What is drawn from which lot, and what of it expires, is a pure function of the
// lots, of the bookings in force, and of their own times: when a purchase was paid, by
// Stripe's clock, and when a lesson was booked, by ours. So the order in which Stripe
// tells of anything doesn't matter.
type Lot struct {
	ID            string     `gorm:"primaryKey" json:"id"` // the purchase's, or that of the ledger entry
	StudentID     string     `json:"student_id"`
	TransactionID *string    `json:"transaction_id"` // the purchase; null: none
	Hours         Hours      `json:"hours"`          // credited or given, and not reversed
	Drawn         Hours      `json:"hours_drawn"`    // by lessons, holds, and what was taken off
	Expired       Hours      `json:"hours_expired"`  // in the ledger
	CameAt        time.Time  `json:"came_at"`
	ExpiresAt     *time.Time `json:"expires_at"` // what is left then is gone at that moment; null: never
}

// TableName says where lots are.
func (Lot) TableName() string { return "hour_lots" }

// Left is what can still be used of the lot, or will expire.
func (l *Lot) Left() Hours { return l.Hours - l.Drawn - l.Expired }

// IsValidAt says whether a lesson at a time can use the lot.
func (l *Lot) IsValidAt(lesson time.Time) bool {
	return l.ExpiresAt == nil || lesson.Before(*l.ExpiresAt)
}

// take draws a booking's hours from the lot, and gives what is left to draw.
func (l *Lot) take(d Draw) Draw {
	if l.IsValidAt(d.LessonAt) {
		taken := max(min(d.Hours, l.Hours-l.Drawn), 0)
		l.Drawn, d.Hours = l.Drawn+taken, d.Hours-taken
	}
	return d
}

// Lots are a student's, in the order in which lessons draw from them: what expires
// soonest first, then what came first.
type Lots []Lot

// Sort brings lots in their order.
func (lots Lots) Sort() {
	slices.SortFunc(lots, func(a, b Lot) int {
		switch {
		case a.ExpiresAt == nil || b.ExpiresAt == nil:
			if byEnd := cmp.Compare(age(a.ExpiresAt == nil), age(b.ExpiresAt == nil)); byEnd != 0 {
				return byEnd
			}
		case !a.ExpiresAt.Equal(*b.ExpiresAt):
			return a.ExpiresAt.Compare(*b.ExpiresAt)
		}
		return cmp.Or(a.CameAt.Compare(b.CameAt), cmp.Compare(a.ID, b.ID))
	})
}

// Came is when the lots came.
func (lots Lots) Came() []time.Time {
	times := make([]time.Time, len(lots))
	for i := range lots {
		times[i] = lots[i].CameAt
	}
	return times
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
			return lots[i].ExpiresAt
		}
	}
	return nil
}

// Room is what a lesson at a time can use of an account with so many hours available:
// of its lots those that are valid then, less what is overdrawn. A lot that has expired
// since can still be used by a lesson that was before.
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

// Draw is a booking in force: a lesson, a hold, or hours that were taken off.
type Draw struct {
	ID       string
	Hours    Hours
	BookedAt time.Time
	LessonAt time.Time
}

// Draw takes the hours of a booking, the last of all, from the lots that are valid at
// its lesson's time.
func (lots Lots) Draw(d Draw) {
	for i := range lots {
		d = lots[i].take(d)
	}
}

// Replay lets it all happen again, to lots of which nothing is drawn, in the order of
// its own times: a booking draws from the lots that have come by then, and what they
// don't cover is owed; what comes afterwards pays what is owed first.
func (lots Lots) Replay(draws []Draw) {
	coming := make([]*Lot, len(lots))
	for i := range lots {
		coming[i] = &lots[i]
	}
	slices.SortStableFunc(coming, func(a, b *Lot) int { return a.CameAt.Compare(b.CameAt) })
	draws = slices.SortedFunc(slices.Values(draws), func(a, b Draw) int {
		return cmp.Or(a.BookedAt.Compare(b.BookedAt), cmp.Compare(a.ID, b.ID))
	})
	var owed []Draw
	for len(coming) > 0 || len(draws) > 0 {
		if len(draws) == 0 || (len(coming) > 0 && !draws[0].BookedAt.Before(coming[0].CameAt)) {
			for i := range owed {
				owed[i] = coming[0].take(owed[i])
			}
			coming = coming[1:]
			continue
		}
		d := draws[0]
		draws = draws[1:]
		for i := range lots {
			if !lots[i].CameAt.After(d.BookedAt) {
				d = lots[i].take(d)
			}
		}
		if d.Hours > 0 {
			owed = append(owed, d)
		}
	}
}

// Carry notes what the ledger has as expired, as lots that are known say.
func (lots Lots) Carry(known Lots) {
	expired := map[string]Hours{}
	for i := range known {
		expired[known[i].ID] = known[i].Expired
	}
	for i := range lots {
		lots[i].Expired = expired[lots[i].ID]
	}
}

// Expire gives the entries, without ids, by which the ledger says what of the lots
// is expired by now, and notes them as posted. What was said to be expired and was
// drawn after all, or given back to the customer, comes back by one. They are of the
// moment of the expiry itself, where nothing was booked since.
func (lots Lots) Expire(now, lastBooked time.Time) []LedgerEntry {
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
		entry := LedgerEntry{
			StudentID: l.StudentID, TransactionID: l.TransactionID, LotID: &l.ID, Kind: EntryExpiration, Hours: -more, OccurredAt: now, CreatedAt: now,
		}
		if l.ExpiresAt != nil {
			if entry.OccurredAt = *l.ExpiresAt; l.ExpiresAt.After(lastBooked) && l.ExpiresAt.Before(now) {
				entry.CreatedAt = *l.ExpiresAt
			}
		}
		entries = append(entries, entry)
		l.Expired = expired
	}
	return entries
}

// DrawsOf are the bookings that entries, in any order, leave in force; other entries
// don't matter. A lesson that was held before is booked when it was held; what an
// invoice took off, when Stripe says.
func DrawsOf(entries []LedgerEntry) []Draw {
	byReference := map[string]*Draw{}
	var draws []*Draw
	for i := range entries {
		e := &entries[i]
		switch {
		case e.Kind == EntryHold, e.Kind == EntryConsumption:
			draw := byReference[*e.Reference]
			if draw == nil {
				draw = &Draw{BookedAt: e.CreatedAt, ID: e.ID, LessonAt: e.Lesson()}
				byReference[*e.Reference], draws = draw, append(draws, draw)
			}
			if e.Kind == EntryHold {
				draw.BookedAt, draw.ID = e.CreatedAt, e.ID
			}
			draw.Hours -= e.Hours
		case e.Kind == EntryAdjustment && e.Hours < 0:
			draws = append(draws, &Draw{e.ID, -e.Hours, e.OccurredAt, e.OccurredAt})
		}
	}
	for i := range entries { // a capture releases the hold, too
		if e := &entries[i]; e.Kind == EntryRelease || e.Kind == EntryRestoration {
			if draw := byReference[*e.Reference]; draw != nil {
				draw.Hours -= e.Hours
			}
		}
	}
	inForce := make([]Draw, len(draws))
	for i, draw := range draws {
		inForce[i] = *draw
	}
	return inForce
}

// LotsOf are the lots that a student's purchases and entries make, with nothing drawn
// from them. Hours that should have expired before from do so at from; nil: none
// expire.
func LotsOf(purchases []Purchase, entries []LedgerEntry, from *time.Time) Lots {
	var lots Lots
	for i := range purchases {
		p := &purchases[i]
		if p.CompletedAt != nil && p.HoursCredited > 0 {
			lots = append(lots, Lot{
				ID: p.ID, StudentID: p.StudentID, TransactionID: &p.ID, Hours: p.HoursCredited - p.HoursReversed, CameAt: *p.CompletedAt, ExpiresAt: p.ExpiresAt,
			})
		}
	}
	for i := range entries {
		if e := &entries[i]; e.Kind == EntryGrant || (e.Kind == EntryAdjustment && e.Hours > 0) {
			lots = append(lots, Lot{ID: e.ID, StudentID: e.StudentID, Hours: e.Hours, CameAt: e.OccurredAt, ExpiresAt: e.ExpiresAt})
		}
	}
	for i := range lots {
		if end := lots[i].ExpiresAt; from == nil || (end != nil && end.Before(*from)) {
			lots[i].ExpiresAt = from
		}
	}
	lots.Sort()
	return lots
}
