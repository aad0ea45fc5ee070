package payments

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"maps"
	"strings"
	"sync"

	"hourbank/sandbox/api"
)

// NewCustomer keeps a new customer. https://docs.stripe.com/api/customers
// A balance below 0 is what pays the next invoices.
func NewCustomer(c *api.Call, cus api.Object) api.Object {
	c.Emit("customer.created", c.Make("customer", cus))
	return cus
}

// invoiceSettings name what pays the customer's invoices.
func invoiceSettings(method string) api.Object {
	return api.Object{"default_payment_method": method, "footer": nil, "custom_fields": nil, "rendering_options": nil}
}

func createCustomer(c *api.Call) api.Act {
	cus := api.Object{}
	preferred := readCustomer(c, cus)
	attached, pm := c.Form.Text("payment_method"), ReadMethod(c, c.Form, "payment_method")
	if preferred != "" && preferred != attached {
		c.Form.Fail(api.NoSuch("payment_method", preferred, "invoice_settings[default_payment_method]"))
	}
	return func() (any, error) {
		if preferred != "" && pm != nil {
			cus["invoice_settings"] = invoiceSettings(pm.ID())
		}
		NewCustomer(c, cus)
		if pm != nil {
			Attach(c, pm, cus)
		}
		return cus, nil
	}
}

// readCustomer reads what can be set at creation and changed later alike, and
// gives the id of the payment method that is to pay invoices.
func readCustomer(c *api.Call, cus api.Object) (preferred string) {
	f := c.Form
	f.TextsInto(cus, "description", "email", "name", "phone")
	for _, key := range []string{"address", "shipping"} {
		if f.Has(key) {
			cus[key] = f.Tree(key)
		}
	}
	cus["balance"] = f.Number("balance", cus.Number("balance"))
	cus["metadata"] = f.Metadata(cus.Metadata())
	if settings := f.At("invoice_settings"); settings != nil {
		return settings.Text("default_payment_method")
	}
	return ""
}

func updateCustomer(c *api.Call, cus api.Object) api.Act {
	changed := maps.Clone(cus)
	if preferred := readCustomer(c, changed); preferred != "" {
		if _, err := c.Find("payment_method", preferred, "invoice_settings[default_payment_method]"); err != nil {
			c.Form.Fail(err)
		}
		changed["invoice_settings"] = invoiceSettings(preferred)
	}
	return func() (any, error) {
		cus.Set(changed)
		return c.Tell("customer.updated", cus)
	}
}

// UsualMethod is what the customer's invoices are paid with, nil for nothing.
func UsualMethod(c *api.Call, cus api.Object) api.Object {
	if pm := c.Get(cus.Part("invoice_settings").Text("default_payment_method")); pm != nil {
		return pm
	}
	for _, pm := range c.All("payment_method") {
		if cus != nil && pm.Text("customer") == cus.ID() {
			return pm
		}
	}
	return nil
}

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

// testCard is one of Stripe's test cards and what happens to its payments.
// https://docs.stripe.com/testing
type testCard struct {
	Number  string   // ids of payment methods and tokens stand for it too
	Brand   string   // "visa" where empty
	Funding string   // "credit" where empty
	Decline *decline // the issuer's refusal
	Auth    bool     // asks its holder to authenticate
	Dispute string   // the reason for which its payments are disputed
	Inquiry bool     // and only as an inquiry
	Refund  string   // its refunds are "pending" first, or one "fails" that had succeeded; https://docs.stripe.com/testing#refunds
}

// decline is why a card was refused.
// https://docs.stripe.com/declines/codes
type decline struct{ Code, Reason, Message string }

//go:embed cards.json
var cardsJSON []byte

// testCards are known by the name behind pm_card_ and tok_.
var testCards = sync.OnceValue(func() map[string]testCard {
	cards := map[string]testCard{}
	if err := json.Unmarshal(cardsJSON, &cards); err != nil {
		panic("cards.json: " + err.Error()) // embedded, so no test would pass
	}
	for name, card := range cards {
		card.Brand, card.Funding = cmp.Or(card.Brand, "visa"), cmp.Or(card.Funding, "credit")
		cards[name] = card
	}
	return cards
})

// readCard finds the test card of a number or a token. What else is typed
// beside a number makes no odds to test cards.
func readCard(f *api.Form) testCard {
	if token, ok := strings.CutPrefix(f.Text("token"), "tok_"); ok {
		card, known := testCards()[token]
		if !known {
			f.Fail(api.NoSuch("token", "tok_"+token, f.Full("token")))
		}
		return card
	}
	for _, typed := range []string{"exp_month", "exp_year", "cvc"} {
		f.At(typed)
	}
	number := bare(f.Required("number"))
	for _, card := range testCards() {
		if card.Number == number {
			return card
		}
	}
	f.Fail(api.NewError(402, "card_error", "Your card number is incorrect: the sandbox takes Stripe's test cards only.").
		With(api.Object{"code": "incorrect_number", "param": f.Full("number")}))
	return testCard{}
}

// debitFails holds the test IBANs whose payments fail; all others succeed,
// though not at once. https://docs.stripe.com/testing#sepa-direct-debit
var debitFails = map[string]bool{
	"AT861904300235473202":        true,
	"DE62370400440532013001":      true,
	"IT60X0542811101000000123456": true, // what the CLI's failing fixture uses
}
