package payments

import (
	"maps"
	"slices"
	"strings"

	"hourbank/sandbox/api"
)

// States of a payment intent (https://docs.stripe.com/payments/paymentintents/lifecycle):
//
//	requires_payment_method → requires_confirmation → (confirm)
//	(confirm) → succeeded | requires_payment_method, declined
//	(confirm) → requires_action → (confirm); requires_capture → succeeded
//	(confirm) → processing → succeeded | requires_payment_method
//	any but succeeded → canceled

// NewIntent keeps a new payment intent and tells of it.
// https://docs.stripe.com/api/payment_intents
func NewIntent(c *api.Call, pi api.Object) api.Object {
	c.Make("payment_intent", pi).Set(api.Object{"client_secret": api.NewID(pi.ID()+"_secret_", 25), "status": "requires_payment_method"})
	if pi.Text("payment_method") != "" {
		pi.Set(api.Object{"status": "requires_confirmation"})
	}
	if len(Types(pi)) == 0 {
		pi.Set(api.Object{"payment_method_types": []string{methodCard}})
	}
	pi["charges"] = c.ListedBy("charge", "payment_intent", pi.ID(), "/v1/charges?payment_intent="+pi.ID())
	c.Emit("payment_intent.created", pi)
	return pi
}

// Types are the types of payment methods that an intent or a session takes.
func Types(o api.Object) []string {
	types, _ := o["payment_method_types"].([]string)
	return types
}

func createIntent(c *api.Call) api.Act {
	f := c.Form
	pi := api.Object{
		"amount": f.Amount(), "currency": f.Currency(),
		"capture_method":       f.OneOf("capture_method", "automatic", "automatic_async", "manual"),
		"confirmation_method":  f.OneOf("confirmation_method", "automatic", "manual"),
		"payment_method_types": f.Texts("payment_method_types"),
	}
	if auto := f.At("automatic_payment_methods"); auto != nil {
		pi["automatic_payment_methods"] = api.Object{"enabled": auto.Flag("enabled", false), "allow_redirects": auto.OneOf("allow_redirects", "always", "never")}
	}
	readIntent(c, pi)
	confirm := f.Flag("confirm", false)
	pm, alone := readConfirmation(c, pi)
	if confirm && pm == nil {
		f.Fail(api.Invalid("parameter_missing", "payment_method", "A PaymentIntent can only be confirmed with a payment method."))
	}
	return func() (any, error) {
		use(c, pi, pm)
		NewIntent(c, pi)
		if !confirm {
			return pi, nil
		}
		return pi, Attempt(c, pi, pm, alone)
	}
}

// readIntent reads what can be set at creation and changed later alike.
func readIntent(c *api.Call, pi api.Object) {
	f := c.Form
	pi["metadata"] = f.Metadata(pi.Metadata())
	f.TextsInto(pi, "description", "statement_descriptor", "statement_descriptor_suffix")
	if cus := c.Named(f, "customer", "customer"); cus != nil {
		pi["customer"] = cus.ID()
	}
	// https://docs.stripe.com/api/payment_intents/create#create_payment_intent-amount_details
	d := f.At("amount_details")
	if d == nil {
		return
	}
	details := api.Object{"tip": api.Object{}}
	if d.Has("discount_amount") {
		details["discount_amount"] = d.Number("discount_amount", 0)
	}
	for part, name := range map[string]string{"tax": "total_tax_amount", "shipping": "amount"} {
		if p := d.At(part); p != nil {
			details[part] = api.Object{name: p.Number(name, 0)}
		}
	}
	pi["amount_details"] = details
}

// isOpen tells whether the intent can still be confirmed or changed.
func isOpen(pi api.Object) bool {
	return pi.In("status", "requires_payment_method", "requires_confirmation", "requires_action")
}

// updateIntent changes an intent that is not over. Stripe makes no event of it.
func updateIntent(c *api.Call, pi api.Object) api.Act {
	f, changed := c.Form, maps.Clone(pi)
	readIntent(c, changed)
	money := f.Has("amount") || f.Has("currency")
	if f.Has("amount") {
		changed["amount"] = f.Amount()
	}
	if f.Has("currency") {
		changed["currency"] = f.Currency()
	}
	pm, _ := readConfirmation(c, changed)
	return func() (any, error) {
		if money && !isOpen(pi) {
			return nil, unexpectedState(pi, "change the amount of")
		}
		pi.Set(changed)
		use(c, pi, pm)
		if pm != nil && pi.Text("status") == "requires_payment_method" {
			pi.Set(api.Object{"status": "requires_confirmation"})
		}
		return pi, nil
	}
}

