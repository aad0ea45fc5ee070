package stripe_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"hourbank/models/invoicing"
	"hourbank/services/stripe"
)

// Where each version keeps an invoice's subscription, its metadata, a line's
// price, and what paid it.
func TestInvoicesAreReadInEveryVersion(t *testing.T) {
	const money = `"id":"in_1","subtotal":12000,"total":14280,"amount_paid":14280,"charge":null,"customer":null`
	const metadata = `{"student_id":"s1","plan":"monthly"}`
	const payment = `{"payments":{"data":[{"id":"inpay_1","object":"invoice_payment","status":"paid","amount_paid":14280,"currency":"eur","payment":{"type":"payment_intent","payment_intent":"pi_1"}},
		{"id":"inpay_2","status":"open","payment":{"type":"payment_intent","payment_intent":"pi_2"}}]}`
	const paid = `"paid":{"at":500,"subtotal":12000,"total":14280,"currency":"eur"},"period":{"subscription":"sub_1","created":0,"renews":true}`
	line := func(prices []string, unit int64) invoicing.Line {
		return invoicing.Line{PriceIDs: prices, Amount: 12_000, Quantity: 1, UnitAmount: unit, Tax: 2280}
	}
	for version, row := range map[string]struct {
		set, told string
		line      invoicing.Line
	}{
		v2020: {`{` + money + `,"subscription":"sub_1","payment_intent":"pi_1","lines":{"data":[{"amount":12000,"quantity":1,"metadata":` + metadata + `,
			"plan":{"id":"price_9","amount":12000},"price":{"id":"price_1","unit_amount":12000},"subscription":"sub_1","tax_amounts":[{"amount":2280,"inclusive":false}]}]}}`,
			`{"payments":{"pi_1":{}},"invoices":{"in_1":{"payments":{"pi_1":0},` + paid + `}}}`, line([]string{"price_1", "price_9"}, 12_000)},
		v2023: {`{` + money + `,"subscription":{"id":"sub_1"},"subscription_details":{"metadata":` + metadata + `},"payment_intent":{"id":"pi_1"},"charge":"ch_1",
			"lines":{"data":[{"amount":12000,"quantity":1,"price":{"id":"price_1","unit_amount":12000},"tax_amounts":[{"amount":2280,"inclusive":false}]}]}}`,
			`{"payments":{"pi_1":{}},"charges":{"ch_1":{"payment_intent":"pi_1"}},"invoices":{"in_1":{"payments":{"pi_1":0},` + paid + `}}}`, line([]string{"price_1"}, 12_000)},
		v2026: {payment + `,` + money + `,"parent":{"subscription_details":{"subscription":"sub_1","metadata":` + metadata + `}},
			"lines":{"data":[{"amount":12000,"quantity":1,"pricing":{"price_details":{"price":"price_1"},"unit_amount_decimal":"1"},"taxes":[{"amount":2280,"tax_behavior":"exclusive"}]}]}}`,
			`{"payments":{"pi_1":{"received":{"amount":14280,"at":500},"currency":"eur"}},"invoices":{"in_1":{"payments":{"pi_1":14280},` + paid + `}}}`, line([]string{"price_1"}, -1)},
	} {
		t.Run(version, func(t *testing.T) {
			event := decode(t, version, "invoice.paid", "invoice", row.set)
			wantTold(t, event, row.told)
			want := &stripe.Invoice{ID: "in_1", At: 500, SubscriptionID: "sub_1", StudentID: "s1", PlanID: "monthly", Lines: []invoicing.Line{row.line}, Currency: "eur", Paid: true}
			if !reflect.DeepEqual(event.Invoice, want) {
				t.Errorf("sells %+v, want %+v", event.Invoice, want)
			}
			if !event.Money || event.Payment != "in_1" {
				t.Errorf("money %t of %s", event.Money, event.Payment)
			}
		})
	}
}

