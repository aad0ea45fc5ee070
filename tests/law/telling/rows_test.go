package telling

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// row is a history told by hand: what happened, and what must be true then.
type row struct {
	name   string
	sales  []Sale
	events []string
	want   Purchase // fields that are compared: Status, hours kept, cases
	hours  int64    // what the student has of it in the end
	cases  []string
}

var theSale = Sale{PurchaseID: "purchase_1", StudentID: "student_1", Hours: 1000, Price: 5000, Currency: "eur"}

var eventNumber int

// told makes an event, a second after the one before unless `at` says it.
func event(kind, version string, at int64, object m) string {
	eventNumber++
	body, err := json.Marshal(m{
		"id": fmt.Sprintf("evt_%d", eventNumber), "object": "event", "api_version": version, "created": Epoch + at,
		"type": kind, "data": m{"object": object},
	})
	if err != nil {
		panic(err)
	}
	return string(body)
}

func with(o m, more m) m {
	for key, value := range more {
		o[key] = value
	}
	return o
}

func intent(id string, amount, received int64) m {
	return m{
		"id": id, "object": "payment_intent", "amount": amount, "amount_received": received, "currency": "eur", "status": "succeeded",
		"metadata": m{"purchase_transaction_id": "purchase_1", "student_id": "student_1"},
	}
}

func chargeOf(id, intent string, amount, refunded int64) m {
	return m{
		"id": id, "object": "charge", "amount": amount, "amount_captured": amount, "captured": true, "paid": true, "status": "succeeded",
		"amount_refunded": refunded, "currency": "eur", "payment_intent": intent, "metadata": m{},
	}
}

func succeeded(id string, amount, at int64) string {
	return event("payment_intent.succeeded", v2023, at, with(intent(id, amount, amount), m{"latest_charge": "ch_" + id}))
}

func refundedInFull(pi string, amount, at int64) string {
	return event("charge.refunded", v2023, at, chargeOf("ch_"+pi, pi, amount, amount))
}

func disputed(kind, status string, at int64, moves ...int64) string {
	list := []m{}
	for i, amount := range moves {
		list = append(list, m{"id": fmt.Sprintf("txn_%d", i), "object": "balance_transaction", "amount": amount, "net": amount - 1500})
	}
	return event("charge.dispute."+kind, v2023, at, m{
		"id": "dp_1", "object": "dispute", "amount": 5000, "currency": "eur", "status": status, "charge": "ch_pi_1", "payment_intent": nil,
		"balance_transactions": list,
	})
}

func sessionOf(pi any, status string, subtotal, discount, tax int64) m {
	return m{
		"id": "cs_1", "object": "checkout.session", "mode": "payment", "status": "complete", "payment_status": status, "currency": "eur",
		"amount_subtotal": subtotal, "amount_total": subtotal - discount + tax, "payment_intent": pi,
		"total_details": m{"amount_discount": discount, "amount_tax": tax},
		"metadata":      m{"purchase_transaction_id": "purchase_1", "student_id": "student_1"},
	}
}

func lineOf(price string, amount, quantity int64, proration bool) m {
	return m{
		"amount": amount, "quantity": quantity, "pricing": m{"price_details": m{"price": price}, "unit_amount_decimal": fmt.Sprint(amount)},
		"parent": m{"type": "subscription_item_details", "subscription_item_details": m{"proration": proration}},
	}
}

func invoiceOf(reason string, paid int64, lines ...m) m {
	var total int64
	for _, line := range lines {
		total += line["amount"].(int64)
	}
	return m{
		"id": "in_1", "object": "invoice", "status": "paid", "currency": "eur", "billing_reason": reason, "metadata": m{},
		"subtotal": total, "total": total, "amount_paid": paid, "amount_due": paid, "lines": m{"data": lines},
		"parent": m{"subscription_details": m{"subscription": "sub_1", "metadata": m{"student_id": "student_1"}}},
	}
}

func paysInvoice(pi string, amount, at int64) string {
	return event("invoice_payment.paid", v2026, at, m{
		"id": "inpay_" + pi, "object": "invoice_payment", "invoice": "in_1", "amount_paid": amount, "status": "paid", "currency": "eur",
		"payment": m{"type": "payment_intent", "payment_intent": pi},
	})
}

func foreignIntent(id string, amount, at int64) string {
	return event("payment_intent.succeeded", v2026, at, with(intent(id, amount, amount), m{"metadata": m{}, "latest_charge": "ch_" + id}))
}

