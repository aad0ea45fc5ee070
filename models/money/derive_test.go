package money_test

import (
	"testing"

	"hourbank/models/money"
	"hourbank/models/money/telling"
)

// Hours follow the money that is kept, added up over a purchase's payments.
func TestPaymentsAddUp(t *testing.T) {
	usd := func(amount int64) money.Evidence { return telling.PaidIn("usd", "pi_usd", amount, 1) }
	for _, row := range []derivation{
		{"nothing was told", tenHours, nil, "pending, 0.00 of 0.00 h"},
		{"paid", tenHours, []money.Evidence{telling.PaidBy("pi_1", 5000, 7)}, "completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"a cent too little", tenHours, []money.Evidence{telling.PaidBy("pi_1", 4999, 7)}, "pending, 0.00 of 0.00 h, received 4999; underpaid 1"},
		{"a cent too much", tenHours, []money.Evidence{telling.PaidBy("pi_1", 5001, 7)}, "completed, 10.00 of 10.00 h, received 5001, at 7; overpaid 1"},
		{"in two parts", tenHours, []money.Evidence{telling.PaidBy("pi_1", 2000, 9), telling.PaidBy("pi_2", 3000, 7)}, "completed, 10.00 of 10.00 h, received 5000, at 9"},
		{"twice", tenHours, []money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.PaidBy("pi_2", 5000, 9)}, "completed, 10.00 of 10.00 h, received 10000, at 7; overpaid 5000"},
		{"twice, and one given back", tenHours, []money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.PaidBy("pi_2", 5000, 9), telling.Refund("re_1", "", "pi_1", 5000, "succeeded", 9)},
			"completed, 10.00 of 10.00 h, received 10000, refunded 5000, at 7"},
		{"twice, and one and a half given back", tenHours, []money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.PaidBy("pi_2", 5000, 9),
			telling.Refund("re_1", "", "pi_1", 5000, "succeeded", 9), telling.Refund("re_2", "", "pi_2", 2500, "succeeded", 9)},
			"partially_refunded, 5.00 of 10.00 h, received 10000, refunded 7500, at 7"},
		{"too little, all given back", tenHours, []money.Evidence{telling.PaidBy("pi_1", 2000, 7), telling.Refund("re_1", "", "pi_1", 2000, "succeeded", 9)},
			"pending, 0.00 of 0.00 h, received 2000, refunded 2000"},
		{"too little, half given back", tenHours, []money.Evidence{telling.PaidBy("pi_1", 2000, 7), telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 9)},
			"pending, 0.00 of 0.00 h, received 2000, refunded 1000; underpaid 3000"},
		{"too little and given back, then all", tenHours, []money.Evidence{telling.PaidBy("pi_1", 2000, 7), telling.Refund("re_1", "", "pi_1", 2000, "succeeded", 8), telling.PaidBy("pi_2", 5000, 9)},
			"completed, 10.00 of 10.00 h, received 7000, refunded 2000, at 9"},
		{"what a charge captured counts where it is more", tenHours, []money.Evidence{telling.PaidBy("pi_1", 2000, 7), telling.Charge("ch_1", "pi_1", 5000, 5000, 8)},
			"completed, 10.00 of 10.00 h, received 5000, at 8"},
		{"two charges of one payment", tenHours, []money.Evidence{telling.Charge("ch_1", "pi_1", 2000, 2000, 7), telling.Charge("ch_2", "pi_1", 3000, 3000, 8)},
			"completed, 10.00 of 10.00 h, received 5000, at 8"},
		{"a charge of no PaymentIntent", tenHours, []money.Evidence{telling.Charge("ch_1", "", 5000, 5000, 8)}, "completed, 10.00 of 10.00 h, received 5000, at 8"},
		{"a charge that captured nothing", tenHours, []money.Evidence{telling.Charge("ch_1", "pi_1", 5000, 0, 0)}, "pending, 0.00 of 0.00 h"},
		{"a third given back rounds half up", money.Terms{Amount: 300, Currency: "eur", Hours: 100, Sold: true},
			[]money.Evidence{telling.PaidBy("pi_1", 300, 7), telling.Refund("re_1", "", "pi_1", 100, "succeeded", 8)},
			"partially_refunded, 0.67 of 1.00 h, received 300, refunded 100, at 7, due 300"},
		{"a cent", money.Terms{Amount: 1, Currency: "eur", Hours: 100, Sold: true}, []money.Evidence{telling.Session("cs_1", "", 1, 1, 7)}, "completed, 1.00 of 1.00 h, received 1, at 7, due 1"},
		{"a cent, given back", money.Terms{Amount: 1, Currency: "eur", Hours: 100, Sold: true}, []money.Evidence{telling.PaidBy("pi_1", 1, 7), telling.Refund("re_1", "", "pi_1", 1, "succeeded", 8)}, "refunded, 0.00 of 1.00 h, received 1, refunded 1, at 7, due 1"},
		{"a dispute that was lost of a payment of which nothing is known", tenHours, []money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 8), telling.Intent("pi_2", money.Attempts{}), telling.Dispute("dp_1", "pi_2", 1000, "lost")},
			"disputed, 8.00 of 10.00 h, received 5000, refunded 1000, at 7"},
		{"a cent of another currency", tenHours, []money.Evidence{usd(1)}, "pending, 0.00 of 0.00 h; other_currency 1 of pi_usd"},
		{"a cent of it disputed", tenHours, []money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.Dispute("dp_1", "pi_1", 1, "under_review")},
			"disputed, 10.00 of 10.00 h, received 5000, disputed 1, at 7; dispute 1 of pi_1"},
		{"a half cent that is both kept and given back, beside a dispute", tenHours, []money.Evidence{
			{Sessions: map[string]money.Session{"cs_1": {PaymentIntent: "pi_usd", Source: &money.Converted{1, 1, "eur"}}}}, usd(2), telling.Refund("re_1", "", "pi_usd", 1, "succeeded", 9),
			telling.PaidBy("pi_1", 5000, 7), telling.Dispute("dp_1", "pi_1", 1000, "lost")},
			"disputed, 8.00 of 10.00 h, received 5001, disputed 1000, at 7"},
		{"another currency", tenHours, []money.Evidence{usd(6000)}, "pending, 0.00 of 0.00 h; other_currency 6000 of pi_usd"},
		{"another currency, given back", tenHours, []money.Evidence{usd(6000), telling.Refund("re_1", "", "pi_usd", 6000, "succeeded", 2)}, "pending, 0.00 of 0.00 h"},
		{"another currency, then the right one", tenHours, []money.Evidence{usd(6000), telling.PaidBy("pi_1", 5000, 7)},
			"completed, 10.00 of 10.00 h, received 5000, at 7; other_currency 6000 of pi_usd"},
	} {
		row.check(t)
	}
}

