package sandbox

import "strings"

// paymentMethod is a way to pay: a test card, a bank account debited some time
// later, or money that the customer sends by bank transfer.
// https://docs.stripe.com/api/payment_methods
type paymentMethod struct {
	head
	BillingDetails any               `json:"billing_details"`
	Card           map[string]any    `json:"card,omitempty"`
	Cash           *struct{}         `json:"customer_balance,omitempty"`
	Customer       nullString        `json:"customer"`
	Metadata       map[string]string `json:"metadata"`
	SepaDebit      map[string]any    `json:"sepa_debit,omitempty"`
	Type           string            `json:"type"`

	card testCard
	iban string
}

// Types of payment methods.
const (
	methodCard = "card"
	methodSepa = "sepa_debit"
	methodCash = "customer_balance"
)

func (c *call) newMethod(kind string) *paymentMethod {
	return &paymentMethod{
		head:     head{ID: newID("pm_1", usualID-1), Object: "payment_method", Created: c.now},
		Metadata: map[string]string{},
		Type:     kind,
	}
}

func (c *call) newCardMethod(card testCard) *paymentMethod {
	pm := c.newMethod(methodCard)
	pm.card = card
	pm.Card = map[string]any{"brand": card.Brand, "checks": map[string]any{"cvc_check": "pass"}, "country": "US", "exp_month": 8, "exp_year": 2040,
		"fingerprint": "fp" + card.Number[len(card.Number)/2:], "funding": card.Funding, "last4": card.last4(), "network": card.Brand, "wallet": nil}
	return pm
}

func (c *call) newDebitMethod(iban string) *paymentMethod {
	pm := c.newMethod(methodSepa)
	pm.iban = strings.ReplaceAll(iban, " ", "")
	last4 := pm.iban[max(0, len(pm.iban)-4):]
	pm.SepaDebit = map[string]any{"bank_code": "37040044", "country": pm.iban[:min(2, len(pm.iban))], "fingerprint": "fp" + last4, "last4": last4}
	return pm
}

// keepMethod keeps a payment method once it is used.
func (c *call) keepMethod(pm *paymentMethod) {
	if c.byID[pm.ID] == nil {
		add(c.state, &c.methods, pm)
	}
}

// methodByID finds a payment method. Each use of a test card's own id, such as
// pm_card_visa, makes a new one, as at Stripe; it is not kept yet.
func (c *call) methodByID(id, param string) (*paymentMethod, error) {
	if name, ok := strings.CutPrefix(id, "pm_card_"); ok {
		if card, known := testCards()[name]; known {
			return c.newCardMethod(card), nil
		}
	}
	return find[*paymentMethod](c.state, "PaymentMethod", id, param)
}

// method reads the payment method that a parameter names, nil where it is not
// there.
func (c *call) method(f *form, key string) *paymentMethod {
	if f.text(key) == "" {
		return nil
	}
	pm, err := c.methodByID(f.text(key), f.full(key))
	if err != nil {
		f.fail(err)
	}
	return pm
}

func (c *call) createMethod() (any, error) {
	pm := c.readMethod(c.form)
	if err := c.form.end(); err != nil {
		return nil, err
	}
	c.keepMethod(pm)
	return pm, nil
}

// readMethod makes a payment method of its parameters, those of its own call or
// of payment_method_data.
func (c *call) readMethod(f *form) *paymentMethod {
	kind := f.required("type")
	card, debit := f.at(methodCard), f.at(methodSepa)
	pm := c.newMethod(kind)
	switch {
	case kind == methodCard && card != nil:
		pm = c.newCardMethod(readCard(card))
	case kind == methodSepa && debit != nil:
		pm = c.newDebitMethod(debit.required("iban"))
	case kind == methodCash:
		pm.Cash = &struct{}{}
	case kind == methodCard || kind == methodSepa:
		f.missing(kind)
	default:
		f.fail(invalid("", f.full("type"), "The sandbox knows payment methods of type card, sepa_debit and customer_balance only."))
	}
	pm.BillingDetails, pm.Metadata = f.tree("billing_details"), f.metadata(nil)
	f.fixed("allow_redisplay", "unspecified")
	return pm
}

// readCard finds the test card of a number or a token. What else is typed
// beside a number makes no odds to test cards.
func readCard(f *form) testCard {
	if token, ok := strings.CutPrefix(f.text("token"), "tok_"); ok {
		card, known := testCards()[token]
		if !known {
			f.fail(noSuch("token", "tok_"+token, f.full("token")))
		}
		return card
	}
	for _, typed := range []string{"exp_month", "exp_year", "cvc"} {
		f.at(typed)
	}
	card, known := cardNumbered(f.required("number"))
	if !known {
		e := invalid("incorrect_number", f.full("number"), "Your card number is incorrect: the sandbox takes Stripe's test cards only.")
		e.status, e.Type = 402, typeCard
		f.fail(e)
	}
	return card
}

func (c *call) getMethod() (any, error) {
	if err := c.form.end(); err != nil {
		return nil, err
	}
	return c.methodByID(c.id(), inPath)
}

func (c *call) attachMethod() (any, error) {
	owner, err := find[*customer](c.state, "customer", c.form.required("customer"), "customer")
	if err != nil {
		c.form.fail(err)
	}
	if err := c.form.end(); err != nil {
		return nil, err
	}
	pm, err := c.methodByID(c.id(), inPath)
	if err != nil {
		return nil, err
	}
	c.attach(pm, owner)
	return pm, nil
}

func (c *call) attach(pm *paymentMethod, owner *customer) {
	c.keepMethod(pm)
	pm.Customer = nullString(owner.ID)
	owner.methods = append(owner.methods, pm)
	c.emit("payment_method.attached", pm)
}
