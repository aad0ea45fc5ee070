package money_test

import (
	"reflect"
	"testing"

	"hourbank/models/money"
	"hourbank/models/money/telling"
)

// An invoice and its payments are one thing.
func TestInvoicesAndTheirPaymentsAreOne(t *testing.T) {
	settledBy := func(invoice string) money.Evidence {
		return money.Evidence{Sessions: map[string]money.Session{"cs_1": {Invoice: invoice, Settled: &money.Asked{7, 5000, 5000, "eur"}}}}
	}
	credited := func(amount int64) money.Evidence {
		return money.Evidence{Invoices: map[string]money.Invoice{"in_1": {Paid: &money.Bill{At: 7, Subtotal: 5000, Total: 5000, Credited: amount, Currency: "eur"}}}}
	}
	outside := func(amount int64, intent string) money.Evidence {
		return money.Evidence{Invoices: map[string]money.Invoice{"in_1": {Payments: map[string]int64{intent: 0}, Paid: &money.Bill{At: 7, Subtotal: 5000, Total: 5000, Outside: amount, Currency: "eur"}}}}
	}
	const paid = "completed, 10.00 of 10.00 h, received 5000, at 7"
	const half = "partially_refunded, 5.00 of 10.00 h, received 5000, refunded 2500, at 7"
	for _, row := range []derivation{
		{"paid by nobody that is known", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7)}, paid},
		{"paid by its PaymentIntent", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "pi_1"), telling.PaidBy("pi_1", 5000, 6)}, "completed, 10.00 of 10.00 h, received 5000, at 6"},
		{"paid by a PaymentIntent of which no more is known", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "pi_1")}, paid},
		{"paid by a PaymentIntent, and that is refunded", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "pi_1"), telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 9)}, half},
		{"paid by its charge", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "ch_1"), telling.Charge("ch_1", "", 5000, 5000, 7)}, paid},
		{"paid by a charge that names its PaymentIntent", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "ch_1"), telling.Charge("ch_1", "pi_1", 5000, 5000, 7)}, paid},
		{"paid by two PaymentIntents", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "pi_1", "pi_2"), telling.PaidBy("pi_1", 2500, 6), telling.PaidBy("pi_2", 2500, 7)}, paid},
		{"paid by two PaymentIntents, one of them refunded", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "pi_1", "pi_2"), telling.PaidBy("pi_1", 2500, 6), telling.PaidBy("pi_2", 2500, 7),
			telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 9)}, half},
		{"paid by two of which only one is known", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "pi_1", "pi_2"), telling.PaidBy("pi_1", 2500, 6)}, paid},
		{"paid by one that no link explains yet", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7), telling.PaidBy("pi_1", 5000, 7)}, paid},
		{"paid, and more by one that no link explains", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7), telling.PaidBy("pi_1", 6000, 7)},
			"completed, 10.00 of 10.00 h, received 6000, at 7; overpaid 1000"},
		{"paid in part from a balance", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "pi_1"), telling.PaidBy("pi_1", 3000, 6)}, paid},
		{"paid in part from a balance, and the rest refunded", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "pi_1"), telling.PaidBy("pi_1", 2500, 6), telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 9)}, half},
		{"credited in part before it was paid", begun, []money.Evidence{credited(1000)}, "pending, 0.00 of 0.00 h, received 4000; underpaid 1000"},
		{"credited beyond all before it was paid", begun, []money.Evidence{credited(9000)}, "pending, 0.00 of 0.00 h"},
		{"given to the balance", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7), telling.CreditNote("cn_1", "in_1", 2500)}, half},
		{"given to the balance by two notes, more than all", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7), telling.CreditNote("cn_1", "in_1", 4000), telling.CreditNote("cn_2", "in_1", 4000)},
			"refunded, 0.00 of 10.00 h, received 5000, refunded 5000, at 7"},
		{"given to the balance, and voided", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7), telling.CreditNote("cn_1", "in_1", 2500),
			{CreditNotes: map[string]money.CreditNote{"cn_1": {At: 8, Invoice: "in_1", Amount: 2500, Voided: true}}}}, paid},
		{"given to the balance and by a refund, of which the note doesn't say how much it was", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "pi_1"), telling.PaidBy("pi_1", 5000, 6),
			{CreditNotes: map[string]money.CreditNote{"cn_1": {At: 8, Invoice: "in_1", Amount: 2500, Refund: "re_1"}}}, telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 8)},
			"partially_refunded, 5.00 of 10.00 h, received 5000, refunded 2500, at 6"},
		{"given to the balance and by a refund of more than the note", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "pi_1"), telling.PaidBy("pi_1", 5000, 6),
			{CreditNotes: map[string]money.CreditNote{"cn_1": {At: 8, Invoice: "in_1", Amount: 1000, Refund: "re_1"}}}, telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 8)},
			"partially_refunded, 5.00 of 10.00 h, received 5000, refunded 2500, at 6"},
		{"a credit note of another invoice", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7), telling.CreditNote("cn_1", "in_2", 2500)}, paid},
		{"told by its session alone", begun, []money.Evidence{settledBy("in_1"), {Invoices: map[string]money.Invoice{"in_1": {}}}}, paid},
		{"told by its session and itself", begun, []money.Evidence{settledBy("in_1"), telling.Invoice("in_1", 5000, 5000, 7)}, paid},
		{"told by a session that names both", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7), telling.PaidBy("pi_1", 5000, 8),
			{Sessions: map[string]money.Session{"cs_1": {Invoice: "in_1", PaymentIntent: "pi_1"}}}}, "completed, 10.00 of 10.00 h, received 5000, at 8"},
		{"with tax on top", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5950, 7, "pi_1"), telling.PaidBy("pi_1", 5950, 7)}, "completed, 10.00 of 10.00 h, received 5950, at 7, due 5950"},
		{"paid outside, beside a PaymentIntent that was tried", begun, []money.Evidence{outside(5000, "pi_1"), telling.Intent("pi_1", telling.Failed(5, "no")), telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 9)}, paid},
		{"paid outside but for a half, which is refunded", begun, []money.Evidence{outside(2500, "pi_1"), telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 9)}, half},
		{"paid outside but for a cent, which is refunded", begun, []money.Evidence{outside(4999, "pi_1"), telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 9)},
			"partially_refunded, 10.00 of 10.00 h, received 5000, refunded 1, at 7"},
		{"paid beside a PaymentIntent that was cancelled", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "pi_1"), telling.Intent("pi_1", telling.Cancelled(5, "no")), telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 9)}, paid},
		{"paid for a cent by its PaymentIntent, which is refunded", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "pi_1"), telling.PaidBy("pi_1", 1, 6), telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 9)},
			"partially_refunded, 10.00 of 10.00 h, received 5000, refunded 1, at 7"},
		{"that a session without a PaymentIntent names", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "pi_1"), {Sessions: map[string]money.Session{"cs_1": {Invoice: "in_1"}}}}, paid},
		{"beside a session of no invoice", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7, "pi_1"), telling.PaidBy("pi_1", 5000, 7), telling.Session("cs_2", "pi_2", 1, 1, 7)}, "completed, 10.00 of 10.00 h, received 5001, at 7; overpaid 1"},
		{"paid but for a cent", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7), telling.PaidBy("pi_1", 4999, 6)}, paid},
		{"paid but for a cent, and that is told", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7), telling.PaidBy("pi_1", 4999, 6), telling.PaidBy("pi_2", 1, 7)}, paid},
		{"in another currency", begun, []money.Evidence{{Invoices: map[string]money.Invoice{"in_1": {Paid: &money.Bill{At: 7, Subtotal: 5000, Total: 5000, Currency: "usd"}}}}},
			"pending, 0.00 of 0.00 h; other_currency 5000 of in_1"},
	} {
		row.check(t)
	}
}

