package billing

import (
	"time"

	"hourbank/sandbox/api"
	"hourbank/sandbox/payments"
)

// States of a checkout session: open → complete | expired; and of its payment:
// unpaid → paid. A delayed payment method completes it unpaid.
const (
	sessionOpen     = "open"
	sessionComplete = "complete"
	sessionExpired  = "expired"
)

// Bounds of expires_at, https://docs.stripe.com/api/checkout/sessions/create.
const (
	sessionShortest = 30 * time.Minute
	sessionLongest  = 24 * time.Hour
)

func createSession(c *api.Call) api.Act {
	f := c.Form
	cs := api.Object{
		"mode": f.OneOf("mode", "payment", "subscription"), "customer": c.Named(f, "customer", "customer").ID(),
		"expires_at": f.Number("expires_at", c.Now+int64(sessionLongest.Seconds())), "metadata": f.Metadata(nil),
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

func checkSession(c *api.Call, cs api.Object) {
	shortest, longest := c.Now+int64(sessionShortest.Seconds()), c.Now+int64(sessionLongest.Seconds())
	if cs.Text("success_url") == "" && cs.Text("ui_mode") == "hosted" {
		c.Form.Missing("success_url")
	}
	if at := cs.Number("expires_at"); at < shortest || at > longest {
		c.Form.Fail(api.Invalid("", "expires_at", "The expires_at timestamp must be between 30 minutes and 24 hours from now."))
	}
}

// newSession keeps a payment page. https://docs.stripe.com/api/checkout/sessions
// Its payment intent is null until somebody tried to pay.
func newSession(c *api.Call, cs api.Object, lines []payments.Line) api.Object {
	sum := payments.Total(lines)
	c.Make("checkout.session", cs).Set(api.Object{
		"amount_total": sum, "amount_subtotal": sum, "currency": lines[0].Price.Text("currency"), "status": sessionOpen, "payment_status": "unpaid",
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
	if status := cs.Text("status"); status != sessionOpen {
		return api.Invalid("", "", "Only Checkout Sessions with a status of open can be expired; this one is %s.", status)
	}
	cs.Set(api.Object{"status": sessionExpired, "url": ""})
	if pi := c.Get(cs.Text("payment_intent")); pi != nil && !payments.IsDone(pi) {
		payments.Cancel(c, pi, "abandoned")
	}
	c.Emit("checkout.session.expired", cs)
	return nil
}
