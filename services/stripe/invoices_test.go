package stripe_test

import (
	"reflect"
	"testing"

	"hourbank/models"
	"hourbank/services/stripe"
)

// Where each version keeps an invoice's subscription, its metadata, the price
// and the PaymentIntent.
func TestInvoicesAreReadInEveryVersion(t *testing.T) {
	const metadata = `{"student_id":"s1","plan":"monthly4"}`
	line2020 := `{"data":[{"metadata":` + metadata + `,"plan":{"id":"price_9"},"price":{"id":"price_1"},"subscription":"sub_1"}]}`
	line2023 := `{"data":[{"metadata":{},"price":{"id":"price_1"},"plan":{"id":"price_1"},"subscription":"sub_1"}]}`
	line2026 := `{"data":[{"metadata":{},"pricing":{"price_details":{"price":"price_1"}}}]}`
	rows := map[string]map[string]string{
		"2020-08-27": {"subscription": `"sub_1"`, "lines": line2020, "payment_intent": `"pi_1"`},
		"2023-10-16": {"subscription": `{"id":"sub_1"}`, "subscription_details": `{"metadata":` + metadata + `}`, "lines": line2023, "payment_intent": `{"id":"pi_1"}`},
		"2026-01-28": {"parent": `{"subscription_details":{"subscription":"sub_1","metadata":` + metadata + `}}`, "lines": line2026},
	}
	for version, set := range rows {
		set["id"], set["amount_paid"] = `"in_1"`, "5600"
		event := decode(t, version, "invoice.paid", "invoice", set)
		want := &stripe.Period{
			InvoiceID: "in_1", SubscriptionID: "sub_1", At: 500, StudentID: "s1", PlanID: "monthly4", PriceIDs: []string{"price_1"},
			Amount: 5600, Currency: "eur", Paid: true,
		}
		if !reflect.DeepEqual(event.Period, want) {
			t.Errorf("%s: period %+v, want %+v", version, event.Period, want)
		}
		wantFacts(t, event, models.PaymentReceived{Amount: 5600, Currency: "eur", At: 500})
		intent := "pi_1"
		if version == "2026-01-28" {
			intent = "" // told by invoice_payment.paid
		}
		if keys := (stripe.Keys{Invoice: "in_1", PaymentIntent: intent, Customer: "cus_Q0shape0000001"}); event.Keys != keys {
			t.Errorf("%s: keys %+v", version, event.Keys)
		}
	}
}

func TestInvoicesThatSellNoHoursAreIgnored(t *testing.T) {
	for reason, sells := range map[string]bool{
		"subscription_create": true, "subscription_cycle": true,
		"subscription_update": false, "subscription_threshold": false, "subscription": false, "manual": false, "upcoming": false, "quote_accept": false,
	} {
		for _, version := range versions {
			event := decode(t, version, "invoice.paid", "invoice", map[string]string{"billing_reason": `"` + reason + `"`, "amount_paid": "100"})
			if (event.Period != nil) != sells || (event.Reason == models.ReasonNotAPeriod) == sells {
				t.Errorf("%s in %s: %+v", reason, version, event)
			}
		}
	}
	free := decode(t, "2026-01-28", "invoice.paid", "invoice", map[string]string{"amount_paid": "0"})
	if free.Reason != models.ReasonNotAPeriod {
		t.Errorf("an invoice of nothing: %+v", free)
	}
}

func TestInvoicePaymentTiesThePaymentIntent(t *testing.T) {
	event := decode(t, "2026-01-28", "invoice_payment.paid", "invoice_payment", map[string]string{
		"invoice": `"in_1"`, "payment": `{"type":"payment_intent","payment_intent":"pi_1"}`,
	})
	if want := (stripe.Keys{Invoice: "in_1", PaymentIntent: "pi_1"}); event.Keys != want || event.Facts != nil || event.Period != nil {
		t.Errorf("got %+v", event)
	}
}

func TestSubscriptionsAreReadInEveryVersion(t *testing.T) {
	items := `{"data":[{"price":{"id":"price_1"},"plan":{"id":"price_1"}}]}`
	for _, version := range versions {
		event := decode(t, version, "customer.subscription.updated", "subscription", map[string]string{
			"id": `"sub_1"`, "metadata": `{"student_id":"s1","plan":"monthly4"}`, "items": items,
		})
		want := &models.Subscription{ID: "sub_1", StudentID: "s1", PlanID: "monthly4", StripePriceID: "price_1", ToldAt: 500}
		if !reflect.DeepEqual(event.Subscription, want) {
			t.Errorf("%s: %+v, want %+v", version, event.Subscription, want)
		}
	}
}