// Of an invoice of 7500 with a book for 2500, two thirds are for hours.
func TestOnlyTheHoursShareOfAnInvoiceCounts(t *testing.T) {
	paid := telling.Tell(telling.Invoice("in_1", 7500, 7500, 7, "pi_1"), telling.Share("in_1", 5000, 5000, 7500), telling.PaidBy("pi_1", 7500, 7))
	for _, row := range []derivation{
		{"paid", begun, []money.Evidence{paid}, "completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"a third refunded", begun, []money.Evidence{paid, telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 9)},
			"partially_refunded, 6.67 of 10.00 h, received 5000, refunded 1667, at 7"},
		{"refunded", begun, []money.Evidence{paid, telling.Refund("re_1", "", "pi_1", 7500, "succeeded", 9)}, "refunded, 0.00 of 10.00 h, received 5000, refunded 5000, at 7"},
		{"disputed", begun, []money.Evidence{paid, telling.Dispute("dp_1", "pi_1", 7500, "lost")}, "disputed, 0.00 of 10.00 h, received 5000, disputed 5000, at 7"},
		{"a third given to the balance", begun, []money.Evidence{paid, telling.CreditNote("cn_1", "in_1", 2500)},
			"partially_refunded, 6.67 of 10.00 h, received 5000, refunded 1667, at 7"},
		{"of a sale at its hours' price", tenHours, []money.Evidence{paid}, "completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"of a sale at another price, all counts", money.Terms{Amount: 7500, Currency: "eur", Hours: 1000, Sold: true}, []money.Evidence{paid},
			"completed, 10.00 of 10.00 h, received 7500, at 7, due 7500"},
		{"of a sale at its hours' price, with discounts", tenHours, []money.Evidence{telling.Invoice("in_1", 7500, 6000, 7), telling.Share("in_1", 5000, 4000, 6000)}, "completed, 10.00 of 10.00 h, received 4000, at 7, due 4000"},
		{"of a sale at neither price, all counts and nothing is said of what is due", money.Terms{Amount: 6000, Currency: "eur", Hours: 1000, Sold: true}, []money.Evidence{telling.Invoice("in_1", 7500, 5500, 7), telling.Share("in_1", 5000, 4000, 6000)},
			"pending, 0.00 of 0.00 h, received 5500, due 6000; underpaid 500"},
		{"of other hours than Stripe began with, all counts and nothing is said of what is due", begun, []money.Evidence{telling.Invoice("in_1", 7500, 6000, 7), telling.Share("in_1", 2500, 4000, 6000)},
			"completed, 10.00 of 10.00 h, received 6000, at 7; overpaid 1000"},
		{"a share of nothing is all", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7), telling.Share("in_1", 5000, 0, 0)}, "completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"of two cents, a quarter of which is for hours", money.Terms{Amount: 1, Currency: "eur", Hours: 100},
			[]money.Evidence{telling.Invoice("in_1", 1, 2, 7, "pi_1", "pi_2"), telling.Share("in_1", 1, 1, 4), telling.PaidBy("pi_1", 1, 5), telling.PaidBy("pi_2", 1, 6)},
			"completed, 1.00 of 1.00 h, received 1, at 6, due 1"},
		{"of a payment that no link explains yet", begun, []money.Evidence{telling.Invoice("in_1", 7500, 7500, 7), telling.Share("in_1", 5000, 5000, 7500), telling.PaidBy("pi_1", 7500, 7)}, "completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"of the payment that a session links to it, beside another", begun, []money.Evidence{telling.Invoice("in_1", 7500, 7500, 7), telling.Share("in_1", 5000, 5000, 7500),
			{Sessions: map[string]money.Session{"cs_1": {Invoice: "in_1", PaymentIntent: "pi_2"}}}, telling.PaidBy("pi_1", 5000, 7), telling.PaidBy("pi_2", 7500, 7)},
			"completed, 10.00 of 10.00 h, received 10000, at 7; overpaid 5000"},
		{"of nine cents, of which one went back and nothing may be left to rounding", money.Terms{Amount: 3, Currency: "eur", Hours: 300},
			[]money.Evidence{telling.Invoice("in_1", 3, 7, 7, "pi_1"), telling.Share("in_1", 3, 3, 7), telling.PaidBy("pi_1", 9, 5), telling.Refund("re_1", "", "pi_1", 1, "succeeded", 9)},
			"completed, 3.00 of 3.00 h, received 4, refunded 1, at 5, due 3"},
		{"of a cent for a book, the hours being free", begun, []money.Evidence{telling.Invoice("in_1", 5001, 1, 7), telling.Share("in_1", 5000, 0, 1)}, "completed, 10.00 of 10.00 h, at 7, due 0"},
		{"with discount and tax on both", begun, []money.Evidence{telling.Invoice("in_1", 7500, 8000, 7), telling.Share("in_1", 5000, 6000, 8000)},
			"completed, 10.00 of 10.00 h, received 6000, at 7, due 6000"},
	} {
		row.check(t)
	}
}