// What becomes of an invoice that is not paid, or otherwise than by a payment.
func TestFatesOfInvoicesAreReadInEveryVersion(t *testing.T) {
	object := func(fields string) string {
		return `{"id":"in_1","subtotal":12000,"total":12000,"charge":null,"subscription":null,"parent":null,"lines":{"data":[]},` + fields + `}`
	}
	for _, row := range []reading{
		{"partly credited before it was paid", "invoice.paid", "invoice", object(`"pre_payment_credit_notes_amount":2000`),
			`{"invoices":{"in_1":{"paid":{"at":500,"subtotal":12000,"total":12000,"credited":2000,"currency":"eur"}}}}`, "in_1", true},
		{"with a total below nothing", "invoice.paid", "invoice", object(`"subtotal":-500,"total":-500`),
			`{"invoices":{"in_1":{"paid":{"at":500,"subtotal":0,"total":0,"currency":"eur"}}}}`, "in_1", true},
		{"paid by a charge alone", "invoice.paid", "invoice", object(`"charge":"ch_1"`),
			`{"charges":{"ch_1":{}},"invoices":{"in_1":{"payments":{"ch_1":0},"paid":{"at":500,"subtotal":12000,"total":12000,"currency":"eur"}}}}`, "in_1", true},
		{"that failed", "invoice.payment_failed", "invoice", object(`"status":"open"`),
			`{"invoices":{"in_1":{"failed":{"at":500,"code":"invoice_payment_failed","message":"The payment of the invoice failed."}}}}`, "in_1", false},
		{"that was voided", "invoice.voided", "invoice", object(`"status":"void"`),
			`{"invoices":{"in_1":{"cancelled":{"at":500,"code":"void","message":"The payment was cancelled: void."}}}}`, "in_1", false},
		{"that was given up", "invoice.marked_uncollectible", "invoice", object(`"status":"uncollectible"`),
			`{"invoices":{"in_1":{"cancelled":{"at":500,"code":"uncollectible","message":"The payment was cancelled: uncollectible."}}}}`, "in_1", false},
	} {
		for _, version := range versions {
			row.in(t, version)
		}
	}
}

func TestLinesOfInvoicesAreRead(t *testing.T) {
	price := invoicing.Line{PriceIDs: []string{"price_1"}, Amount: 6000, Quantity: 1, UnitAmount: -1}
	with := func(change func(*invoicing.Line)) invoicing.Line {
		line := price
		change(&line)
		return line
	}
	const pricing = `"amount":6000,"pricing":{"price_details":{"price":"price_1"}}`
	prorated := with(func(l *invoicing.Line) { l.Proration = true })
	discounted := with(func(l *invoicing.Line) { l.Discount = 1000 })
	for name, row := range map[string]struct {
		set  string
		want invoicing.Line
	}{
		"without a quantity":               {`"lines":{"data":[{` + pricing + `}]}`, price},
		"of several":                       {`"lines":{"data":[{` + pricing + `,"quantity":3}]}`, with(func(l *invoicing.Line) { l.Quantity = 3 })},
		"of none":                          {`"lines":{"data":[{` + pricing + `,"quantity":0}]}`, with(func(l *invoicing.Line) { l.Quantity = 0 })},
		"a credit":                         {`"lines":{"data":[{"amount":-6000,` + pricing + `}]}`, with(func(l *invoicing.Line) { l.Amount = -6000 })},
		"a proration":                      {`"lines":{"data":[{` + pricing + `,"proration":true}]}`, prorated},
		"a proration of an item":           {`"lines":{"data":[{` + pricing + `,"parent":{"subscription_item_details":{"proration":true}}}]}`, prorated},
		"a proration of an invoice item":   {`"lines":{"data":[{` + pricing + `,"parent":{"invoice_item_details":{"proration":true}}}]}`, prorated},
		"with tax that it includes":        {`"lines":{"data":[{` + pricing + `,"tax_amounts":[{"amount":900,"inclusive":true}],"taxes":[{"amount":900,"tax_behavior":"inclusive"}]}]}`, price},
		"with tax on top":                  {`"lines":{"data":[{` + pricing + `,"taxes":[{"amount":900},{"amount":100,"tax_behavior":"exclusive"}]}]}`, with(func(l *invoicing.Line) { l.Tax = 1000 })},
		"with a discount":                  {`"total_discount_amounts":[{"amount":1000}],"lines":{"data":[{` + pricing + `,"discount_amounts":[{"amount":1000}]}]}`, discounted},
		"a proration with a discount":      {`"total_discount_amounts":[{"amount":1000}],"lines":{"data":[{` + pricing + `,"proration":true,"discount_amounts":[{"amount":1000}]}]}`, with(func(l *invoicing.Line) { l.Proration, l.Discount = true, 1000 })},
		"a proration less its discount":    {`"lines":{"data":[{` + pricing + `,"proration":true,"discount_amounts":[{"amount":1000}]}]}`, with(func(l *invoicing.Line) { l.Proration, l.Discount, l.Amount = true, 1000, 7000 })},
		"of an old plan":                   {`"lines":{"data":[{"amount":6000,"plan":{"id":"price_1","amount":6000}}]}`, with(func(l *invoicing.Line) { l.UnitAmount = 6000 })},
		"of a price that costs nothing":    {`"lines":{"data":[{"amount":0,"price":{"id":"price_1","unit_amount":0}}]}`, with(func(l *invoicing.Line) { l.Amount, l.UnitAmount = 0, 0 })},
		"of free text":                     {`"lines":{"data":[{"amount":6000,"price":null}]}`, with(func(l *invoicing.Line) { l.PriceIDs = nil })},
		"where an invoice has none at all": {`"lines":{"data":[]},"subtotal":6000`, with(func(l *invoicing.Line) { l.PriceIDs = nil })},
	} {
		event := decode(t, v2026, "invoice.paid", "invoice", `{"id":"in_1",`+row.set+`}`)
		if want := []invoicing.Line{row.want}; !reflect.DeepEqual(event.Invoice.Lines, want) {
			t.Errorf("a line %s: %+v, want %+v", name, event.Invoice.Lines, want)
		}
	}
}

