package billing

import (
	"cmp"
	"errors"
	"slices"

	"hourbank/sandbox/api"
	"hourbank/sandbox/payments"
)

// confirmPage is what the payment page itself sends, and the CLI's fixtures.
func confirmPage(c *api.Call, cs api.Object) api.Act {
	c.Form.Required("payment_method")
	pm, asked := payments.ReadMethod(c, c.Form, "payment_method"), cs.Number("amount_total")
	if c.Form.Number("expected_amount", asked) != asked {
		c.Form.Fail(api.Invalid("", "expected_amount", "The amount to pay is %d.", asked))
	}
	return func() (any, error) { return cs, paySession(c, cs, pm) }
}

func paySessionWith(c *api.Call, cs api.Object, with api.Options) error {
	pm, err := payments.MethodNamed(c, cmp.Or(with.PaymentMethod, "pm_card_visa"), "payment_method")
	if err != nil {
		return err
	}
	if cs.Text("status") == sessionOpen {
		if err := adjust(cs, with.Discount, with.Tax); err != nil {
			return err
		}
	}
	return paySession(c, cs, pm)
}

func declineSession(c *api.Call, cs api.Object, with api.Options) error {
	with.PaymentMethod = cmp.Or(with.PaymentMethod, "pm_card_chargeDeclined")
	err := paySessionWith(c, cs, with)
	if e, ok := errors.AsType[*api.Error](err); ok && e.Text("type") == api.TypeCard {
		return nil // as it was asked for
	}
	return err
}

// payAsync pays by a bank debit that waits for async_succeed or async_fail.
func payAsync(c *api.Call, cs api.Object) error {
	pm := payments.DebitMethod(c)
	if types := payments.Types(cs); cs.Text("status") == sessionOpen && !slices.Contains(types, pm.Text("type")) {
		cs.Set(api.Object{"payment_method_types": append(slices.Clone(types), pm.Text("type"))})
	}
	cs["_manual"] = true
	return paySession(c, cs, pm)
}

// adjust takes off what the customer's promotion code does, and puts on tax.
func adjust(cs api.Object, discount, tax int64) error {
	subtotal, taxed := cs.Number("amount_subtotal"), cs.Part("automatic_tax").Is("enabled")
	switch {
	case discount == 0 && tax == 0:
		return nil
	case cs.Text("payment_intent") != "":
		return api.Invalid("", "", "This Checkout Session's amount is fixed: somebody tried to pay.")
	case discount < 0 || discount > subtotal || discount > 0 && !cs.Is("allow_promotion_codes"):
		return api.Invalid("", "discount", "Only a session with allow_promotion_codes has a discount, of at most %d.", subtotal)
	case tax < 0 || tax > api.LargestAmount || tax > 0 && !taxed:
		return api.Invalid("", "tax", "Only a session with automatic_tax has tax.")
	}
	cs.Part("total_details").Set(api.Object{"amount_discount": discount, "amount_tax": tax})
	cs.Set(api.Object{"amount_total": subtotal - discount + tax})
	if taxed {
		cs.Part("automatic_tax").Set(api.Object{"status": "complete"})
	}
	return nil
}

// paySession tries to pay an open session.
func paySession(c *api.Call, cs, pm api.Object) error {
	if cs.Text("status") != sessionOpen {
		return api.Invalid("", "", "This Checkout Session is %s.", cs.Text("status"))
	}
	if types := payments.Types(cs); !slices.Contains(types, pm.Text("type")) {
		return api.Invalid("", "payment_method", "A payment method of type %s is not among this session's: %v.", pm.Text("type"), types)
	}
	typed := cmp.Or(cs.Text("customer_email"), pm.Part("billing_details").Text("email"), "customer@example.com")
	cs.Set(api.Object{"customer_details": api.Object{"address": nil, "email": typed, "name": nil, "phone": nil, "tax_exempt": "none", "tax_ids": []any{}}})
	if cs.Text("mode") == "subscription" {
		return subscribeBySession(c, cs, pm, typed)
	}
	if cs.Number("amount_total") == 0 {
		sessionPaid(c, cs)
		return nil
	}
	pi := c.Get(cs.Text("payment_intent"))
	if pi == nil {
		pi = cs.Part("_asked")
		pi["amount"] = cs["amount_total"]
		for _, name := range []string{"currency", "customer", "payment_method_types"} {
			pi[name] = cs[name]
		}
		payments.NewIntent(c, pi)
		payments.Follow(pi, func(c *api.Call) { sessionPaid(c, cs) }, func(c *api.Call) { sessionFailed(c, cs) })
		pi["_session"] = cs.ID()
		cs.Set(api.Object{"payment_intent": pi.ID()})
	}
	pi["_manual"] = cs.Is("_manual")
	if refused := payments.Attempt(c, pi, pm, false); refused != nil {
		return refused
	}
	if payments.IsUnderWay(pi) {
		cs.Set(api.Object{"status": sessionComplete, "url": ""})
		c.Emit("checkout.session.completed", cs)
	}
	return nil
}

// sessionPaid follows the success of the session's payment.
func sessionPaid(c *api.Call, cs api.Object) {
	kind, status := "checkout.session.completed", "paid"
	if cs.Text("status") == sessionComplete {
		kind = "checkout.session.async_payment_succeeded"
	}
	if cs.Number("amount_total") == 0 {
		status = "no_payment_required"
	}
	cs.Set(api.Object{"status": sessionComplete, "payment_status": status, "url": ""})
	c.Emit(kind, cs)
}

// sessionFailed follows a failed payment: an open session takes another try.
func sessionFailed(c *api.Call, cs api.Object) {
	if cs.Text("status") == sessionComplete {
		c.Emit("checkout.session.async_payment_failed", cs)
	}
}

// subscribeBySession starts the subscription that the session sells.
func subscribeBySession(c *api.Call, cs, pm api.Object, email string) error {
	if err := payments.Declined(pm); err != nil {
		return err
	}
	cus := c.Get(cs.Text("customer"))
	if cus == nil {
		cus = payments.NewCustomer(c, api.Object{"email": email})
		cs.Set(api.Object{"customer": cus.ID()})
	}
	payments.Attach(c, pm, cus)
	lines, _ := cs["_lines"].([]payments.Line)
	sums := cs.Part("total_details")
	sub := subscribe(c, cus, cs.Part("_asked"), order{lines: lines, method: pm, extras: extras{sums.Number("amount_discount"), sums.Number("amount_tax")}})
	cs.Set(api.Object{"subscription": sub.ID(), "invoice": sub.Text("latest_invoice")})
	sessionPaid(c, cs)
	return nil
}