// Of an invoice that was half for hours, what was asked for as hours takes those.
func TestARefundOfHoursTakesNothingElse(t *testing.T) {
	half := telling.Tell(telling.Invoice("in_1", 10_000, 10_000, 7, "pi_1"), telling.Share("in_1", 5000, 5000, 10_000), telling.PaidBy("pi_1", 10_000, 7))
	ofHours := func(id string, amount int64, status string) money.Evidence {
		e := telling.Refund(id, "", "pi_1", amount, status, 9)
		refund := e.Refunds[id]
		refund.ForHours = true
		e.Refunds[id] = refund
		return e
	}
	for _, row := range []derivation{
		{"of all of them", begun, []money.Evidence{half, ofHours("re_1", 5000, "succeeded")}, "refunded, 0.00 of 10.00 h, received 5000, refunded 5000, at 7"},
		{"of some of them, in two", begun, []money.Evidence{half, ofHours("re_1", 1000, "succeeded"), ofHours("re_2", 1500, "pending")}, "partially_refunded, 5.00 of 10.00 h, received 5000, refunded 2500, at 7"},
		{"of more than they cost", begun, []money.Evidence{half, ofHours("re_1", 8000, "succeeded")}, "refunded, 0.00 of 10.00 h, received 5000, refunded 5000, at 7"},
		{"that failed", begun, []money.Evidence{half, ofHours("re_1", 5000, "failed")}, "completed, 10.00 of 10.00 h, received 5000, at 7; refund_failed 5000 of pi_1"},
		{"and one of anything", begun, []money.Evidence{half, ofHours("re_1", 2500, "succeeded"), telling.Refund("re_2", "", "pi_1", 2000, "succeeded", 9)},
			"partially_refunded, 3.00 of 10.00 h, received 5000, refunded 3500, at 7"},
		{"and a dispute of a half", begun, []money.Evidence{half, ofHours("re_1", 2500, "succeeded"), telling.Dispute("dp_1", "pi_1", 5000, "lost")},
			"disputed, 0.00 of 10.00 h, received 5000, refunded 2500, disputed 2500, at 7"},
		{"of which the charge's total tells, too", begun, []money.Evidence{half, ofHours("re_1", 5000, "succeeded"), telling.Charge("ch_1", "pi_1", 10_000, 10_000, 7), telling.Total("ch_1", "pi_1", 5000, 9)},
			"refunded, 0.00 of 10.00 h, received 5000, refunded 5000, at 7"},
		{"of an accepted payment", begun, []money.Evidence{half, ofHours("re_1", 2500, "succeeded"), telling.Accepted("pi_1")}, "partially_refunded, 5.00 of 10.00 h, received 5000, refunded 2500, at 7"},
		{"that paid for nothing else", tenHours, []money.Evidence{telling.PaidBy("pi_1", 5000, 7), ofHours("re_1", 2500, "succeeded")}, "partially_refunded, 5.00 of 10.00 h, received 5000, refunded 2500, at 7"},
	} {
		row.check(t)
	}
}

