package stripe_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/models"
	"hourbank/services/stripe"
)

var versions = []string{"2020-08-27", "2023-10-16", "2026-01-28"}

// decode reads an event about an object in the shape of a version, with some
// fields set. Values are JSON.
func decode(t *testing.T, version, eventType, kind string, set map[string]string) *stripe.Event {
	t.Helper()
	shape, err := os.ReadFile(filepath.Join("..", "..", "tests", "testdata", version, kind+".json"))
	if err != nil {
		t.Fatal(err)
	}
	object := map[string]string{}
	gjson.ParseBytes(shape).ForEach(func(name, value gjson.Result) bool {
		object[name.Str] = value.Raw
		return true
	})
	for name, value := range set {
		object[name] = value
	}
	parts := make([]string, 0, len(object))
	for name, value := range object {
		parts = append(parts, fmt.Sprintf("%q:%s", name, value))
	}
	return decodeBody(t, fmt.Sprintf(`{"id":"evt_1","object":"event","api_version":%q,"created":500,"livemode":false,"type":%q,"data":{"object":{%s}}}`,
		version, eventType, strings.Join(parts, ",")))
}

func decodeBody(t *testing.T, body string) *stripe.Event {
	t.Helper()
	event, err := stripe.NewStripeService("", "").Decode([]byte(body))
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return event
}

func wantFacts(t *testing.T, event *stripe.Event, want ...models.Fact) {
	t.Helper()
	if !reflect.DeepEqual(event.Facts, want) {
		t.Errorf("%s of %s tells %+v, want %+v", event.Type, event.APIVersion, event.Facts, want)
	}
}

// In every version these fields are where they always were.
func TestPaymentsAreReadInEveryVersion(t *testing.T) {
	const customer = "cus_Q0shape0000001"
	setback := models.AttemptFailed{At: 500, Code: "card_declined", Message: "No."}
	rows := []struct {
		eventType, kind string
		set             map[string]string
		keys            stripe.Keys
		facts           []models.Fact
	}{
		{"payment_intent.succeeded", "payment_intent", map[string]string{"id": `"pi_1"`, "amount_received": "5000"},
			stripe.Keys{PaymentIntent: "pi_1", Customer: customer}, []models.Fact{models.PaymentReceived{Amount: 5000, Currency: "eur", At: 500}}},
		{"payment_intent.payment_failed", "payment_intent", map[string]string{"id": `"pi_1"`, "last_payment_error": `{"code":"card_declined","message":"No."}`},
			stripe.Keys{PaymentIntent: "pi_1", Customer: customer}, []models.Fact{setback}},
		{"payment_intent.processing", "payment_intent", map[string]string{"id": `"pi_1"`, "metadata": `{"purchase_transaction_id":"p1"}`},
			stripe.Keys{PaymentIntent: "pi_1", Purchase: "p1", Customer: customer}, []models.Fact{models.PaymentProcessing{At: 500}}},
		{"payment_intent.created", "payment_intent", map[string]string{"id": `"pi_1"`}, stripe.Keys{PaymentIntent: "pi_1", Customer: customer}, nil},
		{"refund.updated", "refund", map[string]string{"id": `"re_1"`, "payment_intent": `"pi_1"`, "amount": "700", "status": `"failed"`, "created": "400"},
			stripe.Keys{PaymentIntent: "pi_1"}, []models.Fact{models.RefundSeen{ID: "re_1", Amount: 700, Status: "failed", Created: 400, At: 500}}},
		{"charge.refund.updated", "refund", map[string]string{"id": `"re_1"`, "payment_intent": `"pi_1"`, "amount": "700", "status": "null", "created": "400"},
			stripe.Keys{PaymentIntent: "pi_1"}, []models.Fact{models.RefundSeen{ID: "re_1", Amount: 700, Status: "succeeded", Created: 400, At: 500}}},
		{"charge.dispute.closed", "dispute", map[string]string{"id": `"dp_1"`, "payment_intent": `"pi_1"`, "amount": "700", "status": `"won"`},
			stripe.Keys{PaymentIntent: "pi_1"}, []models.Fact{models.DisputeSeen{ID: "dp_1", Amount: 700, Status: "won", At: 500}}},
		{"charge.dispute.funds_withdrawn", "dispute", map[string]string{"id": `"dp_1"`, "payment_intent": `"pi_1"`, "amount": "700", "status": `"lost"`},
			stripe.Keys{PaymentIntent: "pi_1"}, []models.Fact{models.DisputeSeen{ID: "dp_1", Amount: 700, Status: "lost", At: 500}}},
		{"charge.dispute.funds_reinstated", "dispute", map[string]string{"id": `"dp_1"`, "payment_intent": `{"id":"pi_1","object":"payment_intent"}`, "amount": "700"},
			stripe.Keys{PaymentIntent: "pi_1"}, []models.Fact{models.DisputeSeen{ID: "dp_1", Amount: 700, Status: "needs_response", Reinstated: true, At: 500}}},
	}
	for _, version := range versions {
		for _, row := range rows {
			event := decode(t, version, row.eventType, row.kind, row.set)
			if event.Keys != row.keys || event.Status != "" {
				t.Errorf("%s of %s: keys %+v, status %q, want %+v", row.eventType, version, event.Keys, event.Status, row.keys)
			}
			wantFacts(t, event, row.facts...)
		}
	}
}

