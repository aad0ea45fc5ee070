package models_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	. "hourbank/models" //nolint:staticcheck // its own tests
	"hourbank/tests/law/lots"
)

// life is a random life of an account whose hours expire: what Stripe tells of its
// purchases comes at any time and in any order, what people book comes as it comes.
type life struct {
	t       *rapid.T
	now     time.Time
	lots    Lots                // as the database keeps them
	entries []LedgerEntry       // the ledger
	never   Hours               // of purchases that never expire
	told    map[string][2]int64 // of each purchase: hours that are paid, end
	refs    []string
}

var begin = time.Unix(1_760_000_000, 0).UTC()

func (l *life) available() (sum Hours) {
	for _, e := range l.entries {
		sum += e.Hours
	}
	return sum
}

func (l *life) post(kind EntryKind, hours Hours, reference string, lesson *time.Time) *LedgerEntry {
	id := fmt.Sprintf("%06d", len(l.entries))
	l.entries = append(l.entries, LedgerEntry{ID: id, StudentID: "s", Kind: kind, Hours: hours, Reference: &reference, LessonAt: lesson, CreatedAt: l.now, OccurredAt: l.now})
	return &l.entries[len(l.entries)-1]
}

// settle is what services/lots does before anybody reads or books.
func (l *life) settle() {
	if slices.ContainsFunc(l.lots, func(lot Lot) bool { return lot.Stale }) {
		l.lots.DrawAnew(DrawsOf(l.entries))
	}
	l.entries = append(l.entries, l.lots.Expire(l.now)...)
}

func (l *life) find(kind EntryKind, reference string) *LedgerEntry {
	for i := range l.entries {
		if e := &l.entries[i]; e.Kind == kind && *e.Reference == reference {
			return e
		}
	}
	return nil
}

// tell lets Stripe say how many hours a purchase holds and when they end.
func (l *life) tell() {
	id := rapid.SampledFrom([]string{"p1", "p2", "p3", "forever"}).Draw(l.t, "purchase")
	hours := Hours(rapid.SampledFrom([]int{0, 1, 2, 4, 8, 8}).Draw(l.t, "hours"))
	if id == "forever" {
		l.post(EntryCredit, hours-l.never, "", nil)
		l.never = hours
		return
	}
	end := begin.Add(time.Duration(rapid.IntRange(0, 12).Draw(l.t, "end")) * time.Hour)
	i := slices.IndexFunc(l.lots, func(lot Lot) bool { return lot.ID == id })
	if i < 0 {
		l.lots, i = append(l.lots, Lot{ID: id, StudentID: "s", CameAt: begin, BookedAt: l.now}), len(l.lots)
	}
	l.post(EntryCredit, hours-l.lots[i].Hours, "", nil)
	l.lots[i].Hours, l.lots[i].ExpiresAt, l.lots[i].Stale = hours, end, true
	l.told[id] = [2]int64{int64(hours), end.Unix()}
	l.lots.Sort()
}

// book lets a person hold, book or take off hours.
func (l *life) book() {
	l.settle()
	kind := rapid.SampledFrom([]EntryKind{EntryConsumption, EntryHold, EntryAdjustment}).Draw(l.t, "kind")
	hours := Hours(rapid.SampledFrom([]int{1, 1, 2, 2, 3, 5}).Draw(l.t, "booked"))
	lesson := begin.Add(time.Duration(rapid.IntRange(-1, 13).Draw(l.t, "lesson")) * time.Hour)
	if kind == EntryAdjustment {
		lesson = l.now
	} else if l.lots.Room(l.available(), lesson) < hours {
		return
	}
	reference := fmt.Sprint("r", len(l.refs))
	l.refs = append(l.refs, reference)
	before := l.available()
	e := l.post(kind, -hours, reference, &lesson)
	l.lots.Draw(Draw{hours, e.Lesson()})
	l.entries = append(l.entries, l.lots.Expire(l.now)...)
	if after := l.available(); kind != EntryAdjustment && after < min(before, 0) {
		l.t.Fatalf("a booking of %s at %s overdrew: %s after %s", hours, lesson, after, before)
	}
}

