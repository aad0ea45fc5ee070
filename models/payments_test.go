package models

import (
	"reflect"
	"testing"
)

// An invoice and its payments are one thing.
func TestInvoicesAndTheirPaymentsAreOne(t *testing.T) {
	settledBy := func(invoice string) Evidence {
		return Evidence{Sessions: map[string]Session{"cs_1": {Invoice: invoice, Settled: &Asked{7, 5000, 5000, "eur"}}}}
	}
	credited := func(amount int64) Evidence {
		return Evidence{Invoices: map[string]Invoice{"in_1": {Paid: &Bill{At: 7, Subtotal: 5000, Total: 5000, Credited: amount, Currency: "eur"}}}}
	}
	const paid = "completed, 10.00 of 10.00 h, received 5000, at 7"
	const half = "partially_refunded, 5.00 of 10.00 h, received 5000, refunded 2500, at 7"
	for _, row := range []derivation{
		{"paid by nobody that is known", begun, []Evidence{invoice("in_1", 5000, 5000, 7)}, paid},
		{"paid by its PaymentIntent", begun, []Evidence{invoice("in_1", 5000, 5000, 7, "pi_1"), paidBy("pi_1", 5000, 6)}, "completed, 10.00 of 10.00 h, received 5000, at 6"},
		{"paid by a PaymentIntent of which no more is known", begun, []Evidence{invoice("in_1", 5000, 5000, 7, "pi_1")}, paid},
		{"paid by a PaymentIntent, and that is refunded", begun, []Evidence{invoice("in_1", 5000, 5000, 7, "pi_1"), refund("re_1", "", "pi_1", 2500, "succeeded", 9)}, half},
		{"paid by its charge", begun, []Evidence{invoice("in_1", 5000, 5000, 7, "ch_1"), charge("ch_1", "", 5000, 5000, 7)}, paid},
		{"paid by a charge that names its PaymentIntent", begun, []Evidence{invoice("in_1", 5000, 5000, 7, "ch_1"), charge("ch_1", "pi_1", 5000, 5000, 7)}, paid},
		{"paid by two PaymentIntents", begun, []Evidence{invoice("in_1", 5000, 5000, 7, "pi_1", "pi_2"), paidBy("pi_1", 2500, 6), paidBy("pi_2", 2500, 7)}, paid},
		{"paid by two PaymentIntents, one of them refunded", begun, []Evidence{invoice("in_1", 5000, 5000, 7, "pi_1", "pi_2"), paidBy("pi_1", 2500, 6), paidBy("pi_2", 2500, 7),
			refund("re_1", "", "pi_1", 2500, "succeeded", 9)}, half},
		{"paid by two of which only one is known", begun, []Evidence{invoice("in_1", 5000, 5000, 7, "pi_1", "pi_2"), paidBy("pi_1", 2500, 6)}, paid},
		{"paid by one that no link explains yet", begun, []Evidence{invoice("in_1", 5000, 5000, 7), paidBy("pi_1", 5000, 7)}, paid},
		{"paid, and more by one that no link explains", begun, []Evidence{invoice("in_1", 5000, 5000, 7), paidBy("pi_1", 6000, 7)},
			"completed, 10.00 of 10.00 h, received 6000, at 7; overpaid 1000"},
		{"paid in part from a balance", begun, []Evidence{invoice("in_1", 5000, 5000, 7, "pi_1"), paidBy("pi_1", 3000, 6)}, paid},
		{"paid in part from a balance, and the rest refunded", begun, []Evidence{invoice("in_1", 5000, 5000, 7, "pi_1"), paidBy("pi_1", 2500, 6), refund("re_1", "", "pi_1", 2500, "succeeded", 9)}, half},
		{"credited in part before it was paid", begun, []Evidence{credited(1000)}, "pending, 0.00 of 0.00 h, received 4000; underpaid 1000"},
		{"credited beyond all before it was paid", begun, []Evidence{credited(9000)}, "pending, 0.00 of 0.00 h"},
		{"given to the balance", begun, []Evidence{invoice("in_1", 5000, 5000, 7), creditNote("cn_1", "in_1", 2500)}, half},
		{"given to the balance by two notes, more than all", begun, []Evidence{invoice("in_1", 5000, 5000, 7), creditNote("cn_1", "in_1", 4000), creditNote("cn_2", "in_1", 4000)},
			"refunded, 0.00 of 10.00 h, received 5000, refunded 5000, at 7"},
		{"given to the balance, and voided", begun, []Evidence{invoice("in_1", 5000, 5000, 7), creditNote("cn_1", "in_1", 2500),
			{CreditNotes: map[string]CreditNote{"cn_1": {At: 8, Invoice: "in_1", Amount: 2500, Voided: true}}}}, paid},
		{"a credit note of another invoice", begun, []Evidence{invoice("in_1", 5000, 5000, 7), creditNote("cn_1", "in_2", 2500)}, paid},
		{"told by its session alone", begun, []Evidence{settledBy("in_1"), {Invoices: map[string]Invoice{"in_1": {}}}}, paid},
		{"told by its session and itself", begun, []Evidence{settledBy("in_1"), invoice("in_1", 5000, 5000, 7)}, paid},
		{"told by a session that names both", begun, []Evidence{invoice("in_1", 5000, 5000, 7), paidBy("pi_1", 5000, 8),
			{Sessions: map[string]Session{"cs_1": {Invoice: "in_1", PaymentIntent: "pi_1"}}}}, "completed, 10.00 of 10.00 h, received 5000, at 8"},
		{"told by a session that names both, and half refunded", begun, []Evidence{invoice("in_1", 5000, 5000, 7), paidBy("pi_1", 5000, 7),
			{Sessions: map[string]Session{"cs_1": {Invoice: "in_1", PaymentIntent: "pi_1"}}}, refund("re_1", "", "pi_1", 2500, "succeeded", 9)}, half},
		{"with tax on top", begun, []Evidence{invoice("in_1", 5000, 5950, 7, "pi_1"), paidBy("pi_1", 5950, 7)}, "completed, 10.00 of 10.00 h, received 5950, at 7, due 5950"},
		{"paid but for a cent", begun, []Evidence{invoice("in_1", 5000, 5000, 7), paidBy("pi_1", 4999, 6)}, paid},
		{"paid but for a cent, and that is told", begun, []Evidence{invoice("in_1", 5000, 5000, 7), paidBy("pi_1", 4999, 6), paidBy("pi_2", 1, 7)}, paid},
		{"in another currency", begun, []Evidence{{Invoices: map[string]Invoice{"in_1": {Paid: &Bill{At: 7, Subtotal: 5000, Total: 5000, Currency: "usd"}}}}},
			"pending, 0.00 of 0.00 h; other_currency 5000 of in_1"},
	} {
		row.check(t)
	}
}

