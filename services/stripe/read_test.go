package stripe_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hourbank/models"
	"hourbank/services/stripe"
)

// Versions that keep fields in different places; tests/testdata has their
// shapes.
const (
	v2020 = "2020-08-27" // lists charges and refunds
	v2023 = "2023-10-16" // the last one whose authorisations are released by refunds
	v2026 = "2026-01-28"
)

var versions = []string{v2020, v2023, v2026}

// decode reads an event, told at 500, about an object in the shape of a
// version, with some fields set.
func decode(t *testing.T, version, eventType, kind, set string) *stripe.Event {
	t.Helper()
	shape, err := os.ReadFile(filepath.Join("..", "..", "tests", "testdata", version, kind+".json"))
	if err != nil {
		t.Fatal(err)
	}
	object := map[string]json.RawMessage{}
	for _, fields := range []string{string(shape), set} {
		if err := json.Unmarshal([]byte(fields), &object); err != nil {
			t.Fatalf("%v: %s", err, fields)
		}
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return decodeBody(t, fmt.Sprintf(`{"id":"evt_1","object":"event","api_version":%q,"created":500,"livemode":false,"type":%q,"data":{"object":%s}}`,
		version, eventType, encoded))
}

func decodeBody(t *testing.T, body string) *stripe.Event {
	t.Helper()
	return decodeBy(t, stripe.NewStripeService(stripe.Options{}), body, "")
}

func decodeBy(t *testing.T, s *stripe.StripeService, body, snapshot string) *stripe.Event {
	t.Helper()
	event, err := s.Decode([]byte(body), snapshot)
	if err != nil {
		t.Fatalf("%v: %.300s", err, body)
	}
	return event
}

// wantTold compares the evidence, as it is kept. <old> stands for what a total
// of refunds says that an event before basil told.
func wantTold(t *testing.T, event *stripe.Event, want string) {
	t.Helper()
	old := ""
	if event.APIVersion < "2025-03-31" {
		old = `,"old":true`
	}
	got, err := json.Marshal(event.Told)
	if err != nil {
		t.Fatal(err)
	}
	if want = strings.ReplaceAll(want, "<old>", old); !sameJSON(t, string(got), want) {
		t.Errorf("%s of %s\ntells %s\nwant  %s", event.Type, event.APIVersion, got, want)
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	return reflect.DeepEqual(parsed(t, a), parsed(t, b))
}

func parsed(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return value
}

// reading is a row: an event about an object, and what it tells. Nothing else
// may decide about it.
type reading struct {
	name, eventType, kind string
	set                   string
	told                  string
	payment               string
	money                 bool
}

func (row reading) in(t *testing.T, version string) {
	t.Helper()
	t.Run(row.name+" in "+version, func(t *testing.T) {
		event := decode(t, version, row.eventType, row.kind, row.set)
		wantTold(t, event, row.told)
		if event.Payment != row.payment || event.Money != row.money || event.Status != "" || event.Unfetched != nil {
			t.Errorf("is of payment %q, money %t, status %q, want %q, %t, none", event.Payment, event.Money, event.Status, row.payment, row.money)
		}
	})
}

const intent = "payment_intent"

// Without its charges, a PaymentIntent is read the same in every version.
func TestPaymentIntentsAreReadInEveryVersion(t *testing.T) {
	object := func(fields string) string {
		return `{"id":"pi_1","amount":5000,"latest_charge":null,"charges":{"data":[]},` + fields + `}`
	}
	const exists = `{"payments":{"pi_1":{}}}`
	const underWay = `{"payments":{"pi_1":{"processing":500}}}`
	for _, row := range []reading{
		{"a success", "payment_intent.succeeded", intent, object(`"amount_received":5000`),
			`{"payments":{"pi_1":{"received":{"amount":5000,"at":500},"currency":"eur","authorised":5000}}}`, "pi_1", true},
		{"a success that captured a part", "payment_intent.succeeded", intent, object(`"amount_received":4000`),
			`{"payments":{"pi_1":{"received":{"amount":4000,"at":500},"currency":"eur","authorised":5000}}}`, "pi_1", true},
		{"a success that doesn't say how much", "payment_intent.succeeded", intent, object(`"amount_received":null,"currency":"EUR"`),
			`{"payments":{"pi_1":{"received":{"amount":5000,"at":500},"currency":"eur","authorised":5000}}}`, "pi_1", true},
		{"a success of nothing", "payment_intent.succeeded", intent, object(`"amount_received":0`), `{"payments":{"pi_1":{"authorised":5000}}}`, "pi_1", true},
		{"one that is made", "payment_intent.created", intent, object(`"status":"requires_payment_method"`), exists, "pi_1", false},
		{"one that needs the customer", "payment_intent.requires_action", intent, object(`"status":"requires_action"`), exists, "pi_1", false},
		{"one that is under way", "payment_intent.processing", intent, object(`"status":"processing"`), underWay, "pi_1", false},
		{"one that is authorised", "payment_intent.amount_capturable_updated", intent, object(`"amount_capturable":5000`), underWay, "pi_1", false},
		{"a transfer of which a part came", "payment_intent.partially_funded", intent, object(`"amount_received":2000`),
			`{"payments":{"pi_1":{"received":{"amount":2000,"at":500},"currency":"eur","processing":500}}}`, "pi_1", true},
		{"one that failed", "payment_intent.payment_failed", intent, object(`"last_payment_error":{"code":"card_declined","message":"No."}`),
			`{"payments":{"pi_1":{"failed":{"at":500,"code":"card_declined","message":"No."}}}}`, "pi_1", false},
		{"one that failed and doesn't say why", "payment_intent.payment_failed", intent, object(`"last_payment_error":null`),
			`{"payments":{"pi_1":{"failed":{"at":500,"code":"payment_failed","message":""}}}}`, "pi_1", false},
		{"one that was cancelled", "payment_intent.canceled", intent, object(`"cancellation_reason":"requested_by_customer"`),
			`{"payments":{"pi_1":{"cancelled":{"at":500,"code":"requested_by_customer","message":"The payment was cancelled: requested by customer."}}}}`, "pi_1", false},
		{"one that was cancelled and doesn't say why", "payment_intent.canceled", intent, object(`"cancellation_reason":null`),
			`{"payments":{"pi_1":{"cancelled":{"at":500,"code":"canceled","message":"The payment was cancelled: canceled."}}}}`, "pi_1", false},
		{"one that says what its amount is made of", "payment_intent.processing", intent,
			object(`"amount_details":{"tip":{"amount":300},"discount_amount":500,"tax":{"total_tax_amount":800},"shipping":{"amount":490}}`),
			`{"payments":{"pi_1":{"processing":500,"details":{"discount":500,"tax":800,"shipping":490}}}}`, "pi_1", false},
		{"one that pays an invoice", "payment_intent.processing", intent, object(`"invoice":"in_1"`),
			`{"payments":{"pi_1":{"processing":500}},"invoices":{"in_1":{"payments":{"pi_1":0}}}}`, "pi_1", false},
	} {
		for _, version := range versions {
			row.in(t, version)
		}
	}
}

// Where a version keeps a PaymentIntent's charges.
func TestThePaymentIntentsChargesAreRead(t *testing.T) {
	captured := `{"id":"ch_1","object":"charge","amount":5000,"amount_captured":4000,"amount_refunded":700,"captured":true,"paid":true,"currency":"eur"}`
	whole := `{"payment_intent":"pi_1","currency":"eur","authorised":5000,"captured":{"amount":4000,"at":500},"refunded":{"amount":700,"at":500<old>}}`
	for _, row := range []struct{ name, version, set, charges string }{
		{"listed", v2020, `"charges":{"data":[` + captured + `]}`, `{"ch_1":` + whole + `}`},
		{"listed with one that failed", v2020, `"charges":{"data":[` + captured + `,{"id":"ch_0","amount":5000,"paid":false,"captured":false,"status":"failed"}]}`,
			`{"ch_1":` + whole + `,"ch_0":{"payment_intent":"pi_1"}}`},
		{"named", v2023, `"latest_charge":"ch_1"`, `{"ch_1":{"payment_intent":"pi_1"}}`},
		{"named, newer", v2026, `"latest_charge":"ch_1"`, `{"ch_1":{"payment_intent":"pi_1"}}`},
		{"expanded", v2026, `"latest_charge":` + captured, `{"ch_1":` + whole + `}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			event := decode(t, row.version, "payment_intent.processing", intent, `{"id":"pi_1","charges":{"data":[]},"latest_charge":null,`+row.set+`}`)
			event.Told.Payments = nil
			wantTold(t, event, `{"charges":`+row.charges+`}`)
		})
	}
}

func TestASuccessNamesTheChargeThatItWasBy(t *testing.T) {
	event := decode(t, v2026, "payment_intent.succeeded", intent, `{"id":"pi_1","amount":5000,"amount_received":5000,"latest_charge":"ch_1"}`)
	wantTold(t, event, `{"payments":{"pi_1":{"received":{"amount":5000,"at":500},"currency":"eur","authorised":5000,"charge":"ch_1"}},
		"charges":{"ch_1":{"payment_intent":"pi_1"}}}`)
}

// What finds a purchase beside Stripe's ids, and what metadata sell.
func TestNamesAndSalesAreRead(t *testing.T) {
	sale := func(change func(*stripe.Sale)) *stripe.Sale {
		s := stripe.Sale{Origin: models.OriginPaymentIntent, StudentID: "s1", Plan: "ten", Currency: "eur", Subtotal: -1}
		change(&s)
		return &s
	}
	for _, row := range []struct {
		name, eventType, kind, set string
		names                      stripe.Names
		sale                       *stripe.Sale
	}{
		{"a PaymentIntent without metadata", "payment_intent.created", intent, `{"id":"pi_1","customer":{"id":"cus_1"}}`, stripe.Names{Customer: "cus_1"}, nil},
		{"one of a purchase of ours", "payment_intent.created", intent, `{"id":"pi_1","customer":null,"metadata":{"purchase_transaction_id":"p1","student_id":"s1"}}`,
			stripe.Names{Purchase: "p1", Ours: true}, nil},
		{"one of a sale of ours that nobody signed", "payment_intent.created", intent,
			`{"id":"pi_1","customer":null,"metadata":{"purchase_transaction_id":"p1","student_id":"s1","hours":"10.00","amount":"5000"}}`,
			stripe.Names{Purchase: "p1", Ours: true}, nil},
		{"one of hours that we did not sell", "payment_intent.created", intent, `{"id":"pi_1","customer":null,"metadata":{"student_id":"s1","hours":"10.00","amount":"5000"}}`,
			stripe.Names{Ours: true}, nil},
		{"one of a student and a plan", "payment_intent.created", intent, `{"id":"pi_1","customer":null,"metadata":{"student_id":"s1","plan":"ten"}}`,
			stripe.Names{Ours: true}, sale(func(*stripe.Sale) {})},
		{"one of a plan and nobody", "payment_intent.created", intent, `{"id":"pi_1","customer":null,"metadata":{"plan":"ten"}}`, stripe.Names{Ours: true}, nil},
		{"a charge of a student and a plan", "charge.succeeded", "charge", `{"customer":null,"metadata":{"student_id":"s1","plan":"ten"}}`,
			stripe.Names{Ours: true}, sale(func(*stripe.Sale) {})},
		{"a refund whose charge is expanded", "refund.created", "refund", `{"charge":{"id":"ch_1","metadata":{"purchase_transaction_id":"p1"}}}`,
			stripe.Names{Purchase: "p1", Ours: true}, nil},
		{"metadata that are no texts", "payment_intent.created", intent, `{"id":"pi_1","customer":7,"metadata":{"purchase_transaction_id":7,"student_id":{},"plan":[]}}`,
			stripe.Names{}, nil},
	} {
		for _, version := range versions {
			event := decode(t, version, row.eventType, row.kind, row.set)
			if event.Names != row.names || !reflect.DeepEqual(event.Sale, row.sale) {
				t.Errorf("%s in %s names %+v and sells %+v, want %+v and %+v", row.name, version, event.Names, event.Sale, row.names, row.sale)
			}
		}
	}
}
