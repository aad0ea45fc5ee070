package money_test

import (
	"reflect"
	"testing"

	"hourbank/models/money"
	"hourbank/models/money/telling"
)

func TestCasesThatFollowFromEvidence(t *testing.T) {
	paid := telling.PaidBy("pi_1", 5000, 10)
	const none = "completed, 10.00 of 10.00 h, received 5000, at 10"
	again := func(id string, amount, created int64) money.Evidence {
		return telling.Refund(id, "", "pi_1", amount, "succeeded", created)
	}
	failedAt := func(id string, amount, at int64) money.Evidence {
		return telling.RefundAt(id, "", "pi_1", amount, "failed", 11, at)
	}
	for _, row := range []derivation{
		{"a refund that failed and was made again", tenHours, []money.Evidence{paid, failedAt("re_1", 1000, 20), again("re_2", 1000, 21)},
			"partially_refunded, 8.00 of 10.00 h, received 5000, refunded 1000, at 10"},
		{"made again in the second of the failure", tenHours, []money.Evidence{paid, failedAt("re_1", 1000, 20), again("re_2", 1000, 20)},
			"partially_refunded, 8.00 of 10.00 h, received 5000, refunded 1000, at 10"},
		{"one of the same amount that was made before it failed", tenHours, []money.Evidence{paid, failedAt("re_1", 1000, 20), again("re_2", 1000, 19)},
			"partially_refunded, 8.00 of 10.00 h, received 5000, refunded 1000, at 10; refund_failed 1000 of pi_1"},
		{"made again with another amount", tenHours, []money.Evidence{paid, failedAt("re_1", 1000, 20), again("re_2", 999, 21)},
			"partially_refunded, 8.00 of 10.00 h, received 5000, refunded 999, at 10; refund_failed 1000 of pi_1"},
		{"made again of another payment", tenHours, []money.Evidence{paid, telling.PaidBy("pi_2", 1000, 10), failedAt("re_1", 1000, 20), telling.Refund("re_2", "", "pi_2", 1000, "succeeded", 21)},
			"completed, 10.00 of 10.00 h, received 6000, refunded 1000, at 10; refund_failed 1000 of pi_1"},
		{"two that failed, and one made again", tenHours, []money.Evidence{paid, failedAt("re_1", 1000, 20), failedAt("re_2", 1000, 22), again("re_3", 1000, 30)},
			"partially_refunded, 8.00 of 10.00 h, received 5000, refunded 1000, at 10; refund_failed 1000 of pi_1"},
		{"two that failed, and both made again, the later one for the later one", tenHours,
			[]money.Evidence{paid, failedAt("re_1", 1000, 20), failedAt("re_2", 1000, 25), again("re_3", 1000, 22), again("re_4", 1000, 30)},
			"partially_refunded, 6.00 of 10.00 h, received 5000, refunded 2000, at 10"},
		{"two that failed of one payment are one case", tenHours, []money.Evidence{paid, failedAt("re_1", 1000, 20), failedAt("re_2", 500, 25)}, none + "; refund_failed 1500 of pi_1"},
		{"one that failed and was made again and failed", tenHours, []money.Evidence{paid, failedAt("re_1", 1000, 20), failedAt("re_2", 1000, 25)}, none + "; refund_failed 2000 of pi_1"},
		{"one of nothing that failed", tenHours, []money.Evidence{paid, failedAt("re_1", 0, 20)}, none},
		{"one that failed, of its charge's payment", tenHours, []money.Evidence{paid, telling.Charge("ch_1", "pi_1", 5000, 5000, 10), telling.RefundAt("re_1", "ch_1", "", 1000, "failed", 11, 20)},
			none + "; refund_failed 1000 of pi_1"},
		{"underpaid and held", tenHours, []money.Evidence{telling.PaidBy("pi_1", 4000, 10), telling.Dispute("dp_1", "pi_1", 4000, "lost")}, "pending, 0.00 of 0.00 h, received 4000, disputed 4000"},
		{"underpaid, and all but a cent goes back", tenHours, []money.Evidence{telling.PaidBy("pi_1", 4000, 10), again("re_1", 3999, 20)}, "pending, 0.00 of 0.00 h, received 4000, refunded 3999; underpaid 1000"},
		{"overpaid, and what is too much goes back", tenHours, []money.Evidence{telling.PaidBy("pi_1", 6000, 10), again("re_1", 1000, 20)},
			"completed, 10.00 of 10.00 h, received 6000, refunded 1000, at 10"},
		{"overpaid, and some of what is too much goes back", tenHours, []money.Evidence{telling.PaidBy("pi_1", 6000, 10), again("re_1", 400, 20)},
			"completed, 10.00 of 10.00 h, received 6000, refunded 400, at 10; overpaid 600"},
	} {
		row.check(t)
	}
}

// Two disputes of one payment are one case, until the earliest day.
func TestTheCaseOfDisputes(t *testing.T) {
	due := func(id string, dueBy int64) money.Evidence {
		return money.Evidence{Disputes: map[string]money.Dispute{id: {PaymentIntent: "pi_1", DisputeState: money.DisputeState{Status: money.DisputeNeedsResponse, Amount: 1000, Currency: "eur", DueBy: dueBy}}}}
	}
	got := money.Derive(tenHours, telling.Tell(telling.PaidBy("pi_1", 5000, 10), due("dp_1", 90), due("dp_2", 80), due("dp_3", 0))).Cases
	want := []money.CaseState{{Kind: money.CaseDispute, Subject: "pi_1", Payment: "pi_1", Amount: 3000, Currency: "eur", DueBy: 80}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
