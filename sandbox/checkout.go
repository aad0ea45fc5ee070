package sandbox

import "time"

// checkoutSession is a payment page. https://docs.stripe.com/api/checkout/sessions
type checkoutSession struct {
	head
	AmountSubtotal    int64             `json:"amount_subtotal"`
	AmountTotal       int64             `json:"amount_total"`
	AllowPromotions   any               `json:"allow_promotion_codes"`
	AutomaticTax      automaticTax      `json:"automatic_tax"`
	CancelURL         nullString        `json:"cancel_url"`
	ClientReferenceID nullString        `json:"client_reference_id"`
	Currency          string            `json:"currency"`
	Customer          nullString        `json:"customer"`
	CustomerDetails   any               `json:"customer_details"`
	CustomerEmail     nullString        `json:"customer_email"`
	ExpiresAt         int64             `json:"expires_at"`
	Invoice           nullString        `json:"invoice"`
	Locale            nullString        `json:"locale"`
	Metadata          map[string]string `json:"metadata"`
	Mode              string            `json:"mode"`
	PaymentIntent     nullString        `json:"payment_intent"` // null until somebody tried to pay
	MethodTypes       []string          `json:"payment_method_types"`
	PaymentStatus     string            `json:"payment_status"`
	Status            string            `json:"status"`
	Subscription      nullString        `json:"subscription"`
	ReturnURL         string            `json:"return_url,omitempty"`
	SuccessURL        nullString        `json:"success_url"`
	TotalDetails      totalDetails      `json:"total_details"`
	UIMode            string            `json:"ui_mode"`
	URL               nullString        `json:"url"`

	lines  []line
	intent paymentIntent // what is asked of the payment intent, or of the subscription
	manual bool          // a delayed payment waits for a control call
}

type automaticTax struct {
	Enabled   bool       `json:"enabled"`
	Liability any        `json:"liability"`
	Provider  nullString `json:"provider"`
	Status    nullString `json:"status"`
}

// totalDetails are in minor units.
type totalDetails struct {
	Discount int64 `json:"amount_discount"`
	Shipping int64 `json:"amount_shipping"`
	Tax      int64 `json:"amount_tax"`
}

// items gives the lines, as line_items lists them. The first that can bear it
// has discount and tax.
func (cs *checkoutSession) items() []any {
	rows, discount, tax := []any{}, cs.TotalDetails.Discount, cs.TotalDetails.Tax
	for i, l := range cs.lines {
		subtotal := l.price.UnitAmount * l.quantity
		off := min(discount, subtotal)
		rows = append(rows, map[string]any{"id": "li_" + itoa(int64(i+1)) + cs.ID[len(cs.ID)-20:], "object": "item",
			"amount_discount": off, "amount_subtotal": subtotal, "amount_tax": tax, "amount_total": subtotal - off + tax,
			"currency": cs.Currency, "description": l.price.Nickname, "price": l.price, "quantity": l.quantity})
		discount, tax = discount-off, 0
	}
	return rows
}

// States of a checkout session: open → complete | expired; and of its payment:
// unpaid → paid. A delayed payment method completes it unpaid.
const (
	sessionOpen     = "open"
	sessionComplete = "complete"
	sessionExpired  = "expired"

	paymentUnpaid    = "unpaid"
	paymentPaid      = "paid"
	paymentNotNeeded = "no_payment_required"
)

// Bounds of expires_at, https://docs.stripe.com/api/checkout/sessions/create.
const (
	sessionShortest = 30 * time.Minute
	sessionLongest  = 24 * time.Hour
)

