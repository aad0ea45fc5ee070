package sandbox

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
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
	o, ok := c.byID[id]
	if !ok {
		return nil, noSuch("object", id, inPath)
	}
	kind, _, _ := strings.Cut(id, "_")
	if do := actions()[kind+" "+action]; do != nil {
		return do(c, o, with)
	}
	e := invalid("", "action", "No such action: '%s' on %s.", action, id)
	e.status = http.StatusNotFound
	return nil, e
}

// actionOn changes an object, and gives it, or what it made of it.
type actionOn func(c *call, o object, with Options) (object, error)

// to makes an action on objects of one kind.
func to[T object](do func(*call, T, Options) error) actionOn {
	return func(c *call, o object, with Options) (object, error) {
		ours, ok := o.(T)
		if !ok {
			return nil, noSuch("object", o.key(), inPath)
		}
		return o, do(c, ours, with)
	}
}

// actions are what Do does, by the beginning of the id.
func actions() map[string]actionOn {
	decide := func(verdict string) actionOn {
		return to(func(c *call, d *dispute, with Options) error { return c.decide(d, verdict, with.Amount) })
	}
	refund := func(status string) actionOn {
		return to(func(c *call, re *refund, _ Options) error { return c.settleRefund(re, status) })
	}
	authenticated := func(ok bool) actionOn {
		return to(func(c *call, pi *paymentIntent, _ Options) error { return c.authenticated(pi, ok) })
	}
	settled := func(ok bool) actionOn {
		return to(func(c *call, pi *paymentIntent, _ Options) error { return c.settleNow(pi, ok) })
	}
	settledPage := func(ok bool) actionOn {
		return to(func(c *call, cs *checkoutSession, _ Options) error {
			pi, _ := c.byID[string(cs.PaymentIntent)].(*paymentIntent)
			return c.settleNow(pi, ok)
		})
	}
	return map[string]actionOn{
		"pi dispute":             func(c *call, o object, with Options) (object, error) { return c.disputeIntent(o, with) },
		"pi authenticate":        authenticated(true),
		"pi fail_authentication": authenticated(false),
		"pi settle":              settled(true),
		"pi fail":                settled(false),
		"dp win":                 decide(disputeWon),
		"dp lose":                decide(disputeLost),
		"dp prevent":             decide(disputePrevented),
		"dp withdraw":            to(func(c *call, d *dispute, _ Options) error { return c.withdraw(d) }),
		"dp reinstate":           to(func(c *call, d *dispute, with Options) error { return c.reinstate(d, with.Amount) }),
		"re succeed":             refund(refundSucceeded),
		"re fail":                refund(refundFailed),
		"re cancel":              refund(refundCanceled),
		"re require_action":      refund(refundNeedsAction),
		"cs pay":                 to(func(c *call, cs *checkoutSession, with Options) error { return c.payWith(cs, with, "pm_card_visa") }),
		"cs decline":             to((*call).declineSession),
		"cs pay_async":           to(func(c *call, cs *checkoutSession, _ Options) error { return c.payAsync(cs) }),
		"cs async_succeed":       settledPage(true),
		"cs async_fail":          settledPage(false),
		"cs expire":              to(func(c *call, cs *checkoutSession, _ Options) error { return c.expireNow(cs) }),
		"sub renew":              to((*call).renewUsually),
		"sub fail_payment": to(func(c *call, sub *subscription, with Options) error {
			return c.renew(sub, c.newCardMethod(testCards()["chargeCustomerFail"]), extras{with.Discount, with.Tax})
		}),
		"sub cancel": to(func(c *call, sub *subscription, _ Options) error { return c.end(sub) }),
	}
}

func (c *call) disputeIntent(o object, with Options) (object, error) {
	pi, _ := o.(*paymentIntent) // by its id
	ch, ok := c.byID[string(pi.LatestCharge)].(*charge)
	if !ok || !ch.Captured {
		return nil, unexpectedState(pi, "dispute")
	}
	if ch.dispute != nil && !ch.dispute.over() {
		return nil, invalid(codeChargeDisputed, "", "Charge %s is disputed already.", ch.ID)
	}
	with.Amount = cmp.Or(with.Amount, ch.refundable())
	if with.Amount < 1 || with.Amount > ch.AmountCaptured {
		return nil, invalid("", "amount", "A dispute's amount must be between 1 and %d.", ch.AmountCaptured)
	}
	return c.openDispute(ch, with.Amount, cmp.Or(with.Reason, "fraudulent"), with.Inquiry), nil
}

// settleNow decides a payment that is processing.
func (c *call) settleNow(pi *paymentIntent, ok bool) error {
	if pi == nil || pi.Status != intentProcessing {
		return invalid(codeIntentState, "", "There is no payment that is processing.")
	}
	c.settle(pi, ok)
	return nil
}

func (c *call) declineSession(cs *checkoutSession, with Options) error {
	err := c.payWith(cs, with, "pm_card_chargeDeclined")
	if e, ok := errors.AsType[*apiError](err); ok && e.Type == typeCard {
		return nil // as it was asked for
	}
	return err
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

func (c *call) renewUsually(sub *subscription, with Options) error {
	pm, ok := c.byID[string(sub.DefaultPaymentMethod)].(*paymentMethod)
	if !ok {
		return invalid(codeResourceMissing, "", "This subscription has no default payment method.")
	}
	return c.renew(sub, pm, extras{with.Discount, with.Tax})
}
