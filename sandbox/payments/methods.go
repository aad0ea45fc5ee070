package payments

import (
	"strings"

	"hourbank/sandbox/api"
)

// Types of payment methods: a test card, a bank account debited some time
// later, or money that the customer sends by bank transfer.
// https://docs.stripe.com/api/payment_methods
const (
	methodCard = "card"
	methodSepa = "sepa_debit"
	methodCash = "customer_balance"
)

func newCardMethod(c *api.Call, card testCard) api.Object {
	return c.New("payment_method", api.Object{"type": methodCard, "_card": card, methodCard: api.Object{
		"brand": card.Brand, "checks": api.Object{"cvc_check": "pass"}, "country": "US", "exp_month": 8, "exp_year": 2040,
		"fingerprint": "fp" + card.Number[len(card.Number)/2:], "funding": card.Funding, "last4": clip(card.Number, 4), "network": card.Brand, "wallet": nil}})
}

func newDebitMethod(c *api.Call, iban string) api.Object {
	iban = bare(iban)
	return c.New("payment_method", api.Object{"type": methodSepa, "_iban": iban, methodSepa: api.Object{
		"bank_code": "37040044", "country": iban[:min(2, len(iban))], "fingerprint": "fp" + clip(iban, 4), "last4": clip(iban, 4)}})
}

// CardMethod makes a payment method of the test card with a name.
func CardMethod(c *api.Call, name string) api.Object { return newCardMethod(c, testCards()[name]) }

// DebitMethod makes a bank account whose payments take a while.
func DebitMethod(c *api.Call) api.Object { return newDebitMethod(c, "AT611904300234573201") }

// cardOf gives a method's test card, an empty one for a bank account.
func cardOf(pm api.Object) testCard {
	card, _ := pm["_card"].(testCard)
	return card
}

// MethodNamed finds a payment method. Each use of a test card's own id, such as
// pm_card_visa, makes a new one, as at Stripe; it is not kept yet.
func MethodNamed(c *api.Call, id, param string) (api.Object, error) {
	if name, ok := strings.CutPrefix(id, "pm_card_"); ok {
		if card, known := testCards()[name]; known {
			return newCardMethod(c, card), nil
		}
	}
	return c.Find("payment_method", id, param)
}

// ReadMethod reads the payment method that a parameter names, nil where it is
// not there.
func ReadMethod(c *api.Call, f *api.Form, key string) api.Object {
	if f.Text(key) == "" {
		return nil
	}
	pm, err := MethodNamed(c, f.Text(key), f.Full(key))
	if err != nil {
		f.Fail(err)
	}
	return pm
}

func createMethod(c *api.Call) api.Act {
	pm := describedMethod(c, c.Form)
	return func() (any, error) { return c.Keep(pm), nil }
}

// describedMethod makes a payment method of its parameters, those of its own
// call or of payment_method_data.
func describedMethod(c *api.Call, f *api.Form) api.Object {
	kind := f.Required("type")
	card, debit := f.At(methodCard), f.At(methodSepa)
	pm := c.New("payment_method", api.Object{"type": kind})
	switch {
	case kind == methodCard && card != nil:
		pm = newCardMethod(c, readCard(card))
	case kind == methodSepa && debit != nil:
		pm = newDebitMethod(c, debit.Required("iban"))
	case kind == methodCash:
		pm[methodCash] = api.Object{}
	case kind == methodCard || kind == methodSepa:
		f.Missing(kind)
	default:
		f.Fail(api.Invalid("", f.Full("type"), "The sandbox knows payment methods of type card, sepa_debit and customer_balance only."))
	}
	pm.Set(api.Object{"billing_details": f.Tree("billing_details"), "metadata": f.Metadata(nil)})
	f.Fixed("allow_redisplay", "unspecified")
	return pm
}

func getMethod(c *api.Call) api.Act {
	return func() (any, error) { return MethodNamed(c, c.ID(), api.InPath) }
}

func attachMethod(c *api.Call) api.Act {
	owner := c.NeedsNamed(c.Form, "customer", "customer")
	return func() (any, error) {
		pm, err := MethodNamed(c, c.ID(), api.InPath)
		if err == nil {
			Attach(c, pm, owner)
		}
		return pm, err
	}
}

// Attach keeps a payment method as a customer's.
func Attach(c *api.Call, pm, owner api.Object) {
	c.Keep(pm)
	pm.Set(api.Object{"customer": owner.ID()})
	c.Emit("payment_method.attached", pm)
}

// clip gives the last n characters of a number.
func clip(number string, n int) string { return number[max(0, len(number)-n):] }

// bare takes the spaces and dashes out of a number.
func bare(number string) string { return strings.NewReplacer(" ", "", "-", "").Replace(number) }