func (c *call) createSession() (any, error) {
	f := c.form
	cs := &checkoutSession{
		Mode:              f.oneOf("mode", "payment", "subscription"),
		CancelURL:         nullString(f.text("cancel_url")),
		SuccessURL:        nullString(f.text("success_url")),
		ReturnURL:         f.text("return_url"),
		ClientReferenceID: nullString(f.text("client_reference_id")),
		CustomerEmail:     nullString(f.text("customer_email")),
		Customer:          nullString(f.text("customer")),
		ExpiresAt:         f.number("expires_at", c.now+int64(sessionLongest.Seconds())),
		Locale:            nullString(f.text("locale")),
		Metadata:          f.metadata(nil),
		MethodTypes:       f.texts("payment_method_types"),
		UIMode:            f.oneOf("ui_mode", "hosted", "embedded", "custom"),
	}
	if f.has("allow_promotion_codes") {
		cs.AllowPromotions = f.flag("allow_promotion_codes", false)
	}
	if tax := f.at("automatic_tax"); tax != nil {
		cs.AutomaticTax.Enabled = tax.flag("enabled", false)
	}
	f.fixed("billing_address_collection", "auto")
	f.fixed("customer_creation", "if_required")
	f.fixed("submit_type", "auto")
	c.readInner(cs)
	cs.lines = c.readLines(f, "line_items")
	c.checkSession(cs)
	if err := f.end(); err != nil {
		return nil, err
	}
	return c.newSession(cs), nil
}

// readInner reads what goes to the payment intent or the subscription.
func (c *call) readInner(cs *checkoutSession) {
	if inner := c.form.at("subscription_data"); inner != nil && cs.Mode == "subscription" {
		cs.intent.Metadata, cs.intent.Description = inner.metadata(nil), nullString(inner.text("description"))
	}
	inner := c.form.at("payment_intent_data")
	if inner == nil || cs.Mode != "payment" {
		return
	}
	cs.intent = paymentIntent{
		CaptureMethod: inner.oneOf("capture_method", "automatic", "automatic_async", "manual"),
		Description:   nullString(inner.text("description")), Metadata: inner.metadata(nil), ReceiptEmail: nullString(inner.text("receipt_email")),
		SetupFutureUsage: nullString(inner.oneOf("setup_future_usage", "", "on_session", "off_session")), Shipping: inner.tree("shipping"),
	}
}

func (c *call) checkSession(cs *checkoutSession) {
	shortest, longest := c.now+int64(sessionShortest.Seconds()), c.now+int64(sessionLongest.Seconds())
	if cs.SuccessURL == "" && cs.UIMode == "hosted" {
		c.form.missing("success_url")
	}
	if cs.ExpiresAt < shortest || cs.ExpiresAt > longest {
		c.form.fail(invalid("", "expires_at", "The expires_at timestamp must be between 30 minutes and 24 hours from now."))
	}
	if cs.Customer != "" {
		if _, err := find[*customer](c.state, "customer", string(cs.Customer), "customer"); err != nil {
			c.form.fail(err)
		}
	}
	for _, l := range cs.lines {
		if (l.price.Recurring != nil) != (cs.Mode == "subscription") {
			c.form.fail(invalid("", "line_items", "In %s mode, each price must be of its kind: the sandbox mixes none.", cs.Mode))
		}
	}
}

func (c *call) newSession(cs *checkoutSession) *checkoutSession {
	cs.head = head{ID: newID("cs_test_a1", 56), Object: "checkout.session", Created: c.now}
	cs.AmountTotal = total(cs.lines)
	cs.AmountSubtotal = cs.AmountTotal
	cs.Currency = cs.lines[0].price.Currency
	cs.Status, cs.PaymentStatus = sessionOpen, paymentUnpaid
	if len(cs.MethodTypes) == 0 {
		cs.MethodTypes = []string{methodCard}
	}
	if cs.UIMode == "hosted" {
		cs.URL = nullString("https://checkout.stripe.com/c/pay/" + cs.ID)
	}
	for _, l := range cs.lines {
		c.keepPrice(l.price)
	}
	return add(c.state, &c.sessions, cs)
}

// expireNow closes an open session, and with it an intent that it began.
func (c *call) expireNow(cs *checkoutSession) error {
	if cs.Status != sessionOpen {
		return invalid("", "", "Only Checkout Sessions with a status of open can be expired; this one is %s.", cs.Status)
	}
	cs.Status, cs.URL = sessionExpired, ""
	if pi, ok := c.byID[string(cs.PaymentIntent)].(*paymentIntent); ok && pi.Status != intentSucceeded {
		c.cancel(pi, "abandoned")
	}
	c.emit("checkout.session.expired", cs)
	return nil
}
