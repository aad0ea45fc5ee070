package models

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// The stories below are of 10.00 hours for €50.00. Words for their facts:

func paid(at int64) Fact       { return PaymentReceived{Amount: 5000, Currency: "eur", At: at} }
func processing(at int64) Fact { return PaymentProcessing{At: at} }
func failed(at int64) Fact     { return AttemptFailed{At: at, Code: "card_declined", Message: "No."} }
func cancelled(at int64) Fact  { return PaymentCancelled{At: at, Code: "abandoned"} }
func captured(at int64) Fact   { return ChargeCaptured{Amount: 5000, Currency: "eur", At: at} }

func total(amount, at int64) Fact { return RefundTotalSeen{Amount: amount, At: at} }

func refund(id string, amount int64, status string, created, at int64) Fact {
	return RefundSeen{ID: id, Amount: amount, Status: status, Created: created, At: at}
}

func dispute(id string, amount int64, status string, at int64) Fact {
	return DisputeSeen{ID: id, Amount: amount, Status: status, At: at}
}

func withdrawn(id string, amount int64, status string, at int64) Fact {
	return DisputeSeen{ID: id, Amount: amount, Status: status, At: at}
}

func reinstated(id string, amount int64, status string, at int64) Fact {
	return DisputeSeen{ID: id, Amount: amount, Status: status, Reinstated: true, At: at}
}

// story is a row of a table: what was told, in any order, and what follows.
type story struct {
	name     string
	facts    []Fact
	status   PaymentStatus
	reversed Hours
	refunded int64
	disputed int64
}

// check tells the story in every order, each fact once and then all again. What
// was learned is the same whatever the order, also where it isn't shown yet.
func (s story) check(t *testing.T) {
	t.Helper()
	t.Run(s.name, func(t *testing.T) {
		var learned *Evidence
		for order := range permutations(s.facts) {
			p := Purchase{ID: "p", StudentID: "s", Amount: 5000, Currency: "eur", Hours: 1000}
			ledger := p.Learn(nil).Entries
			for _, fact := range append(slices.Clone(order), order...) {
				entries := p.Learn([]Fact{fact}).Entries
				ledger = append(ledger, entries...)
			}
			if p.PaymentStatus != s.status || p.HoursReversed != s.reversed || p.AmountRefunded != s.refunded || p.AmountDisputed != s.disputed {
				t.Fatalf("after %+v: %s, %s hours reversed, %d refunded, %d disputed; want %s, %s, %d, %d", order,
					p.PaymentStatus, p.HoursReversed, p.AmountRefunded, p.AmountDisputed, s.status, s.reversed, s.refunded, s.disputed)
			}
			checkLedger(t, &p, ledger)
			if learned == nil {
				learned = &p.Evidence
			} else if !reflect.DeepEqual(*learned, p.Evidence) {
				t.Fatalf("after %+v it learned %+v, in another order %+v", order, p.Evidence, *learned)
			}
		}
	})
}

// checkLedger wants entries that add up to the purchase, with one credit.
func checkLedger(t *testing.T, p *Purchase, ledger []LedgerEntry) {
	t.Helper()
	var sum Movement
	credits := 0
	for _, entry := range ledger {
		sum.Add(entry)
		if entry.Kind == EntryCredit {
			credits++
		}
	}
	want := Movement{Purchased: p.HoursCredited, Reversed: p.HoursReversed}
	if p.HoursCredited > 0 {
		want.Amount = p.AmountReceived - p.AmountRefunded - p.AmountDisputed
	}
	if sum != want || credits > 1 {
		t.Fatalf("the ledger adds up to %+v with %d credits, want %+v: %+v", sum, credits, want, ledger)
	}
}

func permutations(facts []Fact) func(func([]Fact) bool) {
	return func(yield func([]Fact) bool) { permute(slices.Clone(facts), 0, yield) }
}

func permute(facts []Fact, from int, yield func([]Fact) bool) bool {
	if from >= len(facts)-1 {
		return yield(facts)
	}
	for i := from; i < len(facts); i++ {
		facts[from], facts[i] = facts[i], facts[from]
		if !permute(facts, from+1, yield) {
			return false
		}
		facts[from], facts[i] = facts[i], facts[from]
	}
	return true
}

func TestBeforeASuccess(t *testing.T) {
	for _, s := range []story{
		{name: "nothing told is pending", status: StatusPending},
		{name: "a sign of processing", facts: []Fact{processing(1)}, status: StatusProcessing},
		{name: "a failed attempt", facts: []Fact{failed(1)}, status: StatusFailed},
		{name: "an attempt that failed after processing", facts: []Fact{processing(1), failed(2)}, status: StatusFailed},
		{name: "another attempt after a failed one", facts: []Fact{failed(1), processing(2)}, status: StatusProcessing},
		{name: "failed and processing in the same second is failed", facts: []Fact{failed(2), processing(2), processing(1)}, status: StatusFailed},
		{name: "cancelled stays cancelled", facts: []Fact{cancelled(1), failed(2), processing(3)}, status: StatusCancelled},
		{name: "refunds wait for the success", facts: []Fact{refund("re_1", 1000, "succeeded", 1, 1), total(1000, 2)}, status: StatusPending},
		{name: "disputes wait for the success", facts: []Fact{dispute("dp_1", 5000, "needs_response", 1), failed(1)}, status: StatusFailed},
	} {
		s.check(t)
	}
}

