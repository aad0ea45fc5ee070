package sandbox

import "slices"

// confirmPage is what the payment page itself sends, and the CLI's fixtures.
func (c *call) confirmPage(cs *checkoutSession) (any, error) {
	pm, expected := c.method(c.form, "payment_method"), c.form.number("expected_amount", cs.AmountTotal)
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if pm == nil {
		return nil, invalid(codeMissing, "payment_method", "Missing required param: payment_method.")
	}
	if expected != cs.AmountTotal {
		return nil, invalid("", "expected_amount", "The amount to pay is %d.", cs.AmountTotal)
	}
	return cs, c.paySession(cs, pm)
}

// adjust takes off what the customer's promotion code does, and puts on tax.
func (cs *checkoutSession) adjust(discount, tax int64) error {
	switch {
	case discount == 0 && tax == 0:
		return nil
	case cs.PaymentIntent != "":
		return invalid("", "", "This Checkout Session's amount is fixed: somebody tried to pay.")
	case discount < 0 || discount > cs.AmountSubtotal || discount > 0 && cs.AllowPromotions != any(true):
		return invalid("", "discount", "Only a session with allow_promotion_codes has a discount, of at most %d.", cs.AmountSubtotal)
	case tax < 0 || tax > largestAmount || tax > 0 && !cs.AutomaticTax.Enabled:
		return invalid("", "tax", "Only a session with automatic_tax has tax.")
	}
	cs.TotalDetails.Discount, cs.TotalDetails.Tax = discount, tax
	cs.AmountTotal = cs.AmountSubtotal - discount + tax
	if cs.AutomaticTax.Enabled {
		cs.AutomaticTax.Status = "complete"
	}
	return nil
}

// paySession tries to pay an open session.
func (c *call) paySession(cs *checkoutSession, pm *paymentMethod) error {
	if cs.Status != sessionOpen {
		return invalid("", "", "This Checkout Session is %s.", cs.Status)
	}
	if !slices.Contains(cs.MethodTypes, pm.Type) {
		return invalid("", "payment_method", "A payment method of type %s is not among this session's: %v.", pm.Type, cs.MethodTypes)
	}
	cs.CustomerDetails = map[string]any{"address": nil, "email": cs.emailOf(pm), "name": nil, "phone": nil, "tax_exempt": "none", "tax_ids": []any{}}
	if cs.Mode == "subscription" {
		return c.subscribeBySession(cs, pm)
	}
	if cs.AmountTotal == 0 {
		c.sessionPaid(cs)
		return nil
	}
	pi, ok := c.byID[string(cs.PaymentIntent)].(*paymentIntent)
	if !ok {
		asked := cs.intent
		pi = &asked
		pi.Amount, pi.Currency, pi.Customer, pi.MethodTypes = cs.AmountTotal, cs.Currency, cs.Customer, cs.MethodTypes
		c.newIntent(pi)
		pi.session, cs.PaymentIntent = cs, nullString(pi.ID)
	}
	if refused := c.attempt(pi, pm, false); refused != nil {
		return refused
	}
	if pi.Status == intentProcessing || pi.Status == intentNeedsCapture {
		cs.Status, cs.URL = sessionComplete, ""
		c.emit("checkout.session.completed", cs)
	}
	return nil
}

// allow takes a type of payment method into the session.
func (cs *checkoutSession) allow(kind string) {
	if !slices.Contains(cs.MethodTypes, kind) {
		cs.MethodTypes = append(slices.Clone(cs.MethodTypes), kind)
	}
}

// emailOf is what the customer typed.
func (cs *checkoutSession) emailOf(pm *paymentMethod) nullString {
	if cs.CustomerEmail != "" {
		return cs.CustomerEmail
	}
	if billing, ok := pm.BillingDetails.(map[string]any); ok {
		if email, ok := billing["email"].(nullString); ok {
			return email
		}
	}
	return "customer@example.com"
}

// sessionPaid follows the success of the session's payment.
func (c *call) sessionPaid(cs *checkoutSession) {
	kind := "checkout.session.completed"
	if cs.Status == sessionComplete {
		kind = "checkout.session.async_payment_succeeded"
	}
	cs.Status, cs.PaymentStatus, cs.URL = sessionComplete, paymentPaid, ""
	if cs.AmountTotal == 0 {
		cs.PaymentStatus = paymentNotNeeded
	}
	c.emit(kind, cs)
}

// sessionFailed follows a failed payment: an open session takes another try.
func (c *call) sessionFailed(cs *checkoutSession) {
	if cs.Status == sessionComplete {
		c.emit("checkout.session.async_payment_failed", cs)
	}
}

// subscribeBySession starts the subscription that the session sells.
func (c *call) subscribeBySession(cs *checkoutSession, pm *paymentMethod) error {
	if why := pm.card.Decline; why != nil {
		return &apiError{status: 402, Type: typeCard, Code: why.Code, DeclineCode: why.Reason, Message: why.Message}
	}
	cus, ok := c.byID[string(cs.Customer)].(*customer)
	if !ok {
		cus = c.newCustomer(&customer{Email: cs.emailOf(pm)})
		cs.Customer = nullString(cus.ID)
	}
	c.attach(pm, cus)
	sub := c.subscribe(cus, order{lines: cs.lines, method: pm, metadata: cs.intent.Metadata, description: cs.intent.Description,
		extras: extras{discount: cs.TotalDetails.Discount, tax: cs.TotalDetails.Tax}})
	cs.Subscription, cs.Invoice = nullString(sub.ID), sub.LatestInvoice
	c.sessionPaid(cs)
	return nil
}
