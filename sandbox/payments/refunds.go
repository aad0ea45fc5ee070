package payments

import "hourbank/sandbox/api"

// States of a refund (https://docs.stripe.com/refunds#failed-refunds):
//
//	pending | requires_action → succeeded | failed | canceled
//	succeeded → failed
const (
	refundIsPending   = "pending"
	refundNeedsAction = "requires_action"
	refundSucceeded   = "succeeded"
	refundFailed      = "failed"
	refundCanceled    = "canceled"
)

// counts tells whether the refund's money is away, or about to be.
func counts(re api.Object) bool {
	status := re.Text("status")
	return !re.Is("_release") && status != refundFailed && status != refundCanceled
}

func createRefund(c *api.Call) api.Act {
	f := c.Form
	chargeID, intentID, amount := f.Text("charge"), f.Text("payment_intent"), int64(-1)
	if f.Has("amount") {
		amount = f.Amount()
	}
	said := api.Object{"reason": f.OneOf("reason", "", "duplicate", "fraudulent", "requested_by_customer"), "metadata": f.Metadata(nil)}
	f.TextsInto(said, "instructions_email")
	return func() (any, error) {
		ch, err := chargeToRefund(c, chargeID, intentID)
		if err != nil {
			return nil, err
		}
		if amount < 0 {
			amount = refundable(ch)
		}
		if err := Refusal(c, ch, amount); err != nil {
			return nil, err
		}
		return Refund(c, ch, amount, said), nil
	}
}

// chargeToRefund finds the charge by its own id or by that of its intent.
func chargeToRefund(c *api.Call, chargeID, intentID string) (api.Object, error) {
	if chargeID != "" {
		return c.Find("charge", chargeID, "charge")
	}
	if intentID == "" {
		return nil, api.Invalid(api.CodeMissing, "payment_intent", "One of the following params should be provided: payment_intent or charge.")
	}
	pi, err := c.Find("payment_intent", intentID, "payment_intent")
	if err != nil {
		return nil, err
	}
	if pi.Text("status") != intentSucceeded {
		return nil, api.Invalid(api.CodeIntentState, "payment_intent", "This PaymentIntent (%s) does not have a successful charge to refund.", pi.ID())
	}
	return Charge(c, pi), nil
}

// Refusal says why the amount cannot go back, nil where it can.
func Refusal(c *api.Call, ch api.Object, amount int64) error {
	switch left := refundable(ch); {
	case !ch.Is("captured"):
		return api.Invalid("", "charge", "Charge %s was not captured and cannot be refunded.", ch.ID())
	case left == 0:
		return api.Invalid(api.CodeAlreadyRefunded, "", "Charge %s has already been refunded.", ch.ID())
	case amount > left:
		return api.Invalid("", "amount", "Refund amount (%d) is greater than unrefunded amount on charge (%d).", amount, left)
	case blocks(c.Get(ch.Text("dispute"))):
		return api.Invalid(api.CodeChargeDisputed, "", "Charge %s has been charged back; cannot issue a refund.", ch.ID())
	}
	return nil
}

// Refund sends an amount back, which Refusal had nothing against.
// https://docs.stripe.com/api/refunds
func Refund(c *api.Call, ch api.Object, amount int64, said api.Object) api.Object {
	re := newRefund(c, ch, amount)
	re.Set(said)
	fate := cardOf(c.Get(ch.Text("payment_method"))).Refund
	if fate == refundPending {
		re.Set(api.Object{"status": refundIsPending})
	}
	ch.Add("amount_refunded", amount)
	ch.Set(api.Object{"refunded": refundable(ch) == 0})
	c.Emit("refund.created", re)
	c.Emit("charge.refunded", ch)
	from, to := refundIsPending, refundSucceeded
	if fate == refundFailsLate {
		from, to = refundSucceeded, refundFailed
	}
	if fate != "" {
		c.Later(func(c *api.Call) {
			if re.Text("status") == from {
				moveRefund(c, re, to)
			}
		})
	}
	return re
}

// newRefund keeps a refund that changes nothing yet.
func newRefund(c *api.Call, ch api.Object, amount int64) api.Object {
	re := ch.Pick("currency", "payment_intent")
	re["amount"], re["charge"], re["status"] = amount, ch.ID(), refundSucceeded
	re["balance_transaction"] = api.NewID("txn_3", 23)
	re["destination_details"] = api.Object{"type": ch.Part("payment_method_details").Text("type")}
	return c.Make("refund", re)
}

// moveRefund changes a refund's status. What failed or was canceled is back
// with the charge, and can be refunded again.
func moveRefund(c *api.Call, re api.Object, status string) {
	countedBefore := counts(re)
	re.Set(api.Object{"status": status})
	if status == refundFailed {
		re.Set(api.Object{"failure_reason": "expired_or_canceled_card"})
	}
	if countedBefore && !counts(re) {
		ch := c.Get(re.Text("charge"))
		ch.Add("amount_refunded", -re.Number("amount"))
		ch.Set(api.Object{"refunded": false})
	}
	tellRefund(c, re)
	if status == refundFailed {
		c.Emit("refund.failed", re)
	}
}

func tellRefund(c *api.Call, re api.Object) {
	c.Emit("refund.updated", re)
	c.Emit("charge.refund.updated", re)
}

// settleRefund is moveRefund where the states allow it.
func settleRefund(c *api.Call, re api.Object, status string) error {
	was := re.Text("status")
	open := was == refundIsPending || was == refundNeedsAction
	if !open && (was != refundSucceeded || status != refundFailed) {
		return api.Invalid("", "", "A refund with a status of %s cannot become %s.", was, status)
	}
	if was != status {
		moveRefund(c, re, status)
	}
	return nil
}

func updateRefund(c *api.Call, re api.Object) api.Act {
	metadata := c.Form.Metadata(re.Metadata())
	return func() (any, error) {
		re.Set(api.Object{"metadata": metadata})
		tellRefund(c, re)
		return re, nil
	}
}

// cancelRefund is allowed while the refund waits for the customer.
// https://docs.stripe.com/api/refunds/cancel
func cancelRefund(c *api.Call, re api.Object) error {
	if status := re.Text("status"); status != refundNeedsAction {
		return api.Invalid("", "", "Only a refund with a status of requires_action can be canceled; this one is %s.", status)
	}
	return settleRefund(c, re, refundCanceled)
}
