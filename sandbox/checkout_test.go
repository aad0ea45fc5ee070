package sandbox_test

import (
	"net/url"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/sandbox"
)

func (b *bench) session(change ...func(*stripe.CheckoutSessionParams)) *stripe.CheckoutSession {
	b.t.Helper()
	params := &stripe.CheckoutSessionParams{
		Mode: stripe.String("payment"), SuccessURL: stripe.String("https://example.com/ok"), ClientReferenceID: stripe.String("p_1"),
		LineItems: []*stripe.CheckoutSessionLineItemParams{{Quantity: stripe.Int64(2), PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
			Currency: stripe.String("eur"), UnitAmount: stripe.Int64(1500),
			ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String("10 hours")}}}},
		PaymentIntentData: &stripe.CheckoutSessionPaymentIntentDataParams{Metadata: map[string]string{"student_id": "s_1"}},
	}
	for _, f := range change {
		f(params)
	}
	cs, err := b.api.CheckoutSessions.New(params)
	ok(b.t, err)
	return cs
}

func (b *bench) again(id string) *stripe.CheckoutSession {
	b.t.Helper()
	cs, err := b.api.CheckoutSessions.Get(id, nil)
	ok(b.t, err)
	return cs
}

func TestCheckoutDeclinedThenPaid(t *testing.T) {
	b := start(t)
	cs := b.session()
	equal(t, "total", cs.AmountTotal, 3000)
	equal(t, "status", cs.Status, stripe.CheckoutSessionStatusOpen)
	if cs.PaymentIntent != nil {
		t.Error("a payment intent before anybody paid")
	}
	b.do(cs.ID, "decline", sandbox.Options{})
	equal(t, "still", b.again(cs.ID).Status, stripe.CheckoutSessionStatusOpen)
	b.do(cs.ID, "pay", sandbox.Options{})
	cs = b.again(cs.ID)
	equal(t, "then", cs.Status, stripe.CheckoutSessionStatusComplete)
	equal(t, "payment", cs.PaymentStatus, stripe.CheckoutSessionPaymentStatusPaid)
	book := b.book(cs.PaymentIntent.ID)
	equal(t, "received", book.Received, 3000)
	equal(t, "metadata", book.Metadata["student_id"], "s_1")
	equal(t, "session", book.Session, cs.ID)
	equalTypes(t, b.types(), "payment_intent.created", "charge.failed", "payment_intent.payment_failed",
		"charge.succeeded", "payment_intent.succeeded", "charge.updated", "checkout.session.completed")
}

func TestCheckoutAsync(t *testing.T) {
	b := start(t)
	for action, want := range map[string]string{"async_succeed": "async_payment_succeeded", "async_fail": "async_payment_failed"} {
		cs := b.session()
		b.do(cs.ID, "pay_async", sandbox.Options{})
		b.settled() // nothing is decided by itself
		cs = b.again(cs.ID)
		equal(t, "complete", cs.Status, stripe.CheckoutSessionStatusComplete)
		equal(t, "but", cs.PaymentStatus, stripe.CheckoutSessionPaymentStatusUnpaid)
		b.do(cs.ID, action, sandbox.Options{})
		b.settled()
		equal(t, want, b.hook.types()["checkout.session."+want], 1)
	}
	equal(t, "completed", b.hook.types()["checkout.session.completed"], 2)
}

func TestCheckoutExpires(t *testing.T) {
	b := start(t)
	cs := b.session()
	cs, err := b.api.CheckoutSessions.Expire(cs.ID, nil)
	ok(t, err)
	equal(t, "status", cs.Status, stripe.CheckoutSessionStatusExpired)
	equalTypes(t, b.types(), "checkout.session.expired")
	_, err = b.api.CheckoutSessions.Expire(cs.ID, nil)
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, "")
	if _, err := b.Do(cs.ID, "pay", sandbox.Options{}); err == nil {
		t.Error("an expired session was paid")
	}
}

func TestCheckoutOfSubscription(t *testing.T) {
	b := start(t)
	cs := b.session(func(p *stripe.CheckoutSessionParams) {
		p.Mode, p.PaymentIntentData = stripe.String("subscription"), nil
		p.SubscriptionData = &stripe.CheckoutSessionSubscriptionDataParams{Metadata: map[string]string{"plan": "monthly"}}
		p.LineItems[0].PriceData.Recurring = &stripe.CheckoutSessionLineItemPriceDataRecurringParams{Interval: stripe.String("month")}
	})
	b.do(cs.ID, "pay", sandbox.Options{})
	cs = b.again(cs.ID)
	equal(t, "payment", cs.PaymentStatus, stripe.CheckoutSessionPaymentStatusPaid)
	sub, err := b.api.Subscriptions.Get(cs.Subscription.ID, nil)
	ok(t, err)
	equal(t, "status", sub.Status, stripe.SubscriptionStatusActive)
	equal(t, "metadata", sub.Metadata["plan"], "monthly")
}

// TestPaymentPage pays as the CLI's fixtures do.
func TestPaymentPage(t *testing.T) {
	b := start(t)
	cs := b.session()
	p := &player{t: t, b: b}
	status, answer := p.post("/v1/payment_pages/"+cs.ID+"/confirm", url.Values{"payment_method": {"pm_card_chargeDeclined"}, "expected_amount": {"3000"}})
	equal(t, "declined", status, 402)
	equal(t, "code", answer["error"].(map[string]any)["code"], any("card_declined"))
	status, _ = p.post("/v1/payment_pages/"+cs.ID+"/confirm", url.Values{"payment_method": {"pm_card_visa"}, "expected_amount": {"1"}})
	equal(t, "another amount", status, 400)
	status, _ = p.post("/v1/payment_pages/"+cs.ID+"/confirm", url.Values{"payment_method": {"pm_card_visa"}})
	equal(t, "paid", status, 200)
	list := b.api.CheckoutSessions.List(&stripe.CheckoutSessionListParams{PaymentIntent: stripe.String(b.Books()[0].PaymentIntent)})
	equal(t, "listed", list.Next(), true)
	equal(t, "status", list.CheckoutSession().Status, stripe.CheckoutSessionStatusComplete)
}
