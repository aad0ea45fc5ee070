package sandbox

import (
	"slices"
	"strings"
)

// paymentIntent is one payment, however many attempts it takes.
// https://docs.stripe.com/api/payment_intents
type paymentIntent struct {
	head
	Amount             int64             `json:"amount"`
	AmountCapturable   int64             `json:"amount_capturable"`
	AmountDetails      any               `json:"amount_details,omitempty"`
	AmountReceived     int64             `json:"amount_received"`
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
	MethodOptions      any               `json:"payment_method_options"`
	MethodTypes        []string          `json:"payment_method_types"`
	ReceiptEmail       nullString        `json:"receipt_email"`
	SetupFutureUsage   nullString        `json:"setup_future_usage"`
	Shipping           any               `json:"shipping"`
	Descriptor         nullString        `json:"statement_descriptor"`
	DescriptorSuffix   nullString        `json:"statement_descriptor_suffix"`
	Status             string            `json:"status"`

	returnURL string
	funded    int64            // by bank transfer so far
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
	c.emit("payment_intent.created", pi)
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
	}
	if auto := f.at("automatic_payment_methods"); auto != nil {
		pi.AutomaticMethods = map[string]any{"enabled": auto.flag("enabled", false), "allow_redirects": auto.oneOf("allow_redirects", "always", "never")}
	}
	c.readIntent(pi)
	confirm := f.flag("confirm", false)
	how := c.readConfirmation(pi)
	if confirm && how.method == nil {
		f.fail(invalid(codeMissing, "payment_method", "A PaymentIntent can only be confirmed with a payment method."))
	}
	if err := f.end(); err != nil {
		return nil, err
	}
	c.use(pi, how)
	c.newIntent(pi)
	if !confirm {
		return pi, nil
	}
	return c.confirmed(pi, how)
}

// readIntent reads what can be set at creation and changed later alike.
func (c *call) readIntent(pi *paymentIntent) {
	f := c.form
	pi.Metadata = f.metadata(pi.Metadata)
	for key, field := range map[string]*nullString{
		"description": &pi.Description, "statement_descriptor": &pi.Descriptor, "statement_descriptor_suffix": &pi.DescriptorSuffix,
	} {
		if f.has(key) {
			*field = nullString(f.text(key))
		}
	}
	if id := f.text("customer"); id != "" {
		if _, err := find[*customer](c.state, "customer", id, "customer"); err != nil {
			f.fail(err)
		}
		pi.Customer = nullString(id)
	}
	if d := f.at("amount_details"); d != nil {
		pi.AmountDetails = readAmountDetails(d)
	}
}

// readAmountDetails reads what an amount is made of.
// https://docs.stripe.com/api/payment_intents/create#create_payment_intent-amount_details
func readAmountDetails(f *form) any {
	details := map[string]any{"tip": map[string]any{}}
	if f.has("discount_amount") {
		details["discount_amount"] = f.number("discount_amount", 0)
	}
	if tax := f.at("tax"); tax != nil {
		details["tax"] = map[string]any{"total_tax_amount": tax.number("total_tax_amount", 0)}
	}
	if shipping := f.at("shipping"); shipping != nil {
		details["shipping"] = map[string]any{"amount": shipping.number("amount", 0)}
	}
	return details
}

// open tells whether the intent can still be confirmed or changed.
func (pi *paymentIntent) open() bool {
	return pi.Status == intentNeedsMethod || pi.Status == intentNeedsConfirm || pi.Status == intentNeedsAction
}

// updateIntent changes an intent that is not over. Stripe makes no event of it.
func (c *call) updateIntent(pi *paymentIntent) (any, error) {
	changed := *pi
	c.readIntent(&changed)
	money := c.form.has("amount") || c.form.has("currency")
	if c.form.has("amount") {
		changed.Amount = c.form.amount()
	}
	if c.form.has("currency") {
		changed.Currency = c.form.currency()
	}
	how := c.readConfirmation(&changed)
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if money && !pi.open() {
		return nil, unexpectedState(pi, "change the amount of")
	}
	c.use(&changed, how)
	if how.method != nil && changed.Status == intentNeedsMethod {
		changed.Status = intentNeedsConfirm
	}
	*pi = changed
	return pi, nil
}

