package stripe_test

import (
	"fmt"
	"strings"
	"testing"

	"hourbank/models"
	"hourbank/models/money"
	"hourbank/services/stripe"
)

// Numbers that are nobody's money, wherever Stripe keeps an amount.
func TestOddAmountsAreNoMoney(t *testing.T) {
	places := map[string]struct {
		eventType, object string
		read              func(money.Evidence) int64
	}{
		"received":           {"payment_intent.succeeded", `"id":"pi_1","amount_received":%s`, func(e money.Evidence) int64 { return e.Payments["pi_1"].Received.Amount }},
		"authorised":         {"payment_intent.succeeded", `"id":"pi_1","amount":%s`, func(e money.Evidence) int64 { return e.Payments["pi_1"].Authorised }},
		"captured":           {"charge.captured", `"id":"ch_1","captured":true,"amount":0,"amount_captured":%s`, func(e money.Evidence) int64 { return e.Charges["ch_1"].Captured.Amount }},
		"a total of refunds": {"charge.refunded", `"id":"ch_1","amount_refunded":%s`, func(e money.Evidence) int64 { return e.Charges["ch_1"].Refunded.Amount }},
		"a refund":           {"refund.created", `"id":"re_1","amount":%s`, func(e money.Evidence) int64 { return e.Refunds["re_1"].Amount }},
		"a dispute":          {"charge.dispute.created", `"id":"dp_1","amount":%s`, func(e money.Evidence) int64 { return e.Disputes["dp_1"].Amount }},
		"paid of an invoice": {"invoice_payment.paid", `"id":"inpay_1","invoice":"in_1","payment":{"payment_intent":"pi_1"},"amount_paid":%s`, func(e money.Evidence) int64 { return e.Invoices["in_1"].Payments["pi_1"] }},
		"given back":         {"credit_note.created", `"id":"cn_1","invoice":"in_1","out_of_band_amount":%s`, func(e money.Evidence) int64 { return e.CreditNotes["cn_1"].Amount }},
		"credited before":    {"invoice.paid", `"id":"in_1","total":1,"pre_payment_credit_notes_amount":%s`, func(e money.Evidence) int64 { return e.Invoices["in_1"].Paid.Credited }},
		"an invoice's total": {"invoice.paid", `"id":"in_1","subtotal":1,"total":%s`, func(e money.Evidence) int64 { return e.Invoices["in_1"].Paid.Total }},
		"a session's subtotal": {"checkout.session.completed", `"id":"cs_1","payment_status":"paid","amount_total":1,"amount_subtotal":%s`,
			func(e money.Evidence) int64 { return e.Sessions["cs_1"].Settled.Subtotal }},
	}
	for raw, want := range map[string]int64{
		"5000": 5000, "5000.0": 5000, "5e3": 5000, "999999999999999": 999_999_999_999_999, "0": 0, "-1": 0, "4999.5": 0, `"5000"`: 0, "true": 0, "[5000]": 0, `{"amount":5000}`: 0,
		"1000000000000000": 0, "9223372036854775807": 0, "9223372036854775808": 0, "1e400": 0, "99999999999999999999999": 0, "-1e400": 0,
	} {
		for what, place := range places {
			event := decodeBody(t, fmt.Sprintf(`{"id":"evt_1","type":%q,"created":500,"data":{"object":{`+place.object+`}}}`, place.eventType, raw))
			if got := place.read(event.Told); got != want {
				t.Errorf("%s of %s is read as %d, want %d", what, raw, got, want)
			}
		}
	}
}

func TestABalanceTransactionMayBeNegative(t *testing.T) {
	for raw, want := range map[string]string{"-700": `{"txn_1":-700}`, "700": `{"txn_1":700}`, "-0.5": `{"txn_1":0}`, "-1e400": `{"txn_1":0}`, `"-700"`: "null", "null": "null"} {
		event := decodeBody(t, `{"id":"evt_1","type":"charge.dispute.created","created":500,"data":{"object":{"id":"dp_1","balance_transactions":[{"id":"txn_1","amount":`+raw+`}]}}}`)
		transactions := `,"transactions":` + want
		if want == "null" {
			transactions = ""
		}
		wantTold(t, event, `{"disputes":{"dp_1":{"at":500,"status":"","amount":0`+transactions+`}}}`)
	}
}