// Of an invoice of 7500 with a book for 2500, two thirds are for hours.
func TestOnlyTheHoursShareOfAnInvoiceCounts(t *testing.T) {
	paid := tell(invoice("in_1", 7500, 7500, 7, "pi_1"), share("in_1", 5000, 5000, 7500), paidBy("pi_1", 7500, 7))
	for _, row := range []derivation{
		{"paid", begun, []Evidence{paid}, "completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"a third refunded", begun, []Evidence{paid, refund("re_1", "", "pi_1", 2500, "succeeded", 9)},
			"partially_refunded, 6.67 of 10.00 h, received 5000, refunded 1667, at 7"},
		{"refunded", begun, []Evidence{paid, refund("re_1", "", "pi_1", 7500, "succeeded", 9)}, "refunded, 0.00 of 10.00 h, received 5000, refunded 5000, at 7"},
		{"disputed", begun, []Evidence{paid, dispute("dp_1", "pi_1", 7500, "lost")}, "disputed, 0.00 of 10.00 h, received 5000, disputed 5000, at 7"},
		{"a third given to the balance", begun, []Evidence{paid, creditNote("cn_1", "in_1", 2500)},
			"partially_refunded, 6.67 of 10.00 h, received 5000, refunded 1667, at 7"},
		{"of a sale at its hours' price", tenHours, []Evidence{paid}, "completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"of a sale at another price, all counts", Terms{Amount: 7500, Currency: "eur", Hours: 1000, Sold: true}, []Evidence{paid},
			"completed, 10.00 of 10.00 h, received 7500, at 7, due 7500"},
		{"a share of nothing is all", begun, []Evidence{invoice("in_1", 5000, 5000, 7), share("in_1", 5000, 0, 0)}, "completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"of two cents, a quarter of which is for hours", Terms{Amount: 1, Currency: "eur", Hours: 100},
			[]Evidence{invoice("in_1", 1, 2, 7, "pi_1", "pi_2"), share("in_1", 1, 1, 4), paidBy("pi_1", 1, 5), paidBy("pi_2", 1, 6)},
			"completed, 1.00 of 1.00 h, received 1, at 6, due 1"},
		{"of nine cents, of which one went back and nothing may be left to rounding", Terms{Amount: 3, Currency: "eur", Hours: 300},
			[]Evidence{invoice("in_1", 3, 7, 7, "pi_1"), share("in_1", 3, 3, 7), paidBy("pi_1", 9, 5), refund("re_1", "", "pi_1", 1, "succeeded", 9)},
			"completed, 3.00 of 3.00 h, received 4, refunded 1, at 5, due 3"},
		{"with discount and tax on both", begun, []Evidence{invoice("in_1", 7500, 8000, 7), share("in_1", 5000, 6000, 8000)},
			"completed, 10.00 of 10.00 h, received 6000, at 7, due 6000"},
	} {
		row.check(t)
	}
}

