package payments

import (
	"maps"
	"net/http"
	"slices"

	"hourbank/sandbox/api"
)

// Follow lets something hang on the intent: paid is called after each success,
// failed after each failed attempt.
func Follow(pi api.Object, paid, failed func(*api.Call)) { pi["_paid"], pi["_failed"] = paid, failed }

func follow(c *api.Call, pi api.Object, outcome string) {
	if next, ok := pi[outcome].(func(*api.Call)); ok {
		next(c)
	}
}

// Attempt tries to pay the intent with the payment method and tells of
// whatever comes of it. It gives Stripe's 402 where the attempt was refused.
func Attempt(c *api.Call, pi, pm api.Object, noAction bool) error {
	pi.Set(api.Object{"payment_method": c.Keep(pm).ID(), "next_action": nil, "last_payment_error": nil})
	card := cardOf(pm)
	switch {
	case pm.Text("type") == methodSepa:
		process(c, pi, pm)
		return nil
	case pm.Text("type") == methodCash:
		ask(c, pi, "payment_intent.requires_action", transferInstructions(pi))
		return nil
	case card.Auth && noAction:
		why := decline{"authentication_required", "authentication_required", "Your card was declined. This transaction requires authentication."}
		return refuse(c, pi, newCharge(c, pi, pm), why)
	case card.Auth:
		askForAction(c, pi)
		return nil
	}
	return charge(c, pi, pm)
}

// charge asks the card's issuer. Where the intent asks for a capture, the money
// is only held on the card until then.
// https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
func charge(c *api.Call, pi, pm api.Object) error {
	ch := newCharge(c, pi, pm)
	if why := cardOf(pm).Decline; why != nil {
		return refuse(c, pi, ch, *why)
	}
	if pi.Text("capture_method") != "manual" {
		succeed(c, pi, ch)
		return nil
	}
	ch.Set(api.Object{"status": "succeeded", "paid": true})
	pi.Set(api.Object{"status": "requires_capture", "amount_capturable": pi.Number("amount")})
	c.Emit("charge.succeeded", ch)
	c.Emit("payment_intent.amount_capturable_updated", pi)
	return nil
}

// succeed ends the intent with the money received by the charge, of whose
// booking Stripe tells a little later.
func succeed(c *api.Call, pi, ch api.Object) {
	take(ch, pi.Number("amount"))
	received(pi, ch)
	c.Emit("charge.succeeded", ch)
	c.Emit("payment_intent.succeeded", pi)
	ch.Set(api.Object{"balance_transaction": api.NewID("txn_3", 23)})
	c.Emit("charge.updated", ch)
	afterSuccess(c, pi, ch)
}

func received(pi, ch api.Object) {
	pi.Set(api.Object{"status": "succeeded", "amount_received": ch.Number("amount_captured"), "amount_capturable": 0,
		"next_action": nil, "last_payment_error": nil})
}

// afterSuccess lets what hangs on the payment go on.
func afterSuccess(c *api.Call, pi, ch api.Object) {
	follow(c, pi, "_paid")
	if card := cardOf(c.Get(ch.Text("payment_method"))); card.Dispute != "" {
		openDispute(c, ch, ch.Number("amount_captured"), card.Dispute, card.Inquiry)
	}
}

// refuse ends an attempt whose charge brought nothing.
func refuse(c *api.Call, pi, ch api.Object, why decline) error {
	ch.Set(api.Object{"status": "failed", "failure_code": why.Code, "failure_message": why.Message, "outcome": api.Object{
		"network_status": "declined_by_network", "reason": why.Reason, "risk_level": "normal",
		"seller_message": "The bank did not accept the payment.", "type": "issuer_declined"}})
	c.Emit("charge.failed", ch)
	return fail(c, pi, ch.Text("payment_method"), ch.ID(), why)
}

// fail takes the intent back to where it needs a payment method. There may be
// no charge.
func fail(c *api.Call, pi api.Object, method, charge string, why decline) error {
	e := cardError(c.Get(method), why).With(api.Object{"charge": charge})
	pi.Set(api.Object{"status": "requires_payment_method", "payment_method": "", "next_action": nil, "last_payment_error": maps.Clone(e.Object)})
	c.Emit("payment_intent.payment_failed", pi)
	follow(c, pi, "_failed")
	return e.With(api.Object{"payment_intent": pi})
}

// cardError is Stripe's 402.
func cardError(pm api.Object, why decline) *api.Error {
	return api.NewError(http.StatusPaymentRequired, "card_error", "%s", why.Message).
		With(api.Object{"code": why.Code, "decline_code": why.Reason, "payment_method": pm})
}

// Declined gives the refusal that a method's payments meet, nil for none.
func Declined(pm api.Object) error {
	if why := cardOf(pm).Decline; why != nil {
		return cardError(pm, *why)
	}
	return nil
}

// ask waits for the customer.
func ask(c *api.Call, pi api.Object, event string, action api.Object) {
	pi.Set(api.Object{"status": "requires_action", "next_action": action})
	c.Emit(event, pi)
}

// askForAction waits for the card's holder, whom /sandbox/…/authenticate plays.
func askForAction(c *api.Call, pi api.Object) {
	page := "https://hooks.stripe.com/3d_secure_2/" + pi.ID()
	action := api.Object{"type": "use_stripe_sdk", "use_stripe_sdk": api.Object{"type": "three_d_secure_redirect", "stripe_js": page}}
	if back := pi.Text("_return_url"); back != "" {
		action = api.Object{"type": "redirect_to_url", "redirect_to_url": api.Object{"return_url": back, "url": page}}
	}
	ask(c, pi, "payment_intent.requires_action", action)
}