// Before it is paid: the latest sign of the payments that were not cancelled.
func TestTheStatusBeforeItIsPaid(t *testing.T) {
	for _, row := range []derivation{
		{"under way", tenHours, []money.Evidence{telling.Intent("pi_1", telling.Processing(5))}, "processing, 0.00 of 0.00 h"},
		{"failed", tenHours, []money.Evidence{telling.Intent("pi_1", telling.Failed(5, "declined"))}, "failed, 0.00 of 0.00 h, declined"},
		{"failed after it was under way", tenHours, []money.Evidence{telling.Intent("pi_1", telling.Processing(5)), telling.Intent("pi_1", telling.Failed(6, "declined"))}, "failed, 0.00 of 0.00 h, declined"},
		{"under way after it failed", tenHours, []money.Evidence{telling.Intent("pi_1", telling.Failed(5, "declined")), telling.Intent("pi_1", telling.Processing(6))}, "processing, 0.00 of 0.00 h"},
		{"failed and under way in one second", tenHours, []money.Evidence{telling.Intent("pi_1", telling.Failed(5, "declined")), telling.Intent("pi_1", telling.Processing(5))}, "failed, 0.00 of 0.00 h, declined"},
		{"failed twice", tenHours, []money.Evidence{telling.Intent("pi_1", telling.Failed(6, "second")), telling.Intent("pi_1", telling.Failed(5, "first"))}, "failed, 0.00 of 0.00 h, second"},
		{"cancelled", tenHours, []money.Evidence{telling.Intent("pi_1", telling.Cancelled(5, "abandoned")), telling.Intent("pi_1", telling.Failed(9, "declined"))}, "cancelled, 0.00 of 0.00 h, abandoned"},
		{"one cancelled, another under way", tenHours, []money.Evidence{telling.Intent("pi_1", telling.Cancelled(9, "abandoned")), telling.Intent("pi_2", telling.Processing(5))}, "processing, 0.00 of 0.00 h"},
		{"one cancelled, another of which nothing is known", tenHours, []money.Evidence{telling.Intent("pi_1", telling.Cancelled(9, "abandoned")), telling.Intent("pi_2", money.Attempts{})}, "pending, 0.00 of 0.00 h"},
		{"both cancelled", tenHours, []money.Evidence{telling.Intent("pi_1", telling.Cancelled(9, "second")), telling.Intent("pi_2", telling.Cancelled(5, "first"))}, "cancelled, 0.00 of 0.00 h, second"},
		{"a session that expired", tenHours, []money.Evidence{{Sessions: map[string]money.Session{"cs_1": {Attempts: telling.Cancelled(5, "expired")}}}}, "cancelled, 0.00 of 0.00 h, expired"},
		{"a session that failed later", tenHours, []money.Evidence{{Sessions: map[string]money.Session{"cs_1": {PaymentIntent: "pi_1", Attempts: telling.Failed(6, "late")}}}, telling.Intent("pi_1", telling.Processing(5))},
			"failed, 0.00 of 0.00 h, late"},
		{"a session that expired and has a PaymentIntent that was tried", tenHours,
			[]money.Evidence{{Sessions: map[string]money.Session{"cs_1": {PaymentIntent: "pi_1", Attempts: telling.Cancelled(6, "expired")}}}, telling.Intent("pi_1", telling.Failed(5, "declined"))},
			"cancelled, 0.00 of 0.00 h, expired"},
		{"a session that expired too soon", tenHours, []money.Evidence{telling.Session("cs_1", "pi_1", 4000, 4000, 7), {Sessions: map[string]money.Session{"cs_1": {Attempts: telling.Cancelled(6, "expired")}}}},
			"pending, 0.00 of 0.00 h, received 4000; underpaid 1000"},
		{"an invoice that was voided too soon", begun, []money.Evidence{{Invoices: map[string]money.Invoice{"in_1": {Attempts: telling.Cancelled(6, "void"), Paid: &money.Bill{At: 7, Subtotal: 5000, Total: 5000, Credited: 1000, Currency: "eur"}}}}},
			"pending, 0.00 of 0.00 h, received 4000; underpaid 1000"},
		{"an invoice says nothing beside its PaymentIntent", begun, []money.Evidence{{Invoices: map[string]money.Invoice{"in_1": {Payments: map[string]int64{"pi_1": 0}}}}, telling.Intent("pi_1", telling.Cancelled(6, "abandoned"))},
			"cancelled, 0.00 of 0.00 h, abandoned"},
		{"an invoice that failed", begun, []money.Evidence{{Invoices: map[string]money.Invoice{"in_1": {Attempts: telling.Failed(5, "invoice")}}}}, "failed, 0.00 of 0.00 h, invoice"},
		{"an invoice that was voided, as its PaymentIntent", begun,
			[]money.Evidence{{Invoices: map[string]money.Invoice{"in_1": {Payments: map[string]int64{"pi_1": 0}, Attempts: telling.Cancelled(6, "void")}}}, telling.Intent("pi_1", telling.Failed(5, "declined"))},
			"cancelled, 0.00 of 0.00 h, void"},
		{"a session of an invoice says nothing of its own", begun,
			[]money.Evidence{{Sessions: map[string]money.Session{"cs_1": {Invoice: "in_1", Attempts: telling.Processing(9)}}, Invoices: map[string]money.Invoice{"in_1": {Attempts: telling.Failed(5, "invoice")}}}},
			"failed, 0.00 of 0.00 h, invoice"},
		{"paid, whatever else", tenHours, []money.Evidence{telling.Intent("pi_1", telling.Cancelled(9, "abandoned")), telling.Intent("pi_1", telling.Failed(9, "declined")), telling.PaidBy("pi_1", 5000, 5)},
			"completed, 10.00 of 10.00 h, received 5000, at 5"},
	} {
		row.check(t)
	}
}

