package sandbox

import (
	"net/http"
	"slices"
)

// attempt tries to pay the intent with the payment method and tells of
// whatever comes of it. It gives Stripe's 402 where the attempt was refused.
func (c *call) attempt(pi *paymentIntent, pm *paymentMethod, noAction bool) *apiError {
	c.keepMethod(pm)
	pi.PaymentMethod, pi.NextAction, pi.LastPaymentError = nullString(pm.ID), nil, nil
	switch {
	case pm.Type == methodSepa:
		c.process(pi, pm)
		return nil
	case pm.Type == methodCash:
		c.awaitTransfer(pi)
		return nil
	case pm.card.Auth && noAction:
		return c.refuse(pi, pm, decline{"authentication_required", "authentication_required", "Your card was declined. This transaction requires authentication."})
	case pm.card.Auth:
		c.askForAction(pi)
		return nil
	}
	return c.charge(pi, pm)
}

// charge asks the card's issuer.
func (c *call) charge(pi *paymentIntent, pm *paymentMethod) *apiError {
	if pm.card.Decline != nil {
		return c.refuse(pi, pm, *pm.card.Decline)
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
	c.emit("charge.succeeded", ch)
	c.emit("payment_intent.succeeded", pi)
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
	if reason := ch.method.card.Dispute; reason != "" {
		c.openDispute(ch, ch.AmountCaptured, reason, ch.method.card.Inquiry)
	}
}

// refuse notes a failed attempt; the intent asks for another payment method.
func (c *call) refuse(pi *paymentIntent, pm *paymentMethod, why decline) *apiError {
	ch := c.newCharge(pi, pm)
	ch.Status, ch.FailureCode, ch.FailureMessage = chargeFailed, nullString(why.Code), nullString(why.Message)
	ch.Outcome = refusedOutcome(why)
	c.emit("charge.failed", ch)
	return c.fail(pi, pm, ch, why)
}

// fail takes the intent back to where it needs a payment method.
func (c *call) fail(pi *paymentIntent, pm *paymentMethod, ch *charge, why decline) *apiError {
	e := &apiError{
		status:        http.StatusPaymentRequired,
		Type:          typeCard,
		Code:          why.Code,
		DeclineCode:   why.Reason,
		Message:       why.Message,
		DocURL:        "https://stripe.com/docs/error-codes/" + dashes(why.Code),
		PaymentMethod: pm,
	}
	if ch != nil {
		e.Charge = ch.ID
		pi.LatestCharge = nullString(ch.ID)
	}
	last := *e
	pi.Status, pi.PaymentMethod, pi.NextAction, pi.LastPaymentError = intentNeedsMethod, "", nil, &last
	c.emit("payment_intent.payment_failed", pi)
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
	c.emit("payment_intent.requires_action", pi)
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
		_ = c.fail(pi, pm, nil, decline{"payment_intent_authentication_failure", "", "The provided PaymentMethod has failed authentication."})
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
	c.emit("payment_intent.processing", pi)
	c.emit("charge.pending", ch)
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
	why := decline{"payment_method_provider_decline", "", "The customer's bank account could not be debited."}
	ch.Status, ch.FailureCode, ch.FailureMessage = chargeFailed, nullString(why.Code), nullString(why.Message)
	ch.Outcome = refusedOutcome(why)
	c.emit("charge.failed", ch)
	_ = c.fail(pi, ch.method, ch, why) // nobody is asking
}

// authorizeOnly holds the money on the card until it is captured.
// https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
func (c *call) authorizeOnly(pi *paymentIntent, pm *paymentMethod) {
	ch := c.newCharge(pi, pm)
	ch.Status, ch.Paid = chargeSucceeded, true
	pi.Status, pi.LatestCharge, pi.AmountCapturable = intentNeedsCapture, nullString(ch.ID), pi.Amount
	c.emit("charge.succeeded", ch)
	c.emit("payment_intent.amount_capturable_updated", pi)
}

// capture takes the money that was held, or a part of it. Until basil the rest
// was told as a refund; since then it is only not taken.
// https://docs.stripe.com/changelog/basil/2025-03-31
func (c *call) capture(pi *paymentIntent, amount int64) error {
	ch, err := find[*charge](c.state, "charge", string(pi.LatestCharge), "latest_charge")
	if err != nil {
		return err
	}
	c.take(ch, amount)
	pi.Status, pi.AmountReceived, pi.AmountCapturable = intentSucceeded, amount, 0
	c.release(ch, ch.Amount-amount)
	c.emit("charge.captured", ch)
	c.emit("payment_intent.succeeded", pi)
	c.afterSuccess(pi, ch)
	return nil
}

// release gives back what was only held on the card.
func (c *call) release(ch *charge, amount int64) {
	if amount == 0 || c.version.since(basil) {
		return
	}
	re := c.refundOf(ch, amount)
	re.release = true
	ch.AmountRefunded, ch.released = ch.AmountRefunded+amount, amount
	ch.Refunded = ch.AmountRefunded == ch.Amount
	c.emit("refund.created", re)
	c.emit("charge.refunded", ch)
}

// cancel ends the intent. Money only held on the card is released.
func (c *call) cancel(pi *paymentIntent, reason string) {
	if ch, ok := c.byID[string(pi.LatestCharge)].(*charge); ok && pi.Status == intentNeedsCapture {
		c.release(ch, ch.Amount)
	}
	pi.Status, pi.CanceledAt, pi.CancellationReason = intentCanceled, nullInt(c.now), nullString(reason)
	pi.AmountCapturable, pi.NextAction = 0, nil
	c.emit("payment_intent.canceled", pi)
}

// awaitTransfer waits for money to come by bank transfer.
// https://docs.stripe.com/payments/bank-transfers
func (c *call) awaitTransfer(pi *paymentIntent) {
	pi.Status = intentNeedsAction
	pi.NextAction = transferInstructions(pi)
	c.emit("payment_intent.requires_action", pi)
}

func transferInstructions(pi *paymentIntent) any {
	return map[string]any{"type": "display_bank_transfer_instructions", "display_bank_transfer_instructions": map[string]any{
		"amount_remaining": pi.Amount - pi.funded, "currency": pi.Currency, "hosted_instructions_url": nil, "reference": pi.ID}}
}

// fundCash plays a bank transfer of the customer: it goes to the oldest intent
// that waits for one. https://docs.stripe.com/api/cash_balance_transactions
func (c *call) fundCash(cus *customer) (any, error) {
	amount, currency := c.form.amount(), c.form.currency()
	if err := c.form.end(); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(c.intents.rows, func(pi *paymentIntent) bool {
		pm, ok := c.byID[string(pi.PaymentMethod)].(*paymentMethod)
		return ok && pm.Type == methodCash && pi.Status == intentNeedsAction && string(pi.Customer) == cus.ID && pi.Currency == currency
	})
	if i < 0 {
		return nil, invalid("", "", "The sandbox keeps no cash balance: none of the customer's payments waits for a transfer in %s.", currency)
	}
	pi := c.intents.rows[i]
	if amount > pi.Amount-pi.funded {
		return nil, invalid("", "amount", "The payment that waits for a transfer takes no more than %d.", pi.Amount-pi.funded)
	}
	if pi.funded += amount; pi.funded < pi.Amount {
		pi.NextAction = transferInstructions(pi)
		c.emit("payment_intent.partially_funded", pi)
	} else {
		pm, _ := c.byID[string(pi.PaymentMethod)].(*paymentMethod)
		c.succeed(pi, c.newCharge(pi, pm))
	}
	return map[string]any{"id": newID("ccsbtxn_1", usualID-1), "object": "customer_cash_balance_transaction", "created": c.now,
		"currency": currency, "customer": cus.ID, "ending_balance": 0, "livemode": false, "net_amount": amount, "type": "funded"}, nil
}
