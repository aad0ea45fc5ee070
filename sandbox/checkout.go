package sandbox

import "time"

// checkoutSession is a payment page. https://docs.stripe.com/api/checkout/sessions
type checkoutSession struct {
	head
	AmountSubtotal    int64             `json:"amount_subtotal"`
	AmountTotal       int64             `json:"amount_total"`
	AutomaticTax      map[string]any    `json:"automatic_tax"`
	CancelURL         nullString        `json:"cancel_url"`
	ClientReferenceID nullString        `json:"client_reference_id"`
	Currency          string            `json:"currency"`
	Customer          nullString        `json:"customer"`
	CustomerDetails   any               `json:"customer_details"`
	CustomerEmail     nullString        `json:"customer_email"`
	ExpiresAt         int64             `json:"expires_at"`
	Invoice           nullString        `json:"invoice"`
	Metadata          map[string]string `json:"metadata"`
	Mode              string            `json:"mode"`
	PaymentIntent     nullString        `json:"payment_intent"` // null until somebody tried to pay
	PaymentLink       null              `json:"payment_link"`
	MethodTypes       []string          `json:"payment_method_types"`
	PaymentStatus     string            `json:"payment_status"`
	SetupIntent       null              `json:"setup_intent"`
	Status            string            `json:"status"`
	Subscription      nullString        `json:"subscription"`
	SuccessURL        nullString        `json:"success_url"`
	TotalDetails      map[string]any    `json:"total_details"`
	UIMode            string            `json:"ui_mode"`
	URL               nullString        `json:"url"`

	lines     []line
	innerTags map[string]string // its metadata
	innerText string            // its description
	manual    bool              // a delayed payment waits for a control call
}

// line is one line of a session, a subscription or an invoice.
type line struct {
	price    *price
	quantity int64
}

func total(lines []line) (sum int64) {
	for _, l := range lines {
		sum += l.price.UnitAmount * l.quantity
	}
	return sum
}

// States of a checkout session: open → complete | expired; and of its payment:
// unpaid → paid. A delayed payment method completes it unpaid.
const (
	sessionOpen     = "open"
	sessionComplete = "complete"
	sessionExpired  = "expired"

	paymentUnpaid = "unpaid"
	paymentPaid   = "paid"
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
		ClientReferenceID: nullString(f.text("client_reference_id")),
		CustomerEmail:     nullString(f.text("customer_email")),
		Customer:          nullString(f.text("customer")),
		ExpiresAt:         f.number("expires_at", c.now+int64(sessionLongest.Seconds())),
		Metadata:          f.metadata(nil),
		MethodTypes:       f.texts("payment_method_types"),
		UIMode:            f.oneOf("ui_mode", "hosted", "embedded", "custom"),
	}
	c.readInner(cs)
	f.ignore("expand", "allow_promotion_codes", "automatic_tax", "billing_address_collection", "customer_creation",
		"invoice_creation", "locale", "payment_method_collection", "phone_number_collection", "return_url", "submit_type")
	lineForms := f.elements("line_items")
	if err := f.end(); err != nil {
		return nil, err
	}
	if err := c.checkSession(cs, len(lineForms)); err != nil {
		return nil, err
	}
	lines, err := c.readLines(lineForms)
	if err != nil {
		return nil, err
	}
	cs.lines = lines
	return c.newSession(cs), nil
}

// readInner reads what goes to the payment intent or the subscription.
func (c *call) readInner(cs *checkoutSession) {
	key := "payment_intent_data"
	if cs.Mode == "subscription" {
		key = "subscription_data"
	}
	inner := c.form.at(key)
	if inner == nil {
		return
	}
	cs.innerTags, cs.innerText = inner.metadata(nil), inner.text("description")
}

func (c *call) checkSession(cs *checkoutSession, lines int) error {
	shortest, longest := c.now+int64(sessionShortest.Seconds()), c.now+int64(sessionLongest.Seconds())
	switch {
	case lines == 0:
		return invalid(codeMissing, "line_items", "Missing required param: line_items.")
	case cs.SuccessURL == "" && cs.UIMode == "hosted":
		return invalid(codeMissing, "success_url", "Missing required param: success_url.")
	case cs.ExpiresAt < shortest || cs.ExpiresAt > longest:
		return invalid("", "expires_at", "The expires_at timestamp must be between 30 minutes and 24 hours from now.")
	}
	if cs.Customer != "" {
		_, err := find[*customer](c.state, "customer", string(cs.Customer), "customer")
		return err
	}
	return nil
}

func (c *call) readLines(forms []*form) ([]line, error) {
	lines := make([]line, 0, len(forms))
	for _, f := range forms {
		quantity := f.number("quantity", 1)
		p, err := c.linePrice(f)
		if err != nil {
			return nil, err
		}
		f.ignore("adjustable_quantity", "tax_rates", "metadata")
		if err := f.end(); err != nil {
			return nil, err
		}
		if quantity < 1 || quantity > largestAmount {
			return nil, invalid("", f.full("quantity"), "Invalid quantity: must be between 1 and %d.", largestAmount)
		}
		lines = append(lines, line{price: p, quantity: quantity})
	}
	if len(lines) > 0 && total(lines) > largestAmount {
		return nil, invalid(codeAmountTooLarge, "", "The total must be no more than %d.", largestAmount)
	}
	for _, l := range lines {
		if l.price.Currency != lines[0].price.Currency {
			return nil, invalid("", "line_items", "All prices must be in the same currency.")
		}
	}
	return lines, nil
}

func (c *call) newSession(cs *checkoutSession) *checkoutSession {
	cs.head = head{ID: newID("cs_test_a1", 56), Object: "checkout.session", Created: c.now}
	cs.AmountTotal = total(cs.lines)
	cs.AmountSubtotal = cs.AmountTotal
	cs.AutomaticTax = map[string]any{"enabled": false, "status": nil}
	cs.TotalDetails = map[string]any{"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}
	cs.Currency = cs.lines[0].price.Currency
	cs.Status, cs.PaymentStatus = sessionOpen, paymentUnpaid
	if len(cs.MethodTypes) == 0 {
		cs.MethodTypes = []string{methodCard}
	}
	if cs.UIMode == "hosted" {
		cs.URL = nullString("https://checkout.stripe.com/c/pay/" + cs.ID)
	}
	return add(c.state, &c.sessions, cs)
}

func (c *call) getSession() (any, error) {
	return find[*checkoutSession](c.state, "checkout.session", c.id(), inPath)
}

func (c *call) listSessions() (any, error) {
	intentID, owner, status := c.form.text("payment_intent"), c.form.text("customer"), c.form.text("status")
	return list(c, &c.sessions, func(cs *checkoutSession) bool {
		return (intentID == "" || string(cs.PaymentIntent) == intentID) &&
			(owner == "" || string(cs.Customer) == owner) && (status == "" || cs.Status == status)
	})
}

func (c *call) expireSession() (any, error) {
	cs, err := find[*checkoutSession](c.state, "checkout.session", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	c.form.ignore("expand")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	return cs, c.expireNow(cs)
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
	c.emit("checkout.session.expired", cs, nil)
	return nil
}