func confirmIntent(c *api.Call, pi api.Object) api.Act {
	changed := maps.Clone(pi)
	secret := c.Form.Text("client_secret")
	pm, alone := readConfirmation(c, changed)
	return func() (any, error) {
		switch {
		case secret != "" && secret != pi.Text("client_secret"):
			return nil, api.Invalid("", "client_secret", "The client_secret provided does not match the PaymentIntent.")
		case !isOpen(pi):
			return nil, unexpectedState(pi, "confirm")
		case pm == nil:
			return nil, api.Invalid("payment_intent_unexpected_state", "", "You cannot confirm this PaymentIntent because it's missing a payment method.").
				With(api.Object{"payment_intent": pi})
		}
		pi.Set(changed)
		return pi, Attempt(c, pi, pm, alone)
	}
}

// readConfirmation reads how the intent is to be paid, into a copy of it or one
// that is not kept yet: with a payment method, if there is one, and perhaps
// with nobody there to authenticate.
func readConfirmation(c *api.Call, pi api.Object) (pm api.Object, alone bool) {
	f := c.Form
	if url := f.Text("return_url"); url != "" {
		pi["_return_url"] = url
	}
	f.TextsInto(pi, "receipt_email")
	if f.Has("shipping") {
		pi["shipping"] = f.Tree("shipping")
	}
	pi["setup_future_usage"] = f.OneOf("setup_future_usage", pi.Text("setup_future_usage"), "on_session", "off_session")
	if options := f.At("payment_method_options"); options != nil && options.Has(methodCash) {
		pi["payment_method_options"] = api.Object{methodCash: options.Tree(methodCash)}
	}
	f.Tree("mandate_data") // the sandbox's banks debit without asking for one
	offSession := strings.ToLower(f.Text("off_session"))
	alone = f.Flag("error_on_requires_action", false) || (offSession != "" && offSession != "false")
	if data := f.At("payment_method_data"); data != nil {
		pm = describedMethod(c, data)
	} else if pm = ReadMethod(c, f, "payment_method"); pm == nil {
		pm = c.Get(pi.Text("payment_method"))
	}
	types := Types(pi)
	if kind := pm.Text("type"); kind != "" && pi["automatic_payment_methods"] == nil && len(types) > 0 && !slices.Contains(types, kind) {
		f.Fail(api.Invalid("payment_intent_incompatible_payment_method", "payment_method",
			"The PaymentMethod provided (%s) is not allowed for this PaymentIntent.", kind))
	}
	return pm, alone
}

// use puts the payment method, if there is one, into the intent.
func use(c *api.Call, pi, pm api.Object) {
	if pm != nil {
		pi.Set(api.Object{"payment_method": c.Keep(pm).ID()})
	}
}

func captureIntent(c *api.Call, pi api.Object) api.Act {
	most := pi.Number("amount_capturable")
	amount := c.Form.Number("amount_to_capture", most)
	c.Form.Fixed("final_capture", "true")
	return func() (any, error) {
		if pi.Text("status") != "requires_capture" {
			return nil, unexpectedState(pi, "capture")
		}
		if amount < 1 || amount > most {
			return nil, api.Invalid("amount_too_large", "amount_to_capture", "The amount to capture must be between 1 and %d.", most)
		}
		capture(c, pi, amount)
		return pi, nil
	}
}

func cancelIntent(c *api.Call, pi api.Object) api.Act {
	reason := c.Form.OneOf("cancellation_reason", "", "duplicate", "fraudulent", "requested_by_customer", "abandoned")
	return func() (any, error) {
		if pi.In("status", "succeeded", "canceled") {
			return nil, unexpectedState(pi, "cancel")
		}
		Cancel(c, pi, reason)
		return pi, nil
	}
}

// unexpectedState is the answer to a step that the intent's status forbids.
func unexpectedState(pi api.Object, step string) error {
	return api.Invalid("payment_intent_unexpected_state", "", "You cannot %s this PaymentIntent because it has a status of %s.", step, pi.Text("status")).
		With(api.Object{"payment_intent": pi})
}