// A PaymentIntent that pays two invoices counts for each by what was told.
func TestASharedPaymentCountsByWhatItPaidOfTheInvoice(t *testing.T) {
	shared := telling.Tell(telling.Invoice("in_1", 5000, 5000, 7), telling.PaysInvoice("in_1", "pi_1", 5000), telling.PaidBy("pi_1", 12_000, 7))
	for _, row := range []derivation{
		{"paid", begun, []money.Evidence{shared}, "completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"half refunded", begun, []money.Evidence{shared, telling.Refund("re_1", "", "pi_1", 6000, "succeeded", 9)},
			"partially_refunded, 5.00 of 10.00 h, received 5000, refunded 2500, at 7; unclear_refund 6000 of pi_1"},
		{"half disputed", begun, []money.Evidence{shared, telling.Dispute("dp_1", "pi_1", 6000, "lost")},
			"disputed, 5.00 of 10.00 h, received 5000, disputed 2500, at 7; unclear_refund 6000 of pi_1"},
		{"disputed, and won", begun, []money.Evidence{shared, telling.Dispute("dp_1", "pi_1", 6000, "won")}, "completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"told to have paid all that it is", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7), telling.PaysInvoice("in_1", "pi_1", 5000), telling.PaidBy("pi_1", 5000, 7)},
			"completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"told to have paid all that it is, and half refunded", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7), telling.PaysInvoice("in_1", "pi_1", 5000), telling.PaidBy("pi_1", 5000, 7), telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 9)},
			"partially_refunded, 5.00 of 10.00 h, received 5000, refunded 2500, at 7"},
		{"told by a session, too", begun, []money.Evidence{shared, {Sessions: map[string]money.Session{"cs_1": {Invoice: "in_1", PaymentIntent: "pi_1"}}}}, "completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"a cent refunded", begun, []money.Evidence{shared, telling.Refund("re_1", "", "pi_1", 1, "succeeded", 9)},
			"completed, 10.00 of 10.00 h, received 5000, at 7; unclear_refund 1 of pi_1"},
		{"told to have paid a cent of it", money.Terms{Amount: 1, Currency: "eur", Hours: 100}, []money.Evidence{telling.Invoice("in_1", 1, 1, 7), telling.PaysInvoice("in_1", "pi_1", 1), telling.PaidBy("pi_1", 12_000, 7)},
			"completed, 1.00 of 1.00 h, received 1, at 7, due 1"},
		{"of which a part is open", begun, []money.Evidence{telling.Invoice("in_1", 5000, 5000, 7), telling.PaysInvoice("in_1", "pi_1", 2000), telling.PaidBy("pi_1", 12_000, 7)},
			"completed, 10.00 of 10.00 h, received 5000, at 7"},
	} {
		row.check(t)
	}
}

