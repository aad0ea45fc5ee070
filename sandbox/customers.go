package sandbox

// customer is who pays. https://docs.stripe.com/api/customers
type customer struct {
	head
	Address         any               `json:"address"`
	Balance         int64             `json:"balance"` // below 0: what pays the next invoices
	Currency        nullString        `json:"currency"`
	Delinquent      bool              `json:"delinquent"`
	Description     nullString        `json:"description"`
	Email           nullString        `json:"email"`
	InvoiceSettings invoiceSettings   `json:"invoice_settings"`
	Metadata        map[string]string `json:"metadata"`
	Name            nullString        `json:"name"`
	Phone           nullString        `json:"phone"`
	Shipping        any               `json:"shipping"`

	methods []*paymentMethod // in the order of attaching
}

type invoiceSettings struct {
	DefaultPaymentMethod nullString `json:"default_payment_method"`
	Footer               nullString `json:"footer"`
	CustomFields         any        `json:"custom_fields"`
	RenderingOptions     any        `json:"rendering_options"`
}

func (c *call) newCustomer(cus *customer) *customer {
	cus.head = head{ID: newID("cus_", 14), Object: "customer", Created: c.now}
	if cus.Metadata == nil {
		cus.Metadata = map[string]string{}
	}
	add(c.state, &c.customers, cus)
	c.emit("customer.created", cus)
	return cus
}

func (c *call) createCustomer() (any, error) {
	cus := &customer{}
	preferred := c.readCustomer(cus)
	attached := c.form.text("payment_method")
	var pm *paymentMethod
	if attached != "" {
		pm = c.method(c.form, "payment_method")
	}
	if preferred != "" && preferred != attached {
		c.form.fail(noSuch("PaymentMethod", preferred, "invoice_settings[default_payment_method]"))
	}
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if preferred != "" && pm != nil {
		cus.InvoiceSettings.DefaultPaymentMethod = nullString(pm.ID)
	}
	c.newCustomer(cus)
	if pm != nil {
		c.attach(pm, cus)
	}
	return cus, nil
}

// readCustomer reads what can be set at creation and changed later alike, and
// gives the id of the payment method that is to pay invoices.
func (c *call) readCustomer(cus *customer) (preferred string) {
	f := c.form
	for key, field := range map[string]*nullString{
		"description": &cus.Description, "email": &cus.Email, "name": &cus.Name, "phone": &cus.Phone,
	} {
		if f.has(key) {
			*field = nullString(f.text(key))
		}
	}
	for key, field := range map[string]*any{"address": &cus.Address, "shipping": &cus.Shipping} {
		if f.has(key) {
			*field = f.tree(key)
		}
	}
	cus.Balance = f.number("balance", cus.Balance)
	cus.Metadata = f.metadata(cus.Metadata)
	if settings := f.at("invoice_settings"); settings != nil {
		return settings.text("default_payment_method")
	}
	return ""
}

func (c *call) updateCustomer(cus *customer) (any, error) {
	changed := *cus
	if preferred := c.readCustomer(&changed); preferred != "" {
		pm, err := find[*paymentMethod](c.state, "PaymentMethod", preferred, "invoice_settings[default_payment_method]")
		if err != nil {
			return nil, err
		}
		changed.InvoiceSettings.DefaultPaymentMethod = nullString(pm.ID)
	}
	if err := c.form.end(); err != nil {
		return nil, err
	}
	*cus = changed
	c.emit("customer.updated", cus)
	return cus, nil
}

// usualMethod is what the customer's invoices are paid with, nil for nothing.
func (c *call) usualMethod(cus *customer) *paymentMethod {
	if pm, ok := c.byID[string(cus.InvoiceSettings.DefaultPaymentMethod)].(*paymentMethod); ok {
		return pm
	}
	for _, pm := range cus.methods {
		if string(pm.Customer) == cus.ID {
			return pm
		}
	}
	return nil
}
