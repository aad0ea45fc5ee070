// Package lots is a naive model of hours that expire, for tests: it lets everything
// happen again from scratch, one unit at a time: a hundredth of an hour, or what a test
// has for the smallest.
package lots

import (
	"slices"
	"time"
)

// Pack is hours that came in together, in units.
type Pack struct {
	ID    string
	Hours int64
	Came  time.Time
	Ends  time.Time // zero: never

	Subscription string // empty: of none
	Invoiced     int64  // a later period's is greater
	Keeps        *int64 // how much of earlier periods its coming keeps; nil: all
}

// Booking is a lesson, a hold, or hours that were taken off.
type Booking struct {
	Hours    int64
	BookedAt time.Time
	At       time.Time // of the lesson
}

// State is what is left of each pack after all that was booked.
type State struct {
	packs    []Pack
	renewals []Pack // in the order in which they came
	byLife   []int  // places of packs in the order in which a renewal keeps them
	owed     int64
	since    map[string]int64 // what renewals' lessons drew of what was before, by the renewal
}

// Replay goes through all moments at which something came or was booked.
func Replay(packs []Pack, bookings []Booking) *State {
	s := &State{packs: slices.Clone(packs), renewals: renewals(packs), byLife: byLife(packs), since: map[string]int64{}}
	bookings = slices.Clone(bookings)
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
			for b := &bookings[i]; !b.BookedAt.After(now) && b.Hours > 0 && s.draw(b.At, now); b.Hours-- {
			}
		}
	}
	for _, b := range bookings {
		s.owed += b.Hours
	}
	return s
}

// unit is one that nobody drew.
type unit struct {
	Pack           // with the time at which it is gone as its end
	of       int   // the pack's place
	original *Pack // as it was sold
}

// units says of each when it is gone: at its pack's end, or at a renewal.
func (s *State) units() []unit {
	var all []unit
	for _, i := range s.byLife {
		for range s.packs[i].Hours {
			all = append(all, unit{s.packs[i], i, &s.packs[i]})
		}
	}
	for _, r := range s.renewals {
		kept := s.since[r.ID]
		for i := range all {
			if h := &all[i]; renews(r, *h.original) && valid(h.Pack, r.Came) {
				if kept++; kept > *r.Keeps {
					h.Ends = r.Came
				}
			}
		}
	}
	return all
}

// draw takes a unit for a lesson from what has come by now, if there is one: what
// is gone soonest.
func (s *State) draw(lesson, now time.Time) bool {
	var best *unit
	all := s.units()
	for i := range all {
		h := &all[i]
		if h.Came.After(now) || !valid(h.Pack, lesson) {
			continue
		}
		if best == nil || ends(h.Pack, best.Pack) || (!ends(best.Pack, h.Pack) && before(*h.original, *best.original)) {
			best = h
		}
	}
	if best == nil {
		return false
	}
	s.packs[best.of].Hours--
	for _, r := range s.renewals {
		if renews(r, *best.original) && !lesson.Before(r.Came) {
			s.since[r.ID]++
		}
	}
	return true
}

// renewals are the packs whose coming keeps only so much of what their subscription had
// before; not those that came after a later period.
func renewals(packs []Pack) (all []Pack) {
	for _, r := range packs {
		late := slices.ContainsFunc(packs, func(later Pack) bool {
			return later.Hours > 0 && later.Subscription == r.Subscription && later.Invoiced > r.Invoiced && !later.Came.After(r.Came)
		})
		if r.Keeps != nil && r.Subscription != "" && !late {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b Pack) int { return a.Came.Compare(b.Came) })
	return all
}

// byLife is what lives longest first, then what is drawn first.
func byLife(packs []Pack) []int {
	places := make([]int, len(packs))
	for i := range places {
		places[i] = i
	}
	slices.SortFunc(places, func(a, b int) int {
		if p, q := packs[a], packs[b]; ends(q, p) || (!ends(p, q) && before(p, q)) {
			return -1
		}
		return 1
	})
	return places
}

func renews(r, p Pack) bool { return r.Subscription == p.Subscription && p.Came.Before(r.Came) }

// Left is what no booking drew of each pack, by its id.
func (s *State) Left() map[string]int64 {
	left := map[string]int64{}
	for _, p := range s.packs {
		left[p.ID] = p.Hours
	}
	return left
}

// Available is what is left at a time, less what is owed. So much can be booked for a
// lesson then.
func (s *State) Available(at time.Time) int64 {
	available := -s.owed
	for _, h := range s.units() {
		if valid(h.Pack, at) {
			available++
		}
	}
	return available
}

func valid(p Pack, at time.Time) bool { return p.Ends.IsZero() || at.Before(p.Ends) }

// ends says whether a pack ends before another one.
func ends(a, b Pack) bool {
	return !a.Ends.IsZero() && (b.Ends.IsZero() || a.Ends.Before(b.Ends))
}

// before says which of two packs is drawn from first.
func before(a, b Pack) bool {
	switch {
	case ends(a, b) != ends(b, a):
		return ends(a, b)
	case !a.Came.Equal(b.Came):
		return a.Came.Before(b.Came)
	default:
		return a.ID < b.ID
	}
}