// What was to pay.
func TestWhatIsDue(t *testing.T) {
	details := func(discount, tax, shipping int64) money.Evidence {
		return money.Evidence{Payments: map[string]money.Payment{"pi_1": {Details: &money.AmountDetails{discount, tax, shipping}}}}
	}
	link := func(e money.Evidence) money.Evidence {
		return telling.Tell(e, money.Evidence{Sessions: map[string]money.Session{"cs_1": {PaymentLink: true}}})
	}
	converted := func(subtotal, total int64, currency string) money.Evidence {
		return money.Evidence{Sessions: map[string]money.Session{"cs_1": {PaymentIntent: "pi_1", Settled: &money.Asked{7, 5400, 6400, "usd"}, Source: &money.Converted{subtotal, total, currency}}}}
	}
	for _, row := range []derivation{
		{"a session with tax on top", tenHours, []money.Evidence{telling.Session("cs_1", "pi_1", 5000, 5950, 7)}, "completed, 10.00 of 10.00 h, received 5950, at 7, due 5950"},
		{"a session with a discount", tenHours, []money.Evidence{telling.Session("cs_1", "pi_1", 5000, 4000, 7)}, "completed, 10.00 of 10.00 h, received 4000, at 7, due 4000"},
		{"a session with nothing to pay", tenHours, []money.Evidence{telling.Session("cs_1", "", 5000, 0, 7)}, "completed, 10.00 of 10.00 h, at 7, due 0"},
		{"a session of another price asks nothing", tenHours, []money.Evidence{telling.Session("cs_1", "pi_1", 4000, 4000, 7)}, "pending, 0.00 of 0.00 h, received 4000; underpaid 1000"},
		{"the smallest of two sessions", tenHours, []money.Evidence{telling.Session("cs_1", "pi_1", 5000, 5950, 7), telling.Session("cs_2", "pi_2", 5000, 4000, 8)},
			"completed, 10.00 of 10.00 h, received 9950, at 7, due 4000; overpaid 5950"},
		{"a session that nobody settled", tenHours, []money.Evidence{{Sessions: map[string]money.Session{"cs_1": {PaymentIntent: "pi_1"}}}, telling.PaidBy("pi_1", 4000, 7)},
			"pending, 0.00 of 0.00 h, received 4000; underpaid 1000"},
		{"a Payment Link changes nothing of what was sold before", tenHours, []money.Evidence{link(telling.Session("cs_1", "pi_1", 5000, 4000, 7))},
			"pending, 0.00 of 0.00 h, received 4000; underpaid 1000"},
		{"nor does its invoice", tenHours, []money.Evidence{{Sessions: map[string]money.Session{"cs_1": {PaymentLink: true, Invoice: "in_1"}}}, telling.Invoice("in_1", 5000, 4000, 7)},
			"pending, 0.00 of 0.00 h, received 4000; underpaid 1000"},
		{"nor its PaymentIntent", tenHours, []money.Evidence{{Sessions: map[string]money.Session{"cs_1": {PaymentLink: true, PaymentIntent: "pi_1"}}}, details(1000, 0, 0), telling.PaidBy("pi_1", 4000, 7)},
			"pending, 0.00 of 0.00 h, received 4000; underpaid 1000"},
		{"nor its invoice's PaymentIntent", tenHours, []money.Evidence{{Sessions: map[string]money.Session{"cs_1": {PaymentLink: true, Invoice: "in_1"}}}, telling.PaysInvoice("in_1", "pi_1", 0), details(1000, 0, 0), telling.PaidBy("pi_1", 4000, 7)},
			"pending, 0.00 of 0.00 h, received 4000; underpaid 1000"},
		{"nor beside a session of ours", tenHours, []money.Evidence{link(telling.Session("cs_1", "pi_1", 5000, 3000, 7)), telling.Session("cs_2", "pi_2", 5000, 4000, 8)},
			"completed, 10.00 of 10.00 h, received 7000, at 8, due 4000; overpaid 3000"},
		{"a Payment Link that Stripe began with", begun, []money.Evidence{link(telling.Session("cs_1", "pi_1", 5000, 4000, 7))}, "completed, 10.00 of 10.00 h, received 4000, at 7, due 4000"},
		{"a session in the customer's currency", tenHours, []money.Evidence{converted(5000, 5950, "eur")}, "completed, 10.00 of 10.00 h, received 5950, at 7, due 5950"},
		{"a session that was converted from a third currency", tenHours, []money.Evidence{converted(5000, 5950, "gbp")}, "pending, 0.00 of 0.00 h; other_currency 6400 of pi_1"},
		{"half of what was converted given back", tenHours, []money.Evidence{converted(5000, 5950, "eur"), telling.Refund("re_1", "", "pi_1", 3200, "succeeded", 9)},
			"partially_refunded, 5.00 of 10.00 h, received 5950, refunded 2975, at 7, due 5950"},
		{"a PaymentIntent with tax and shipping", tenHours, []money.Evidence{details(0, 950, 490), telling.PaidBy("pi_1", 6440, 7)}, "completed, 10.00 of 10.00 h, received 6440, at 7, due 6440"},
		{"a PaymentIntent with a discount", tenHours, []money.Evidence{details(1000, 0, 0), telling.PaidBy("pi_1", 4000, 7)}, "completed, 10.00 of 10.00 h, received 4000, at 7, due 4000"},
		{"a PaymentIntent with a discount, by its charge", tenHours, []money.Evidence{details(1000, 0, 0), telling.Charge("ch_1", "pi_1", 4000, 4000, 7)},
			"completed, 10.00 of 10.00 h, received 4000, at 7, due 4000"},
		{"a PaymentIntent with a discount of all but a cent, by its charge", tenHours, []money.Evidence{details(4999, 0, 0), telling.Charge("ch_1", "pi_1", 1, 1, 7)},
			"completed, 10.00 of 10.00 h, received 1, at 7, due 1"},
		{"a PaymentIntent with a discount of all but a cent", tenHours, []money.Evidence{details(4999, 0, 0), telling.PaidBy("pi_1", 1, 7)}, "completed, 10.00 of 10.00 h, received 1, at 7, due 1"},
		{"the smallest of two PaymentIntents", tenHours, []money.Evidence{details(1000, 0, 0), telling.PaidBy("pi_1", 1, 6), {Payments: map[string]money.Payment{"pi_2": {Details: &money.AmountDetails{Tax: 950}}}}, telling.PaidBy("pi_2", 3999, 7)},
			"completed, 10.00 of 10.00 h, received 4000, at 7, due 4000"},
		{"a PaymentIntent with a discount of all, and a tip", tenHours, []money.Evidence{details(6000, 0, 0), telling.PaidBy("pi_1", 1, 7), telling.PaidBy("pi_2", 1, 8)}, "completed, 10.00 of 10.00 h, received 2, at 7, due 0; overpaid 2"},
		{"nothing to pay, settled twice", tenHours, []money.Evidence{telling.Session("cs_1", "", 5000, 0, 9), telling.Session("cs_2", "", 5000, 0, 8), telling.PaidBy("pi_1", 1, 6)}, "completed, 10.00 of 10.00 h, received 1, at 8, due 0; overpaid 1"},
		{"an invoice with nothing to pay, settled before a session of the same", tenHours, []money.Evidence{telling.Session("cs_1", "", 5000, 0, 9), telling.Invoice("in_1", 5000, 0, 8)}, "completed, 10.00 of 10.00 h, at 8, due 0"},
		{"a discount of a PaymentIntent that did not pay", tenHours, []money.Evidence{details(1000, 0, 0), telling.PaidBy("pi_2", 4000, 7)}, "pending, 0.00 of 0.00 h, received 4000; underpaid 1000"},
		{"a discount of a PaymentIntent that received nothing", tenHours, []money.Evidence{details(1000, 0, 0), telling.PaidBy("pi_1", 0, 0), telling.Charge("ch_1", "pi_1", 4000, 0, 0), telling.PaidBy("pi_2", 4000, 7)},
			"pending, 0.00 of 0.00 h, received 4000; underpaid 1000"},
		{"a discount of a PaymentIntent that did not pay, beside a charge of one that did", tenHours, []money.Evidence{details(1000, 0, 0), telling.Charge("ch_2", "pi_2", 4000, 4000, 7)},
			"pending, 0.00 of 0.00 h, received 4000; underpaid 1000"},
		{"a discount of a PaymentIntent that paid in another currency", tenHours, []money.Evidence{details(1000, 0, 0), telling.PaidIn("usd", "pi_1", 4000, 6), telling.PaidBy("pi_2", 4000, 7)},
			"pending, 0.00 of 0.00 h, received 4000; other_currency 4000 of pi_1; underpaid 1000"},
		{"a session outranks a PaymentIntent's details", tenHours, []money.Evidence{details(1000, 0, 0), telling.Session("cs_1", "pi_1", 5000, 5000, 7)},
			"completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"tax that is due is returned in part", tenHours, []money.Evidence{telling.Session("cs_1", "pi_1", 5000, 5950, 7), telling.Refund("re_1", "", "pi_1", 595, "succeeded", 9)},
			"partially_refunded, 9.00 of 10.00 h, received 5950, refunded 595, at 7, due 5950"},
		{"tax alone is missing", tenHours, []money.Evidence{{Payments: map[string]money.Payment{"pi_1": {Details: &money.AmountDetails{Tax: 950}}}}, telling.PaidBy("pi_1", 5000, 7)},
			"partially_refunded, 8.40 of 10.00 h, received 5000, at 7, due 5950; underpaid 950"},
	} {
		row.check(t)
	}
}

