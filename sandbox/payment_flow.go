package sandbox

import "net/http"

// attempt tries to pay the intent with the payment method and tells of
// whatever comes of it. It gives Stripe's 402 where the attempt was refused.
func (c *call) attempt(pi *paymentIntent, pm *paymentMethod, offSession bool) *apiError {
	pi.PaymentMethod, pi.NextAction, pi.LastPaymentError = nullString(pm.ID), nil, nil
	switch {
	case pm.Type == methodSepa:
		c.process(pi, pm)
		return nil
	case pm.card.auth && offSession:
		return c.refuse(pi, pm, decline{code: "authentication_required", reason: "authentication_required",
			message: "Your card was declined. This transaction requires authentication."})
	case pm.card.auth:
		c.askForAction(pi)
		return nil
	}
	return c.charge(pi, pm)
}

// charge asks the card's issuer.
func (c *call) charge(pi *paymentIntent, pm *paymentMethod) *apiError {
	if pm.card.decline != nil {
		return c.refuse(pi, pm, *pm.card.decline)
	}
	if pi.CaptureMethod == "manual" {
		c.authorizeOnly(pi, pm)
		return nil
	}
	c.succeed(pi, c.newCharge(pi, pm))
	return nil
}

// succeed ends the intent with the money received by the charge.
func (c *call) succeed(pi *paymentIntent, ch *charge) {
	c.take(ch, pi.Amount)
	pi.Status, pi.LatestCharge = intentSucceeded, nullString(ch.ID)
	pi.AmountReceived, pi.AmountCapturable = ch.AmountCaptured, 0
	pi.NextAction, pi.LastPaymentError = nil, nil
	c.emit("charge.succeeded", ch, nil)
	c.emit("payment_intent.succeeded", pi, nil)
	c.balance(ch)
	c.afterSuccess(pi, ch)
}

// afterSuccess lets what hangs on the payment go on.
func (c *call) afterSuccess(pi *paymentIntent, ch *charge) {
	if pi.invoice != nil {
		c.invoicePaid(pi.invoice, pi)
	}
	if pi.session != nil {
		c.sessionPaid(pi.session)
	}
	if reason := ch.method.card.dispute; reason != "" {
		c.openDispute(ch, ch.AmountCaptured, reason, ch.method.card.inquiry)
	}
}

// refuse notes a failed attempt; the intent asks for another payment method.
func (c *call) refuse(pi *paymentIntent, pm *paymentMethod, why decline) *apiError {
	ch := c.newCharge(pi, pm)
	ch.Status, ch.FailureCode, ch.FailureMessage = chargeFailed, nullString(why.code), nullString(why.message)
	ch.Outcome = refusedOutcome(why)
	c.emit("charge.failed", ch, nil)
	return c.fail(pi, pm, ch, why)
}

// fail takes the intent back to where it needs a payment method.
func (c *call) fail(pi *paymentIntent, pm *paymentMethod, ch *charge, why decline) *apiError {
	e := &apiError{
		status:        http.StatusPaymentRequired,
		Type:          typeCard,
		Code:          why.code,
		DeclineCode:   why.reason,
		Message:       why.message,
		DocURL:        "https://stripe.com/docs/error-codes/" + dashes(why.code),
		PaymentMethod: pm,
	}
	if ch != nil {
		e.Charge = ch.ID
		pi.LatestCharge = nullString(ch.ID)
	}
	last := *e
	pi.Status, pi.PaymentMethod, pi.NextAction, pi.LastPaymentError = intentNeedsMethod, "", nil, &last
	c.emit("payment_intent.payment_failed", pi, nil)
	if pi.invoice != nil {
		c.invoiceFailed(pi.invoice)
	}
	if pi.session != nil {
		c.sessionFailed(pi.session)
	}
	e.PaymentIntent = pi
	return e
}

