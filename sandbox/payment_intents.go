package sandbox

import "slices"

// paymentIntent is one payment, however many attempts it takes.
// https://docs.stripe.com/api/payment_intents
type paymentIntent struct {
	head
	Amount             int64             `json:"amount"`
	AmountCapturable   int64             `json:"amount_capturable"`
	AmountDetails      map[string]any    `json:"amount_details"`
	AmountReceived     int64             `json:"amount_received"`
	Application        null              `json:"application"`
	AutomaticMethods   any               `json:"automatic_payment_methods"`
	CanceledAt         nullInt           `json:"canceled_at"`
	CancellationReason nullString        `json:"cancellation_reason"`
	CaptureMethod      string            `json:"capture_method"`
	ClientSecret       string            `json:"client_secret"`
	ConfirmationMethod string            `json:"confirmation_method"`
	Currency           string            `json:"currency"`
	Customer           nullString        `json:"customer"`
	Description        nullString        `json:"description"`
	LastPaymentError   *apiError         `json:"last_payment_error"`
	LatestCharge       nullString        `json:"latest_charge"`
	Metadata           map[string]string `json:"metadata"`
	NextAction         any               `json:"next_action"`
	PaymentMethod      nullString        `json:"payment_method"`
	MethodTypes        []string          `json:"payment_method_types"`
	Processing         null              `json:"processing"`
	ReceiptEmail       nullString        `json:"receipt_email"`
	SetupFutureUsage   nullString        `json:"setup_future_usage"`
	Shipping           any               `json:"shipping"`
	Status             string            `json:"status"`

	returnURL string
	invoice   *invoice         // it pays for
	session   *checkoutSession // it was paid through
}

// States of a payment intent (https://docs.stripe.com/payments/paymentintents/lifecycle):
//
//	requires_payment_method → requires_confirmation → (confirm)
//	(confirm) → requires_action → (confirm)
//	(confirm) → processing → succeeded | requires_payment_method
//	(confirm) → requires_capture → succeeded
//	(confirm) → succeeded
//	(confirm) → requires_payment_method, declined
//	any but succeeded → canceled
const (
	intentNeedsMethod  = "requires_payment_method"
	intentNeedsConfirm = "requires_confirmation"
	intentNeedsAction  = "requires_action"
	intentProcessing   = "processing"
	intentNeedsCapture = "requires_capture"
	intentSucceeded    = "succeeded"
	intentCanceled     = "canceled"
)

// newIntent keeps a new payment intent and tells of it.
func (c *call) newIntent(pi *paymentIntent) *paymentIntent {
	pi.head = head{ID: newID("pi_3", usualID-1), Object: "payment_intent", Created: c.now}
	pi.ClientSecret = newID(pi.ID+"_secret_", 25)
	pi.AmountDetails = map[string]any{"tip": map[string]any{}}
	pi.Status = intentNeedsMethod
	if pi.PaymentMethod != "" {
		pi.Status = intentNeedsConfirm
	}
	if pi.CaptureMethod == "" {
		pi.CaptureMethod = "automatic"
	}
	if pi.ConfirmationMethod == "" {
		pi.ConfirmationMethod = "automatic"
	}
	if len(pi.MethodTypes) == 0 {
		pi.MethodTypes = []string{methodCard}
	}
	if pi.Metadata == nil {
		pi.Metadata = map[string]string{}
	}
	add(c.state, &c.intents, pi)
	c.emit("payment_intent.created", pi, nil)
	return pi
}

func (c *call) createIntent() (any, error) {
	f := c.form
	pi := &paymentIntent{
		Amount:             f.amount(),
		Currency:           f.currency(),
		CaptureMethod:      f.oneOf("capture_method", "automatic", "automatic_async", "manual"),
		ConfirmationMethod: f.oneOf("confirmation_method", "automatic", "manual"),
		MethodTypes:        f.texts("payment_method_types"),
		SetupFutureUsage:   nullString(f.oneOf("setup_future_usage", "", "on_session", "off_session")),
	}
	if auto := f.at("automatic_payment_methods"); auto != nil {
		pi.AutomaticMethods = map[string]any{"enabled": auto.flag("enabled"), "allow_redirects": auto.oneOf("allow_redirects", "always", "never")}
	}
	c.readIntent(pi)
	confirm, options := f.flag("confirm"), c.readConfirmation()
	if err := f.end(); err != nil {
		return nil, err
	}
	pm, err := c.chooseMethod(pi, options)
	if err != nil {
		return nil, err
	}
	if confirm && pm == nil {
		return nil, invalid(codeMissing, "payment_method", "A PaymentIntent can only be confirmed with a payment method.")
	}
	c.newIntent(pi)
	if !confirm || pm == nil {
		return pi, nil
	}
	return c.confirmed(pi, pm, options)
}

// readIntent reads what can be set at creation and changed later alike.
func (c *call) readIntent(pi *paymentIntent) {
	f := c.form
	pi.Metadata = f.metadata(pi.Metadata)
	if f.has("description") {
		pi.Description = nullString(f.text("description"))
	}
	if f.has("receipt_email") {
		pi.ReceiptEmail = nullString(f.text("receipt_email"))
	}
	if f.has("shipping") {
		pi.Shipping = f.tree("shipping")
	}
	if id := f.text("customer"); id != "" {
		if _, err := find[*customer](c.state, "customer", id, "customer"); err != nil {
			f.fail(err)
		}
		pi.Customer = nullString(id)
	}
	f.ignore("expand", "statement_descriptor", "statement_descriptor_suffix", "transfer_group", "application_fee_amount")
}

