package webhooktest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"

	"hourbank/models"
)

// newStripeID makes up an id that looks like Stripe's and is nobody's.
func newStripeID(prefix string) string { return prefix + "_" + rand.Text() }

// testPayment builds the objects that Stripe would tell about a purchase's
// payment. Its ids stay the same through the payment's life.
type testPayment struct {
	purchase                        *models.Purchase
	intent, charge, refund, dispute string
	now                             int64 // event.created; each event is told a second later
}

func newTestPayment(p *models.Purchase) *testPayment {
	intent := *p.StripePaymentIntentID
	return &testPayment{
		purchase: p, intent: intent,
		charge: chargeOf(p, intent), refund: newStripeID("re"), dispute: newStripeID("dp"),
		now: time.Now().Add(-time.Minute).Unix(),
	}
}

// chargeOf is the charge of the PaymentIntent: the one that was told, else one
// that is told the same each time.
func chargeOf(p *models.Purchase, intent string) string {
	for _, id := range slices.Sorted(maps.Keys(p.Evidence.Charges)) {
		if p.Evidence.Charges[id].PaymentIntent == intent {
			return id
		}
	}
	return "ch_" + strings.TrimPrefix(intent, "pi_")
}

type object = map[string]any

// event wraps an object as Stripe sends it.
// https://docs.stripe.com/api/events/object
func (p *testPayment) event(eventType string, told object) []byte {
	p.now++
	told["livemode"] = false
	body, err := json.MarshalIndent(object{
		"id": newStripeID("evt_test_hourbank"), "object": "event", "type": eventType, "api_version": stripe.APIVersion,
		"created": p.now, "livemode": false, "pending_webhooks": 1,
		"request": object{"id": newStripeID("req"), "idempotency_key": nil},
		"data":    object{"object": told},
	}, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("encode an event: %v", err)) // it is made of strings and numbers
	}
	return body
}

func (p *testPayment) metadata() object {
	return object{"purchase_transaction_id": p.purchase.ID, "student_id": p.purchase.StudentID, "made_by": models.MadeByTest}
}

// paymentIntent is the PaymentIntent with what is told of it now.
// https://docs.stripe.com/api/payment_intents/object
func (p *testPayment) paymentIntent(status string, told object) object {
	intent := object{
		"id": p.intent, "object": "payment_intent", "status": status,
		"amount": p.purchase.Amount, "amount_received": 0, "amount_capturable": 0, "currency": p.purchase.Currency,
		"capture_method": "automatic", "confirmation_method": "automatic", "payment_method_types": []string{"card"},
		"customer": nil, "invoice": nil, "latest_charge": nil, "last_payment_error": nil, "cancellation_reason": nil,
		"created": p.purchase.CreatedAt.Unix(), "metadata": p.metadata(),
	}
	maps.Copy(intent, told)
	return intent
}

func (p *testPayment) succeeded() []byte {
	return p.event("payment_intent.succeeded", p.paymentIntent("succeeded", object{
		"amount_received": p.purchase.Amount, "latest_charge": p.charge,
	}))
}

func (p *testPayment) declined() []byte {
	return p.event("payment_intent.payment_failed", p.paymentIntent("requires_payment_method", object{
		"last_payment_error": object{
			"type": "card_error", "code": "card_declined", "decline_code": "generic_decline",
			"message": "Your card was declined.",
		},
	}))
}

func (p *testPayment) cancelled() []byte {
	return p.event("payment_intent.canceled", p.paymentIntent("canceled", object{
		"cancellation_reason": "requested_by_customer", "canceled_at": p.now,
	}))
}

// refunded are the two events of a refund: the refund's and the charge's,
// which carries the running total.
func (p *testPayment) refunded(amount, total int64) [][]byte {
	refund := object{
		"id": p.refund + fmt.Sprint(total), "object": "refund", "amount": amount, "currency": p.purchase.Currency,
		"charge": p.charge, "payment_intent": p.intent, "status": "succeeded", "reason": "requested_by_customer",
		"created": p.now + 1, "metadata": p.metadata(),
	}
	charge := object{ // https://docs.stripe.com/api/charges/object
		"id": p.charge, "object": "charge", "amount": p.purchase.Amount, "amount_captured": p.purchase.Amount,
		"amount_refunded": total, "refunded": total == p.purchase.Amount, "currency": p.purchase.Currency,
		"captured": true, "paid": true, "status": "succeeded", "payment_intent": p.intent,
		"created": p.now, "metadata": p.metadata(),
	}
	return [][]byte{p.event("refund.created", refund), p.event("charge.refunded", charge)}
}

// disputed is an event of a dispute over the whole amount.
// https://docs.stripe.com/api/disputes/object
func (p *testPayment) disputed(eventType, status string) []byte {
	return p.event("charge.dispute."+eventType, object{
		"id": p.dispute, "object": "dispute", "amount": p.purchase.Amount, "currency": p.purchase.Currency,
		"charge": p.charge, "payment_intent": p.intent, "status": status, "reason": "fraudulent",
		"created": p.now, "metadata": p.metadata(),
	})
}
