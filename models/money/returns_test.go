package money_test

import (
	"testing"

	"hourbank/models/money"
	"hourbank/models/money/telling"
)

// What went back of a payment of 5000, by refunds and by charges' totals.
func TestRefundsTakeHoursBack(t *testing.T) {
	paid := telling.Tell(telling.PaidBy("pi_1", 5000, 10), telling.Charge("ch_1", "pi_1", 5000, 5000, 10))
	twoCharges := telling.Tell(telling.Charge("ch_1", "pi_1", 2000, 2000, 10), telling.Charge("ch_2", "pi_1", 3000, 3000, 10))
	const none = "completed, 10.00 of 10.00 h, received 5000, at 10"
	const fifth = "partially_refunded, 8.00 of 10.00 h, received 5000, refunded 1000, at 10"
	const half = "partially_refunded, 5.00 of 10.00 h, received 5000, refunded 2500, at 10"
	const all = "refunded, 0.00 of 10.00 h, received 5000, refunded 5000, at 10"
	for _, row := range []derivation{
		{"by id", tenHours, []money.Evidence{paid, telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 20)}, fifth},
		{"by id, on its way", tenHours, []money.Evidence{paid, telling.Refund("re_1", "ch_1", "pi_1", 1000, "pending", 20)}, fifth},
		{"by id, in want of the customer", tenHours, []money.Evidence{paid, telling.Refund("re_1", "ch_1", "pi_1", 1000, "requires_action", 20)}, fifth},
		{"by id, of the charge alone", tenHours, []money.Evidence{paid, telling.Refund("re_1", "ch_1", "", 1000, "succeeded", 20)}, fifth},
		{"by id, of a charge that nobody knows", tenHours, []money.Evidence{paid, telling.Refund("re_1", "ch_9", "", 1000, "succeeded", 20)}, none},
		{"by id, of the PaymentIntent alone", tenHours, []money.Evidence{paid, telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 20)}, fifth},
		{"by id, of nothing", tenHours, []money.Evidence{paid, telling.Refund("re_1", "", "", 1000, "succeeded", 20)}, none},
		{"by total", tenHours, []money.Evidence{paid, telling.Total("ch_1", "pi_1", 1000, 20)}, fifth},
		{"by total, twice", tenHours, []money.Evidence{paid, telling.Total("ch_1", "pi_1", 1000, 20), telling.Total("ch_1", "pi_1", 2500, 30)}, half},
		{"by total and by id", tenHours, []money.Evidence{paid, telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 20), telling.Total("ch_1", "pi_1", 1000, 20)}, fifth},
		{"by id, after the total", tenHours, []money.Evidence{paid, telling.Total("ch_1", "pi_1", 1500, 20), telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 21)}, half},
		{"by id that the total contains, and more", tenHours, []money.Evidence{paid, telling.Total("ch_1", "pi_1", 2500, 20), telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 20)}, half},
		{"by id of the PaymentIntent, that the total contains", tenHours, []money.Evidence{paid, telling.Total("ch_1", "pi_1", 1000, 20), telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 20)}, fifth},
		{"in full", tenHours, []money.Evidence{paid, telling.Total("ch_1", "pi_1", 5000, 20)}, all},
		{"of more than was received", tenHours, []money.Evidence{paid, telling.Total("ch_1", "pi_1", 9000, 20)}, all},
		{"failed", tenHours, []money.Evidence{paid, telling.Refund("re_1", "ch_1", "pi_1", 1000, "failed", 20)}, none + "; refund_failed 1000 of pi_1"},
		{"cancelled", tenHours, []money.Evidence{paid, telling.Refund("re_1", "ch_1", "pi_1", 1000, "canceled", 20)}, none + "; refund_failed 1000 of pi_1"},
		{"failed since the total", tenHours, []money.Evidence{paid, telling.Total("ch_1", "pi_1", 1000, 20), telling.RefundAt("re_1", "ch_1", "pi_1", 1000, "failed", 20, 30)},
			none + "; refund_failed 1000 of pi_1"},
		{"failed in the second of the total", tenHours, []money.Evidence{paid, telling.Total("ch_1", "pi_1", 1000, 20), telling.RefundAt("re_1", "ch_1", "pi_1", 1000, "failed", 20, 20)},
			none + "; refund_failed 1000 of pi_1"},
		{"failed before the total, which is another's", tenHours, []money.Evidence{paid, telling.RefundAt("re_1", "ch_1", "pi_1", 1000, "failed", 12, 15), telling.Total("ch_1", "pi_1", 1000, 20)},
			fifth + "; refund_failed 1000 of pi_1"},
		{"failed, of which a part is made again by id", tenHours, []money.Evidence{paid, telling.RefundAt("re_1", "ch_1", "pi_1", 1000, "failed", 12, 15), telling.Refund("re_2", "ch_1", "pi_1", 1000, "succeeded", 20)}, fifth},
		{"of an unknown status", tenHours, []money.Evidence{paid, telling.Refund("re_1", "ch_1", "pi_1", 1000, "new", 20)}, fifth + "; unknown_status 1000 of pi_1"},
		{"of two charges by their totals", tenHours, []money.Evidence{twoCharges, telling.Total("ch_1", "pi_1", 1000, 20), telling.Total("ch_2", "pi_1", 1500, 20)}, half},
		{"of two charges by ids", tenHours, []money.Evidence{twoCharges, telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 20), telling.Refund("re_2", "ch_2", "pi_1", 1500, "succeeded", 20)}, half},
		{"of one of two charges, which none says", tenHours, []money.Evidence{twoCharges, telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 20)}, fifth},
		{"of one of two charges, which none says, and by total", tenHours, []money.Evidence{twoCharges, telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 20), telling.Total("ch_2", "pi_1", 2500, 20)}, half},
		{"of a charge that failed beside the one that was captured", tenHours, []money.Evidence{paid, telling.Total("ch_0", "pi_1", 0, 5), telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 20), telling.Total("ch_1", "pi_1", 1000, 20)}, fifth},
		{"of the one charge that captured a cent, after its total", tenHours, []money.Evidence{telling.PaidBy("pi_1", 5000, 10), telling.Charge("ch_1", "pi_1", 1, 1, 10), telling.Charge("ch_2", "pi_1", 1, 0, 0), telling.Total("ch_1", "pi_1", 1000, 20),
			telling.Refund("re_1", "", "pi_1", 1500, "succeeded", 21)}, half},
		{"by id, of the charge that a success names", tenHours, []money.Evidence{telling.Charge("ch_1", "pi_1", 5000, 0, 0), telling.Charge("ch_2", "pi_1", 5000, 0, 0), {Payments: map[string]money.Payment{"pi_1": {Received: money.Received{5000, 10}, Currency: "eur", Authorised: 5000, Charge: "ch_1"}}},
			telling.Total("ch_1", "pi_1", 1000, 20), telling.Refund("re_1", "", "pi_1", 1500, "succeeded", 21)}, half},
		{"by id, of the only charge", tenHours, []money.Evidence{telling.PaidBy("pi_1", 5000, 10), telling.Total("ch_1", "pi_1", 1000, 20), telling.Refund("re_1", "", "pi_1", 1500, "succeeded", 21)}, half},
		{"by ids that none says of which of two charges, one failed", tenHours, []money.Evidence{twoCharges, telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 20), telling.Refund("re_2", "", "pi_1", 500, "failed", 20)}, fifth + "; refund_failed 500 of pi_1"},
		{"by total, of what its session alone told to be paid", tenHours, []money.Evidence{telling.Session("cs_1", "pi_1", 5000, 5000, 10), telling.Charge("ch_1", "pi_1", 5000, 0, 0), telling.Total("ch_1", "pi_1", 1000, 20)}, fifth},
		{"of a payment that received nothing", tenHours, []money.Evidence{telling.Intent("pi_1", money.Attempts{}), telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 20)}, "pending, 0.00 of 0.00 h"},
	} {
		row.check(t)
	}
}