func TestRows(t *testing.T) {
	sale := []Sale{theSale}
	success := succeeded("pi_1", 5000, 1)
	for _, row := range []row{
		{name: "paid", sales: sale, events: []string{success}, want: Purchase{Status: "completed"}, hours: 1000},
		{
			name: "paid twice", sales: sale, events: []string{success, succeeded("pi_2", 5000, 2)},
			want: Purchase{Status: "completed"}, hours: 1000, cases: []string{"overpaid"},
		},
		{
			name: "paid twice and the second one refunded in full", sales: sale,
			events: []string{success, succeeded("pi_2", 5000, 2), refundedInFull("pi_2", 5000, 3)},
			want:   Purchase{Status: "completed"}, hours: 1000,
		},
		{
			name: "too little, refunded, and then in full", sales: sale,
			events: []string{succeeded("pi_1", 4000, 1), refundedInFull("pi_1", 4000, 2), succeeded("pi_2", 5000, 3)},
			want:   Purchase{Status: "completed"}, hours: 1000,
		},
		{
			name: "too little", sales: sale, events: []string{succeeded("pi_1", 4000, 1)},
			want: Purchase{Status: "pending"}, cases: []string{"underpaid"},
		},
		{
			name: "too little, and the rest", sales: sale, events: []string{succeeded("pi_1", 4000, 1), succeeded("pi_2", 1000, 2)},
			want: Purchase{Status: "completed"}, hours: 1000,
		},
		{
			name: "released, and then paid by another", sales: sale,
			events: []string{
				event("charge.refunded", v2022, 1, with(chargeOf("ch_pi_1", "pi_1", 5000, 5000), m{
					"captured": false, "amount_captured": int64(0), "metadata": m{"purchase_transaction_id": "purchase_1"},
				})),
				succeeded("pi_2", 5000, 2),
			},
			want: Purchase{Status: "completed"}, hours: 1000,
		},
		{
			name: "captured in part", sales: sale,
			events: []string{
				event("payment_intent.succeeded", v2022, 1, with(intent("pi_1", 6000, 5000), m{"latest_charge": "ch_pi_1"})),
				event("charge.refunded", v2022, 1, with(chargeOf("ch_pi_1", "pi_1", 6000, 1000), m{"amount_captured": int64(5000)})),
			},
			want: Purchase{Status: "completed"}, hours: 1000,
		},
		{
			name: "captured in part, and half of that refunded", sales: sale,
			events: []string{
				event("payment_intent.succeeded", v2022, 1, with(intent("pi_1", 6000, 5000), m{"latest_charge": "ch_pi_1"})),
				event("charge.refunded", v2022, 3, with(chargeOf("ch_pi_1", "pi_1", 6000, 3500), m{"amount_captured": int64(5000)})),
			},
			want: Purchase{Status: "partially_refunded"}, hours: 500, cases: []string{"unclear_refund"},
		},
		{
			name: "captured in part, and all of that refunded", sales: sale,
			events: []string{
				event("charge.refunded", v2026, 3, with(chargeOf("ch_pi_1", "pi_1", 6000, 6000), m{
					"amount_captured": int64(5000), "metadata": m{"purchase_transaction_id": "purchase_1"},
				})),
			},
			want: Purchase{Status: "refunded"}, hours: 0,
		},
		{
			name: "the release known by its own refund", sales: sale,
			events: []string{
				event("payment_intent.succeeded", v2026, 1, with(intent("pi_1", 6000, 5000), m{"latest_charge": "ch_pi_1"})),
				event("refund.created", v2026, 1, m{"id": "re_1", "amount": 1000, "status": "succeeded", "charge": "ch_pi_1", "created": Epoch + 1}),
				event("charge.refunded", v2026, 5, with(chargeOf("ch_pi_1", "pi_1", 6000, 3500), m{"amount_captured": int64(5000)})),
			},
			want: Purchase{Status: "partially_refunded"}, hours: 500,
		},
		{
			name: "dispute prevented", sales: sale, events: []string{success, disputed("closed", "prevented", 2)},
			want: Purchase{Status: "completed"}, hours: 1000,
		},
		{
			name: "dispute waits for an answer", sales: sale, events: []string{success, disputed("created", "needs_response", 2, -5000)},
			want: Purchase{Status: "disputed"}, hours: 0, cases: []string{"dispute"},
		},
		{
			name: "dispute lost and reinstated in part", sales: sale,
			events: []string{success, disputed("closed", "lost", 2, -5000), disputed("funds_reinstated", "lost", 3, -5000, 2000)},
			want:   Purchase{Status: "disputed"}, hours: 400,
		},
		{
			name: "dispute won at another rate", sales: sale,
			events: []string{success, disputed("created", "needs_response", 2, -5400), disputed("closed", "won", 3, -5400, 5300)},
			want:   Purchase{Status: "completed"}, hours: 1000,
		},
		{
			name: "dispute won, withdrawn again", sales: sale,
			events: []string{success, disputed("closed", "won", 2, -5000, 5000), disputed("funds_withdrawn", "lost", 3, -5000, 5000, -5000)},
			want:   Purchase{Status: "disputed"}, hours: 0,
		},
		{
			name: "session with tax", sales: sale,
			events: []string{succeeded("pi_1", 5950, 1), event("checkout.session.completed", v2026, 1, sessionOf("pi_1", "paid", 5000, 0, 950))},
			want:   Purchase{Status: "completed"}, hours: 1000,
		},
		{
			name: "session with tax, half refunded", sales: sale,
			events: []string{
				succeeded("pi_1", 5950, 1), event("checkout.session.completed", v2026, 1, sessionOf("pi_1", "paid", 5000, 0, 950)),
				event("refund.created", v2026, 2, m{"id": "re_1", "amount": 2975, "status": "succeeded", "charge": "ch_pi_1", "created": Epoch + 2}),
			},
			want: Purchase{Status: "partially_refunded"}, hours: 500,
		},
		{
			name: "session with a discount", sales: sale,
			events: []string{succeeded("pi_1", 4000, 1), event("checkout.session.completed", v2026, 1, sessionOf("pi_1", "paid", 5000, 1000, 0))},
			want:   Purchase{Status: "completed"}, hours: 1000,
		},
		{
			name: "session discounted to nothing", sales: sale,
			events: []string{event("checkout.session.completed", v2026, 1, sessionOf(nil, "no_payment_required", 5000, 5000, 0))},
			want:   Purchase{Status: "completed"}, hours: 1000,
		},
		{
			name: "only the session was told", sales: sale,
			events: []string{
				event("checkout.session.completed", v2026, 1, sessionOf("pi_1", "paid", 5000, 0, 0)),
				event("refund.created", v2026, 2, m{"id": "re_1", "amount": 2500, "status": "succeeded", "payment_intent": "pi_1", "created": Epoch + 2}),
			},
			want: Purchase{Status: "partially_refunded"}, hours: 500,
		},
		{
			name: "invoice paid in two parts, both refunded",
			events: []string{
				event("invoice.paid", v2026, 1, invoiceOf("subscription_create", 12000, lineOf("price_8", 12000, 1, false))),
				foreignIntent("pi_1", 6000, 1), foreignIntent("pi_2", 6000, 1), paysInvoice("pi_1", 6000, 1), paysInvoice("pi_2", 6000, 1),
				refundedInFull("pi_1", 6000, 2), refundedInFull("pi_2", 6000, 2),
			},
			want: Purchase{Status: "refunded"}, hours: 0,
		},
		{
			name: "invoice paid in two parts, one refunded, its link told last",
			events: []string{
				event("invoice.paid", v2026, 1, invoiceOf("subscription_create", 12000, lineOf("price_8", 12000, 1, false))),
				foreignIntent("pi_1", 6000, 1), foreignIntent("pi_2", 6000, 1), paysInvoice("pi_1", 6000, 1),
				refundedInFull("pi_2", 6000, 2), paysInvoice("pi_2", 6000, 3),
			},
			want: Purchase{Status: "partially_refunded"}, hours: 400,
		},
		{
			name: "upgrade in mid-month",
			events: []string{event("invoice.paid", v2026, 1, invoiceOf("subscription_update", 10000,
				lineOf("price_8", -12000, 1, true), lineOf("price_16", 22000, 1, true)))},
			want: Purchase{Status: "completed"}, hours: 800,
		},
		{
			name:   "renewal settled from the customer's balance",
			events: []string{event("invoice.paid", v2026, 1, invoiceOf("subscription_cycle", 0, lineOf("price_8", 12000, 1, false)))},
			want:   Purchase{Status: "completed"}, hours: 800,
		},
		{
			name:   "a line of two",
			events: []string{event("invoice.paid", v2026, 1, invoiceOf("subscription_cycle", 24000, lineOf("price_8", 24000, 2, false)))},
			want:   Purchase{Status: "completed"}, hours: 1600,
		},
		{
			name: "two lines of two plans",
			events: []string{event("invoice.paid", v2026, 1, invoiceOf("subscription_cycle", 34000,
				lineOf("price_8", 12000, 1, false), lineOf("price_16", 22000, 1, false)))},
			want: Purchase{Status: "completed"}, hours: 2400,
		},
		{
			name: "metadata of the old plan and line of the new one",
			events: []string{event("invoice.paid", v2026, 1, with(
				invoiceOf("subscription_cycle", 22000, lineOf("price_16", 22000, 1, false)), m{"metadata": m{"student_id": "student_1", "plan": "plan_8"}}))},
			want: Purchase{Status: "completed"}, hours: 1600,
		},
		{
			name: "hours and a book, half refunded",
			events: []string{
				event("invoice.paid", v2026, 1, invoiceOf("manual", 14000, lineOf("price_8", 12000, 1, false), lineOf("price_book", 2000, 1, false))),
				foreignIntent("pi_1", 14000, 1), paysInvoice("pi_1", 14000, 1),
				event("charge.refunded", v2026, 2, chargeOf("ch_pi_1", "pi_1", 14000, 7000)),
			},
			want: Purchase{Status: "partially_refunded"}, hours: 400,
		},
		{
			name: "a PaymentIntent with student_id and plan",
			events: []string{event("payment_intent.succeeded", v2026, 1, with(intent("pi_1", 12000, 12000), m{
				"metadata": m{"student_id": "student_1", "plan": "plan_8"}}))},
			want: Purchase{Status: "completed"}, hours: 800,
		},
		{
			name: "a dispute that names only its charge", sales: sale,
			events: []string{success, disputed("created", "needs_response", 2)},
			want:   Purchase{Status: "disputed"}, hours: 0, cases: []string{"dispute"},
		},
		{
			name: "a refund that names only its charge", sales: sale,
			events: []string{success, event("refund.created", v2026, 2, m{
				"id": "re_1", "amount": 2500, "status": "succeeded", "charge": "ch_pi_1", "payment_intent": nil, "created": Epoch + 2})},
			want: Purchase{Status: "partially_refunded"}, hours: 500,
		},
		{
			name: "a refund that failed", sales: sale,
			events: []string{
				success, refundedInFull("pi_1", 5000, 2),
				event("refund.failed", v2026, 3, m{"id": "re_1", "amount": 5000, "status": "failed", "charge": "ch_pi_1", "created": Epoch + 2}),
			},
			want: Purchase{Status: "completed"}, hours: 1000, cases: []string{"refund_failed"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := History{Plans: PriceList(), Sales: row.sales, Events: row.events}
			backwards := slices.Clone(row.events)
			slices.Reverse(backwards)
			for _, events := range [][]string{row.events, backwards, append(slices.Clone(row.events), row.events...)} {
				got := Expect(h, events)
				if len(got.Purchases) != 1 || len(got.Unmatched) > 0 || len(got.Unexplained) > 0 {
					t.Fatalf("%+v", got)
				}
				p := got.Purchases[0]
				var cases []string
				for _, c := range p.Cases {
					cases = append(cases, c.Kind)
				}
				if p.Status != row.want.Status || p.HoursCredited-p.HoursReversed != row.hours || !slices.Equal(cases, row.cases) {
					t.Fatalf("want %s, %d hundredths, cases %v; got %+v", row.want.Status, row.hours, row.cases, p)
				}
			}
		})
	}
}