// Whose an invoice is: its own metadata count more than its subscription's,
// and those more than a line's.
func TestTheStudentOfAnInvoiceIsRead(t *testing.T) {
	own, details, line := `"metadata":{"student_id":"own"}`, `"parent":{"subscription_details":{"metadata":{"student_id":"details"}}}`, `"lines":{"data":[{"metadata":{"student_id":"line"}}]}`
	for want, set := range map[string]string{
		"own": own + `,` + details + `,` + line, "details": details + `,` + line, "line": line + `,"parent":null`,
	} {
		if event := decode(t, v2026, "invoice.paid", "invoice", `{"id":"in_1",`+set+`}`); event.Invoice.StudentID != want {
			t.Errorf("of %s: %q", set, event.Invoice.StudentID)
		}
	}
}

func TestWhichPeriodAnInvoiceIsOfIsRead(t *testing.T) {
	const full, prorated = `{"amount":5,"proration":false}`, `{"amount":5,"parent":{"subscription_item_details":{"proration":true}}}`
	for _, row := range []struct{ name, set, lines, want string }{
		{"the first", `"subscription":"sub_1","created":7,"billing_reason":"subscription_create"`, full, `{"subscription":"sub_1","created":7}`},
		{"a renewal", `"subscription":"sub_1","created":7,"billing_reason":"subscription_cycle"`, full + "," + prorated, `{"subscription":"sub_1","created":7,"renews":true}`},
		{"a renewal since basil", `"parent":{"subscription_details":{"subscription":"sub_1"}},"created":7,"billing_reason":"subscription_cycle"`, full, `{"subscription":"sub_1","created":7,"renews":true}`},
		{"a change of plan", `"subscription":"sub_1","created":7,"billing_reason":"subscription_update"`, full, `{"subscription":"sub_1","created":7}`},
		{"one of before 2018", `"subscription":"sub_1","date":7,"billing_reason":"subscription"`, full, `{"subscription":"sub_1","created":7,"renews":true}`},
		{"one that says no reason", `"subscription":"sub_1","created":7`, full, `{"subscription":"sub_1","created":7,"renews":true}`},
		{"a proration that says no reason", `"subscription":"sub_1","created":7`, full + "," + prorated, `{"subscription":"sub_1","created":7}`},
		{"one of no subscription", `"created":7,"billing_reason":"manual"`, full, ``},
	} {
		t.Run(row.name, func(t *testing.T) {
			event := decodeBody(t, `{"id":"evt_1","object":"event","api_version":"2020-08-27","created":500,"livemode":false,"type":"invoice.payment_failed",
				"data":{"object":{"id":"in_1","object":"invoice","currency":"eur",`+row.set+`,"lines":{"data":[`+row.lines+`]}}}}`)
			got := ""
			if period := event.Told.Invoices["in_1"].Period; period != nil {
				encoded, err := json.Marshal(period)
				if err != nil {
					t.Fatal(err)
				}
				got = string(encoded)
			}
			if got != row.want {
				t.Errorf("is of %s, want %s", got, row.want)
			}
		})
	}
}