func (c *call) confirmIntent(pi *paymentIntent) (any, error) {
	changed := *pi
	how := c.readConfirmation(&changed)
	secret := c.form.text("client_secret")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	switch {
	case secret != "" && secret != pi.ClientSecret:
		return nil, invalid("", "client_secret", "The client_secret provided does not match the PaymentIntent.")
	case !pi.open():
		return nil, unexpectedState(pi, "confirm")
	case how.method == nil:
		e := invalid(codeIntentState, "", "You cannot confirm this PaymentIntent because it's missing a payment method.")
		e.PaymentIntent = pi
		return nil, e
	}
	*pi = changed
	c.use(pi, how)
	return c.confirmed(pi, how)
}

// confirmation is how an intent is to be confirmed.
type confirmation struct {
	method   *paymentMethod // nil for none
	noAction bool           // nobody is there to authenticate
}

// readConfirmation reads how the intent is to be paid, into a copy of it or one
// that is not kept yet.
func (c *call) readConfirmation(pi *paymentIntent) (how confirmation) {
	f := c.form
	if url := f.text("return_url"); url != "" {
		pi.returnURL = url
	}
	if f.has("receipt_email") {
		pi.ReceiptEmail = nullString(f.text("receipt_email"))
	}
	if f.has("shipping") {
		pi.Shipping = f.tree("shipping")
	}
	pi.SetupFutureUsage = nullString(f.oneOf("setup_future_usage", string(pi.SetupFutureUsage), "on_session", "off_session"))
	if options := f.at("payment_method_options"); options != nil && options.has(methodCash) {
		pi.MethodOptions = map[string]any{methodCash: options.tree(methodCash)}
	}
	f.tree("mandate_data") // the sandbox's banks debit without asking for one
	offSession := strings.ToLower(f.text("off_session"))
	how.noAction = f.flag("error_on_requires_action", false) || (offSession != "" && offSession != "false")
	data := f.at("payment_method_data")
	switch {
	case data != nil:
		how.method = c.readMethod(data)
	case f.text("payment_method") != "":
		how.method = c.method(f, "payment_method")
	case pi.PaymentMethod != "":
		how.method, _ = c.byID[string(pi.PaymentMethod)].(*paymentMethod)
	}
	if pm := how.method; pm != nil && pi.AutomaticMethods == nil && len(pi.MethodTypes) > 0 && !slices.Contains(pi.MethodTypes, pm.Type) {
		f.fail(invalid("payment_intent_incompatible_payment_method", "payment_method",
			"The PaymentMethod provided (%s) is not allowed for this PaymentIntent.", pm.Type))
	}
	return how
}

// use puts the payment method, if there is one, into the intent.
func (c *call) use(pi *paymentIntent, how confirmation) {
	if how.method != nil {
		c.keepMethod(how.method)
		pi.PaymentMethod = nullString(how.method.ID)
	}
}

func (c *call) confirmed(pi *paymentIntent, how confirmation) (any, error) {
	if refused := c.attempt(pi, how.method, how.noAction); refused != nil {
		return nil, refused
	}
	return pi, nil
}

func (c *call) captureIntent(pi *paymentIntent) (any, error) {
	amount := c.form.number("amount_to_capture", pi.AmountCapturable)
	c.form.fixed("final_capture", "true")
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

func (c *call) cancelIntent(pi *paymentIntent) (any, error) {
	reason := c.form.oneOf("cancellation_reason", "", "duplicate", "fraudulent", "requested_by_customer", "abandoned")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if pi.Status == intentSucceeded || pi.Status == intentCanceled {
		return nil, unexpectedState(pi, "cancel")
	}
	c.cancel(pi, reason)
	return pi, nil
}
