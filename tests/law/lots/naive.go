// Package lots is a naive model of hours that expire, for tests: it replays all
// bookings from scratch, a hundredth of an hour at a time.
package lots

import (
	"slices"
	"time"
)

// Pack is hours that came in together. Hours are in hundredths.
type Pack struct {
	ID    string
	Hours int64
	Ends  time.Time // zero: never
}

// Booking is a lesson, a hold, or hours that were taken off.
type Booking struct {
	Hours int64
	At    time.Time // of the lesson
}

// Replay draws the bookings from the packs, in their order. It gives what is
// available at a time, and what no booking drew of each pack.
func Replay(packs []Pack, bookings []Booking, at time.Time) (available int64, left map[string]int64) {
	packs = slices.Clone(packs)
	for _, b := range bookings {
		for range b.Hours {
			available--
			best := -1
			for i := range packs {
				if packs[i].Hours > 0 && valid(packs[i], b.At) && (best < 0 || before(packs[i], packs[best])) {
					best = i
				}
			}
			if best >= 0 {
				packs[best].Hours--
				available++
			}
		}
	}
	left = map[string]int64{}
	for _, p := range packs {
		if left[p.ID] = p.Hours; valid(p, at) {
			available += p.Hours
		}
	}
	return available, left
}

func valid(p Pack, at time.Time) bool { return p.Ends.IsZero() || at.Before(p.Ends) }

// before says which of two packs is drawn from first.
func before(a, b Pack) bool {
	switch {
	case a.Ends.IsZero() || b.Ends.IsZero():
		return !a.Ends.IsZero()
	case a.Ends.Equal(b.Ends):
		return a.ID < b.ID
	default:
		return a.Ends.Before(b.Ends)
	}
}