func TestSuccessWins(t *testing.T) {
	for _, s := range []story{
		{name: "over nothing", facts: []Fact{paid(1)}, status: StatusCompleted},
		{name: "over a later failure", facts: []Fact{paid(1), failed(2)}, status: StatusCompleted},
		{name: "over a later cancellation", facts: []Fact{paid(1), cancelled(2)}, status: StatusCompleted},
		{name: "over all of them", facts: []Fact{processing(1), failed(2), cancelled(3), paid(4)}, status: StatusCompleted},
		{name: "once, though told twice", facts: []Fact{paid(1), paid(2), captured(3)}, status: StatusCompleted},
		{name: "by the charge alone", facts: []Fact{captured(3), failed(4)}, status: StatusCompleted},
	} {
		s.check(t)
	}
}

func TestCompletedAtAndExpiryFollowTheFirstSuccess(t *testing.T) {
	days := 30
	for order := range permutations([]Fact{paid(100), paid(200), captured(300)}) {
		p := Purchase{Amount: 5000, Currency: "eur", Hours: 1000, ValidDays: &days}
		for _, fact := range order {
			p.Learn([]Fact{fact})
		}
		if want := time.Unix(100, 0).UTC(); !p.CompletedAt.Equal(want) || !p.ExpiresAt.Equal(want.AddDate(0, 0, 30)) {
			t.Errorf("after %+v: completed at %v, expires at %v", order, p.CompletedAt, p.ExpiresAt)
		}
	}
}

func TestMoneyMustAgree(t *testing.T) {
	received := func(amount int64, currency string) Fact {
		return PaymentReceived{Amount: amount, Currency: currency, At: 5}
	}
	for _, row := range []struct {
		name string
		fact Fact
		want Reason
	}{
		{"the full amount", received(5000, "eur"), ReasonNone},
		{"too little", received(4999, "eur"), ReasonAmountMismatch},
		{"too much", received(5001, "eur"), ReasonAmountMismatch},
		{"another currency", received(5000, "usd"), ReasonCurrencyMismatch},
		{"another currency and amount", received(1, "usd"), ReasonCurrencyMismatch},
		{"a charge of too little", ChargeCaptured{Amount: 4999, Currency: "eur", At: 5}, ReasonAmountMismatch},
	} {
		p := Purchase{Amount: 5000, Currency: "eur", Hours: 1000}
		lesson := p.Learn([]Fact{row.fact})
		entries, reason := lesson.Entries, lesson.Reason
		if reason != row.want || (len(entries) == 1) != (row.want == ReasonNone) {
			t.Errorf("%s: reason %q and entries %+v, want %q", row.name, reason, entries, row.want)
		}
		if row.want != ReasonNone && (p.PaymentStatus != StatusPending || p.AmountReceived == 0) {
			t.Errorf("%s: %s with %d received, want pending and what came in", row.name, p.PaymentStatus, p.AmountReceived)
		}
		p.Learn([]Fact{paid(9)})
		if p.PaymentStatus != StatusCompleted || p.AmountReceived != 5000 {
			t.Errorf("%s, then the right money: %s with %d received", row.name, p.PaymentStatus, p.AmountReceived)
		}
	}
}

func TestLearningNothingNewIsStale(t *testing.T) {
	p := Purchase{Amount: 5000, Currency: "eur", Hours: 1000}
	for _, row := range []struct {
		fact  Fact
		stale bool
	}{
		{paid(5), false}, {paid(5), true}, {paid(9), true}, {failed(9), true}, {cancelled(1), true}, {processing(9), true},
		{ChargeCaptured{Amount: 4000, Currency: "eur", At: 6}, true}, // a success outranks what a charge implies
		{total(1000, 6), false}, {total(1000, 6), true}, {total(900, 5), true},
		{refund("re_1", 1000, "succeeded", 6, 6), false}, {refund("re_1", 1000, "pending", 6, 6), true},
		{refund("re_1", 1000, "succeeded", 6, 7), true}, // the same, told later
		{dispute("dp_1", 5000, "lost", 8), false}, {dispute("dp_1", 5000, "needs_response", 7), true},
	} {
		if reason := p.Learn([]Fact{row.fact}).Reason; (reason == ReasonStale) != row.stale {
			t.Errorf("%+v: reason %q", row.fact, reason)
		}
	}
}

// What a caller holds of the evidence must not change under it.
func TestLearnLeavesCopiesAlone(t *testing.T) {
	p := Purchase{Amount: 5000, Currency: "eur", Hours: 1000}
	p.Learn([]Fact{paid(1), refund("re_1", 1000, "pending", 2, 2), dispute("dp_1", 100, "won", 2)})
	before := p
	p.Learn([]Fact{refund("re_1", 1000, "failed", 2, 3), refund("re_2", 1, "succeeded", 2, 3), dispute("dp_1", 100, "lost", 3)})
	if before.Evidence.Refunds["re_1"].Status != "pending" || len(before.Evidence.Refunds) != 1 || before.Evidence.Disputes["dp_1"].Status != "won" {
		t.Errorf("changed to %+v", before.Evidence)
	}
}
