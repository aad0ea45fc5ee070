package models

import (
	"cmp"
	"slices"
	"testing"
)

// Within a second a status later in an object's life wins, whichever is told
// first.
func TestStatusesOfOneSecondAreOrderedByTheObjectsLife(t *testing.T) {
	for _, life := range [][]string{
		{RefundPending, RefundRequiresAction, RefundSucceeded, RefundFailed},
		{RefundPending, RefundRequiresAction, RefundSucceeded, RefundCanceled},
	} {
		ordered(t, life, func(a, b string) string {
			return joinRefund(Refund{Status: a, At: 1}, Refund{Status: b, At: 1}).Status
		})
	}
	for _, life := range [][]string{
		{"warning_needs_response", "warning_under_review", "needs_response", DisputeUnderReview, DisputeWon},
		{InquiryClosed, "needs_response", DisputeUnderReview, DisputeLost},
	} {
		ordered(t, life, func(a, b string) string {
			return joinDispute(Dispute{Status: a, At: 1}, Dispute{Status: b, At: 1}).Status
		})
	}
}

func ordered(t *testing.T, life []string, join func(a, b string) string) {
	t.Helper()
	for i, earlier := range life {
		for _, later := range life[i+1:] {
			if got := join(earlier, later); got != later {
				t.Errorf("%s, then %s: kept %s", earlier, later, got)
			}
			if got := join(later, earlier); got != later {
				t.Errorf("%s, then %s: kept %s", later, earlier, got)
			}
		}
	}
}

func TestADisputeIsOverWhenWonLostOrAClosedInquiry(t *testing.T) {
	over := []string{DisputeWon, DisputeLost, InquiryClosed}
	for _, status := range append(over, "needs_response", DisputeUnderReview, "warning_needs_response", "warning_under_review", "") {
		if got := (Dispute{Status: status}).Over(); got != slices.Contains(over, status) {
			t.Errorf("%q is over: %t", status, got)
		}
	}
}

// What is told again word for word changes nothing; told again at a later
// time it is stale, but the time is kept; told otherwise it is news.
func TestToldAgainIsStale(t *testing.T) {
	elsewhere := PaymentReceived{Amount: 4000, Currency: "eur", At: 1}
	for name, told := range map[string]struct {
		before             []Fact
		fact, again, other Fact
		reason             Reason // of every telling; where there is none, a repeat is stale
	}{
		"processing":             {nil, processing(1), processing(2), failed(3), ReasonNone},
		"failed":                 {nil, failed(1), failed(2), AttemptFailed{At: 3, Code: "expired_card", Message: "No."}, ReasonNone},
		"failed, in other words": {nil, failed(1), failed(2), AttemptFailed{At: 3, Code: "card_declined", Message: "Never."}, ReasonNone},
		"cancelled":              {nil, cancelled(1), cancelled(2), PaymentCancelled{At: 3, Code: "duplicate"}, ReasonNone},
		"mismatch": {nil, elsewhere, PaymentReceived{Amount: 4000, Currency: "eur", At: 2},
			PaymentReceived{Amount: 4500, Currency: "eur", At: 3}, ReasonAmountMismatch},
		"refund total": {[]Fact{paid(1)}, total(1000, 2), total(1000, 3), total(2000, 4), ReasonNone},
		"refund": {[]Fact{paid(1)}, refund("re_1", 1000, RefundSucceeded, 2, 2), refund("re_1", 1000, RefundSucceeded, 2, 3),
			refund("re_1", 1000, RefundFailed, 2, 4), ReasonNone},
		"dispute": {[]Fact{paid(1)}, dispute("dp_1", 5000, "needs_response", 2), dispute("dp_1", 5000, "needs_response", 3),
			dispute("dp_1", 5000, DisputeUnderReview, 4), ReasonNone},
	} {
		t.Run(name, func(t *testing.T) {
			p := Purchase{Amount: 5000, Currency: "eur", Hours: 1000}
			p.Learn(told.before)
			repeat := cmp.Or(told.reason, ReasonStale)
			for i, step := range []struct {
				fact    Fact
				changed bool
				reason  Reason
			}{{told.fact, true, told.reason}, {told.fact, false, repeat}, {told.again, true, repeat}, {told.fact, false, repeat}, {told.other, true, told.reason}} {
				lesson := p.Learn([]Fact{step.fact})
				if lesson.Changed != step.changed || lesson.Reason != step.reason {
					t.Errorf("step %d: changed %t, reason %q; want %t, %q", i+1, lesson.Changed, lesson.Reason, step.changed, step.reason)
				}
			}
		})
	}
}

// The first success in Stripe's time is when it happened: an earlier one told
// later is news, a later one is not.
func TestAnEarlierSuccessMovesTheTime(t *testing.T) {
	p := Purchase{Amount: 5000, Currency: "eur", Hours: 1000}
	for i, step := range []struct {
		fact    Fact
		changed bool
		at      int64
	}{{paid(5), true, 5}, {captured(7), false, 5}, {captured(3), true, 3}, {paid(3), false, 3}} {
		lesson := p.Learn([]Fact{step.fact})
		if lesson.Changed != step.changed || p.CompletedAt.Unix() != step.at {
			t.Errorf("step %d: changed %t, completed at %d; want %t, %d", i+1, lesson.Changed, p.CompletedAt.Unix(), step.changed, step.at)
		}
	}
}