// authenticated goes on after the card's holder did it, or did not.
func authenticated(c *api.Call, pi api.Object, ok bool) error {
	pm := c.Get(pi.Text("payment_method"))
	if pi.Text("status") != "requires_action" || pm == nil {
		return unexpectedState(pi, "authenticate")
	}
	if ok {
		_ = charge(c, pi, pm) // a refusal is told by its events
		return nil
	}
	_ = fail(c, pi, pm.ID(), "", decline{"payment_intent_authentication_failure", "", "The provided PaymentMethod has failed authentication."})
	return nil
}

// process starts a bank debit, which is decided some time later, unless a
// control call is to do it.
func process(c *api.Call, pi, pm api.Object) {
	ch := newCharge(c, pi, pm)
	pi.Set(api.Object{"status": "processing"})
	c.Emit("payment_intent.processing", pi)
	c.Emit("charge.pending", ch)
	c.Later(func(c *api.Call) {
		if !pi.Is("_manual") {
			_ = Settle(c, pi, !debitFails[pm.Text("_iban")]) // refused only where it is decided
		}
	})
}

// Settle decides a payment that is processing.
func Settle(c *api.Call, pi api.Object, ok bool) error {
	ch := Charge(c, pi)
	if pi.Text("status") != "processing" {
		return api.Invalid("payment_intent_unexpected_state", "", "There is no payment that is processing.")
	}
	if ok {
		succeed(c, pi, ch)
		return nil
	}
	why := decline{"payment_method_provider_decline", "", "The customer's bank account could not be debited."}
	_ = refuse(c, pi, ch, why) // nobody is asking
	return nil
}

// capture takes the money that was held, or a part of it.
func capture(c *api.Call, pi api.Object, amount int64) {
	ch := c.Must(pi.Text("latest_charge"))
	take(ch, amount)
	received(pi, ch)
	release(c, ch, ch.Number("amount")-amount)
	c.Emit("charge.captured", ch)
	c.Emit("payment_intent.succeeded", pi)
	afterSuccess(c, pi, ch)
}

// release gives back what was only held on the card. Until basil that was told
// as a refund; since then it is only not taken.
// https://docs.stripe.com/changelog/basil/2025-03-31
func release(c *api.Call, ch api.Object, amount int64) {
	if amount == 0 || c.Version.Since(api.Basil) {
		return
	}
	re := newRefund(c, ch, amount)
	re["_release"], ch["_released"] = true, amount
	ch.Add("amount_refunded", amount)
	ch.Set(api.Object{"refunded": ch.Number("amount_refunded") == ch.Number("amount")})
	c.Emit("refund.created", re)
	c.Emit("charge.refunded", ch)
}

// Cancel ends the intent. Money only held on the card is released.
func Cancel(c *api.Call, pi api.Object, reason string) {
	if pi.Text("status") == "requires_capture" {
		ch := c.Must(pi.Text("latest_charge"))
		release(c, ch, ch.Number("amount"))
	}
	pi.Set(api.Object{"status": "canceled", "canceled_at": c.Now, "cancellation_reason": reason, "amount_capturable": 0, "next_action": nil})
	c.Emit("payment_intent.canceled", pi)
}

// transferInstructions say how much is to come by bank transfer.
// https://docs.stripe.com/payments/bank-transfers
func transferInstructions(pi api.Object) api.Object {
	return api.Object{"type": "display_bank_transfer_instructions", "display_bank_transfer_instructions": api.Object{
		"amount_remaining": pi.Number("amount") - pi.Number("_funded"), "currency": pi.Text("currency"), "hosted_instructions_url": nil, "reference": pi.ID()}}
}

// fundCash plays a bank transfer of the customer: it goes to the oldest intent
// that waits for one. https://docs.stripe.com/api/cash_balance_transactions
func fundCash(c *api.Call, cus api.Object) api.Act {
	amount, currency := c.Form.Amount(), c.Form.Currency()
	return func() (any, error) {
		all := c.All("payment_intent")
		i := slices.IndexFunc(all, func(pi api.Object) bool {
			pm := c.Get(pi.Text("payment_method"))
			return pm.Text("type") == methodCash && pi.Text("status") == "requires_action" && pi.Text("customer") == cus.ID() && pi.Text("currency") == currency
		})
		if i < 0 {
			return nil, api.Invalid("", "", "The sandbox keeps no cash balance: none of the customer's payments waits for a transfer in %s.", currency)
		}
		pi := all[i]
		if left := pi.Number("amount") - pi.Number("_funded"); amount > left {
			return nil, api.Invalid("", "amount", "The payment that waits for a transfer takes no more than %d.", left)
		}
		if pi.Add("_funded", amount); pi.Number("_funded") < pi.Number("amount") {
			ask(c, pi, "payment_intent.partially_funded", transferInstructions(pi))
		} else {
			succeed(c, pi, newCharge(c, pi, c.Get(pi.Text("payment_method"))))
		}
		return api.Object{"id": api.NewID("ccsbtxn_1", 23), "object": "customer_cash_balance_transaction", "created": c.Now,
			"currency": currency, "customer": cus.ID(), "ending_balance": 0, "livemode": false, "net_amount": amount, "type": "funded"}, nil
	}
}
