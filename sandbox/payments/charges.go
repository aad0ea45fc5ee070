package payments

import (
	"maps"

	"hourbank/sandbox/api"
)

// newCharge keeps one attempt to take the whole intent's money, which holds
// none yet. https://docs.stripe.com/api/charges
// States: pending → succeeded | failed.
func newCharge(c *api.Call, pi, pm api.Object) api.Object {
	kind := pm.Text("type")
	ch := pi.Pick("amount", "currency", "customer", "description", "receipt_email", "shipping")
	ch["metadata"] = maps.Clone(pi.Metadata())
	c.Make("charge", ch).Set(api.Object{
		"billing_details": pm["billing_details"], "payment_intent": pi.ID(), "payment_method": pm.ID(), "status": "pending",
		"payment_method_details": api.Object{"type": kind, kind: pm[kind]},
	})
	ch["refunds"] = c.ListedBy("refund", "charge", ch.ID(), "/v1/charges/"+ch.ID()+"/refunds")
	pi.Set(api.Object{"latest_charge": ch.ID()})
	return ch
}

// Charge is the intent's latest charge, nil for none.
func Charge(c *api.Call, pi api.Object) api.Object { return c.Get(pi.Text("latest_charge")) }

// take captures the charge's money.
func take(ch api.Object, amount int64) {
	ch.Set(api.Object{"status": "succeeded", "paid": true, "captured": true, "amount_captured": amount,
		"receipt_url": "https://pay.stripe.com/receipts/payment/" + ch.ID()})
}

// refundable is what of the charge's money can still go back. What was only
// ever held is refunded without having been captured.
func refundable(ch api.Object) int64 {
	return ch.Number("amount_captured") - ch.Number("amount_refunded") + ch.Number("_released")
}

func updateCharge(c *api.Call, ch api.Object) api.Act {
	changed := api.Object{"metadata": c.Form.Metadata(ch.Metadata())}
	c.Form.TextsInto(changed, "description")
	return func() (any, error) {
		ch.Set(changed)
		return c.Tell("charge.updated", ch)
	}
}

// States of a refund (https://docs.stripe.com/refunds#failed-refunds):
//
//	pending | requires_action → succeeded | failed | canceled
//	succeeded → failed
//
// counts tells whether the refund's money is away, or about to be.
func counts(re api.Object) bool { return !re.Is("_release") && !re.In("status", "failed", "canceled") }

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
		return nil, api.Invalid("parameter_missing", "payment_intent", "One of the following params should be provided: payment_intent or charge.")
	}
	pi, err := c.Find("payment_intent", intentID, "payment_intent")
	if err != nil {
		return nil, err
	}
	if pi.Text("status") != "succeeded" {
		return nil, api.Invalid("payment_intent_unexpected_state", "payment_intent", "This PaymentIntent (%s) does not have a successful charge to refund.", pi.ID())
	}
	return Charge(c, pi), nil
}

// Refusal says why the amount cannot go back, nil where it can.
func Refusal(c *api.Call, ch api.Object, amount int64) error {
	switch left := refundable(ch); {
	case !ch.Is("captured"):
		return api.Invalid("", "charge", "Charge %s was not captured and cannot be refunded.", ch.ID())
	case left == 0:
		return api.Invalid("charge_already_refunded", "", "Charge %s has already been refunded.", ch.ID())
	case amount > left:
		return api.Invalid("", "amount", "Refund amount (%d) is greater than unrefunded amount on charge (%d).", amount, left)
	case blocks(c.Get(ch.Text("dispute"))):
		return api.Invalid("charge_disputed", "", "Charge %s has been charged back; cannot issue a refund.", ch.ID())
	}
	return nil
}

// Refund sends an amount back, which Refusal had nothing against.
// https://docs.stripe.com/api/refunds
func Refund(c *api.Call, ch api.Object, amount int64, said api.Object) api.Object {
	re := newRefund(c, ch, amount)
	re.Set(said)
	fate := cardOf(c.Get(ch.Text("payment_method"))).Refund
	if fate == "pending" {
		re.Set(api.Object{"status": "pending"})
	}
	ch.Add("amount_refunded", amount)
	ch.Set(api.Object{"refunded": refundable(ch) == 0})
	c.Emit("refund.created", re)
	c.Emit("charge.refunded", ch)
	from, to := "pending", "succeeded"
	if fate == "fails" {
		from, to = "succeeded", "failed"
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
	re["amount"], re["charge"], re["status"] = amount, ch.ID(), "succeeded"
	re["balance_transaction"] = api.NewID("txn_3", 23)
	re["destination_details"] = api.Object{"type": ch.Part("payment_method_details").Text("type")}
	return c.Make("refund", re)
}

// moveRefund changes a refund's status. What failed or was canceled is back
// with the charge, and can be refunded again.
func moveRefund(c *api.Call, re api.Object, status string) {
	countedBefore := counts(re)
	re.Set(api.Object{"status": status})
	if status == "failed" {
		re.Set(api.Object{"failure_reason": "expired_or_canceled_card"})
	}
	if countedBefore && !counts(re) {
		ch := c.Must(re.Text("charge"))
		ch.Add("amount_refunded", -re.Number("amount"))
		ch.Set(api.Object{"refunded": false})
	}
	tellRefund(c, re)
	if status == "failed" {
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
	open := was == "pending" || was == "requires_action"
	if !open && (was != "succeeded" || status != "failed") {
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
	if status := re.Text("status"); status != "requires_action" {
		return api.Invalid("", "", "Only a refund with a status of requires_action can be canceled; this one is %s.", status)
	}
	return settleRefund(c, re, "canceled")
}
