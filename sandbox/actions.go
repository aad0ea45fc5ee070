package sandbox

import (
	"cmp"
	"errors"
)

// Options refine an action; the zero value is the usual one.
type Options struct {
	Amount        int64  `json:"amount"`         // in minor units, of a dispute, or of what it gives back; 0 for all that is left
	Inquiry       bool   `json:"inquiry"`        // a dispute that takes no money yet
	Reason        string `json:"reason"`         // of a dispute, default "fraudulent"
	PaymentMethod string `json:"payment_method"` // to pay with, such as pm_card_visa
	Discount      int64  `json:"discount"`       // that a promotion code takes off a session or an invoice, in minor units
	Tax           int64  `json:"tax"`            // that comes on top, in minor units
}

// Do lets happen to an object what at Stripe happens without an API call, and
// gives the id of what was changed or made. Its errors are Stripe's.
//
//	pi_…  dispute, authenticate, fail_authentication; settle, fail (while processing)
//	dp_…  win, lose, prevent, withdraw, reinstate
//	re_…  succeed, fail, cancel, require_action
//	cs_…  pay, decline, expire; pay_async, then async_succeed or async_fail
//	sub_… renew, fail_payment, cancel
func (s *Sandbox) Do(id, action string, with Options) (changed string, err error) {
	s.within(func(st *state) {
		var o object
		if o, err = s.newCall(st).act(id, action, with); err == nil {
			changed = o.key()
		}
	})
	return changed, err
}

func (c *call) postAction() (any, error) {
	var with Options
	if err := c.body(&with); err != nil {
		return nil, err
	}
	return c.act(c.id(), c.http.PathValue("action"), with)
}

func (c *call) act(id, action string, with Options) (object, error) {
	named, ok := c.byID[id]
	if !ok {
		return nil, noSuch("object", id, inPath)
	}
	switch o := named.(type) {
	case *paymentIntent:
		return c.actOnIntent(o, action, with)
	case *dispute:
		return o, c.actOnDispute(o, action, with)
	case *refund:
		return o, c.actOnRefund(o, action)
	case *checkoutSession:
		return o, c.actOnSession(o, action, with)
	case *subscription:
		return o, c.actOnSubscription(o, action, with)
	}
	return nil, noSuch("object", id, inPath)
}

func noAction(o object, action string) error {
	e := invalid("", "action", "No such action: '%s' on %s.", action, o.key())
	e.status = 404
	return e
}

func (c *call) actOnIntent(pi *paymentIntent, action string, with Options) (object, error) {
	switch action {
	case "dispute":
		return c.disputeIntent(pi, with)
	case "authenticate":
		return pi, c.authenticated(pi, true)
	case "fail_authentication":
		return pi, c.authenticated(pi, false)
	case "settle", "fail":
		if pi.Status != intentProcessing {
			return nil, unexpectedState(pi, action)
		}
		c.settle(pi, action == "settle")
		return pi, nil
	}
	return nil, noAction(pi, action)
}

func (c *call) disputeIntent(pi *paymentIntent, with Options) (object, error) {
	ch, ok := c.byID[string(pi.LatestCharge)].(*charge)
	if !ok || !ch.Captured {
		return nil, unexpectedState(pi, "dispute")
	}
	if ch.dispute != nil && !ch.dispute.over() {
		return nil, invalid(codeChargeDisputed, "", "Charge %s is disputed already.", ch.ID)
	}
	if with.Amount == 0 {
		with.Amount = ch.refundable()
	}
	if with.Amount < 1 || with.Amount > ch.AmountCaptured {
		return nil, invalid("", "amount", "A dispute's amount must be between 1 and %d.", ch.AmountCaptured)
	}
	if with.Reason == "" {
		with.Reason = "fraudulent"
	}
	return c.openDispute(ch, with.Amount, with.Reason, with.Inquiry), nil
}

func (c *call) actOnDispute(d *dispute, action string, with Options) error {
	switch action {
	case "win":
		return c.decide(d, disputeWon, with.Amount)
	case "lose":
		return c.decide(d, disputeLost, 0)
	case "prevent":
		return c.decide(d, disputePrevented, 0)
	case "withdraw":
		return c.withdraw(d)
	case "reinstate":
		return c.reinstate(d, with.Amount)
	}
	return noAction(d, action)
}

func (c *call) actOnRefund(re *refund, action string) error {
	switch action {
	case "succeed":
		return c.settleRefund(re, refundSucceeded)
	case "fail":
		return c.settleRefund(re, refundFailed)
	case "cancel":
		return c.settleRefund(re, refundCanceled)
	case "require_action":
		return c.settleRefund(re, refundNeedsAction)
	}
	return noAction(re, action)
}

func (c *call) actOnSession(cs *checkoutSession, action string, with Options) error {
	pi, _ := c.byID[string(cs.PaymentIntent)].(*paymentIntent)
	switch action {
	case "pay":
		return c.payWith(cs, with, "pm_card_visa")
	case "decline":
		err := c.payWith(cs, with, "pm_card_chargeDeclined")
		if e, ok := errors.AsType[*apiError](err); ok && e.Type == typeCard {
			return nil // as it was asked for
		}
		return err
	case "pay_async":
		return c.payAsync(cs)
	case "async_succeed", "async_fail":
		if pi == nil || pi.Status != intentProcessing {
			return invalid("", "", "This session has no payment that is processing.")
		}
		c.settle(pi, action == "async_succeed")
		return nil
	case "expire":
		return c.expireNow(cs)
	}
	return noAction(cs, action)
}

func (c *call) payWith(cs *checkoutSession, with Options, otherwise string) error {
	pm, err := c.methodByID(cmp.Or(with.PaymentMethod, otherwise), "payment_method")
	if err != nil {
		return err
	}
	if cs.Status == sessionOpen {
		if err := cs.adjust(with.Discount, with.Tax); err != nil {
			return err
		}
	}
	return c.paySession(cs, pm)
}

// payAsync pays by a bank debit that waits for async_succeed or async_fail.
func (c *call) payAsync(cs *checkoutSession) error {
	if cs.Status != sessionOpen {
		return invalid("", "", "This Checkout Session is %s.", cs.Status)
	}
	cs.manual = true
	cs.allow(methodSepa)
	return c.paySession(cs, c.newDebitMethod("AT611904300234573201"))
}

func (c *call) actOnSubscription(sub *subscription, action string, with Options) error {
	more := extras{discount: with.Discount, tax: with.Tax}
	switch action {
	case "renew":
		pm, ok := c.byID[string(sub.DefaultPaymentMethod)].(*paymentMethod)
		if !ok {
			return invalid(codeResourceMissing, "", "This subscription has no default payment method.")
		}
		return c.renew(sub, pm, more)
	case "fail_payment":
		return c.renew(sub, c.newCardMethod(testCards["chargeCustomerFail"].complete()), more)
	case "cancel":
		return c.end(sub)
	}
	return noAction(sub, action)
}
