package sandbox

import "strings"

// paymentMethod is a way to pay: a test card, or a bank account debited some
// time later. https://docs.stripe.com/api/payment_methods
type paymentMethod struct {
	head
	BillingDetails any               `json:"billing_details"`
	Card           *cardDetails      `json:"card,omitempty"`
	Customer       nullString        `json:"customer"`
	Metadata       map[string]string `json:"metadata"`
	SepaDebit      *debitDetails     `json:"sepa_debit,omitempty"`
	Type           string            `json:"type"`

	card testCard
	iban string
}

type cardDetails struct {
	Brand       string            `json:"brand"`
	Checks      map[string]string `json:"checks"`
	Country     string            `json:"country"`
	ExpMonth    int               `json:"exp_month"`
	ExpYear     int               `json:"exp_year"`
	Fingerprint string            `json:"fingerprint"`
	Funding     string            `json:"funding"`
	Last4       string            `json:"last4"`
	Network     string            `json:"network,omitempty"`
	Wallet      null              `json:"wallet"`
}

type debitDetails struct {
	BankCode    string `json:"bank_code"`
	Country     string `json:"country"`
	Fingerprint string `json:"fingerprint"`
	Last4       string `json:"last4"`
}

// Types of payment methods.
const (
	methodCard = "card"
	methodSepa = "sepa_debit"
)

func noBillingDetails() any {
	return map[string]any{"address": nil, "email": nil, "name": nil, "phone": nil}
}

func (c *call) newMethod(kind string) *paymentMethod {
	return &paymentMethod{
		head:           head{ID: newID("pm_1", usualID-1), Object: "payment_method", Created: c.now},
		BillingDetails: noBillingDetails(),
		Metadata:       map[string]string{},
		Type:           kind,
	}
}

func (c *call) newCardMethod(card testCard) *paymentMethod {
	pm := c.newMethod(methodCard)
	pm.card = card
	pm.Card = &cardDetails{
		Brand: card.brand, Checks: map[string]string{"cvc_check": "pass"}, Country: "US",
		ExpMonth: 8, ExpYear: 2040, Fingerprint: "fp" + card.number[len(card.number)/2:],
		Funding: card.funding, Last4: card.last4(),
	}
	return add(c.state, &c.methods, pm)
}

func (c *call) newDebitMethod(iban string) *paymentMethod {
	pm := c.newMethod(methodSepa)
	pm.iban = strings.ReplaceAll(iban, " ", "")
	last4 := pm.iban[max(0, len(pm.iban)-4):]
	pm.SepaDebit = &debitDetails{BankCode: "37040044", Country: pm.iban[:min(2, len(pm.iban))], Fingerprint: "fp" + last4, Last4: last4}
	return add(c.state, &c.methods, pm)
}

// method finds a payment method by its id. Each use of a test card's own id,
// such as pm_card_visa, makes a new one, as at Stripe.
func (c *call) method(id, param string) (*paymentMethod, error) {
	if name, ok := strings.CutPrefix(id, "pm_card_"); ok {
		if card, known := cardNamed(name); known {
			return c.newCardMethod(card), nil
		}
		return nil, noSuch("PaymentMethod", id, param)
	}
	return find[*paymentMethod](c.state, "PaymentMethod", id, param)
}

func (c *call) createMethod() (any, error) { return c.methodFrom(c.form) }

// methodFrom makes a payment method of its parameters, those of its own call or
// of payment_method_data.
func (c *call) methodFrom(f *form) (*paymentMethod, error) {
	kind := f.required("type")
	billing, metadata := f.tree("billing_details"), f.metadata(nil)
	card, debit := f.at(methodCard), f.at(methodSepa)
	f.ignore("expand", "allow_redisplay")
	if err := f.end(); err != nil {
		return nil, err
	}
	var pm *paymentMethod
	switch {
	case kind == methodCard && card != nil:
		found, err := cardFrom(card)
		if err != nil {
			return nil, err
		}
		pm = c.newCardMethod(found)
	case kind == methodSepa && debit != nil:
		pm = c.newDebitMethod(debit.text("iban"))
	case kind == methodCard || kind == methodSepa:
		return nil, invalid(codeMissing, f.full(kind), "Missing required param: %s.", f.full(kind))
	default:
		return nil, invalid("", f.full("type"), "The sandbox knows payment methods of type card and sepa_debit only.")
	}
	if billing != nil {
		pm.BillingDetails = billing
	}
	pm.Metadata = metadata
	return pm, nil
}

// cardFrom finds the test card of a number or a token.
func cardFrom(f *form) (testCard, error) {
	if token, ok := strings.CutPrefix(f.text("token"), "tok_"); ok {
		if card, known := cardNamed(token); known {
			return card, nil
		}
		return testCard{}, noSuch("token", "tok_"+token, f.full("token"))
	}
	if card, known := cardNumbered(f.required("number")); known {
		return card, nil
	}
	e := invalid("incorrect_number", f.full("number"), "Your card number is incorrect: the sandbox takes Stripe's test cards only.")
	e.status, e.Type = 402, typeCard
	return testCard{}, e
}

func (c *call) getMethod() (any, error) { return c.method(c.id(), inPath) }

func (c *call) attachMethod() (any, error) {
	customerID := c.form.required("customer")
	c.form.ignore("expand")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	owner, err := find[*customer](c.state, "customer", customerID, "customer")
	if err != nil {
		return nil, err
	}
	pm, err := c.method(c.id(), inPath)
	if err != nil {
		return nil, err
	}
	c.attach(pm, owner)
	return pm, nil
}

func (c *call) attach(pm *paymentMethod, owner *customer) {
	pm.Customer = nullString(owner.ID)
	owner.methods = append(owner.methods, pm)
	c.emit("payment_method.attached", pm, nil)
}

func (c *call) detachMethod() (any, error) {
	pm, err := find[*paymentMethod](c.state, "PaymentMethod", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	if pm.Customer == "" {
		return nil, invalid("", "", "The payment method you provided is not attached to a customer so detachment is impossible.")
	}
	before := c.snapshot(pm)
	pm.Customer = ""
	c.emit("payment_method.detached", pm, before)
	return pm, nil
}
