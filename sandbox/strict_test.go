package sandbox_test

import (
	"net/url"
	"strings"
	"testing"
)

// TestNothingIsDoneForARequestThatIsRefused sends calls of which only the last
// thing looked at is wrong.
func TestNothingIsDoneForARequestThatIsRefused(t *testing.T) {
	b := start(t)
	p := &player{t: t, b: b}
	pi := b.pay(1000, "pm_card_visa")
	held := b.held(1000)
	_, waiting := p.post("/v1/payment_intents", url.Values{"amount": {"1000"}, "currency": {"eur"}})
	sub := b.subscribe("pm_card_visa")
	before := len(b.types())
	payment := url.Values{"amount": {"1000"}, "currency": {"eur"}, "confirm": {"true"}, "payment_method": {"pm_card_visa"}}
	for path, body := range map[string]url.Values{
		"/v1/payment_intents": payment,
		"/v1/refunds":         {"payment_intent": {pi.ID}},
		"/v1/payment_intents/" + held + "/capture":                   {},
		"/v1/payment_intents/" + held + "/cancel":                    {},
		"/v1/payment_intents/" + waiting["id"].(string) + "/confirm": {"payment_method": {"pm_card_visa"}},
		"/v1/customers":               {"payment_method": {"pm_card_visa"}},
		"/v1/products":                {"name": {"hours"}},
		"/v1/subscriptions/" + sub.ID: {"cancel_at_period_end": {"true"}},
		"/v1/checkout/sessions": {"success_url": {"https://example.com"}, "line_items[0][price_data][currency]": {"eur"},
			"line_items[0][price_data][unit_amount]": {"1"}, "line_items[0][price_data][product_data][name]": {"hours"}},
	} {
		for _, wrong := range []string{"expand[]", "nonsense", "metadata[" + strings.Repeat("k", 41) + "]"} {
			with := url.Values{wrong: {"nonsense"}}
			for k, v := range body {
				with[k] = v
			}
			if status, answer := p.post(path, with); status != 400 {
				t.Errorf("%s with %s: %d %v", path, wrong, status, answer)
			}
		}
	}
	equal(t, "events", len(b.types()), before)
	equal(t, "payments", len(b.Books()), 4)
	for _, book := range b.Books() {
		equal(t, "refunded", book.Refunded, 0)
	}
}

// held gives a payment of which nothing is captured yet.
func (b *bench) held(amount int64) string {
	b.t.Helper()
	params := paid(amount, "pm_card_visa")
	manual := "manual"
	params.CaptureMethod = &manual
	pi, err := b.api.PaymentIntents.New(params)
	ok(b.t, err)
	return pi.ID
}

// TestParametersAreHonouredOrRefused tells what nobody knows from what Stripe
// knows and the sandbox does nothing with.
func TestParametersAreHonouredOrRefused(t *testing.T) {
	b := start(t)
	p := &player{t: t, b: b}
	pi := b.pay(1000, "pm_card_visa")
	cus, err := b.api.Customers.New(nil)
	ok(t, err)
	for _, row := range []struct{ path, name, value, code string }{
		{"/v1/payment_intents", "nonsense", "1", "parameter_unknown"},
		{"/v1/payment_intents", "application_fee_amount", "1", ""},
		{"/v1/payment_intents", "payment_method_options[card][request_three_d_secure]", "any", ""},
		{"/v1/payment_intents", "automatic_payment_methods[nonsense]", "1", "parameter_unknown"},
		{"/v1/refunds", "reverse_transfer", "true", ""},
		{"/v1/refunds", "amuont", "1", "parameter_unknown"},
		{"/v1/customers", "tax_exempt", "exempt", ""},
		{"/v1/invoices", "days_until_due", "3", ""},
		{"/v1/invoices", "collection_method", "send_invoice", ""},
		{"/v1/charges/" + pi.LatestCharge.ID, "fraud_details[user_report]", "safe", ""},
	} {
		needed := map[string]url.Values{
			"/v1/payment_intents": {"amount": {"1000"}, "currency": {"eur"}}, "/v1/refunds": {"payment_intent": {pi.ID}}, "/v1/invoices": {"customer": {cus.ID}},
		}[row.path]
		form := url.Values{row.name: {row.value}}
		for name, value := range needed {
			form[name] = value
		}
		status, answer := p.post(row.path, form)
		refusal, _ := answer["error"].(map[string]any)
		code, _ := refusal["code"].(string)
		if status != 400 || code != row.code {
			t.Errorf("%s %s: %d %v", row.path, row.name, status, answer)
		}
	}
	status, _ := p.get("/v1/payment_intents/" + pi.ID + "?nonsense=1")
	equal(t, "a parameter of a read", status, 400)
	status, _ = p.get("/v1/refunds?nonsense=1")
	equal(t, "a parameter of a list", status, 400)
}

// TestBooleansInAnyCase sends them as Python's client did.
func TestBooleansInAnyCase(t *testing.T) {
	b := start(t)
	p := &player{t: t, b: b}
	for value, want := range map[string]string{"true": "succeeded", "True": "succeeded", "TRUE": "succeeded", "False": "requires_confirmation"} {
		_, pi := p.post("/v1/payment_intents", url.Values{"amount": {"1000"}, "currency": {"eur"}, "payment_method": {"pm_card_visa"}, "confirm": {value}})
		equal(t, value, pi["status"], any(want))
	}
	status, _ := p.post("/v1/payment_intents", url.Values{"amount": {"1000"}, "currency": {"eur"}, "confirm": {"yes"}})
	equal(t, "no boolean", status, 400)
}

func TestLogsAndThinEventsAreRefusedToACLI(t *testing.T) {
	b := start(t)
	p := &player{t: t, b: b}
	for _, form := range []url.Values{
		{"websocket_features[]": {"request_logs"}}, {"websocket_features[]": {"webhooks", "v2_events"}},
		{"websocket_features[]": {"webhooks"}, "filters": {"{}"}}, {"websocket_features[]": {"webhooks"}, "livemode": {"true"}},
	} {
		if status, answer := p.post("/v1/stripecli/sessions", form); status != 400 {
			t.Errorf("%v: %d %v", form, status, answer)
		}
	}
}