func (c *call) getIntent() (any, error) {
	c.form.ignore("expand", "client_secret")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	return find[*paymentIntent](c.state, "payment_intent", c.id(), inPath)
}

func (c *call) listIntents() (any, error) {
	owner := c.form.text("customer")
	return list(c, &c.intents, func(pi *paymentIntent) bool {
		return owner == "" || string(pi.Customer) == owner
	})
}

// updateIntent changes an intent that is not over. Stripe makes no event of it.
func (c *call) updateIntent() (any, error) {
	pi, err := find[*paymentIntent](c.state, "payment_intent", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	changed := *pi
	c.readIntent(&changed)
	money := c.form.has("amount") || c.form.has("currency")
	if c.form.has("amount") {
		changed.Amount = c.form.amount()
	}
	if c.form.has("currency") {
		changed.Currency = c.form.currency()
	}
	options := c.readConfirmation()
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if money && !slices.Contains([]string{intentNeedsMethod, intentNeedsConfirm, intentNeedsAction}, pi.Status) {
		return nil, unexpectedState(pi, "change the amount of")
	}
	pm, err := c.chooseMethod(&changed, options)
	if err != nil {
		return nil, err
	}
	if pm != nil && changed.Status == intentNeedsMethod {
		changed.Status = intentNeedsConfirm
	}
	*pi = changed
	return pi, nil
}

func (c *call) confirmIntent() (any, error) {
	pi, err := find[*paymentIntent](c.state, "payment_intent", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	options := c.readConfirmation()
	c.form.ignore("expand", "client_secret", "receipt_email", "shipping", "setup_future_usage")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{intentNeedsMethod, intentNeedsConfirm, intentNeedsAction}, pi.Status) {
		return nil, unexpectedState(pi, "confirm")
	}
	pm, err := c.chooseMethod(pi, options)
	if err != nil {
		return nil, err
	}
	if pm == nil {
		e := invalid(codeIntentState, "", "You cannot confirm this PaymentIntent because it's missing a payment method.")
		e.PaymentIntent = pi
		return nil, e
	}
	return c.confirmed(pi, pm, options)
}

// confirmation is how an intent is to be confirmed.
type confirmation struct {
	method     string // a payment method's id
	methodData *form  // or its parameters
	offSession bool
	returnURL  string
}

func (c *call) readConfirmation() confirmation {
	c.form.ignore("payment_method_options", "mandate_data", "mandate", "use_stripe_sdk", "error_on_requires_action", "radar_options")
	offSession := c.form.text("off_session")
	return confirmation{
		method:     c.form.text("payment_method"),
		methodData: c.form.at("payment_method_data"),
		offSession: offSession != "" && offSession != "false",
		returnURL:  c.form.text("return_url"),
	}
}

// chooseMethod puts the payment method that was sent, if any, into the intent
// and gives the one that it now has; nil for none.
func (c *call) chooseMethod(pi *paymentIntent, options confirmation) (*paymentMethod, error) {
	if options.returnURL != "" {
		pi.returnURL = options.returnURL
	}
	var pm *paymentMethod
	var err error
	switch {
	case options.methodData != nil:
		pm, err = c.methodFrom(options.methodData)
	case options.method != "":
		pm, err = c.method(options.method, "payment_method")
	case pi.PaymentMethod != "":
		return find[*paymentMethod](c.state, "PaymentMethod", string(pi.PaymentMethod), "payment_method")
	}
	if err != nil || pm == nil {
		return nil, err
	}
	if pi.AutomaticMethods == nil && len(pi.MethodTypes) > 0 && !slices.Contains(pi.MethodTypes, pm.Type) {
		return nil, invalid("payment_intent_incompatible_payment_method", "payment_method",
			"The PaymentMethod provided (%s) is not allowed for this PaymentIntent.", pm.Type)
	}
	pi.PaymentMethod = nullString(pm.ID)
	return pm, nil
}

func (c *call) confirmed(pi *paymentIntent, pm *paymentMethod, options confirmation) (any, error) {
	if refused := c.attempt(pi, pm, options.offSession); refused != nil {
		return nil, refused
	}
	return pi, nil
}

func (c *call) captureIntent() (any, error) {
	pi, err := find[*paymentIntent](c.state, "payment_intent", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	amount := c.form.number("amount_to_capture", pi.AmountCapturable)
	c.form.ignore("expand")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if pi.Status != intentNeedsCapture {
		return nil, unexpectedState(pi, "capture")
	}
	if amount < 1 || amount > pi.AmountCapturable {
		return nil, invalid(codeAmountTooLarge, "amount_to_capture", "The amount to capture must be between 1 and %d.", pi.AmountCapturable)
	}
	return pi, c.capture(pi, amount)
}

func (c *call) cancelIntent() (any, error) {
	pi, err := find[*paymentIntent](c.state, "payment_intent", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	reason := c.form.oneOf("cancellation_reason", "", "duplicate", "fraudulent", "requested_by_customer", "abandoned")
	c.form.ignore("expand")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if pi.Status == intentSucceeded || pi.Status == intentCanceled {
		return nil, unexpectedState(pi, "cancel")
	}
	c.cancel(pi, reason)
	return pi, nil
}