// 6000 were authorised and 5000 of them captured: what was released went
// nowhere. Which totals contain it goes by what nobody tells.
func TestAReleasedAuthorisationIsNoRefund(t *testing.T) {
	captured := telling.Charge("ch_1", "pi_1", 6000, 5000, 10)
	success := money.Evidence{Payments: map[string]money.Payment{"pi_1": {Received: money.Received{5000, 10}, Currency: "eur", Authorised: 6000, Charge: "ch_1"}}}
	const none = "completed, 10.00 of 10.00 h, received 5000, at 10"
	const fifth = "partially_refunded, 8.00 of 10.00 h, received 5000, refunded 1000, at 10"
	for _, row := range []derivation{
		{"an old total of just that is the release", tenHours, []money.Evidence{captured, telling.OldTotal("ch_1", "pi_1", 1000, 10)}, none},
		{"a new total of just that is likely the release", tenHours, []money.Evidence{captured, telling.Total("ch_1", "pi_1", 1000, 20)}, none + "; unclear_refund 1000 of pi_1"},
		{"a refund of just that in the second of the capture is the release", tenHours, []money.Evidence{captured, telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 10)}, none},
		{"a refund of just that in the second in which the payment told of the capture is the release", tenHours,
			[]money.Evidence{telling.Charge("ch_1", "pi_1", 6000, 5000, 12), telling.PaidBy("pi_1", 5000, 10), telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 10)}, none},
		{"a refund of what was released of all but a cent, later, is a refund", money.Terms{Amount: 1, Currency: "eur", Hours: 100}, []money.Evidence{telling.Charge("ch_1", "pi_1", 3, 1, 10), telling.Refund("re_1", "ch_1", "pi_1", 2, "succeeded", 20)},
			"refunded, 0.00 of 1.00 h, received 1, refunded 1, at 10, due 1"},
		{"a refund of just that later is a refund", tenHours, []money.Evidence{captured, telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 11)}, fifth},
		{"a refund of another amount in the second of the capture is a refund", tenHours, []money.Evidence{captured, telling.Refund("re_1", "ch_1", "pi_1", 500, "succeeded", 10)},
			"partially_refunded, 9.00 of 10.00 h, received 5000, refunded 500, at 10"},
		{"of two refunds of just that, only one is the release", tenHours,
			[]money.Evidence{captured, telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 10), telling.Refund("re_2", "ch_1", "pi_1", 1000, "succeeded", 10)}, fifth},
		{"a total contains the release that is known by id", tenHours,
			[]money.Evidence{captured, telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 10), telling.OldTotal("ch_1", "pi_1", 2000, 20)}, fifth},
		{"a total contains the release of its second, too", tenHours,
			[]money.Evidence{captured, telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 10), telling.OldTotal("ch_1", "pi_1", 2000, 10)}, fifth},
		{"the release by id, and a total from before it", tenHours,
			[]money.Evidence{captured, telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 10), telling.OldTotal("ch_1", "pi_1", 0, 9)}, none},
		{"a total above what was captured contains it", tenHours, []money.Evidence{captured, telling.Total("ch_1", "pi_1", 6000, 20)},
			"refunded, 0.00 of 10.00 h, received 5000, refunded 5000, at 10"},
		{"a total just above what was captured contains it", tenHours, []money.Evidence{captured, telling.Total("ch_1", "pi_1", 5500, 20)},
			"partially_refunded, 1.00 of 10.00 h, received 5000, refunded 4500, at 10"},
		{"a new total of all but the cent that was captured", money.Terms{Amount: 1, Currency: "eur", Hours: 100}, []money.Evidence{telling.Charge("ch_1", "pi_1", 3, 1, 10), telling.Total("ch_1", "pi_1", 2, 20)},
			"completed, 1.00 of 1.00 h, received 1, at 10, due 1; unclear_refund 2 of pi_1"},
		{"a cent that was not captured", tenHours, []money.Evidence{telling.Charge("ch_1", "pi_1", 5001, 5000, 10), telling.Total("ch_1", "pi_1", 1, 20)}, none + "; unclear_refund 1 of pi_1"},
		{"the release by id, and a total that doesn't even contain that", tenHours,
			[]money.Evidence{captured, telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 10), telling.OldTotal("ch_1", "pi_1", 500, 20)}, none},
		{"an old total is read as containing it", tenHours, []money.Evidence{captured, telling.OldTotal("ch_1", "pi_1", 2000, 20)}, fifth + "; unclear_refund 1000 of pi_1"},
		{"a new total is read as not containing it", tenHours, []money.Evidence{captured, telling.Total("ch_1", "pi_1", 2000, 20)},
			"partially_refunded, 6.00 of 10.00 h, received 5000, refunded 2000, at 10; unclear_refund 1000 of pi_1"},
		{"a new total of just what was captured is read as not containing it", tenHours, []money.Evidence{captured, telling.Total("ch_1", "pi_1", 5000, 20)},
			"refunded, 0.00 of 10.00 h, received 5000, refunded 5000, at 10; unclear_refund 1000 of pi_1"},
		{"a total below it is refunds", tenHours, []money.Evidence{captured, telling.Total("ch_1", "pi_1", 400, 20)},
			"partially_refunded, 9.20 of 10.00 h, received 5000, refunded 400, at 10"},
		{"a success says what was authorised, where the charge doesn't", tenHours,
			[]money.Evidence{success, {Charges: map[string]money.Charge{"ch_1": {PaymentIntent: "pi_1"}}}, telling.Refund("re_1", "ch_1", "pi_1", 1000, "succeeded", 10)}, none},
		{"released whole, and paid by a charge that is not known", tenHours, []money.Evidence{telling.PaidBy("pi_1", 5000, 10), telling.Charge("ch_1", "pi_1", 5000, 0, 0), telling.OldTotal("ch_1", "pi_1", 5000, 9)}, none},
		{"what was released of the only charge that is known", tenHours, []money.Evidence{
			{Payments: map[string]money.Payment{"pi_1": {Received: money.Received{5000, 10}, Currency: "eur", Authorised: 5000}}},
			telling.Charge("ch_1", "pi_1", 3000, 2000, 10), telling.OldTotal("ch_1", "pi_1", 1000, 20)}, none},
		{"what was released of one of two charges", tenHours, []money.Evidence{
			{Payments: map[string]money.Payment{"pi_1": {Received: money.Received{5000, 10}, Currency: "eur", Authorised: 5000}}},
			telling.Charge("ch_1", "pi_1", 3000, 2000, 10), telling.Charge("ch_2", "pi_1", 3000, 3000, 10), telling.OldTotal("ch_1", "pi_1", 1000, 20)}, none},
		{"an authorisation that was cancelled, by a new total", tenHours, []money.Evidence{telling.Charge("ch_1", "pi_1", 5000, 0, 0), telling.Total("ch_1", "pi_1", 5000, 20), telling.Intent("pi_1", telling.Cancelled(20, "abandoned"))},
			"cancelled, 0.00 of 0.00 h, abandoned"},
		{"an authorisation that was cancelled", tenHours, []money.Evidence{telling.Charge("ch_1", "pi_1", 5000, 0, 0), telling.OldTotal("ch_1", "pi_1", 5000, 20), telling.Intent("pi_1", telling.Cancelled(20, "abandoned"))},
			"cancelled, 0.00 of 0.00 h, abandoned"},
		{"one that was cancelled beside one that paid", tenHours,
			[]money.Evidence{telling.Charge("ch_1", "pi_1", 5000, 0, 0), telling.Refund("re_1", "ch_1", "pi_1", 5000, "succeeded", 20), telling.OldTotal("ch_1", "pi_1", 5000, 20), telling.PaidBy("pi_2", 5000, 10)}, none},
	} {
		row.check(t)
	}
}

