package stripe_test

import (
	"testing"

	"hourbank/models"
	"hourbank/services/stripe"
)

func thinEvent(eventType, kind, id string) string {
	return `{"id":"evt_1","object":"v2.core.event","type":"v1.` + eventType + `","livemode":false,"created":"2026-10-01T12:00:00.000Z",
		"context":null,"related_object":{"id":"` + id + `","type":"` + kind + `","url":"/v1/x"},"snapshot_event":"evt_2"}`
}

// A thin event only says what has changed: it must be fetched.
func TestThinEventsAreToBeFetched(t *testing.T) {
	for eventType, kind := range map[string]string{
		"payment_intent.succeeded": "payment_intent", "charge.refunded": "charge", "refund.updated": "refund", "charge.dispute.created": "dispute",
		"checkout.session.completed": "checkout.session", "invoice.paid": "invoice", "customer.subscription.updated": "subscription",
	} {
		event := decodeBody(t, thinEvent(eventType, kind, "x_1"))
		if event.Unfetched == nil || *event.Unfetched != (stripe.ObjectRef{Kind: kind, ID: "x_1"}) || event.Status != "" {
			t.Errorf("%s: to be fetched is %+v, status %q", eventType, event.Unfetched, event.Status)
		}
		wantTold(t, event, `{}`)
	}
	if event := decodeBody(t, thinEvent("billing.meter.error_report_triggered", "billing.meter", "mtr_1")); event.Reason != models.ReasonUnsupportedType {
		t.Errorf("one that means nothing here: %q", event.Reason)
	}
}

// What was fetched is told as of the fetch, whatever the event said that it is.
func TestThinEventsAreReadAsTheObjectIs(t *testing.T) {
	const paid = `{"payments":{"pi_1":{"received":{"amount":5000,"at":900},"currency":"eur","authorised":5000}}}`
	for _, row := range []struct{ name, eventType, kind, object, told string }{
		{"a success", "payment_intent.succeeded", "payment_intent",
			`{"id":"pi_1","object":"payment_intent","status":"succeeded","amount":5000,"amount_received":5000,"currency":"eur"}`, paid},
		{"a failure that succeeded since", "payment_intent.payment_failed", "payment_intent",
			`{"id":"pi_1","object":"payment_intent","status":"succeeded","amount":5000,"amount_received":5000,"currency":"eur"}`, paid},
		{"a success that says that it is under way", "payment_intent.succeeded", "payment_intent",
			`{"id":"pi_1","object":"payment_intent","status":"processing"}`, `{"payments":{"pi_1":{"processing":900}}}`},
		{"one that was authorised", "payment_intent.created", "payment_intent",
			`{"id":"pi_1","object":"payment_intent","status":"requires_capture"}`, `{"payments":{"pi_1":{"processing":900}}}`},
		{"one that was cancelled since", "payment_intent.processing", "payment_intent",
			`{"id":"pi_1","object":"payment_intent","status":"canceled","cancellation_reason":"abandoned"}`,
			`{"payments":{"pi_1":{"cancelled":{"at":900,"code":"abandoned","message":"The payment was cancelled: abandoned."}}}}`},
		{"one whose last attempt failed", "payment_intent.created", "payment_intent",
			`{"id":"pi_1","object":"payment_intent","status":"requires_payment_method","last_payment_error":{"code":"card_declined","message":"No."}}`,
			`{"payments":{"pi_1":{"failed":{"at":900,"code":"card_declined","message":"No."}}}}`},
		{"one that was only made", "payment_intent.processing", "payment_intent",
			`{"id":"pi_1","object":"payment_intent","status":"requires_payment_method"}`, `{"payments":{"pi_1":{}}}`},
		{"a session that is paid since", "checkout.session.async_payment_failed", "checkout.session",
			`{"id":"cs_1","object":"checkout.session","status":"complete","payment_status":"paid","amount_total":5000,"amount_subtotal":5000,"currency":"eur"}`,
			`{"sessions":{"cs_1":{"settled":{"at":900,"subtotal":5000,"total":5000,"currency":"eur"}}}}`},
		{"a session that expired", "checkout.session.completed", "checkout.session", `{"id":"cs_1","object":"checkout.session","status":"expired","payment_status":"unpaid"}`,
			`{"sessions":{"cs_1":{"cancelled":{"at":900,"code":"expired","message":"The payment was cancelled: expired."}}}}`},
		{"an invoice that failed and is paid since", "invoice.payment_failed", "invoice", `{"id":"in_1","object":"invoice","status":"paid","subtotal":1,"total":1,"currency":"eur"}`,
			`{"invoices":{"in_1":{"paid":{"at":900,"subtotal":1,"total":1,"currency":"eur"}}}}`},
		{"an invoice that was voided", "invoice.payment_failed", "invoice", `{"id":"in_1","object":"invoice","status":"void"}`,
			`{"invoices":{"in_1":{"cancelled":{"at":900,"code":"void","message":"The payment was cancelled: void."}}}}`},
		{"an invoice that was given up", "invoice.payment_failed", "invoice", `{"id":"in_1","object":"invoice","status":"uncollectible"}`,
			`{"invoices":{"in_1":{"cancelled":{"at":900,"code":"uncollectible","message":"The payment was cancelled: uncollectible."}}}}`},
		{"a refund", "refund.updated", "refund", `{"id":"re_1","object":"refund","status":"succeeded","amount":7,"currency":"eur","created":400}`,
			`{"refunds":{"re_1":{"at":900,"status":"succeeded","amount":7,"currency":"eur","created":400}}}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			event := decodeBy(t, stripe.NewStripeService(stripe.Options{}), thinEvent(row.eventType, row.kind, "x_1"), `{"at":900,"object":`+row.object+`}`)
			wantTold(t, event, row.told)
			if event.Unfetched != nil || event.Status != "" {
				t.Errorf("to be fetched is %+v, status %q", event.Unfetched, event.Status)
			}
		})
	}
}