// undo gives a lesson back, or ends a hold.
func (l *life) undo() {
	if len(l.refs) == 0 {
		return
	}
	l.settle()
	reference := rapid.SampledFrom(l.refs).Draw(l.t, "reference")
	hold, lesson := l.find(EntryHold, reference), l.find(EntryConsumption, reference)
	switch {
	case lesson != nil && l.find(EntryRestoration, reference) == nil:
		l.post(EntryRestoration, -lesson.Hours, reference, nil)
	case hold != nil && l.find(EntryRelease, reference) == nil:
		at := hold.Lesson()
		captured := Hours(rapid.IntRange(0, int(-hold.Hours)).Draw(l.t, "captured"))
		l.post(EntryRelease, -hold.Hours, reference, nil)
		if captured > 0 {
			l.post(EntryConsumption, -captured, reference, &at)
		}
	default:
		return
	}
	for i := range l.lots {
		l.lots[i].Stale = true
	}
	l.settle()
}

// replay is what a naive model says is available at a time, and left of each purchase.
func (l *life) replay(at time.Time) (int64, map[string]int64) {
	packs := []lots.Pack{{ID: "forever", Hours: int64(l.never)}}
	for id, t := range l.told {
		packs = append(packs, lots.Pack{ID: id, Hours: t[0], Ends: time.Unix(t[1], 0)})
	}
	var booked []lots.Booking
	for _, reference := range l.refs { // in the order in which they were booked
		hold, lesson, off := l.find(EntryHold, reference), l.find(EntryConsumption, reference), l.find(EntryAdjustment, reference)
		switch {
		case l.find(EntryRestoration, reference) != nil:
		case lesson != nil:
			booked = append(booked, lots.Booking{Hours: int64(-lesson.Hours), At: lesson.Lesson()})
		case hold != nil && l.find(EntryRelease, reference) == nil:
			booked = append(booked, lots.Booking{Hours: int64(-hold.Hours), At: hold.Lesson()})
		case off != nil:
			booked = append(booked, lots.Booking{Hours: int64(-off.Hours), At: off.CreatedAt})
		}
	}
	return lots.Replay(packs, booked, at)
}

// Whenever one looks, ledger and lots agree, and say what a naive replay says: also of
// times to come.
func TestLivesOfLots(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := &life{t: t, now: begin, told: map[string][2]int64{}}
		l.tell()
		l.tell()
		for range rapid.IntRange(4, 40).Draw(t, "steps") {
			l.now = l.now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 30, 60, 120}).Draw(t, "minutes"))*time.Minute + time.Microsecond)
			rapid.SampledFrom([]func(){l.tell, l.book, l.book, l.undo}).Draw(t, "step")()
			if rapid.Bool().Draw(t, "somebody looks") {
				l.settle()
				available, left := l.replay(l.now)
				if got := int64(l.available()); got != available {
					t.Fatalf("%d available, a naive replay says %d", got, available)
				}
				for _, lot := range l.lots {
					if got := int64(lot.Hours - lot.Drawn); got != left[lot.ID] {
						t.Fatalf("%d are left of %s, a naive replay says %d", got, lot.ID, left[lot.ID])
					}
				}
			}
		}
		l.settle()
		settled := slices.Clone(l.lots)
		l.lots.DrawAnew(DrawsOf(l.entries))
		for i := range settled {
			if settled[i] != l.lots[i] {
				t.Fatalf("drawn one by one: %+v, anew: %+v", settled[i], l.lots[i])
			}
		}
		for hour := range 24 {
			at := begin.Add(time.Duration(hour) * time.Hour)
			if at.Before(l.now) {
				continue
			}
			want, _ := l.replay(at)
			if got := int64(l.available() - l.lots.Left(l.now) + l.lots.Left(at)); got != want {
				t.Fatalf("%d will be available at %s, a naive replay says %d", got, at, want)
			}
		}
	})
}
