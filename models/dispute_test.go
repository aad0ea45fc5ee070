package models

import "testing"

func TestDisputes(t *testing.T) {
	for _, s := range []story{
		{"holds its money", []Fact{paid(1), dispute("dp_1", 5000, "needs_response", 2)}, StatusDisputed, 1000, 0, 5000},
		{"of one minor unit", []Fact{paid(1), dispute("dp_1", 1, "needs_response", 2)}, StatusDisputed, 0, 0, 1},
		{"of a part holds that part", []Fact{paid(1), dispute("dp_1", 1000, "needs_response", 2)}, StatusDisputed, 200, 0, 1000},
		{"under review holds", []Fact{paid(1), dispute("dp_1", 1000, "under_review", 2)}, StatusDisputed, 200, 0, 1000},
		{"an inquiry holds nothing", []Fact{paid(1), dispute("dp_1", 5000, "warning_needs_response", 2)}, StatusCompleted, 0, 0, 0},
		{"an inquiry under review holds nothing", []Fact{paid(1), dispute("dp_1", 5000, "warning_under_review", 2)}, StatusCompleted, 0, 0, 0},
		{"an inquiry closed holds nothing", []Fact{paid(1), dispute("dp_1", 5000, "warning_needs_response", 2), dispute("dp_1", 5000, "warning_closed", 3)}, StatusCompleted, 0, 0, 0},
		{"an inquiry grows into a dispute", []Fact{paid(1), dispute("dp_1", 5000, "warning_needs_response", 2), dispute("dp_1", 5000, "needs_response", 3)}, StatusDisputed, 1000, 0, 5000},
		{"an inquiry grows in the same second", []Fact{paid(1), dispute("dp_1", 5000, "warning_needs_response", 2), dispute("dp_1", 5000, "needs_response", 2)}, StatusDisputed, 1000, 0, 5000},
		{"won gives it back", []Fact{paid(1), dispute("dp_1", 5000, "needs_response", 2), dispute("dp_1", 5000, "won", 9)}, StatusCompleted, 0, 0, 0},
		{"won in the second of its review", []Fact{paid(1), dispute("dp_1", 5000, "under_review", 2), dispute("dp_1", 5000, "won", 2)}, StatusCompleted, 0, 0, 0},
		{"lost keeps it", []Fact{paid(1), dispute("dp_1", 5000, "needs_response", 2), dispute("dp_1", 5000, "lost", 9)}, StatusDisputed, 1000, 0, 5000},
		{"lost in the second of its review", []Fact{paid(1), dispute("dp_1", 5000, "under_review", 2), dispute("dp_1", 5000, "lost", 2)}, StatusDisputed, 1000, 0, 5000},
		{"withdrawn holds", []Fact{paid(1), withdrawn("dp_1", 5000, "needs_response", 2)}, StatusDisputed, 1000, 0, 5000},
		{"reinstated gives it back", []Fact{paid(1), withdrawn("dp_1", 5000, "needs_response", 2), reinstated("dp_1", 5000, "under_review", 7)}, StatusCompleted, 0, 0, 0},
		{"withdrawn and reinstated in one second give it back", []Fact{paid(1), withdrawn("dp_1", 5000, "needs_response", 2), reinstated("dp_1", 5000, "under_review", 2)}, StatusCompleted, 0, 0, 0},
		{"withdrawn again later stays given back", []Fact{paid(1), reinstated("dp_1", 5000, "under_review", 5), withdrawn("dp_1", 5000, "under_review", 7)}, StatusCompleted, 0, 0, 0},
		{"won and reinstated give it back once", []Fact{paid(1), withdrawn("dp_1", 5000, "needs_response", 2), dispute("dp_1", 5000, "won", 7), reinstated("dp_1", 5000, "won", 7)}, StatusCompleted, 0, 0, 0},
		{"reinstated and updated later stays given back", []Fact{paid(1), withdrawn("dp_1", 5000, "needs_response", 2), reinstated("dp_1", 5000, "under_review", 7), dispute("dp_1", 5000, "under_review", 9)}, StatusCompleted, 0, 0, 0},
		{"lost though reinstated is still disputed, with nothing held", []Fact{paid(1), reinstated("dp_1", 5000, "under_review", 7), dispute("dp_1", 5000, "lost", 9)}, StatusDisputed, 0, 0, 0},
		{"known before the payment", []Fact{dispute("dp_1", 5000, "needs_response", 2), paid(1), failed(3)}, StatusDisputed, 1000, 0, 5000},
		{"two hold both", []Fact{paid(1), dispute("dp_1", 1000, "needs_response", 2), dispute("dp_2", 1500, "lost", 2)}, StatusDisputed, 500, 0, 2500},
		{"two hold no more than there is", []Fact{paid(1), dispute("dp_1", 4000, "needs_response", 2), dispute("dp_2", 4000, "needs_response", 2)}, StatusDisputed, 1000, 0, 5000},
		{"its latest amount counts", []Fact{paid(1), dispute("dp_1", 5000, "needs_response", 2), dispute("dp_1", 1000, "needs_response", 3)}, StatusDisputed, 200, 0, 1000},
	} {
		s.check(t)
	}
}

func TestDisputesBesideRefunds(t *testing.T) {
	half := refund("re_1", 2500, "succeeded", 2, 2)
	for _, s := range []story{
		{"hold what the refund left", []Fact{paid(1), half, dispute("dp_1", 5000, "needs_response", 3)}, StatusDisputed, 1000, 2500, 2500},
		{"together never more than the amount", []Fact{paid(1), half, dispute("dp_1", 4000, "lost", 3)}, StatusDisputed, 1000, 2500, 2500},
		{"of a part beside a part", []Fact{paid(1), half, dispute("dp_1", 1000, "lost", 3)}, StatusDisputed, 700, 2500, 1000},
		{"won leave the refund", []Fact{paid(1), half, dispute("dp_1", 2500, "won", 3)}, StatusPartiallyRefunded, 500, 2500, 0},
		{"a refund after a won dispute takes all of it", []Fact{paid(1), dispute("dp_1", 5000, "won", 3), total(5000, 9)}, StatusRefunded, 1000, 5000, 0},
		{"all refunded outranks lost", []Fact{paid(1), dispute("dp_1", 5000, "lost", 3), total(5000, 9)}, StatusRefunded, 1000, 5000, 0},
		{"lost with a failed refund", []Fact{paid(1), dispute("dp_1", 2500, "lost", 3), refund("re_1", 2500, "failed", 2, 4)}, StatusDisputed, 500, 0, 2500},
	} {
		s.check(t)
	}
}

// A dispute that is won moves the hours back, in hours and not in money.
func TestReinstatementGivesTheHoursBack(t *testing.T) {
	p := Purchase{ID: "p", Amount: 5000, Currency: "eur", Hours: 1000}
	p.Learn([]Fact{paid(1), total(1000, 2), dispute("dp_1", 4000, "needs_response", 3)})
	entries := p.Learn([]Fact{dispute("dp_1", 4000, "won", 9)}).Entries
	if len(entries) != 1 || entries[0].Kind != EntryReinstatement || entries[0].Hours != 800 || entries[0].Amount != 4000 {
		t.Errorf("got %+v", entries)
	}
	if p.HoursReversed != 200 || p.PaymentStatus != StatusPartiallyRefunded {
		t.Errorf("%s with %s hours reversed", p.PaymentStatus, p.HoursReversed)
	}
}
