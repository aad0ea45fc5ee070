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

	// Stripe's id of the subscription of which the hours are a period's; null: of none.
	SubscriptionID *string `json:"subscription_id"`
	// How much of the subscription's earlier periods was kept when this one came; null:
	// all.
	RolloverHours *Hours `json:"rollover_hours"`
	Carried       Hours  `json:"-"` // of that, drawn by lessons since
}

// TableName says where lots are.
func (Lot) TableName() string { return "hour_lots" }

// Left is what can still be used of the lot, or will expire.
func (l *Lot) Left() Hours { return l.Hours - l.Drawn - l.Expired }

// IsValidAt says whether a lesson at a time can use the lot.
func (l *Lot) IsValidAt(lesson time.Time) bool { return isBefore(lesson, l.ExpiresAt) }

func isBefore(lesson time.Time, end *time.Time) bool { return end == nil || lesson.Before(*end) }

// Lots are a student's, in the order in which lessons draw from them: what expires
// soonest first, then what came first.
type Lots []Lot

// Sort brings lots in their order.
func (lots Lots) Sort() {
	slices.SortFunc(lots, func(a, b Lot) int {
		return cmp.Or(compareEnds(a.ExpiresAt, b.ExpiresAt), a.CameAt.Compare(b.CameAt), cmp.Compare(a.ID, b.ID))
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
	for p := range lots.parts() {
		if p.isValidAt(at) {
			left += p.hours
		}
	}
	return left
}

// NextExpiry is when the next hours expire; nil: none will.
func (lots Lots) NextExpiry(now time.Time) *time.Time {
	for p := range lots.parts() {
		if p.isValidAt(now) && p.hours > 0 {
			return p.expires
		}
	}
	return nil
}

// Room is what a lesson at a time can use of an account with so many hours available:
// what is left of its lots then, less what is overdrawn. What has expired since can
// still be used by a lesson that was before.
func (lots Lots) Room(available Hours, lesson time.Time) Hours {
	room := available + lots.Left(lesson)
	for i := range lots {
		room -= lots[i].Left()
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

// Draw takes the hours of a booking from the lots that have come by a time, soonest
// expiring first, then oldest. What they don't cover is left in it.
func (lots Lots) Draw(d *Draw, come time.Time) { lots.draw(d, lots.come(come)) }

// come is what is left of the lots that have come by a time.
func (lots Lots) come(by time.Time) (parts []part) {
	for p := range lots.parts() {
		if !lots[p.lot].CameAt.After(by) {
			parts = append(parts, p)
		}
	}
	return parts
}

// draw says whether it took anything: then the parts are others.
func (lots Lots) draw(d *Draw, from []part) (drew bool) {
	for _, p := range from {
		if d.Hours == 0 {
			break
		}
		if p.isValidAt(d.LessonAt) {
			l, taken := &lots[p.lot], min(d.Hours, p.hours)
			l.Drawn, d.Hours, drew = l.Drawn+taken, d.Hours-taken, true
			lots.carry(l, taken, d.LessonAt)
		}
	}
	return drew
}

// Replay lets it all happen again, to lots of which nothing is drawn, in the order of
// its own times: a booking draws from the lots that have come by then, and what they
// don't cover is owed; what comes afterwards pays what is owed first.
func (lots Lots) Replay(draws []Draw) {
	came := slices.Compact(slices.SortedFunc(slices.Values(lots.Came()), time.Time.Compare))
	draws = slices.SortedFunc(slices.Values(draws), func(a, b Draw) int {
		return cmp.Or(a.BookedAt.Compare(b.BookedAt), cmp.Compare(a.ID, b.ID))
	})
	var now time.Time
	var left []part
	covers := func(d *Draw) bool {
		if lots.draw(d, left) {
			left = lots.come(now)
		}
		return d.Hours == 0
	}
	var owed []*Draw
	for len(came) > 0 || len(draws) > 0 {
		if len(draws) == 0 || (len(came) > 0 && !draws[0].BookedAt.Before(came[0])) {
			now, came = came[0], came[1:]
			left = lots.come(now)
			owed = slices.DeleteFunc(owed, covers)
			continue
		}
		d := &draws[0]
		draws = draws[1:]
		if !covers(d) {
			owed = append(owed, d)
		}
	}
}

// Carry notes what the ledger has as expired, as lots that are known say. Those that
// are no lots any more, because their purchase turned out to be another's, stay with
// no hours, so that what expired of them comes back.
func (lots Lots) Carry(known Lots) Lots {
	places := make(map[string]int, len(lots))
	for i := range lots {
		places[lots[i].ID] = i
	}
	for _, k := range known {
		i, stays := places[k.ID]
		if !stays {
			k.Hours, k.Drawn, k.RolloverHours = 0, 0, nil
			lots, i = append(lots, k), len(lots)
		}
		lots[i].Expired = k.Expired
	}
	lots.Sort()
	return lots
}

// DrawsOf are the bookings that entries, in any order, leave in force; other entries
// don't matter. A lesson that was held before is booked when it was held; what an
// invoice took off, when Stripe says, unless that was given back.
func DrawsOf(entries []LedgerEntry) []Draw {
	byReference, taken := map[string]*Draw{}, map[string]*Draw{}
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
		case e.TakenBy() != "":
			draw := taken[e.TakenBy()]
			if draw == nil {
				draw = &Draw{ID: e.TakenBy(), BookedAt: e.OccurredAt, LessonAt: e.OccurredAt}
				taken[e.TakenBy()], draws = draw, append(draws, draw)
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
