package sandbox

import "slices"

// confirmPage is what the payment page itself sends, and the CLI's fixtures.
func (c *call) confirmPage() (any, error) {
	cs, err := find[*checkoutSession](c.state, "checkout.session", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	methodID, expected := c.form.required("payment_method"), c.form.number("expected_amount", cs.AmountTotal)
	c.form.ignore("expand")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if expected != cs.AmountTotal {
		return nil, invalid("", "expected_amount", "The amount to pay is %d.", cs.AmountTotal)
	}
	pm, err := c.method(methodID, "payment_method")
	if err != nil {
		return nil, err
	}
	return cs, c.paySession(cs, pm)
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
	pi, ok := c.byID[string(cs.PaymentIntent)].(*paymentIntent)
	if !ok {
		pi = c.newIntent(&paymentIntent{Amount: cs.AmountTotal, Currency: cs.Currency, Customer: cs.Customer,
			Description: nullString(cs.innerText), Metadata: cs.innerTags, MethodTypes: cs.MethodTypes})
		pi.session, cs.PaymentIntent = cs, nullString(pi.ID)
	}
	if refused := c.attempt(pi, pm, false); refused != nil {
		return refused
	}
	if pi.Status == intentProcessing {
		cs.Status, cs.URL = sessionComplete, ""
		c.emit("checkout.session.completed", cs, nil)
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
	c.emit(kind, cs, nil)
}

// sessionFailed follows a failed payment: an open session takes another try.
func (c *call) sessionFailed(cs *checkoutSession) {
	if cs.Status == sessionComplete {
		c.emit("checkout.session.async_payment_failed", cs, nil)
	}
}

// subscribeBySession starts the subscription that the session sells.
func (c *call) subscribeBySession(cs *checkoutSession, pm *paymentMethod) error {
	if why := pm.card.decline; why != nil {
		return &apiError{status: 402, Type: typeCard, Code: why.code, DeclineCode: why.reason, Message: why.message}
	}
	cus, ok := c.byID[string(cs.Customer)].(*customer)
	if !ok {
		cus = c.newCustomer(cs.emailOf(pm))
		cs.Customer = nullString(cus.ID)
		c.emit("customer.created", cus, nil)
	}
	c.attach(pm, cus)
	sub := c.subscribe(cus, cs.lines, pm, cs.innerTags, false)
	cs.Subscription, cs.Invoice = nullString(sub.ID), sub.LatestInvoice
	c.sessionPaid(cs)
	return nil
}
