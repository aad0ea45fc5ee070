package stripe_test

import (
	"fmt"
	"testing"

	"hourbank/models"
)

func TestInvoicePaymentsAreRead(t *testing.T) {
	object := func(payment string) string {
		return `{"id":"inpay_1","invoice":"in_1","amount_paid":700,"payment":` + payment + `}`
	}
	for _, row := range []reading{
		{"by a PaymentIntent", "invoice_payment.paid", "invoice_payment", object(`{"type":"payment_intent","payment_intent":"pi_1"}`),
			`{"payments":{"pi_1":{"received":{"amount":700,"at":500},"currency":"eur"}},"invoices":{"in_1":{"payments":{"pi_1":700}}}}`, "pi_1", true},
		{"by a charge", "invoice_payment.paid", "invoice_payment", object(`{"type":"charge","charge":"ch_1"}`),
			`{"charges":{"ch_1":{}},"invoices":{"in_1":{"payments":{"ch_1":700}}}}`, "ch_1", true},
		{"outside Stripe", "invoice_payment.paid", "invoice_payment", object(`{"type":"out_of_band_payment"}`), `{"invoices":{"in_1":{}}}`, "in_1", true},
	} {
		row.in(t, v2026) // the first versions have no such event
	}
}

// What a credit note gave back otherwise than by a refund.
func TestCreditNotesAreRead(t *testing.T) {
	for name, row := range map[string]struct {
		set  string
		want int64
	}{
		"to the balance, after it was paid":           {`"customer_balance_transaction":"cbtxn_1","post_payment_amount":700`, 700},
		"to the balance, where it is expanded":        {`"customer_balance_transaction":{"id":"cbtxn_1","amount":-700},"post_payment_amount":900`, 700},
		"to the balance, of an old version":           {`"customer_balance_transaction":"cbtxn_1","type":"post_payment"`, 700},
		"to the balance, before it was paid":          {`"customer_balance_transaction":"cbtxn_1","type":"pre_payment"`, 0},
		"outside Stripe":                              {`"customer_balance_transaction":null,"out_of_band_amount":700`, 700},
		"outside Stripe, and the rest to the balance": {`"customer_balance_transaction":{"amount":-400},"out_of_band_amount":300`, 700},
		"by a refund": {`"customer_balance_transaction":null,"refund":"re_1","post_payment_amount":700`, 0},
		"by a refund, and the rest to the balance":          {`"customer_balance_transaction":"cbtxn_1","post_payment_amount":1000,"refunds":[{"amount_refunded":300}]`, 700},
		"by an old refund, and the rest to the balance":     {`"customer_balance_transaction":"cbtxn_1","total":1000,"refund":{"id":"re_1","amount":300}`, 700},
		"by an old refund, and both say how much it was":    {`"customer_balance_transaction":"cbtxn_1","total":1000,"refund":{"id":"re_1","amount":300},"refunds":[{"amount_refunded":300}]`, 700},
		"by a refund of a payment record, outside Stripe":   {`"customer_balance_transaction":null,"post_payment_amount":700,"refunds":[{"amount_refunded":700,"type":"payment_record_refund"}]`, 700},
		"by refunds of both kinds, the rest to the balance": {`"customer_balance_transaction":"cbtxn_1","post_payment_amount":1000,"refunds":[{"amount_refunded":300,"type":"refund"},{"amount_refunded":500,"type":"payment_record_refund"}]`, 700},
		"to the balance, of a version with amount alone":    {`"customer_balance_transaction":"cbtxn_1","total":null`, 700},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"id":"evt_1","type":"credit_note.created","created":500,"data":{"object":{"id":"cn_1","object":"credit_note","invoice":"in_1",` + row.set + `,"amount":700}}}`
			event := decodeBody(t, body)
			wantTold(t, event, fmt.Sprintf(`{"invoices":{"in_1":{}},"credit_notes":{"cn_1":{"at":500,"invoice":"in_1","amount":%d}}}`, row.want))
			if !event.Money || event.Payment != "in_1" {
				t.Errorf("money %t of %s", event.Money, event.Payment)
			}
		})
	}
}

// Where a note doesn't say how much of it a refund gave, the refund itself will.
func TestACreditNotesRefundOfUnknownAmountIsKept(t *testing.T) {
	event := decodeBody(t, `{"id":"evt_1","type":"credit_note.created","created":500,"data":{"object":{"id":"cn_1","invoice":"in_1",
		"customer_balance_transaction":"cbtxn_1","total":1000,"refund":"re_1","type":"post_payment"}}}`)
	wantTold(t, event, `{"invoices":{"in_1":{}},"credit_notes":{"cn_1":{"at":500,"invoice":"in_1","amount":1000,"refund":"re_1"}}}`)
}

// What a note says that it gives back of which lines, and by which refunds.
func TestCreditNotesLinesAreRead(t *testing.T) {
	for lines, want := range map[string]string{
		`{"invoice_line_item":"il_1","amount":700}`: `,"lines":{"il_1":700},"refunded":{"re_1":0}`,
		`{"invoice_line_item":{"id":"il_1"},"amount":900,"discount_amount":100,"taxes":[{"amount":80}]},{"invoice_line_item":"il_2","amount":5}`: `,"lines":{"il_1":880,"il_2":5},"refunded":{"re_1":0}`,
		`{"invoice_line_item":"il_1","amount":300},{"invoice_line_item":"il_1","amount":400,"tax_amounts":[{"amount":9,"inclusive":true}]}`:      `,"lines":{"il_1":700},"refunded":{"re_1":0}`,
		`{"invoice_line_item":"il_1","amount":300},{"invoice_line_item":null,"type":"custom_line_item","amount":400}`:                            ``,
	} {
		event := decodeBody(t, `{"id":"evt_1","type":"credit_note.created","created":500,"data":{"object":{"id":"cn_1","invoice":"in_1",
			"refund":"re_1","refunds":[{"refund":"re_1"}],"lines":{"data":[`+lines+`]}}}}`)
		wantTold(t, event, `{"invoices":{"in_1":{}},"credit_notes":{"cn_1":{"at":500,"invoice":"in_1","amount":0`+want+`}}}`)
	}
	event := decodeBody(t, `{"id":"evt_1","type":"credit_note.created","created":500,"data":{"object":{"id":"cn_1","invoice":"in_1","lines":{"has_more":true,"data":[{"invoice_line_item":"il_1","amount":700}]}}}}`)
	wantTold(t, event, `{"invoices":{"in_1":{}},"credit_notes":{"cn_1":{"at":500,"invoice":"in_1","amount":0}}}`)
}

func TestVoidedCreditNotesAreRead(t *testing.T) {
	for _, told := range []string{`"type":"credit_note.voided","data":{"object":{"id":"cn_1","invoice":"in_1","status":"issued"`,
		`"type":"credit_note.updated","data":{"object":{"id":"cn_1","invoice":"in_1","status":"void"`} {
		event := decodeBody(t, `{"id":"evt_1","created":500,`+told+`,"out_of_band_amount":700}}}`)
		wantTold(t, event, `{"invoices":{"in_1":{}},"credit_notes":{"cn_1":{"at":500,"invoice":"in_1","amount":700,"voided":true}}}`)
	}
}

// A subscription tells whose it is, and nothing of money.
func TestSubscriptionsAreReadInEveryVersion(t *testing.T) {
	const items = `,"items":{"data":[{"price":{"id":"price_1"},"plan":{"id":"price_2"}}]}`
	for _, eventType := range []string{"customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted"} {
		for name, row := range map[string]struct {
			set  string
			want models.Subscription
		}{
			"of a student":              {`"metadata":{"student_id":"s1","plan":"monthly"}` + items, models.Subscription{StudentID: "s1", PlanID: "monthly", StripePriceID: "price_1"}},
			"of an item's plan":         {`"items":{"data":[{"plan":{"id":"price_2"}}]}`, models.Subscription{StripePriceID: "price_2"}},
			"of a plan of its own":      {`"items":null,"plan":{"id":"price_3"}`, models.Subscription{StripePriceID: "price_3"}},
			"of nothing that says more": {`"items":null,"plan":null,"metadata":[]`, models.Subscription{}},
		} {
			for _, version := range versions {
				event := decode(t, version, eventType, "subscription", `{"id":"sub_1",`+row.set+`}`)
				row.want.ID, row.want.ToldAt = "sub_1", 500
				if event.Subscription == nil || *event.Subscription != row.want || event.Money {
					t.Errorf("%s %s in %s: %+v, money %t, want %+v", eventType, name, version, event.Subscription, event.Money, row.want)
				}
				wantTold(t, event, `{}`)
			}
		}
	}
}
