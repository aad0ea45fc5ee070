package models_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	. "hourbank/models"
	"hourbank/models/money"
	"hourbank/tests/law/lots"
)

// life is a random life of an account whose hours expire: what Stripe tells of its
// purchases comes at any time and in any order, what people book comes as it comes.
type life struct {
	t         *rapid.T
	now       time.Time
	lots      Lots // as the database keeps them
	settled   bool
	entries   []LedgerEntry // the ledger
	purchases []Purchase
	order     []string // references, as they were booked
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
	if !l.settled {
		known := l.lots
		told := slices.Clone(l.entries) // in any order
		slices.Reverse(told)
		l.lots = LotsOf(l.purchases, told, &begin).Carry(known)
		l.lots.Replay(DrawsOf(told))
		l.settled = true
	}
	l.entries = append(l.entries, l.lots.Expire(l.now, l.now)...)
}

func (l *life) find(kind EntryKind, reference string) *LedgerEntry {
	for i := range l.entries {
		if e := &l.entries[i]; e.Kind == kind && *e.Reference == reference {
			return e
		}
	}
	return nil
}

func (l *life) hour(name string) time.Time {
	return begin.Add(time.Duration(rapid.IntRange(0, 12).Draw(l.t, name)) * time.Hour)
}

// tell lets Stripe say how many hours a purchase holds, when it was paid and when it
// ends.
func (l *life) tell() {
	id := rapid.SampledFrom([]string{"p1", "p2", "p3", "forever", "forever2", "m1", "m2", "m2", "m3", "m3", "m4"}).Draw(l.t, "purchase")
	hours := Hours(rapid.SampledFrom([]int{0, 1, 2, 4, 8, 8}).Draw(l.t, "hours"))
	i := slices.IndexFunc(l.purchases, func(p Purchase) bool { return p.ID == id })
	if i < 0 {
		l.purchases, i = append(l.purchases, Purchase{ID: id, StudentID: "s", HoursCredited: 8, HoursReversed: 8}), len(l.purchases)
	}
	p, came, end := &l.purchases[i], l.hour("came"), l.hour("end")
	l.post(EntryReinstatement, hours-(p.HoursCredited-p.HoursReversed), "", nil)
	p.HoursCredited = 8
	p.HoursReversed, p.CompletedAt = 8-hours, &came
	if id[0] == 'p' || (id[0] == 'm' && rapid.Bool().Draw(l.t, "also ends")) {
		p.ExpiresAt = &end
	}
	if id[0] == 'm' {
		kept := Hours(rapid.IntRange(0, 6).Draw(l.t, "rollover"))
		p.RolloverHours = &kept
		p.Evidence.Invoices = map[string]money.Invoice{"in_" + id: {Period: &money.Period{Subscription: "sub", Created: int64(id[1]), Renews: id != "m1"}}}
	}
	if rapid.IntRange(0, 9).Draw(l.t, "it is another's") == 0 { // a merged purchase is no lot any more
		l.post(EntryReversal, -hours, "", nil)
		p.HoursCredited, p.HoursReversed, p.CompletedAt, p.ExpiresAt = 0, 0, nil, nil
	}
	l.settled = false
}

// give grants hours, or takes some off.
func (l *life) give() {
	reference := fmt.Sprint("r", len(l.order))
	l.order = append(l.order, reference)
	hours := Hours(rapid.SampledFrom([]int{-3, -1, 1, 2}).Draw(l.t, "given"))
	l.settled = false
	if hours > 0 && rapid.Bool().Draw(l.t, "with an end") {
		end := l.hour("end")
		l.post(EntryGrant, hours, reference, nil).ExpiresAt = &end
		return
	}
	l.post(EntryAdjustment, hours, reference, nil)
}

// book lets a person hold or book hours. It is after what Stripe has told so far.
func (l *life) book() {
	l.settle()
	kind := rapid.SampledFrom([]EntryKind{EntryConsumption, EntryHold}).Draw(l.t, "kind")
	hours := Hours(rapid.SampledFrom([]int{1, 1, 2, 2, 3, 5}).Draw(l.t, "booked"))
	lesson := l.hour("lesson")
	room := l.replay().Available(lesson)
	if got := int64(l.lots.Room(l.available(), lesson)); got != room {
		l.t.Fatalf("there is room for %d at %s, a naive replay says %d", got, lesson, room)
	}
	if room < int64(hours) {
		return
	}
	for _, came := range l.lots.Came() {
		if !l.now.After(came) {
			l.now = came.Add(time.Microsecond)
		}
	}
	reference := fmt.Sprint("r", len(l.order))
	l.order = append(l.order, reference)
	l.settle()
	before := l.available()
	e := l.post(kind, -hours, reference, &lesson)
	l.lots.Draw(&Draw{Hours: hours, LessonAt: e.Lesson()}, l.now)
	l.entries = append(l.entries, l.lots.Expire(l.now, l.now)...)
	if after := l.available(); after < min(before, 0) {
		l.t.Fatalf("a booking of %s at %s overdrew: %s after %s", hours, lesson, after, before)
	}
}

