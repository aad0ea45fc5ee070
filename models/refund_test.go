package models

import "testing"

func TestRefundsById(t *testing.T) {
	for _, s := range []story{
		{"of one minor unit", []Fact{paid(1), total(1, 2)}, StatusPartiallyRefunded, 0, 1, 0},
		{"one part", []Fact{paid(1), refund("re_1", 1000, "succeeded", 2, 2)}, StatusPartiallyRefunded, 200, 1000, 0},
		{"all of it", []Fact{paid(1), refund("re_1", 5000, "succeeded", 2, 2)}, StatusRefunded, 1000, 5000, 0},
		{"two parts", []Fact{paid(1), refund("re_1", 1000, "succeeded", 2, 2), refund("re_2", 1500, "succeeded", 3, 3)}, StatusPartiallyRefunded, 500, 2500, 0},
		{"two parts in one second", []Fact{paid(1), refund("re_1", 1000, "succeeded", 2, 2), refund("re_2", 1500, "succeeded", 2, 2)}, StatusPartiallyRefunded, 500, 2500, 0},
		{"a pending one counts", []Fact{paid(1), refund("re_1", 1000, "pending", 2, 2)}, StatusPartiallyRefunded, 200, 1000, 0},
		{"one that requires action counts", []Fact{paid(1), refund("re_1", 1000, "requires_action", 2, 2)}, StatusPartiallyRefunded, 200, 1000, 0},
		{"a failed one doesn't", []Fact{paid(1), refund("re_1", 1000, "failed", 2, 2)}, StatusCompleted, 0, 0, 0},
		{"a canceled one doesn't", []Fact{paid(1), refund("re_1", 1000, "canceled", 2, 2)}, StatusCompleted, 0, 0, 0},
		{"pending, then succeeded", []Fact{paid(1), refund("re_1", 1000, "pending", 2, 2), refund("re_1", 1000, "succeeded", 2, 5)}, StatusPartiallyRefunded, 200, 1000, 0},
		{"pending, then failed", []Fact{paid(1), refund("re_1", 1000, "pending", 2, 2), refund("re_1", 1000, "failed", 2, 5)}, StatusCompleted, 0, 0, 0},
		{"succeeded, then failed in the same second", []Fact{paid(1), refund("re_1", 1000, "succeeded", 2, 2), refund("re_1", 1000, "failed", 2, 2)}, StatusCompleted, 0, 0, 0},
		{"pending and requires_action and canceled in one second", []Fact{paid(1), refund("re_1", 1000, "pending", 2, 2), refund("re_1", 1000, "requires_action", 2, 2), refund("re_1", 1000, "canceled", 2, 2)}, StatusCompleted, 0, 0, 0},
		{"one failed beside one that succeeded", []Fact{paid(1), refund("re_1", 5000, "failed", 2, 3), refund("re_2", 5000, "succeeded", 4, 4)}, StatusRefunded, 1000, 5000, 0},
		{"more than the amount is capped", []Fact{paid(1), refund("re_1", 4000, "succeeded", 2, 2), refund("re_2", 4000, "succeeded", 3, 3)}, StatusRefunded, 1000, 5000, 0},
		{"known before the payment", []Fact{refund("re_1", 1000, "succeeded", 2, 2), paid(1)}, StatusPartiallyRefunded, 200, 1000, 0},
		{"of nothing", []Fact{paid(1), refund("re_1", 0, "succeeded", 2, 2)}, StatusCompleted, 0, 0, 0},
	} {
		s.check(t)
	}
}

