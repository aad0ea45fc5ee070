package sandbox

// refund is money on its way back. https://docs.stripe.com/api/refunds
type refund struct {
	head
	Amount             int64             `json:"amount"`
	BalanceTransaction nullString        `json:"balance_transaction"`
	Charge             string            `json:"charge"`
	Currency           string            `json:"currency"`
	DestinationDetails any               `json:"destination_details"`
	InstructionsEmail  string            `json:"instructions_email,omitempty"`
	FailureReason      string            `json:"failure_reason,omitempty"`
	Metadata           map[string]string `json:"metadata"`
	PaymentIntent      nullString        `json:"payment_intent"`
	Reason             nullString        `json:"reason"`
	Status             string            `json:"status"`

	release bool // of money that was only held
}

// States of a refund (https://docs.stripe.com/refunds#failed-refunds):
//
//	pending | requires_action → succeeded | failed | canceled
//	succeeded → failed
const (
	refundIsPending   = "pending"
	refundNeedsAction = "requires_action"
	refundSucceeded   = "succeeded"
	refundFailed      = "failed"
	refundCanceled    = "canceled"
)

// counts tells whether the refund's money is away, or about to be.
func (re *refund) counts() bool {
	return !re.release && re.Status != refundFailed && re.Status != refundCanceled
}

func (c *call) createRefund() (any, error) {
	f := c.form
	chargeID, intentID := f.text("charge"), f.text("payment_intent")
	amount := int64(-1)
	if f.has("amount") {
		amount = f.amount()
	}
	reason, email := f.oneOf("reason", "", "duplicate", "fraudulent", "requested_by_customer"), f.text("instructions_email")
	metadata := f.metadata(nil)
	if err := f.end(); err != nil {
		return nil, err
	}
	ch, err := c.chargeToRefund(chargeID, intentID)
	if err != nil {
		return nil, err
	}
	if amount < 0 {
		amount = ch.refundable()
	}
	if err := refusal(ch, amount); err != nil {
		return nil, err
	}
	re := c.refundOf(ch, amount)
	re.Reason, re.InstructionsEmail, re.Metadata = nullString(reason), email, metadata
	c.startRefund(ch, re)
	return re, nil
}

// chargeToRefund finds the charge by its own id or by that of its intent.
func (c *call) chargeToRefund(chargeID, intentID string) (*charge, error) {
	if chargeID != "" {
		return find[*charge](c.state, "charge", chargeID, "charge")
	}
	if intentID == "" {
		return nil, invalid(codeMissing, "payment_intent", "One of the following params should be provided: payment_intent or charge.")
	}
	pi, err := find[*paymentIntent](c.state, "payment_intent", intentID, "payment_intent")
	if err != nil {
		return nil, err
	}
	if pi.Status != intentSucceeded {
		return nil, invalid(codeIntentState, "payment_intent", "This PaymentIntent (%s) does not have a successful charge to refund.", pi.ID)
	}
	return find[*charge](c.state, "charge", string(pi.LatestCharge), "payment_intent")
}

// refusal says why the amount cannot go back, nil where it can.
func refusal(ch *charge, amount int64) error {
	switch {
	case !ch.Captured:
		return invalid("", "charge", "Charge %s was not captured and cannot be refunded.", ch.ID)
	case ch.refundable() == 0:
		return invalid(codeAlreadyRefunded, "", "Charge %s has already been refunded.", ch.ID)
	case amount > ch.refundable():
		return invalid("", "amount", "Refund amount (%d) is greater than unrefunded amount on charge (%d).", amount, ch.refundable())
	case ch.blocked():
		return invalid(codeChargeDisputed, "", "Charge %s has been charged back; cannot issue a refund.", ch.ID)
	}
	return nil
}

// refundOf keeps a refund that changes nothing yet.
func (c *call) refundOf(ch *charge, amount int64) *refund {
	return add(c.state, &c.refunds, &refund{
		head:               head{ID: newID("re_3", usualID-1), Object: "refund", Created: c.now},
		Amount:             amount,
		BalanceTransaction: nullString(newID("txn_3", usualID-1)),
		Charge:             ch.ID,
		Currency:           ch.Currency,
		DestinationDetails: map[string]any{"type": ch.method.Type},
		Metadata:           map[string]string{},
		PaymentIntent:      nullString(ch.PaymentIntent),
		Status:             refundSucceeded,
	})
}

func (c *call) startRefund(ch *charge, re *refund) {
	if ch.method.card.Refund == refundPending {
		re.Status = refundIsPending
	}
	ch.AmountRefunded += re.Amount
	ch.Refunded = ch.refundable() == 0
	c.emit("refund.created", re)
	c.emit("charge.refunded", ch)
	c.decideLater(re, ch.method.card.Refund)
}

// decideLater lets the test card's refund take its course.
func (c *call) decideLater(re *refund, fate refundFate) {
	switch fate {
	case refundPending:
		c.later(func(c *call) {
			if re.Status == refundIsPending {
				c.moveRefund(re, refundSucceeded)
			}
		})
	case refundFailsLate:
		c.later(func(c *call) {
			if re.Status == refundSucceeded {
				c.moveRefund(re, refundFailed)
			}
		})
	}
}

// moveRefund changes a refund's status. What failed or was canceled is back
// with the charge, and can be refunded again.
func (c *call) moveRefund(re *refund, status string) {
	countedBefore := re.counts()
	re.Status = status
	if status == refundFailed {
		re.FailureReason = "expired_or_canceled_card"
	}
	if ch, ok := c.byID[re.Charge].(*charge); ok && countedBefore && !re.counts() {
		ch.AmountRefunded -= re.Amount
		ch.Refunded = false
	}
	c.emit("refund.updated", re)
	c.emit("charge.refund.updated", re)
	if status == refundFailed {
		c.emit("refund.failed", re)
	}
}

// settleRefund is moveRefund where the states allow it.
func (c *call) settleRefund(re *refund, status string) error {
	open := re.Status == refundIsPending || re.Status == refundNeedsAction
	failsLate := re.Status == refundSucceeded && status == refundFailed
	if !open && !failsLate {
		return invalid("", "", "A refund with a status of %s cannot become %s.", re.Status, status)
	}
	if re.Status == status {
		return nil
	}
	c.moveRefund(re, status)
	return nil
}

func (c *call) updateRefund(re *refund) (any, error) {
	metadata := c.form.metadata(re.Metadata)
	if err := c.form.end(); err != nil {
		return nil, err
	}
	re.Metadata = metadata
	c.emit("refund.updated", re)
	c.emit("charge.refund.updated", re)
	return re, nil
}

// cancelRefund is allowed while the refund waits for the customer.
// https://docs.stripe.com/api/refunds/cancel
func (c *call) cancelRefund(re *refund) error {
	if re.Status != refundNeedsAction {
		return invalid("", "", "Only a refund with a status of requires_action can be canceled; this one is %s.", re.Status)
	}
	return c.settleRefund(re, refundCanceled)
}