func TestOddTimesAreBounded(t *testing.T) {
	for raw, want := range map[string]int64{
		"500": 500, "0": 1, "-5": 1, "1e400": 4102444800, "9223372036854775807": 4102444800, `"x"`: 1, "null": 1, "[]": 1,
		`"2026-01-28T12:00:00Z"`: 1769601600, `"2026-10-01T12:00:00.123Z"`: 1790856000, `"1500-01-01T00:00:00Z"`: 1, `"9999-01-01T00:00:00Z"`: 4102444800,
	} {
		if event := decodeBody(t, `{"id":"evt_1","type":"x","created":`+raw+`}`); event.Created != want {
			t.Errorf("created %s is read as %d, want %d", raw, event.Created, want)
		}
	}
}

// Texts are kept as long as a person may read them, and as a database can.
func TestLongTextsAreCut(t *testing.T) {
	long := strings.Repeat("long ", 180_000)
	umlauts := strings.Repeat("ä", 51) + "x" // 103 bytes: the 100th is the middle of no character
	for name, row := range map[string]struct{ eventType, object, told string }{
		"a dispute's status": {"charge.dispute.updated", `"id":"dp_1","status":"` + long + `"`,
			`{"disputes":{"dp_1":{"at":500,"amount":0,"status":"` + long[:100] + `"}}}`},
		"a refund's status": {"refund.updated", `"id":"re_1","status":"` + long + `","currency":"` + long + `"`,
			`{"refunds":{"re_1":{"at":500,"amount":0,"created":500,"status":"` + long[:100] + `","currency":"` + long[:10] + `"}}}`},
		"a failure": {"payment_intent.payment_failed", `"id":"pi_1","last_payment_error":{"code":"` + long + `","message":"` + long + `"}`,
			`{"payments":{"pi_1":{"failed":{"at":500,"code":"` + long[:100] + `","message":"` + long[:500] + `"}}}}`},
		"a failure with NULs": {"payment_intent.payment_failed", `"id":"pi_1","last_payment_error":{"code":"a\u0000b","message":"\u0000"}`,
			`{"payments":{"pi_1":{"failed":{"at":500,"code":"a�b","message":"�"}}}}`},
		"a text that would be cut within a character": {"charge.dispute.updated", `"id":"dp_1","status":"x` + umlauts + `"`,
			`{"disputes":{"dp_1":{"at":500,"amount":0,"status":"x` + strings.Repeat("ä", 49) + `"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			wantTold(t, decodeBody(t, `{"id":"evt_1","type":"`+row.eventType+`","created":500,"data":{"object":{`+row.object+`}}}`), row.told)
		})
	}
}

// An id that no database could look up names nothing.
func TestIDsBeyondTheBoundsNameNothing(t *testing.T) {
	long := strings.Repeat("x", models.MaxIDLength+1)
	event := decodeBody(t, `{"id":"evt_1","type":"refund.created","created":500,"data":{"object":{"id":"re_1","amount":7,"charge":"`+long+`","payment_intent":"`+long+`"}}}`)
	if len(event.Told.Charges)+len(event.Told.Payments) > 0 {
		t.Errorf("it names %v", event.Told.IDs())
	}
	if event := decodeBody(t, `{"id":"evt_1","type":"refund.created","data":{"object":{"id":"`+long+`"}}}`); event.Reason != models.ReasonMissingObject {
		t.Errorf("an object with such an id: %q", event.Reason)
	}
}

func TestWhatIsNotOursIsIgnored(t *testing.T) {
	const ok = ""
	for _, row := range []struct {
		name    string
		options stripe.Options
		beside  string
		want    models.Reason
	}{
		{"an event of the account itself", stripe.Options{}, `"account":null`, ok},
		{"another account, and none is ours by name", stripe.Options{}, `"account":"acct_1"`, models.ReasonForeignAccount},
		{"our account", stripe.Options{Account: "acct_1"}, `"account":"acct_1"`, ok},
		{"another account than ours", stripe.Options{Account: "acct_1"}, `"account":"acct_2"`, models.ReasonForeignAccount},
		{"our account in its organisation", stripe.Options{Account: "acct_1"}, `"context":"org_1/acct_1"`, ok},
		{"another account in our organisation", stripe.Options{Account: "acct_1"}, `"context":"org_1/acct_2"`, models.ReasonForeignAccount},
		{"a context that is an object", stripe.Options{}, `"context":{"id":"acct_2"}`, models.ReasonForeignAccount},
	} {
		event := decodeBy(t, stripe.NewStripeService(row.options), `{"id":"evt_1","type":"payment_intent.created",`+row.beside+`,"data":{"object":{"id":"pi_1"}}}`, "")
		if event.Reason != row.want || (row.want != ok) != (event.Status == models.EventIgnored) {
			t.Errorf("%s: %q, %q, want %q", row.name, event.Status, event.Reason, row.want)
		}
	}
}