func TestStaffsWordCounts(t *testing.T) {
	// A credit note took so much off the bill before it was paid.
	bill := func(total, credited int64, intents ...string) money.Evidence {
		e := telling.Invoice("in_1", total, total, 7, intents...)
		e.Invoices["in_1"].Paid.Credited = credited
		return e
	}
	for _, row := range []derivation{
		{"too little", tenHours, []money.Evidence{telling.PaidBy("pi_1", 4000, 7), telling.Accepted("pi_1")}, "completed, 10.00 of 10.00 h, received 4000, at 7"},
		{"too little, half of it returned", tenHours, []money.Evidence{telling.PaidBy("pi_1", 4000, 7), telling.Accepted("pi_1"), telling.Refund("re_1", "", "pi_1", 2000, "succeeded", 9)},
			"partially_refunded, 5.00 of 10.00 h, received 4000, refunded 2000, at 7"},
		{"too little, all of it returned", tenHours, []money.Evidence{telling.PaidBy("pi_1", 4000, 7), telling.Accepted("pi_1"), telling.Refund("re_1", "", "pi_1", 4000, "succeeded", 9)},
			"refunded, 0.00 of 10.00 h, received 4000, refunded 4000, at 7"},
		{"a cent", tenHours, []money.Evidence{telling.PaidBy("pi_1", 1, 7), telling.Accepted("pi_1")}, "completed, 10.00 of 10.00 h, received 1, at 7"},
		{"too little after too little", tenHours, []money.Evidence{telling.PaidBy("pi_1", 1000, 6), telling.PaidBy("pi_2", 1000, 7), telling.Accepted("pi_2"), telling.PaidBy("pi_3", 1000, 8)}, "completed, 10.00 of 10.00 h, received 3000, at 7; overpaid 2000"},
		{"another currency, half cents both kept and given back", money.Terms{Amount: 1, Currency: "eur", Hours: 100}, []money.Evidence{telling.PaidIn("usd", "pi_1", 2, 7), telling.Accepted("pi_1"), telling.Refund("re_1", "", "pi_1", 1, "succeeded", 9)},
			"completed, 1.00 of 1.00 h, received 1, at 7, due 1"},
		{"another currency", tenHours, []money.Evidence{telling.PaidIn("usd", "pi_1", 6000, 7), telling.Accepted("pi_1")}, "completed, 10.00 of 10.00 h, received 5000, at 7"},
		{"another currency, a third of it held", tenHours, []money.Evidence{telling.PaidIn("usd", "pi_1", 6000, 7), telling.Accepted("pi_1"), telling.DisputeIn("usd", "dp_1", "pi_1", 2000, "lost")},
			"disputed, 6.67 of 10.00 h, received 5000, disputed 1667, at 7"},
		{"more than all", tenHours, []money.Evidence{telling.PaidBy("pi_1", 6000, 7), telling.Accepted("pi_1")}, "completed, 10.00 of 10.00 h, received 6000, at 7; overpaid 1000"},
		{"too little of an invoice, half of which is given back", tenHours, []money.Evidence{bill(5000, 1000, "pi_1"), telling.PaidBy("pi_1", 4000, 7), telling.Accepted("pi_1"), telling.CreditNote("cn_1", "in_1", 2000)},
			"partially_refunded, 5.00 of 10.00 h, received 4000, refunded 2000, at 7"},
		{"too little of an invoice, all of which is given back", tenHours, []money.Evidence{bill(5000, 1000, "pi_1"), telling.PaidBy("pi_1", 4000, 7), telling.Accepted("pi_1"), telling.CreditNote("cn_1", "in_1", 5000)},
			"refunded, 0.00 of 10.00 h, received 4000, refunded 4000, at 7"},
		{"too little of an invoice, half of which is for hours", tenHours, []money.Evidence{bill(10_000, 2000, "pi_1"), telling.Share("in_1", 5000, 5000, 10_000), telling.PaidBy("pi_1", 8000, 7), telling.Accepted("pi_1")},
			"completed, 10.00 of 10.00 h, received 4000, at 7"},
		{"too little of an invoice, half of which is for hours; some is refunded, some disputed and some given back", tenHours,
			[]money.Evidence{bill(10_000, 2000, "pi_1"), telling.Share("in_1", 5000, 5000, 10_000), telling.PaidBy("pi_1", 8000, 7), telling.Accepted("pi_1"),
				telling.Refund("re_1", "", "pi_1", 800, "succeeded", 9), telling.Dispute("dp_1", "pi_1", 1600, "lost"), telling.CreditNote("cn_1", "in_1", 1600)},
			"disputed, 5.00 of 10.00 h, received 4000, refunded 1200, disputed 800, at 7"},
		{"too little beside another part of the invoice, of which more is given back than that was", tenHours,
			[]money.Evidence{bill(5000, 1000, "pi_1", "pi_2"), telling.PaidBy("pi_1", 2000, 7), telling.PaidBy("pi_2", 2000, 8), telling.Accepted("pi_1"), telling.CreditNote("cn_1", "in_1", 3000)},
			"partially_refunded, 5.00 of 10.00 h, received 4000, refunded 3000, at 7"},
		{"another currency, of an invoice of which a quarter is given back", tenHours, []money.Evidence{
			{Invoices: map[string]money.Invoice{"in_1": {Payments: map[string]int64{"pi_1": 6000}, Paid: &money.Bill{At: 7, Total: 6000, Currency: "usd"}}}},
			telling.PaidIn("usd", "pi_1", 6000, 7), telling.Accepted("pi_1"), telling.CreditNote("cn_1", "in_1", 1500)},
			"partially_refunded, 7.50 of 10.00 h, received 5000, refunded 1250, at 7"},
		{"nothing at all", tenHours, []money.Evidence{telling.Intent("pi_1", money.Attempts{}), telling.Accepted("pi_1")}, "pending, 0.00 of 0.00 h"},
		{"another payment", tenHours, []money.Evidence{telling.PaidBy("pi_1", 4000, 7), telling.Accepted("pi_2")}, "pending, 0.00 of 0.00 h, received 4000; underpaid 1000"},
	} {
		row.check(t)
	}
}
