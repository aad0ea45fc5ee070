package models

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"hourbank/models/money"
)

// LotsOf are the lots that a student's purchases and entries make, with nothing drawn
// from them. Hours that should have expired before from do so at from; nil: none
// expire. Renewals before from let none expire.
func LotsOf(purchases []Purchase, entries []LedgerEntry, from *time.Time) Lots {
	lots := Lots{}
	for _, p := range periodsInTurn(purchases) {
		lots = append(lots, p.lot())
	}
	for i := range entries {
		if e := &entries[i]; e.Kind == EntryGrant || (e.Kind == EntryAdjustment && e.Hours > 0 && e.TakenBy() == "") {
			lots = append(lots, Lot{ID: e.ID, StudentID: e.StudentID, Hours: e.Hours, CameAt: e.OccurredAt, ExpiresAt: e.ExpiresAt})
		}
	}
	for i := range lots {
		l := &lots[i]
		if from == nil || (l.ExpiresAt != nil && l.ExpiresAt.Before(*from)) {
			l.ExpiresAt = from
		}
		if from == nil || l.CameAt.Before(*from) {
			l.RolloverHours = nil
		}
	}
	lots.Sort()
	return lots
}

// period is a purchase that was paid, and the part of a subscription that its hours
// are of; empty: of none.
type period struct {
	*Purchase
	money.Period
}

// period finds it by the purchase's invoices: the first that is of a subscription.
func (p *Purchase) period() period {
	found := period{Purchase: p}
	for _, id := range slices.Sorted(maps.Keys(p.Evidence.Invoices)) {
		if of := p.Evidence.Invoices[id].Period; of != nil && (found.Subscription == "" || of.Created < found.Created) {
			found.Period = *of
		}
	}
	return found
}

// periodsInTurn gives the purchases that were paid, in the order in which they were. One
// for an earlier period than was paid already renews nothing: its invoice was late. Nor does
// one of which all went back: what it let expire was paid for.
func periodsInTurn(purchases []Purchase) []period {
	var periods []period
	for i := range purchases {
		if p := &purchases[i]; p.CompletedAt != nil && p.HoursCredited > 0 {
			periods = append(periods, p.period())
		}
	}
	slices.SortFunc(periods, func(a, b period) int {
		return cmp.Or(a.CompletedAt.Compare(*b.CompletedAt), cmp.Compare(b.Created, a.Created), cmp.Compare(a.ID, b.ID))
	})
	latest := map[string]int64{}
	for i := range periods {
		p := &periods[i]
		stands := p.HoursReversed < p.HoursCredited
		p.Renews = p.Renews && stands && p.Created >= latest[p.Subscription]
		if stands {
			latest[p.Subscription] = max(latest[p.Subscription], p.Created)
		}
	}
	return periods
}

func (p *period) lot() Lot {
	l := Lot{
		ID: p.ID, StudentID: p.AccountID(), TransactionID: &p.ID, Hours: p.HoursCredited - p.HoursReversed, CameAt: *p.CompletedAt, ExpiresAt: p.ExpiresAt,
	}
	if p.Subscription != "" {
		l.SubscriptionID = &p.Subscription
	}
	if p.Renews {
		l.RolloverHours = p.RolloverHours
	}
	return l
}
