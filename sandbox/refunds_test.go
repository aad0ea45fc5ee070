package sandbox_test

import (
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/sandbox"
)

func (b *bench) refund(intentID string, amount int64) *stripe.Refund {
	b.t.Helper()
	params := &stripe.RefundParams{PaymentIntent: stripe.String(intentID)}
	if amount > 0 {
		params.Amount = stripe.Int64(amount)
	}
	re, err := b.api.Refunds.New(params)
	ok(b.t, err)
	return re
}

func TestPartialRefunds(t *testing.T) {
	b := start(t)
	pi := b.pay(5000, "pm_card_visa")
	first := b.refund(pi.ID, 2000)
	equal(t, "status", first.Status, stripe.RefundStatusSucceeded)
	equal(t, "intent", first.PaymentIntent.ID, pi.ID)
	_, err := b.api.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi.ID, Amount: stripe.Int64(3001)})
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, "")
	_, err = b.api.Refunds.New(&stripe.RefundParams{Charge: &pi.LatestCharge.ID})
	ok(t, err)
	_, err = b.api.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi.ID})
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeChargeAlreadyRefunded)
	expanded := &stripe.ChargeParams{}
	expanded.AddExpand("refunds")
	ch, err := b.api.Charges.Get(pi.LatestCharge.ID, expanded)
	ok(t, err)
	equal(t, "refunded", ch.Refunded, true)
	equal(t, "amount refunded", ch.AmountRefunded, 5000)
	equal(t, "listed", len(ch.Refunds.Data), 2)
	equal(t, "book", b.book(pi.ID).Refunded, 5000)
	b.settled()
	equal(t, "refund.created", b.hook.types()["refund.created"], 2)
	equal(t, "charge.refunded", b.hook.types()["charge.refunded"], 2)
}

func TestPendingRefundSucceedsLater(t *testing.T) {
	b := start(t)
	re := b.refund(b.pay(5000, "pm_card_pendingRefund").ID, 0)
	equal(t, "at first", re.Status, stripe.RefundStatusPending)
	b.settled()
	re, err := b.api.Refunds.Get(re.ID, nil)
	ok(t, err)
	equal(t, "later", re.Status, stripe.RefundStatusSucceeded)
	equal(t, "told", b.hook.types()["refund.updated"], 1)
	equal(t, "told of its charge", b.hook.types()["charge.refund.updated"], 1)
}

func TestRefundFailsLater(t *testing.T) {
	b := start(t)
	pi := b.pay(5000, "pm_card_refundFail")
	re := b.refund(pi.ID, 1500)
	equal(t, "at first", re.Status, stripe.RefundStatusSucceeded)
	b.settled()
	re, err := b.api.Refunds.Get(re.ID, nil)
	ok(t, err)
	equal(t, "later", re.Status, stripe.RefundStatusFailed)
	equal(t, "reason", re.FailureReason, stripe.RefundFailureReasonExpiredOrCanceledCard)
	equal(t, "told", b.hook.types()["refund.failed"], 1)
	equal(t, "book", b.book(pi.ID).Refunded, 0)
	ch, err := b.api.Charges.Get(pi.LatestCharge.ID, nil)
	ok(t, err)
	equal(t, "charge", ch.AmountRefunded, 0)
}

func TestRefundActions(t *testing.T) {
	b := start(t)
	pi := b.pay(5000, "pm_card_visa")
	failing := b.refund(pi.ID, 1000)
	b.do(failing.ID, "fail", sandbox.Options{})
	if _, err := b.Do(failing.ID, "succeed", sandbox.Options{}); err == nil {
		t.Error("a failed refund succeeded")
	}
	_, err := b.api.Refunds.Cancel(failing.ID, nil)
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, "")
	equal(t, "book", b.book(pi.ID).Refunded, 0)
}

func TestRefundCanceled(t *testing.T) {
	b := start(t, func(cfg *sandbox.Config) { cfg.SettleAfter = patience })
	pi := b.pay(5000, "pm_card_pendingRefund")
	re := b.refund(pi.ID, 1000)
	b.do(re.ID, "require_action", sandbox.Options{})
	re, err := b.api.Refunds.Cancel(re.ID, nil)
	ok(t, err)
	equal(t, "status", re.Status, stripe.RefundStatusCanceled)
	equal(t, "book", b.book(pi.ID).Refunded, 0)
}

func TestRefundListAndUpdate(t *testing.T) {
	b := start(t)
	pi := b.pay(5000, "pm_card_visa")
	re := b.refund(pi.ID, 100)
	b.refund(b.pay(700, "pm_card_visa").ID, 0)
	params := &stripe.RefundParams{}
	params.AddMetadata("order_id", "6735")
	re, err := b.api.Refunds.Update(re.ID, params)
	ok(t, err)
	equal(t, "metadata", re.Metadata["order_id"], "6735")
	list := b.api.Refunds.List(&stripe.RefundListParams{PaymentIntent: &pi.ID,
		CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: re.Created, LesserThanOrEqual: re.Created}})
	n := 0
	for ; list.Next(); n++ {
		equal(t, "listed", list.Refund().ID, re.ID)
	}
	ok(t, list.Err())
	equal(t, "of this payment", n, 1)
}

func TestRefundOfNothing(t *testing.T) {
	b := start(t)
	pi, err := b.api.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(1000), Currency: stripe.String("eur")})
	ok(t, err)
	_, err = b.api.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi.ID})
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodePaymentIntentUnexpectedState)
	_, err = b.api.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String("pi_none")})
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeResourceMissing)
}