// A PaymentIntent that pays two invoices counts for each by what was told.
func TestASharedPaymentCountsByWhatItPaidOfTheInvoice(t *testing.T) {
	shared := tell(invoice("in_1", 5000, 5000, 7), paysInvoice("in_1", "pi_1", 5000), paidBy("pi_1", 12_000, 7))
	for _, row := range []derivation{
		{"paid", begun, []Evidence{shared}, "completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"half refunded", begun, []Evidence{shared, refund("re_1", "", "pi_1", 6000, "succeeded", 9)},
			"partially_refunded, 5.00 of 10.00 h, received 5000, refunded 2500, at 7; unclear_refund 6000 of pi_1"},
		{"told to have paid all that it is", begun, []Evidence{invoice("in_1", 5000, 5000, 7), paysInvoice("in_1", "pi_1", 5000), paidBy("pi_1", 5000, 7)},
			"completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"of which a part is open", begun, []Evidence{invoice("in_1", 5000, 5000, 7), paysInvoice("in_1", "pi_1", 2000), paidBy("pi_1", 12_000, 7)},
			"completed, 10.00 of 10.00 h, received 5000, at 7"},
	} {
		row.check(t)
	}
}

// Payments as people see them.
func TestPaymentsAreShown(t *testing.T) {
	for name, row := range map[string]struct {
		told []Evidence
		want PaymentState
	}{
		"exists":                 {[]Evidence{intent("pi_1", Attempts{})}, PaymentState{ID: "pi_1", Status: StatusPending}},
		"is under way":           {[]Evidence{intent("pi_1", processing(5))}, PaymentState{ID: "pi_1", Status: StatusProcessing}},
		"failed":                 {[]Evidence{intent("pi_1", processing(5)), intent("pi_1", failed(5, "no"))}, PaymentState{ID: "pi_1", Status: StatusFailed}},
		"is tried again":         {[]Evidence{intent("pi_1", processing(6)), intent("pi_1", failed(5, "no"))}, PaymentState{ID: "pi_1", Status: StatusProcessing}},
		"was cancelled":          {[]Evidence{intent("pi_1", cancelled(5, "no")), intent("pi_1", failed(6, "no"))}, PaymentState{ID: "pi_1", Status: StatusCancelled}},
		"paid":                   {[]Evidence{paidBy("pi_1", 50, 7), intent("pi_1", failed(9, "no"))}, PaymentState{ID: "pi_1", Received: 50, Currency: "eur", Status: StatusCompleted, At: 7}},
		"paid another currency":  {[]Evidence{paidIn("usd", "pi_1", 50, 7)}, PaymentState{ID: "pi_1", Received: 50, Currency: "usd", Status: StatusCompleted, At: 7}},
		"paid a cent":            {[]Evidence{paidBy("pi_1", 1, 7)}, PaymentState{ID: "pi_1", Received: 1, Currency: "eur", Status: StatusCompleted, At: 7}},
		"was refunded in part":   {[]Evidence{paidBy("pi_1", 50, 7), refund("re_1", "", "pi_1", 20, "succeeded", 9)}, PaymentState{ID: "pi_1", Received: 50, Currency: "eur", Refunded: 20, Status: StatusPartiallyRefunded, At: 7}},
		"was refunded":           {[]Evidence{paidBy("pi_1", 50, 7), refund("re_1", "", "pi_1", 50, "succeeded", 9)}, PaymentState{ID: "pi_1", Received: 50, Currency: "eur", Refunded: 50, Status: StatusRefunded, At: 7}},
		"is disputed":            {[]Evidence{paidBy("pi_1", 50, 7), dispute("dp_1", "pi_1", 20, "needs_response")}, PaymentState{ID: "pi_1", Received: 50, Currency: "eur", Disputed: 20, Status: StatusDisputed, At: 7}},
		"was lost and came back": {[]Evidence{paidBy("pi_1", 50, 7), dispute("dp_1", "pi_1", 20, "lost", -20, 20)}, PaymentState{ID: "pi_1", Received: 50, Currency: "eur", Status: StatusDisputed, At: 7}},
		"is an invoice's":        {[]Evidence{invoice("in_1", 50, 50, 7)}, PaymentState{ID: "in_1", Received: 50, Currency: "eur", Status: StatusCompleted, At: 7}},
		"is a session's":         {[]Evidence{session("cs_1", "", 50, 50, 7)}, PaymentState{ID: "cs_1", Received: 50, Currency: "eur", Status: StatusCompleted, At: 7}},
		"is a charge's":          {[]Evidence{charge("ch_1", "", 50, 50, 7)}, PaymentState{ID: "ch_1", Received: 50, Currency: "eur", Status: StatusCompleted, At: 7}},
	} {
		if got := Derive(tenHours, tell(row.told...)).Payments; !reflect.DeepEqual(got, []PaymentState{row.want}) {
			t.Errorf("a payment that %s: %+v, want %+v", name, got, row.want)
		}
	}
}

func TestPaymentsAreShownInTheOrderInWhichTheyPaid(t *testing.T) {
	told := tell(paidBy("pi_c", 10, 7), paidBy("pi_b", 10, 9), paidBy("pi_a", 10, 9), intent("pi_0", Attempts{}), intent("pi_1", Attempts{}))
	var order []string
	for _, p := range Derive(tenHours, told).Payments {
		order = append(order, p.ID)
	}
	if want := []string{"pi_c", "pi_a", "pi_b", "pi_0", "pi_1"}; !reflect.DeepEqual(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
	if kept := (PaymentState{Received: 50, Refunded: 20, Disputed: 10}).Kept(); kept != 20 {
		t.Errorf("kept %d", kept)
	}
}