// askForAction waits for the card's holder, whom /sandbox/…/authenticate plays.
func (c *call) askForAction(pi *paymentIntent) {
	pi.Status = intentNeedsAction
	if pi.returnURL != "" {
		pi.NextAction = map[string]any{"type": "redirect_to_url", "redirect_to_url": map[string]any{
			"return_url": pi.returnURL, "url": "https://hooks.stripe.com/3d_secure_2/" + pi.ID}}
	} else {
		pi.NextAction = map[string]any{"type": "use_stripe_sdk", "use_stripe_sdk": map[string]any{
			"type": "three_d_secure_redirect", "stripe_js": "https://hooks.stripe.com/3d_secure_2/" + pi.ID}}
	}
	c.emit("payment_intent.requires_action", pi, nil)
}

// authenticated goes on after the card's holder did it, or did not.
func (c *call) authenticated(pi *paymentIntent, ok bool) error {
	if pi.Status != intentNeedsAction {
		return unexpectedState(pi, "authenticate")
	}
	pm, err := find[*paymentMethod](c.state, "PaymentMethod", string(pi.PaymentMethod), "payment_method")
	if err != nil {
		return err
	}
	if !ok {
		_ = c.fail(pi, pm, nil, decline{code: "payment_intent_authentication_failure",
			message: "The provided PaymentMethod has failed authentication."})
		return nil
	}
	_ = c.charge(pi, pm) // a refusal is told by its events
	return nil
}

// process starts a bank debit, which is decided some time later.
func (c *call) process(pi *paymentIntent, pm *paymentMethod) {
	ch := c.newCharge(pi, pm)
	ch.Status = chargePending
	pi.Status, pi.LatestCharge = intentProcessing, nullString(ch.ID)
	c.emit("payment_intent.processing", pi, nil)
	c.emit("charge.pending", ch, nil)
	c.later(func(c *call) {
		if pi.session == nil || !pi.session.manual {
			c.settle(pi, !debitFails[pm.iban])
		}
	})
}

// settle decides a processing payment, once.
func (c *call) settle(pi *paymentIntent, ok bool) {
	ch, err := find[*charge](c.state, "charge", string(pi.LatestCharge), "latest_charge")
	if err != nil || pi.Status != intentProcessing {
		return
	}
	if ok {
		c.succeed(pi, ch)
		return
	}
	why := decline{code: "payment_method_provider_decline", reason: "", message: "The customer's bank account could not be debited."}
	ch.Status, ch.FailureCode, ch.FailureMessage = chargeFailed, nullString(why.code), nullString(why.message)
	ch.Outcome = refusedOutcome(why)
	c.emit("charge.failed", ch, nil)
	_ = c.fail(pi, ch.method, ch, why) // nobody is asking
}

// authorizeOnly holds the money on the card until it is captured.
// https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
func (c *call) authorizeOnly(pi *paymentIntent, pm *paymentMethod) {
	ch := c.newCharge(pi, pm)
	ch.Status, ch.Paid = chargeSucceeded, true
	pi.Status, pi.LatestCharge, pi.AmountCapturable = intentNeedsCapture, nullString(ch.ID), pi.Amount
	c.emit("charge.succeeded", ch, nil)
	c.emit("payment_intent.amount_capturable_updated", pi, nil)
}

func (c *call) capture(pi *paymentIntent, amount int64) error {
	ch, err := find[*charge](c.state, "charge", string(pi.LatestCharge), "latest_charge")
	if err != nil {
		return err
	}
	before := c.snapshot(ch)
	c.take(ch, amount)
	pi.Status, pi.AmountReceived, pi.AmountCapturable = intentSucceeded, amount, 0
	c.emit("charge.captured", ch, before)
	c.emit("payment_intent.succeeded", pi, nil)
	c.afterSuccess(pi, ch)
	return nil
}

// cancel ends the intent. Money only held on the card goes back, which Stripe
// tells as a refunded charge that was never captured.
func (c *call) cancel(pi *paymentIntent, reason string) {
	if ch, ok := c.byID[string(pi.LatestCharge)].(*charge); ok && pi.Status == intentNeedsCapture {
		before := c.snapshot(ch)
		ch.AmountRefunded, ch.Refunded = ch.Amount, true
		c.emit("charge.refunded", ch, before)
	}
	pi.Status, pi.CanceledAt, pi.CancellationReason = intentCanceled, nullInt(c.now), nullString(reason)
	pi.AmountCapturable, pi.NextAction = 0, nil
	c.emit("payment_intent.canceled", pi, nil)
}