// undo gives a lesson back, or ends a hold.
func (l *life) undo() {
	if len(l.order) == 0 {
		return
	}
	reference := rapid.SampledFrom(l.order).Draw(l.t, "reference")
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
	}
	l.settled = false
}

// replay is what a naive model makes of it all.
func (l *life) replay() *lots.State {
	var packs []lots.Pack
	end := func(t *time.Time) time.Time {
		if t == nil {
			return time.Time{}
		}
		return *t
	}
	for _, p := range l.purchases {
		if p.CompletedAt == nil {
			continue
		}
		pack := lots.Pack{ID: p.ID, Hours: int64(p.HoursCredited - p.HoursReversed), Came: *p.CompletedAt, Ends: end(p.ExpiresAt)}
		if invoice, monthly := p.Evidence.Invoices["in_"+p.ID]; monthly {
			pack.Subscription, pack.Invoiced = invoice.Period.Subscription, invoice.Period.Created
			if invoice.Period.Renews && pack.Hours > 0 {
				pack.Keeps = (*int64)(p.RolloverHours)
			}
		}
		packs = append(packs, pack)
	}
	var booked []lots.Booking
	book := func(e, first *LedgerEntry) {
		booked = append(booked, lots.Booking{Hours: int64(-e.Hours), BookedAt: first.CreatedAt, At: e.Lesson()})
	}
	for _, reference := range l.order {
		grant, off := l.find(EntryGrant, reference), l.find(EntryAdjustment, reference)
		hold, lesson := l.find(EntryHold, reference), l.find(EntryConsumption, reference)
		switch {
		case l.find(EntryRestoration, reference) != nil:
		case grant != nil:
			packs = append(packs, lots.Pack{ID: grant.ID, Hours: int64(grant.Hours), Came: grant.CreatedAt, Ends: end(grant.ExpiresAt)})
		case off != nil && off.Hours > 0:
			packs = append(packs, lots.Pack{ID: off.ID, Hours: int64(off.Hours), Came: off.CreatedAt})
		case off != nil:
			book(off, off)
		case lesson != nil && hold != nil:
			book(lesson, hold)
		case lesson != nil:
			book(lesson, lesson)
		case hold != nil && l.find(EntryRelease, reference) == nil:
			book(hold, hold)
		}
	}
	return lots.Replay(packs, booked)
}

// look compares ledger and lots with a naive replay.
func (l *life) look() {
	l.settle()
	naive := l.replay()
	available, left := naive.Available(l.now), naive.Left()
	if got := int64(l.available()); got != available {
		l.t.Fatalf("%d available, a naive replay says %d", got, available)
	}
	for _, lot := range l.lots {
		if got := int64(lot.Hours - lot.Drawn); got != left[lot.ID] {
			l.t.Fatalf("%d are left of %s, a naive replay says %d", got, lot.ID, left[lot.ID])
		}
	}
	at := l.now.Add(time.Duration(rapid.IntRange(0, 12).Draw(l.t, "later")) * time.Hour)
	want := naive.Available(at)
	if got := int64(l.available() - l.lots.Left(l.now) + l.lots.Left(at)); got != want {
		l.t.Fatalf("%d will be available at %s, a naive replay says %d", got, at, want)
	}
}

// How many lives are tried. HOURBANK_LAW_HISTORIES asks for more, as make soak does.
const lives = 10_000

// Whenever one looks, ledger and lots agree, and say what a naive replay says: also of
// times to come.
func TestLawOfLots(t *testing.T) {
	asked := lives
	if testing.Short() {
		asked /= 10
	}
	if text := os.Getenv("HOURBANK_LAW_HISTORIES"); text != "" {
		var err error
		if asked, err = strconv.Atoi(text); err != nil {
			t.Fatalf("HOURBANK_LAW_HISTORIES: %v", err)
		}
	}
	for range asked / 100 { // as many as rapid tries
		rapid.Check(t, live)
	}
}

func live(t *rapid.T) {
	l := &life{t: t, now: begin}
	l.tell()
	for range rapid.IntRange(4, 40).Draw(t, "steps") {
		l.now = l.now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 30, 60}).Draw(t, "minutes"))*time.Minute + time.Microsecond)
		rapid.SampledFrom([]func(){l.tell, l.give, l.book, l.book, l.book, l.undo}).Draw(t, "step")()
		if rapid.Bool().Draw(t, "somebody looks") {
			l.look()
		}
	}
	l.look()
}
