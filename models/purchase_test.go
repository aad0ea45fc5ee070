package models

import (
	"testing"
	"time"
)

func TestFirstIDAtSortsBetweenThoseBeforeAndAfter(t *testing.T) {
	before := time.Now().Add(-time.Millisecond)
	id := NewID()
	after := time.Now().Add(2 * time.Millisecond)
	if first := FirstIDAt(before); first > id {
		t.Errorf("%s was made after %s", id, first)
	}
	if first := FirstIDAt(after); first <= id {
		t.Errorf("%s was made before %s", id, first)
	}
}

func TestUnpaidIsThePurchaseBeforeAnyEvent(t *testing.T) {
	p := Purchase{ID: "p", Amount: 5000, Currency: "eur", Hours: 1000}
	p.Learn([]Fact{paid(5), total(1000, 6)})
	unpaid := p.Unpaid()
	if unpaid.PaymentStatus != StatusPending || unpaid.HoursCredited != 0 || unpaid.AmountRefunded != 0 || unpaid.CompletedAt != nil || unpaid.Evidence.Paid != nil {
		t.Errorf("unpaid is %+v", unpaid)
	}
	if p.PaymentStatus != StatusPartiallyRefunded || p.CompletedAt == nil {
		t.Errorf("the purchase itself was changed to %+v", p)
	}
}

func TestALaterAttemptTakesTheFailureOff(t *testing.T) {
	p := Purchase{Amount: 5000, Currency: "eur", Hours: 1000}
	p.Learn([]Fact{failed(1)})
	if p.PaymentStatus != StatusFailed || p.Failure == nil || p.Failure.Code != "card_declined" || p.CompletedAt != nil {
		t.Errorf("after a failure: %+v", p)
	}
	p.Learn([]Fact{processing(2)})
	if p.PaymentStatus != StatusProcessing || p.Failure != nil {
		t.Errorf("while it is tried again: %+v", p)
	}
}

func TestRepriceBeforeTheCredit(t *testing.T) {
	for name, c := range map[string]struct {
		told            []Fact
		amount          int64 // afterwards, where it is repriced to 4000
		status          PaymentStatus
		received, after int64
		changed         bool
	}{
		"nothing told":             {nil, 4000, StatusPending, 0, 0, false},
		"paid with that amount":    {[]Fact{PaymentReceived{Amount: 4000, Currency: "eur", At: 5}}, 4000, StatusCompleted, 4000, 5, true},
		"paid with a third amount": {[]Fact{PaymentReceived{Amount: 3000, Currency: "eur", At: 5}}, 4000, StatusPending, 3000, 0, false},
		"already credited":         {[]Fact{paid(5)}, 5000, StatusCompleted, 5000, 5, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := Purchase{Amount: 5000, Currency: "eur", Hours: 1000}
			p.Learn(c.told)
			p.Reprice(4000)
			if lesson := p.Learn(nil); lesson.Changed != c.changed {
				t.Errorf("changed: %t, of %d entries", lesson.Changed, len(lesson.Entries))
			}
			if p.Amount != c.amount || p.PaymentStatus != c.status || p.AmountReceived != c.received {
				t.Errorf("%d: %s, %d received; want %d: %s, %d", p.Amount, p.PaymentStatus, p.AmountReceived, c.amount, c.status, c.received)
			}
			if c.after > 0 && (p.CompletedAt == nil || p.CompletedAt.Unix() != c.after || p.HoursCredited != 1000) {
				t.Errorf("completed at %v with %s hours", p.CompletedAt, p.HoursCredited)
			}
		})
	}
	one := Purchase{Amount: 5000, Currency: "eur", Hours: 1}
	one.Learn([]Fact{paid(5)})
	if one.Reprice(4000); one.Amount != 5000 {
		t.Errorf("a hundredth of an hour was credited, and still the amount became %d", one.Amount)
	}
}

func TestAnEntryBelongsToOneTotal(t *testing.T) {
	for kind, want := range map[EntryKind]Movement{
		EntryCredit:        {Purchased: 5, Amount: 7},
		EntryAdjustment:    {Purchased: 5, Amount: 7},
		EntryReversal:      {Reversed: -5, Amount: 7},
		EntryReinstatement: {Reversed: -5, Amount: 7},
		EntryConsumption:   {Consumed: -5, Amount: 7},
		EntryRestoration:   {Consumed: -5, Amount: 7},
	} {
		var total Movement
		if total.Add(LedgerEntry{Kind: kind, Hours: 5, Amount: 7}); total != want {
			t.Errorf("%s: %+v, want %+v", kind, total, want)
		}
	}
}