func TestChargesAreReadInEveryVersion(t *testing.T) {
	paid, total := models.ChargeCaptured{Amount: 5000, Currency: "eur", At: 500}, models.RefundTotalSeen{Amount: 700, At: 500}
	base := map[string]string{"payment_intent": `"pi_1"`, "amount": "5000", "amount_refunded": "700"}
	with := func(more map[string]string) map[string]string {
		set := map[string]string{}
		for _, m := range []map[string]string{base, more} {
			for name, value := range m {
				set[name] = value
			}
		}
		return set
	}
	listed := `{"object":"list","data":[{"id":"re_1","object":"refund","amount":700,"status":"succeeded","created":450}]}`
	rows := []struct {
		name string
		set  map[string]string
		want []models.Fact
	}{
		{"captured with no amount_captured", with(map[string]string{"amount_captured": "null"}), []models.Fact{paid, total}},
		{"captured in full", with(map[string]string{"amount_captured": "5000"}), []models.Fact{paid, total}},
		{"captured in part", with(map[string]string{"amount_captured": "4000"}), []models.Fact{models.ChargeCaptured{Amount: 4000, Currency: "eur", At: 500}, total}},
		{"only authorised", with(map[string]string{"captured": "false"}), []models.Fact{total}},
		{"failed", with(map[string]string{"status": `"failed"`}), []models.Fact{total}},
		{"listing its refunds", with(map[string]string{"refunds": listed}), []models.Fact{paid, total, models.RefundSeen{ID: "re_1", Amount: 700, Status: "succeeded", Created: 450, At: 500}}},
		{"with an empty list", with(map[string]string{"refunds": `{"object":"list","data":[]}`}), []models.Fact{paid, total}},
		{"with refunds null", with(map[string]string{"refunds": "null"}), []models.Fact{paid, total}},
	}
	for _, version := range versions {
		for _, row := range rows {
			t.Run(row.name+" in "+version, func(t *testing.T) {
				wantFacts(t, decode(t, version, "charge.refunded", "charge", row.set), row.want...)
			})
		}
	}
}

func TestSessionsAreReadInEveryVersion(t *testing.T) {
	received := models.PaymentReceived{Amount: 5000, Currency: "eur", At: 500}
	rows := []struct {
		eventType, paymentStatus string
		want                     []models.Fact
	}{
		{"checkout.session.completed", "paid", []models.Fact{received}},
		{"checkout.session.completed", "unpaid", nil},
		{"checkout.session.async_payment_succeeded", "paid", []models.Fact{received}},
		{"checkout.session.async_payment_failed", "unpaid", []models.Fact{models.AttemptFailed{At: 500, Code: "async_payment_failed", Message: "The delayed payment failed."}}},
		{"checkout.session.expired", "unpaid", []models.Fact{models.PaymentCancelled{At: 500, Code: "expired", Message: "The payment was cancelled: expired."}}},
	}
	for _, version := range versions {
		for _, row := range rows {
			event := decode(t, version, row.eventType, "checkout.session", map[string]string{
				"id": `"cs_1"`, "payment_intent": `"pi_1"`, "client_reference_id": `"p1"`, "amount_total": "5000",
				"payment_status": `"` + row.paymentStatus + `"`, "metadata": `{"purchase_transaction_id":"p2"}`,
			})
			wantFacts(t, event, row.want...)
			want := stripe.Keys{PaymentIntent: "pi_1", Purchase: "p2", CheckoutSession: "cs_1", ClientReference: "p1", Customer: "cus_Q0shape0000001"}
			if event.Keys != want {
				t.Errorf("%s of %s: keys %+v", row.eventType, version, event.Keys)
			}
		}
		event := decode(t, version, "checkout.session.completed", "checkout.session", map[string]string{"mode": `"subscription"`})
		if event.Status != models.EventIgnored {
			t.Errorf("a subscription's session is %q", event.Status)
		}
	}
}

// Numbers that are nobody's money, and times of nobody's clock.
func TestOddNumbersAreBounded(t *testing.T) {
	for raw, want := range map[string]int64{
		"5000": 5000, "5000.0": 5000, "5e3": 5000, "0": 0, "-1": 0, "4999.5": 0, `"5000"`: 0, "true": 0, "[]": 0, "{}": 0,
		"9223372036854775807": 1e15, "9223372036854775808": 1e15, "1e400": 1e15, "99999999999999999999999": 1e15, "-1e400": 0,
	} {
		event := decodeBody(t, `{"id":"evt_1","type":"payment_intent.succeeded","created":500,"data":{"object":{"id":"pi_1","amount_received":`+raw+`}}}`)
		wantFacts(t, event, models.PaymentReceived{Amount: want, At: 500})
	}
	for raw, want := range map[string]int64{
		"500": 500, "0": 1, "-5": 1, "1e400": 4102444800, "9223372036854775807": 4102444800, `"x"`: 1, "null": 1, `"2026-01-28T12:00:00Z"`: 1,
	} {
		if event := decodeBody(t, `{"id":"evt_1","type":"x","created":`+raw+`}`); event.Created != want {
			t.Errorf("created %s is read as %d, want %d", raw, event.Created, want)
		}
	}
}

func TestMissingAmountReceivedReadsAsAmount(t *testing.T) {
	for raw, want := range map[string]int64{`"amount":5000`: 5000, `"amount":5000,"amount_received":null`: 5000, `"amount":5000,"amount_received":0`: 0} {
		event := decodeBody(t, `{"id":"evt_1","type":"payment_intent.succeeded","created":500,"data":{"object":{"id":"pi_1",`+raw+`}}}`)
		wantFacts(t, event, models.PaymentReceived{Amount: want, At: 500})
	}
}