func TestRefundTotals(t *testing.T) {
	for _, s := range []story{
		{"a total alone", []Fact{paid(1), total(1000, 2)}, StatusPartiallyRefunded, 200, 1000, 0},
		{"totals are cumulative, not added up", []Fact{paid(1), total(1000, 2), total(2500, 3), total(5000, 4)}, StatusRefunded, 1000, 5000, 0},
		{"two totals in one second: the larger", []Fact{paid(1), total(1000, 2), total(2500, 2)}, StatusPartiallyRefunded, 500, 2500, 0},
		{"a later total may be smaller", []Fact{paid(1), total(2500, 2), total(1000, 3)}, StatusPartiallyRefunded, 200, 1000, 0},
		{"a total covers the refund that made it", []Fact{paid(1), refund("re_1", 1000, "succeeded", 2, 2), total(1000, 2)}, StatusPartiallyRefunded, 200, 1000, 0},
		{"a total covers what was created before it", []Fact{paid(1), refund("re_1", 1000, "succeeded", 2, 9), total(1000, 3)}, StatusPartiallyRefunded, 200, 1000, 0},
		{"a refund created after it adds to it", []Fact{paid(1), total(1000, 2), refund("re_2", 1500, "succeeded", 3, 3)}, StatusPartiallyRefunded, 500, 2500, 0},
		{"a refund created after it that failed doesn't", []Fact{paid(1), total(1000, 2), refund("re_2", 1500, "failed", 3, 3)}, StatusPartiallyRefunded, 200, 1000, 0},
		{"a refund that failed after it is taken off", []Fact{paid(1), refund("re_1", 1000, "pending", 2, 2), total(1000, 2), refund("re_1", 1000, "failed", 2, 7)}, StatusCompleted, 0, 0, 0},
		{"one of two that failed after it is taken off", []Fact{paid(1), total(2500, 3), refund("re_1", 1000, "succeeded", 2, 2), refund("re_2", 1500, "failed", 3, 7)}, StatusPartiallyRefunded, 200, 1000, 0},
		{"a refund that failed before it is not in it", []Fact{paid(1), refund("re_1", 1000, "failed", 2, 3), total(1500, 5), refund("re_2", 1500, "succeeded", 5, 5)}, StatusPartiallyRefunded, 300, 1500, 0},
		{"a failure told again after it was known before it", []Fact{paid(1), refund("re_1", 1000, "failed", 2, 3), refund("re_1", 1000, "failed", 2, 9), total(1500, 5)}, StatusPartiallyRefunded, 300, 1500, 0},
		{"a refund that failed in its second is not in it", []Fact{paid(1), refund("re_1", 1000, "failed", 2, 5), total(1500, 5)}, StatusPartiallyRefunded, 300, 1500, 0},
		{"a charge proves its own success", []Fact{captured(4), total(5000, 4)}, StatusRefunded, 1000, 5000, 0},
		{"a total beyond the amount is capped", []Fact{paid(1), total(9000, 2)}, StatusRefunded, 1000, 5000, 0},
	} {
		s.check(t)
	}
}

// Hours follow the running total, rounded half up, never entry by entry: three
// thirds of an hour are an hour.
func TestReversedHoursRoundOnTheRunningTotal(t *testing.T) {
	p := Purchase{ID: "p", Amount: 300, Currency: "eur", Hours: 100}
	p.Learn([]Fact{PaymentReceived{Amount: 300, Currency: "eur", At: 1}})
	for i, want := range []struct{ entry, reversed Hours }{{-33, 33}, {-34, 67}, {-33, 100}} {
		entries := p.Learn([]Fact{total(int64(i+1)*100, int64(i+2))}).Entries
		if len(entries) != 1 || entries[0].Hours != want.entry || entries[0].Amount != -100 || p.HoursReversed != want.reversed {
			t.Errorf("part %d: entries %+v and %s hours reversed, want %+v", i+1, entries, p.HoursReversed, want)
		}
	}
}

// Money so little that no hundredth of an hour goes with it is booked still.
func TestMoneyWithoutHoursIsBooked(t *testing.T) {
	p := Purchase{ID: "p", Amount: 1_000_000, Currency: "eur", Hours: 100}
	p.Learn([]Fact{PaymentReceived{Amount: 1_000_000, Currency: "eur", At: 1}})
	entries := p.Learn([]Fact{total(1, 2)}).Entries
	if len(entries) != 1 || entries[0].Hours != 0 || entries[0].Amount != -1 || entries[0].Kind != EntryReversal {
		t.Errorf("got %+v", entries)
	}
}
