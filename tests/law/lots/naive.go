// Package lots is a naive model of hours that expire, for tests: it lets everything
// happen again from scratch, a hundredth of an hour at a time.
package lots

import (
	"slices"
	"time"
)

// Pack is hours that came in together. Hours are in hundredths.
type Pack struct {
	ID    string
	Hours int64
	Came  time.Time
	Ends  time.Time // zero: never
}

// Booking is a lesson, a hold, or hours that were taken off.
type Booking struct {
	Hours    int64
	BookedAt time.Time
	At       time.Time // of the lesson
}

// Replay goes through all moments at which something came or was booked. It gives what
// is available at a time, and what no booking drew of each pack.
func Replay(packs []Pack, bookings []Booking, at time.Time) (available int64, left map[string]int64) {
	packs, bookings = slices.Clone(packs), slices.Clone(bookings)
	var moments []time.Time
	for _, p := range packs {
		moments = append(moments, p.Came)
	}
	for _, b := range bookings {
		moments = append(moments, b.BookedAt)
	}
	slices.SortFunc(moments, time.Time.Compare)
	for _, now := range moments {
		for i := range bookings { // which are in the order in which they were booked
			for b := &bookings[i]; !b.BookedAt.After(now) && b.Hours > 0; b.Hours-- {
				best := -1
				for j, p := range packs {
					if p.Hours > 0 && !p.Came.After(now) && valid(p, b.At) && (best < 0 || before(p, packs[best])) {
						best = j
					}
				}
				if best < 0 {
					break // it is owed
				}
				packs[best].Hours--
			}
		}
	}
	left = map[string]int64{}
	for _, p := range packs {
		if left[p.ID] = p.Hours; valid(p, at) {
			available += p.Hours
		}
	}
	for _, b := range bookings {
		available -= b.Hours
	}
	return available, left
}

func valid(p Pack, at time.Time) bool { return p.Ends.IsZero() || at.Before(p.Ends) }

// before says which of two packs is drawn from first.
func before(a, b Pack) bool {
	switch {
	case a.Ends.IsZero() != b.Ends.IsZero():
		return b.Ends.IsZero()
	case !a.Ends.Equal(b.Ends):
		return a.Ends.Before(b.Ends)
	case !a.Came.Equal(b.Came):
		return a.Came.Before(b.Came)
	default:
		return a.ID < b.ID
	}
}
