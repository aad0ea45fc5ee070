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
			if left := lots.whole(i); left.hours > 0 && !yield(left) {
				return
			}
		}
	}
}

// whole is all that is left of a lot, were there no renewals.
func (lots Lots) whole(i int) part {
	return part{i, lots[i].Hours - lots[i].Drawn, lots[i].ExpiresAt}
}

// partsBetween lets subscriptions' lots come and be renewed, one after another, so that
// years of weeks cost little more than their number.
func (lots Lots) partsBetween(renewals []*Lot) (parts []part) {
	var coming []part
	for i := range lots {
		if left := lots.whole(i); left.hours > 0 {
			coming = append(coming, left)
		}
	}
	slices.SortStableFunc(coming, func(a, b part) int { return lots[a.lot].CameAt.Compare(lots[b.lot].CameAt) })
	subscriptions := map[string]*kept{}
	comeBefore := func(t *time.Time) {
		for ; len(coming) > 0 && (t == nil || lots[coming[0].lot].CameAt.Before(*t)); coming = coming[1:] {
			left := coming[0]
			id := lots[left.lot].SubscriptionID
			switch {
			case id == nil:
				parts = append(parts, left)
			case subscriptions[*id] == nil:
				subscriptions[*id] = &kept{[]part{left}, left.hours}
			default:
				subscriptions[*id].put(left)
			}
		}
	}
	for _, renewal := range renewals {
		comeBefore(&renewal.CameAt)
		if k := subscriptions[*renewal.SubscriptionID]; k != nil {
			parts = append(parts, k.renew(renewal)...)
		}
	}
	comeBefore(nil)
	for _, k := range subscriptions {
		parts = append(parts, k.parts...)
	}
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(compareEnds(a.expires, b.expires), cmp.Compare(a.lot, b.lot))
	})
	return parts
}

// kept is what a subscription still has, in the order in which a renewal keeps it: what
// ends last, so that nobody loses hours that might have been kept for longer; of those,
// what lessons draw from first.
type kept struct {
	parts []part
	hours Hours // of them all
}

func (k *kept) put(p part) {
	i, _ := slices.BinarySearchFunc(k.parts, p, func(a, b part) int {
		return cmp.Or(compareEnds(b.expires, a.expires), cmp.Compare(a.lot, b.lot))
	})
	k.parts, k.hours = slices.Insert(k.parts, i, p), k.hours+p.hours
}

// renew takes out what has ended before a renewal, and what is more than it keeps.
func (k *kept) renew(renewal *Lot) (gone []part) {
	most := max(*renewal.RolloverHours-renewal.Carried, 0)
	for last := len(k.parts) - 1; last >= 0; last-- {
		p := k.parts[last]
		if p.isValidAt(renewal.CameAt) {
			p.hours, p.expires = min(p.hours, k.hours-most), &renewal.CameAt
		}
		if p.hours <= 0 {
			break
		}
		gone, k.hours = append(gone, p), k.hours-p.hours
		if k.parts[last].hours -= p.hours; k.parts[last].hours > 0 {
			break
		}
		k.parts = k.parts[:last]
	}
	return gone
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
