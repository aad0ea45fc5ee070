package payments

import (
	"maps"
	"slices"

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
		"amount_captured": 0, "amount_refunded": 0, "billing_details": pm["billing_details"], "captured": false, "disputed": false,
		"paid": false, "refunded": false, "payment_intent": pi.ID(), "payment_method": pm.ID(), "status": "pending",
		"payment_method_details": api.Object{"type": kind, kind: pm[kind]},
	})
	st := c.Store
	ch["refunds"] = func() any { return refundsOf(st, ch.ID()) }
	pi.Set(api.Object{"latest_charge": ch.ID()})
	return ch
}

// refundsOf lists a charge's refunds, newest first.
func refundsOf(st *api.Store, charge string) api.Object {
	refunds := []api.Object{}
	for _, re := range slices.Backward(st.All("refund")) {
		if re.Text("charge") == charge {
			refunds = append(refunds, re)
		}
	}
	return api.ListOf(refunds, "/v1/charges/"+charge+"/refunds")
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
		c.Emit("charge.updated", ch)
		return ch, nil
	}
}
