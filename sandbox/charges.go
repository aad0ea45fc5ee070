package sandbox

import (
	"maps"
	"slices"
)

// charge is one attempt to take money. https://docs.stripe.com/api/charges
// It lists its refunds only where they are asked for by expand.
type charge struct {
	head
	Amount             int64             `json:"amount"`
	AmountCaptured     int64             `json:"amount_captured"`
	AmountRefunded     int64             `json:"amount_refunded"`
	BalanceTransaction nullString        `json:"balance_transaction"`
	BillingDetails     any               `json:"billing_details"`
	Captured           bool              `json:"captured"`
	Currency           string            `json:"currency"`
	Customer           nullString        `json:"customer"`
	Description        nullString        `json:"description"`
	Disputed           bool              `json:"disputed"`
	FailureCode        nullString        `json:"failure_code"`
	FailureMessage     nullString        `json:"failure_message"`
	Metadata           map[string]string `json:"metadata"`
	Outcome            any               `json:"outcome"`
	Paid               bool              `json:"paid"`
	PaymentIntent      string            `json:"payment_intent"`
	PaymentMethod      string            `json:"payment_method"`
	MethodDetails      map[string]any    `json:"payment_method_details"`
	ReceiptEmail       nullString        `json:"receipt_email"`
	ReceiptURL         nullString        `json:"receipt_url"`
	Refunded           bool              `json:"refunded"`
	Shipping           any               `json:"shipping"`
	Status             string            `json:"status"`

	released int64 // what of AmountRefunded was only ever held
	method   *paymentMethod
	dispute  *dispute // the latest
}

// States of a charge: pending → succeeded | failed.
const (
	chargePending   = "pending"
	chargeSucceeded = "succeeded"
	chargeFailed    = "failed"
)

// newCharge keeps a charge of the whole intent, which holds no money yet.
func (c *call) newCharge(pi *paymentIntent, pm *paymentMethod) *charge {
	details := map[string]any{"type": pm.Type, pm.Type: pm.Cash}
	if pm.Card != nil {
		details[pm.Type] = pm.Card
	} else if pm.SepaDebit != nil {
		details[pm.Type] = pm.SepaDebit
	}
	return add(c.state, &c.charges, &charge{
		head:           head{ID: newID("ch_3", usualID-1), Object: "charge", Created: c.now},
		Amount:         pi.Amount,
		BillingDetails: pm.BillingDetails,
		Currency:       pi.Currency,
		Customer:       pi.Customer,
		Description:    pi.Description,
		Metadata:       maps.Clone(pi.Metadata),
		MethodDetails:  details,
		PaymentIntent:  pi.ID,
		PaymentMethod:  pm.ID,
		ReceiptEmail:   pi.ReceiptEmail,
		Shipping:       pi.Shipping,
		Status:         chargePending,
		method:         pm,
	})
}

func refusedOutcome(why decline) any {
	return map[string]any{"network_status": "declined_by_network", "reason": nullString(why.Reason), "risk_level": "normal",
		"seller_message": "The bank did not accept the payment.", "type": "issuer_declined"}
}

// take captures the charge's money.
func (c *call) take(ch *charge, amount int64) {
	ch.Status, ch.Paid, ch.Captured, ch.AmountCaptured = chargeSucceeded, true, true, amount
	ch.ReceiptURL = nullString("https://pay.stripe.com/receipts/payment/" + ch.ID)
}

// balance books the charge's money, which Stripe tells a little later.
func (c *call) balance(ch *charge) {
	ch.BalanceTransaction = nullString(newID("txn_3", usualID-1))
	c.emit("charge.updated", ch)
}

// refundable is what of the charge's money can still go back.
func (ch *charge) refundable() int64 { return ch.AmountCaptured - ch.AmountRefunded + ch.released }

// refundsOf gives a charge's refunds, newest first.
func (st *state) refundsOf(chargeID string) (refunds []*refund) {
	for _, re := range slices.Backward(st.refunds.rows) {
		if re.Charge == chargeID {
			refunds = append(refunds, re)
		}
	}
	return refunds
}

func (c *call) updateCharge(ch *charge) (any, error) {
	metadata, description := c.form.metadata(ch.Metadata), ch.Description
	if c.form.has("description") {
		description = nullString(c.form.text("description"))
	}
	if err := c.form.end(); err != nil {
		return nil, err
	}
	ch.Metadata, ch.Description = metadata, description
	c.emit("charge.updated", ch)
	return ch, nil
}