// Payments as people see them.
func TestPaymentsAreShown(t *testing.T) {
	for name, row := range map[string]struct {
		told []money.Evidence
		want money.PaymentState
	}{
		"exists":                            {[]money.Evidence{telling.Intent("pi_1", money.Attempts{})}, money.PaymentState{ID: "pi_1", Status: money.StatusPending}},
		"is under way":                      {[]money.Evidence{telling.Intent("pi_1", telling.Processing(5))}, money.PaymentState{ID: "pi_1", Status: money.StatusProcessing}},
		"failed":                            {[]money.Evidence{telling.Intent("pi_1", telling.Processing(5)), telling.Intent("pi_1", telling.Failed(5, "no"))}, money.PaymentState{ID: "pi_1", Status: money.StatusFailed}},
		"is tried again":                    {[]money.Evidence{telling.Intent("pi_1", telling.Processing(6)), telling.Intent("pi_1", telling.Failed(5, "no"))}, money.PaymentState{ID: "pi_1", Status: money.StatusProcessing}},
		"was cancelled":                     {[]money.Evidence{telling.Intent("pi_1", telling.Cancelled(5, "no")), telling.Intent("pi_1", telling.Failed(6, "no"))}, money.PaymentState{ID: "pi_1", Status: money.StatusCancelled}},
		"paid":                              {[]money.Evidence{telling.PaidBy("pi_1", 50, 7), telling.Intent("pi_1", telling.Failed(9, "no"))}, money.PaymentState{ID: "pi_1", Received: 50, Currency: "eur", Status: money.StatusCompleted, At: 7}},
		"paid another currency":             {[]money.Evidence{telling.PaidIn("usd", "pi_1", 50, 7)}, money.PaymentState{ID: "pi_1", Received: 50, Currency: "usd", Status: money.StatusCompleted, At: 7}},
		"paid a cent":                       {[]money.Evidence{telling.PaidBy("pi_1", 1, 7)}, money.PaymentState{ID: "pi_1", Received: 1, Currency: "eur", Status: money.StatusCompleted, At: 7}},
		"was refunded in part":              {[]money.Evidence{telling.PaidBy("pi_1", 50, 7), telling.Refund("re_1", "", "pi_1", 20, "succeeded", 9)}, money.PaymentState{ID: "pi_1", Received: 50, Currency: "eur", Refunded: 20, Status: money.StatusPartiallyRefunded, At: 7}},
		"was refunded":                      {[]money.Evidence{telling.PaidBy("pi_1", 50, 7), telling.Refund("re_1", "", "pi_1", 50, "succeeded", 9)}, money.PaymentState{ID: "pi_1", Received: 50, Currency: "eur", Refunded: 50, Status: money.StatusRefunded, At: 7}},
		"was a cent and refunded":           {[]money.Evidence{telling.PaidBy("pi_1", 1, 7), telling.Refund("re_1", "", "pi_1", 1, "succeeded", 9)}, money.PaymentState{ID: "pi_1", Received: 1, Currency: "eur", Refunded: 1, Status: money.StatusRefunded, At: 7}},
		"is disputed":                       {[]money.Evidence{telling.PaidBy("pi_1", 50, 7), telling.Dispute("dp_1", "pi_1", 20, "needs_response")}, money.PaymentState{ID: "pi_1", Received: 50, Currency: "eur", Disputed: 20, Status: money.StatusDisputed, At: 7}},
		"was lost and came back":            {[]money.Evidence{telling.PaidBy("pi_1", 50, 7), telling.Dispute("dp_1", "pi_1", 20, "lost", -20, 20)}, money.PaymentState{ID: "pi_1", Received: 50, Currency: "eur", Status: money.StatusDisputed, At: 7}},
		"was lost for a cent and came back": {[]money.Evidence{telling.PaidBy("pi_1", 1, 7), telling.Dispute("dp_1", "pi_1", 1, "lost", -1, 1)}, money.PaymentState{ID: "pi_1", Received: 1, Currency: "eur", Status: money.StatusDisputed, At: 7}},
		"was lost, and nobody knows what it received":  {[]money.Evidence{telling.Intent("pi_1", money.Attempts{}), telling.Dispute("dp_1", "pi_1", 20, "lost")}, money.PaymentState{ID: "pi_1", Status: money.StatusPending}},
		"is disputed for a cent":                       {[]money.Evidence{telling.PaidBy("pi_1", 50, 7), telling.Dispute("dp_1", "pi_1", 1, "needs_response")}, money.PaymentState{ID: "pi_1", Received: 50, Currency: "eur", Disputed: 1, Status: money.StatusDisputed, At: 7}},
		"was refunded a cent":                          {[]money.Evidence{telling.PaidBy("pi_1", 50, 7), telling.Refund("re_1", "", "pi_1", 1, "succeeded", 9)}, money.PaymentState{ID: "pi_1", Received: 50, Currency: "eur", Refunded: 1, Status: money.StatusPartiallyRefunded, At: 7}},
		"is an invoice's, and took all of it":          {[]money.Evidence{telling.Invoice("in_1", 50, 50, 7, "pi_1")}, money.PaymentState{ID: "pi_1", Received: 50, Currency: "eur", Status: money.StatusCompleted, At: 7}},
		"is an invoice's, and is known":                {[]money.Evidence{telling.Invoice("in_1", 50, 50, 7, "pi_1"), telling.PaidBy("pi_1", 50, 6)}, money.PaymentState{ID: "pi_1", Received: 50, Currency: "eur", Status: money.StatusCompleted, At: 6}},
		"is an invoice's, that was settled outside":    {[]money.Evidence{telling.Tell(telling.Invoice("in_1", 50, 50, 7), money.Evidence{Invoices: map[string]money.Invoice{"in_1": {Paid: &money.Bill{At: 7, Subtotal: 50, Total: 50, Outside: 50, Currency: "eur"}}}})}, money.PaymentState{ID: "in_1", Received: 50, Currency: "eur", Status: money.StatusCompleted, At: 7}},
		"is a session's with nothing to pay":           {[]money.Evidence{telling.Session("cs_1", "", 5000, 0, 7)}, money.PaymentState{ID: "cs_1", Status: money.StatusPending}},
		"is a session's, in the second of its failure": {[]money.Evidence{{Sessions: map[string]money.Session{"cs_1": {Attempts: telling.Failed(5, "no")}}}}, money.PaymentState{ID: "cs_1", Status: money.StatusFailed}},
		"is an invoice's":                              {[]money.Evidence{telling.Invoice("in_1", 50, 50, 7)}, money.PaymentState{ID: "in_1", Received: 50, Currency: "eur", Status: money.StatusCompleted, At: 7}},
		"is a session's":                               {[]money.Evidence{telling.Session("cs_1", "", 50, 50, 7)}, money.PaymentState{ID: "cs_1", Received: 50, Currency: "eur", Status: money.StatusCompleted, At: 7}},
		"is a charge's":                                {[]money.Evidence{telling.Charge("ch_1", "", 50, 50, 7)}, money.PaymentState{ID: "ch_1", Received: 50, Currency: "eur", Status: money.StatusCompleted, At: 7}},
	} {
		if got := money.Derive(tenHours, telling.Tell(row.told...)).Payments; !reflect.DeepEqual(got, []money.PaymentState{row.want}) {
			t.Errorf("a payment that %s: %+v, want %+v", name, got, row.want)
		}
	}
}

func TestPaymentsAreShownInTheOrderInWhichTheyPaid(t *testing.T) {
	told := telling.Tell(telling.PaidBy("pi_c", 10, 7), telling.PaidBy("pi_b", 10, 9), telling.PaidBy("pi_a", 10, 9), telling.Intent("pi_0", money.Attempts{}), telling.Intent("pi_1", money.Attempts{}))
	var order []string
	for _, p := range money.Derive(tenHours, told).Payments {
		order = append(order, p.ID)
	}
	if want := []string{"pi_c", "pi_a", "pi_b", "pi_0", "pi_1"}; !reflect.DeepEqual(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
	if kept := (money.PaymentState{Received: 50, Refunded: 20, Disputed: 10}).Kept(); kept != 20 {
		t.Errorf("kept %d", kept)
	}
}
