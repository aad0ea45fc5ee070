package models

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// part is hours of a lot that nobody drew, and that expire together.
type part struct {
	lot     int // its place
	hours   Hours
	expires *time.Time // nil: never
}

// isValidAt says whether a lesson at a time can use them.
func (p part) isValidAt(lesson time.Time) bool { return isBefore(lesson, p.expires) }

// parts are what is left of the lots by when it expires, or did: the soonest first, in
// the order of the lots. That is at a lot's end, or at a renewal that kept only some.
// It has all renewals that are known, whenever they were told.
func (lots Lots) parts() iter.Seq[part] {
	renewals := lots.renewals()
	if len(renewals) > 0 {
		return slices.Values(lots.partsBetween(renewals))
	}
	return func(yield func(part) bool) {
		for i := range lots {
			if !yield(part{i, lots[i].Hours - lots[i].Drawn, lots[i].ExpiresAt}) {
				return
			}
		}
	}
}

func (lots Lots) partsBetween(renewals []*Lot) []part {
	var parts []part
	left := make([]Hours, len(lots))
	for i := range lots {
		left[i] = lots[i].Hours - lots[i].Drawn
	}
	byLife := lots.byLife()
	for _, renewal := range renewals {
		kept := *renewal.RolloverHours - renewal.Carried
		for _, i := range byLife {
			if renewal.renews(&lots[i]) && lots[i].IsValidAt(renewal.CameAt) {
				keep := max(min(left[i], kept), 0)
				parts = append(parts, part{i, left[i] - keep, &renewal.CameAt})
				left[i], kept = keep, kept-keep
			}
		}
	}
	for i := range lots {
		parts = append(parts, part{i, left[i], lots[i].ExpiresAt})
	}
	slices.SortStableFunc(parts, func(a, b part) int {
		return cmp.Or(compareEnds(a.expires, b.expires), cmp.Compare(a.lot, b.lot))
	})
	return parts
}

// renewals are the lots that keep only some of what was before, in the order in which
// they came.
func (lots Lots) renewals() (renewals []*Lot) {
	for i := range lots {
		if lots[i].RolloverHours != nil {
			renewals = append(renewals, &lots[i])
		}
	}
	slices.SortStableFunc(renewals, func(a, b *Lot) int { return a.CameAt.Compare(b.CameAt) })
	return renewals
}

// AwaitRenewal says whether a renewal is later than now, by Stripe's clock: what it
// doesn't keep is not expired yet.
func (lots Lots) AwaitRenewal(now time.Time) bool {
	return slices.ContainsFunc(lots, func(l Lot) bool { return l.RolloverHours != nil && l.CameAt.After(now) })
}

// renews says whether what is left of another lot is kept up to RolloverHours when
// this one comes.
func (l *Lot) renews(other *Lot) bool {
	return l.RolloverHours != nil && other.SubscriptionID != nil && *l.SubscriptionID == *other.SubscriptionID && other.CameAt.Before(l.CameAt)
}

// carry notes of renewals that were before a lesson what it drew of what they kept.
func (lots Lots) carry(drawn *Lot, hours Hours, lesson time.Time) {
	if drawn.SubscriptionID == nil || hours == 0 {
		return
	}
	for i := range lots {
		if renewal := &lots[i]; renewal.renews(drawn) && !lesson.Before(renewal.CameAt) {
			renewal.Carried += hours
		}
	}
}

// byLife is the places of the lots in the order in which a renewal keeps them: what
// ends last, so that nobody loses hours that might have been kept for longer; of
// those, what lessons draw from first.
func (lots Lots) byLife() []int {
	places := make([]int, len(lots))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int { return compareEnds(lots[b].ExpiresAt, lots[a].ExpiresAt) })
	return places
}

// compareEnds puts what never ends last.
func compareEnds(a, b *time.Time) int {
	if a == nil || b == nil {
		return cmp.Compare(age(a == nil), age(b == nil))
	}
	return a.Compare(*b)
}

// Expire gives the entries, without ids, by which the ledger says what of the lots
// is expired by now, and notes them as posted. What was said to be expired and was
// drawn after all, or given back to the customer, comes back by one. They are of the
// moment of the expiry itself, where nothing was booked since.
func (lots Lots) Expire(now, lastBooked time.Time) []LedgerEntry {
	var entries []LedgerEntry
	post := func(l *Lot, hours Hours, at time.Time) {
		entry := LedgerEntry{
			StudentID: l.StudentID, TransactionID: l.TransactionID, LotID: &l.ID, Kind: EntryExpiration, Hours: -hours, OccurredAt: at, CreatedAt: now,
		}
		if at.After(lastBooked) && at.Before(now) {
			entry.CreatedAt = at
		}
		entries = append(entries, entry)
	}
	gone := make([]Hours, len(lots))
	for p := range lots.parts() {
		if p.isValidAt(now) {
			continue
		}
		l, before := &lots[p.lot], max(gone[p.lot], lots[p.lot].Expired)
		gone[p.lot] += p.hours
		if gone[p.lot] > before {
			post(l, gone[p.lot]-before, *p.expires)
		}
	}
	for i := range lots {
		l := &lots[i]
		if back := gone[i] - l.Expired; back < 0 {
			at := now
			if l.ExpiresAt != nil {
				at = *l.ExpiresAt
			}
			post(l, back, at)
		}
		l.Expired = gone[i]
	}
	return entries
}