// Two purchases that turn out to be one: the one sold first takes it all.
func TestTheOneThatWasSoldFirstTakesAll(t *testing.T) {
	second := theSale
	second.PurchaseID, second.StudentID = "purchase_2", "student_2"
	session := sessionOf("pi_1", "paid", 5000, 0, 0)
	session["metadata"] = m{"purchase_transaction_id": "purchase_2"}
	h := History{Plans: PriceList(), Sales: []Sale{theSale, second}, Events: []string{
		succeeded("pi_1", 5000, 1), event("checkout.session.completed", v2026, 2, session),
	}}
	got := Expect(h, h.Events)
	if len(got.Purchases) != 1 || got.Purchases[0].ID != "purchase_1" || len(got.Purchases[0].Keys) != 3 {
		t.Fatalf("%+v", got)
	}
}

// A downgrade takes hours off.
func TestADowngradeTakesHoursOff(t *testing.T) {
	h := History{Plans: PriceList(), Events: []string{event("invoice.paid", v2026, 1, invoiceOf("subscription_update", 0,
		lineOf("price_16", -22000, 1, true), lineOf("price_8", 12000, 1, true)))}}
	got := Expect(h, h.Events)
	if len(got.Purchases) != 0 || len(got.Adjustments) != 1 || got.Adjustments[0].Hours != -800 || len(got.Unexplained) != 0 {
		t.Fatalf("%+v", got)
	}
}

// A success of which nobody knows the purchase.
func TestAPaymentOfNobodyIsUnmatched(t *testing.T) {
	h := History{Plans: PriceList(), Sales: []Sale{theSale}, Events: []string{foreignIntent("pi_9", 5000, 1)}}
	got := Expect(h, h.Events)
	if !slices.Equal(got.Unmatched, []string{"pi_9"}) || got.Purchases[0].Status != "pending" {
		t.Fatalf("%+v", got)
	}
}
