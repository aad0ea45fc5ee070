package billing

import (
	"cmp"
	"errors"
	"slices"

	"hourbank/sandbox/api"
	"hourbank/sandbox/payments"
)

// States of a checkout session: open → complete | expired; and of its payment:
// unpaid → paid. A delayed payment method completes it unpaid.
func createSession(c *api.Call) api.Act {
	f := c.Form
	cs := api.Object{
		"mode": f.OneOf("mode", "payment", "subscription"), "customer": c.Named(f, "customer", "customer").ID(),
		"expires_at": f.Number("expires_at", c.Now+24*60*60), "metadata": f.Metadata(nil),
		"payment_method_types": f.Texts("payment_method_types"), "ui_mode": f.OneOf("ui_mode", "hosted", "embedded", "custom"),
	}
	f.TextsInto(cs, "cancel_url", "success_url", "return_url", "client_reference_id", "customer_email", "locale")
	if f.Has("allow_promotion_codes") {
		cs["allow_promotion_codes"] = f.Flag("allow_promotion_codes", false)
	}
	taxed := false
	if tax := f.At("automatic_tax"); tax != nil {
		taxed = tax.Flag("enabled", false)
	}
	cs["automatic_tax"] = api.Object{"enabled": taxed, "liability": nil, "provider": nil, "status": nil}
	f.Fixed("billing_address_collection", "auto")
	f.Fixed("customer_creation", "if_required")
	f.Fixed("submit_type", "auto")
	cs["_asked"] = readInner(c, cs.Text("mode"))
	lines := payments.ReadLines(c, "line_items", cs.Text("mode") == "subscription")
	checkSession(c, cs)
	return func() (any, error) { return newSession(c, cs, lines), nil }
}

// readInner reads what goes to the payment intent or the subscription.
func readInner(c *api.Call, mode string) api.Object {
	inner := c.Form.At(map[string]string{"payment": "payment_intent_data", "subscription": "subscription_data"}[mode])
	if inner == nil {
		return api.Object{}
	}
	asked := api.Object{"metadata": inner.Metadata(nil)}
	inner.TextsInto(asked, "description")
	if mode == "payment" {
		inner.TextsInto(asked, "receipt_email")
		asked["capture_method"] = inner.OneOf("capture_method", "automatic", "automatic_async", "manual")
		asked["setup_future_usage"] = inner.OneOf("setup_future_usage", "", "on_session", "off_session")
		asked["shipping"] = inner.Tree("shipping")
	}
	return asked
}

// checkSession has the bounds of https://docs.stripe.com/api/checkout/sessions/create.
func checkSession(c *api.Call, cs api.Object) {
	if cs.Text("success_url") == "" && cs.Text("ui_mode") == "hosted" {
		c.Form.Missing("success_url")
	}
	if open := cs.Number("expires_at") - c.Now; open < 30*60 || open > 24*60*60 {
		c.Form.Fail(api.Invalid("", "expires_at", "The expires_at timestamp must be between 30 minutes and 24 hours from now."))
	}
}