// What a dispute of a payment of 5000 holds.
func TestDisputesHoldMoney(t *testing.T) {
	paid := telling.PaidBy("pi_1", 5000, 10)
	const none = "completed, 10.00 of 10.00 h, received 5000, at 10"
	const all = "disputed, 0.00 of 10.00 h, received 5000, disputed 5000, at 10"
	const half = "disputed, 5.00 of 10.00 h, received 5000, disputed 2500, at 10"
	const waits = "; dispute 5000 of pi_1"
	for _, row := range []derivation{
		{"that waits for an answer", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "needs_response")}, all + waits},
		{"that is looked at", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "under_review")}, all + waits},
		{"that is lost", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "lost")}, all},
		{"that is won", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "won")}, none},
		{"that was prevented", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "prevented")}, none},
		{"that ended as its charge was refunded", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "charge_refunded")}, none},
		{"that is an inquiry", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "warning_needs_response")}, none + waits},
		{"that is an inquiry and looked at", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "warning_under_review")}, none + waits},
		{"that was an inquiry", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "warning_closed")}, none},
		{"of a status that nobody knows", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "new")}, none + "; unknown_status 5000 of pi_1"},
		{"of no status", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "")}, none},
		{"of a part", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 2500, "lost")}, half},
		{"two of a half each", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 2500, "lost"), telling.Dispute("dp_2", "pi_1", 2500, "lost")}, all},
		{"of more than was received", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 9000, "lost")}, all},
		{"of another payment", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_2", 5000, "lost")}, none},
		{"of its charge alone", tenHours, []money.Evidence{paid, telling.Charge("ch_1", "pi_1", 5000, 5000, 10),
			{Disputes: map[string]money.Dispute{"ch_1": {Charge: "ch_1", DisputeState: money.DisputeState{At: 9, Status: "lost", Amount: 5000}}}}}, all},
		{"whose transactions took nothing yet", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "needs_response", 0)}, none + waits},
		{"whose transactions only gave", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "lost", 700)}, none},
		{"that took all, whatever its status", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "prevented", -5000)}, all},
		{"that took all and gave it back", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "needs_response", -5000, 5000)}, none + waits},
		{"that gave back more than it took", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "won", -5000, 6000)}, none},
		{"that was lost, and half came back", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "lost", -5000, 2500)}, half},
		{"that took the same again after it gave back", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "lost", -5000, 5000, -5000)}, all},
		{"that took in the account's currency", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "needs_response", -6000, 3000)}, half + waits},
		{"won, and 5 % short as rates moved", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "won", -6000, 5700)}, none},
		{"won, and more than 5 % short", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "won", -6000, 5690)},
			"disputed, 9.48 of 10.00 h, received 5000, disputed 258, at 10"},
		{"lost, and 5 % came back", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "lost", -6000, 300)}, all},
		{"lost, and more than 5 % came back", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "lost", -6000, 310)},
			"disputed, 0.52 of 10.00 h, received 5000, disputed 4742, at 10"},
		{"not decided, and 5 % came back", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "under_review", -6000, 300)},
			"disputed, 0.50 of 10.00 h, received 5000, disputed 4750, at 10" + waits},
		{"lost, and all came back", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "lost", -5000, 5000), telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 20)},
			"disputed, 8.00 of 10.00 h, received 5000, refunded 1000, at 10"},
		{"in another currency", tenHours, []money.Evidence{paid, telling.DisputeIn("usd", "dp_1", "pi_1", 5600, "lost")}, all + "; other_currency 5600 of pi_1"},
		{"in another currency, half of which came back", tenHours, []money.Evidence{paid, telling.DisputeIn("usd", "dp_1", "pi_1", 5600, "lost", -5600, 2800)}, half + "; other_currency 5600 of pi_1"},
		{"in another currency, of nothing", tenHours, []money.Evidence{paid, telling.DisputeIn("usd", "dp_1", "pi_1", 0, "lost")}, none + "; other_currency of pi_1"},
		{"beside a refund takes no more than there is", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "lost"), telling.Refund("re_1", "", "pi_1", 2000, "succeeded", 20)},
			"disputed, 0.00 of 10.00 h, received 5000, refunded 2000, disputed 3000, at 10"},
		{"of money that was refunded", tenHours, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 5000, "lost"), telling.Refund("re_1", "", "pi_1", 5000, "succeeded", 20)},
			"refunded, 0.00 of 10.00 h, received 5000, refunded 5000, at 10"},
		{"of one of two payments", tenHours, []money.Evidence{paid, telling.PaidBy("pi_2", 5000, 11), telling.Dispute("dp_1", "pi_2", 5000, "lost")},
			"completed, 10.00 of 10.00 h, received 10000, disputed 5000, at 10"},
	} {
		row.check(t)
	}
}