// newSession keeps a payment page. https://docs.stripe.com/api/checkout/sessions
// Its payment intent is null until somebody tried to pay.
func newSession(c *api.Call, cs api.Object, lines []payments.Line) api.Object {
	sum := payments.Total(lines)
	c.Make("checkout.session", cs).Set(api.Object{
		"amount_total": sum, "amount_subtotal": sum, "currency": lines[0].Price.Text("currency"), "status": "open", "payment_status": "unpaid",
		"total_details": api.Object{"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}, "_lines": lines,
		"line_items": func() any { return api.ListOf(items(cs, lines), "/v1/checkout/sessions/"+cs.ID()+"/line_items") },
	})
	if len(payments.Types(cs)) == 0 {
		cs.Set(api.Object{"payment_method_types": []string{"card"}})
	}
	if cs.Text("ui_mode") == "hosted" {
		cs.Set(api.Object{"url": "https://checkout.stripe.com/c/pay/" + cs.ID()})
	}
	for _, l := range lines {
		payments.KeepPrice(c, l.Price)
	}
	return cs
}

// items gives the lines, as line_items lists them. The first that can bear it
// has discount and tax.
func items(cs api.Object, lines []payments.Line) []api.Object {
	rows, discount, tax := []api.Object{}, cs.Part("total_details").Number("amount_discount"), cs.Part("total_details").Number("amount_tax")
	for i, l := range lines {
		off := min(discount, l.Cost())
		rows = append(rows, api.Object{"id": "li_" + itoa(int64(i+1)) + cs.ID()[len(cs.ID())-20:], "object": "item",
			"amount_discount": off, "amount_subtotal": l.Cost(), "amount_tax": tax, "amount_total": l.Cost() - off + tax,
			"currency": cs.Text("currency"), "description": l.Price.Text("nickname"), "price": l.Price, "quantity": l.Quantity})
		discount, tax = discount-off, 0
	}
	return rows
}

// expire closes an open session, and with it an intent that it began.
func expire(c *api.Call, cs api.Object) error {
	if status := cs.Text("status"); status != "open" {
		return api.Invalid("", "", "Only Checkout Sessions with a status of open can be expired; this one is %s.", status)
	}
	cs.Set(api.Object{"status": "expired", "url": ""})
	if pi := c.Get(cs.Text("payment_intent")); pi != nil && !pi.In("status", "succeeded", "canceled") {
		payments.Cancel(c, pi, "abandoned")
	}
	c.Emit("checkout.session.expired", cs)
	return nil
}

// confirmPage is what the payment page itself sends, and the CLI's fixtures.
func confirmPage(c *api.Call, cs api.Object) api.Act {
	c.Form.Required("payment_method")
	pm, asked := payments.ReadMethod(c, c.Form, "payment_method"), cs.Number("amount_total")
	if c.Form.Number("expected_amount", asked) != asked {
		c.Form.Fail(api.Invalid("", "expected_amount", "The amount to pay is %d.", asked))
	}
	return func() (any, error) { return cs, paySession(c, cs, pm) }
}

func paySessionWith(c *api.Call, cs api.Object, with api.Options) error {
	pm, err := payments.MethodNamed(c, cmp.Or(with.PaymentMethod, "pm_card_visa"), "payment_method")
	if err != nil {
		return err
	}
	if cs.Text("status") == "open" {
		if err := adjust(cs, with.Discount, with.Tax); err != nil {
			return err
		}
	}
	return paySession(c, cs, pm)
}

func declineSession(c *api.Call, cs api.Object, with api.Options) error {
	with.PaymentMethod = cmp.Or(with.PaymentMethod, "pm_card_chargeDeclined")
	err := paySessionWith(c, cs, with)
	if e, ok := errors.AsType[*api.Error](err); ok && e.Text("type") == "card_error" {
		return nil // as it was asked for
	}
	return err
}

// payAsync pays by a bank debit that waits for async_succeed or async_fail.
func payAsync(c *api.Call, cs api.Object) error {
	pm := payments.DebitMethod(c)
	if types := payments.Types(cs); cs.Text("status") == "open" && !slices.Contains(types, pm.Text("type")) {
		cs.Set(api.Object{"payment_method_types": append(slices.Clone(types), pm.Text("type"))})
	}
	cs["_manual"] = true
	return paySession(c, cs, pm)
}

// adjust takes off what the customer's promotion code does, and puts on tax.
func adjust(cs api.Object, discount, tax int64) error {
	subtotal, taxed := cs.Number("amount_subtotal"), cs.Part("automatic_tax").Is("enabled")
	switch {
	case discount == 0 && tax == 0:
		return nil
	case cs.Text("payment_intent") != "":
		return api.Invalid("", "", "This Checkout Session's amount is fixed: somebody tried to pay.")
	case discount < 0 || discount > subtotal || discount > 0 && !cs.Is("allow_promotion_codes"):
		return api.Invalid("", "discount", "Only a session with allow_promotion_codes has a discount, of at most %d.", subtotal)
	case tax < 0 || tax > api.LargestAmount || tax > 0 && !taxed:
		return api.Invalid("", "tax", "Only a session with automatic_tax has tax.")
	}
	cs.Part("total_details").Set(api.Object{"amount_discount": discount, "amount_tax": tax})
	cs.Set(api.Object{"amount_total": subtotal - discount + tax})
	if taxed {
		cs.Part("automatic_tax").Set(api.Object{"status": "complete"})
	}
	return nil
}

// paySession tries to pay an open session.
func paySession(c *api.Call, cs, pm api.Object) error {
	if cs.Text("status") != "open" {
		return api.Invalid("", "", "This Checkout Session is %s.", cs.Text("status"))
	}
	if types := payments.Types(cs); !slices.Contains(types, pm.Text("type")) {
		return api.Invalid("", "payment_method", "A payment method of type %s is not among this session's: %v.", pm.Text("type"), types)
	}
	typed := cmp.Or(cs.Text("customer_email"), pm.Part("billing_details").Text("email"), "customer@example.com")
	cs.Set(api.Object{"customer_details": api.Object{"address": nil, "email": typed, "name": nil, "phone": nil, "tax_exempt": "none", "tax_ids": []any{}}})
	if cs.Text("mode") == "subscription" {
		return subscribeBySession(c, cs, pm, typed)
	}
	if cs.Number("amount_total") == 0 {
		sessionPaid(c, cs)
		return nil
	}
	pi := c.Get(cs.Text("payment_intent"))
	if pi == nil {
		pi = cs.Part("_asked")
		pi["amount"] = cs["amount_total"]
		for _, name := range []string{"currency", "customer", "payment_method_types"} {
			pi[name] = cs[name]
		}
		payments.NewIntent(c, pi)
		payments.Follow(pi, func(c *api.Call) { sessionPaid(c, cs) }, func(c *api.Call) { sessionFailed(c, cs) })
		pi["_session"] = cs.ID()
		cs.Set(api.Object{"payment_intent": pi.ID()})
	}
	pi["_manual"] = cs.Is("_manual")
	if refused := payments.Attempt(c, pi, pm, false); refused != nil {
		return refused
	}
	if pi.In("status", "processing", "requires_capture") {
		cs.Set(api.Object{"status": "complete", "url": ""})
		c.Emit("checkout.session.completed", cs)
	}
	return nil
}

// sessionPaid follows the success of the session's payment.
func sessionPaid(c *api.Call, cs api.Object) {
	kind, status := "checkout.session.completed", "paid"
	if cs.Text("status") == "complete" {
		kind = "checkout.session.async_payment_succeeded"
	}
	if cs.Number("amount_total") == 0 {
		status = "no_payment_required"
	}
	cs.Set(api.Object{"status": "complete", "payment_status": status, "url": ""})
	c.Emit(kind, cs)
}

// sessionFailed follows a failed payment: an open session takes another try.
func sessionFailed(c *api.Call, cs api.Object) {
	if cs.Text("status") == "complete" {
		c.Emit("checkout.session.async_payment_failed", cs)
	}
}

// subscribeBySession starts the subscription that the session sells.
func subscribeBySession(c *api.Call, cs, pm api.Object, email string) error {
	if err := payments.Declined(pm); err != nil {
		return err
	}
	cus := c.Get(cs.Text("customer"))
	if cus == nil {
		cus = payments.NewCustomer(c, api.Object{"email": email})
		cs.Set(api.Object{"customer": cus.ID()})
	}
	payments.Attach(c, pm, cus)
	lines, _ := cs["_lines"].([]payments.Line)
	sums := cs.Part("total_details")
	sub := subscribe(c, cus, cs.Part("_asked"), order{lines: lines, method: pm, extras: extras{sums.Number("amount_discount"), sums.Number("amount_tax")}})
	cs.Set(api.Object{"subscription": sub.ID(), "invoice": sub.Text("latest_invoice")})
	sessionPaid(c, cs)
	return nil
}
