package sandbox

// customer is who pays. https://docs.stripe.com/api/customers
type customer struct {
	head
	Address         any               `json:"address"`
	Balance         int64             `json:"balance"`
	DefaultSource   null              `json:"default_source"`
	Delinquent      bool              `json:"delinquent"`
	Description     nullString        `json:"description"`
	Email           nullString        `json:"email"`
	InvoiceSettings invoiceSettings   `json:"invoice_settings"`
	Metadata        map[string]string `json:"metadata"`
	Name            nullString        `json:"name"`
	Phone           nullString        `json:"phone"`

	methods []*paymentMethod // in the order of attaching
}

type invoiceSettings struct {
	DefaultPaymentMethod nullString `json:"default_payment_method"`
	Footer               null       `json:"footer"`
}

func (c *call) newCustomer(email nullString) *customer {
	return add(c.state, &c.customers, &customer{
		head:     head{ID: newID("cus_", 14), Object: "customer", Created: c.now},
		Email:    email,
		Metadata: map[string]string{},
	})
}

func (c *call) createCustomer() (any, error) {
	attached, preferred := c.form.text("payment_method"), c.preferredMethod()
	draft := &customer{}
	c.readCustomer(draft)
	if err := c.form.end(); err != nil {
		return nil, err
	}
	var pm *paymentMethod
	if attached != "" {
		var err error
		if pm, err = c.method(attached, "payment_method"); err != nil {
			return nil, err
		}
	}
	if preferred != "" && (pm == nil || preferred != attached) {
		return nil, noSuch("PaymentMethod", preferred, "invoice_settings[default_payment_method]")
	}
	cus := c.newCustomer("")
	draft.head = cus.head
	*cus = *draft
	if preferred != "" && pm != nil {
		cus.InvoiceSettings.DefaultPaymentMethod = nullString(pm.ID)
	}
	c.emit("customer.created", cus, nil)
	if pm != nil {
		c.attach(pm, cus)
	}
	return cus, nil
}

func (c *call) preferredMethod() string {
	if settings := c.form.at("invoice_settings"); settings != nil {
		return settings.text("default_payment_method")
	}
	return ""
}

// readCustomer reads what can be set at creation and changed later alike.
func (c *call) readCustomer(cus *customer) {
	f := c.form
	for key, field := range map[string]*nullString{
		"description": &cus.Description, "email": &cus.Email, "name": &cus.Name, "phone": &cus.Phone,
	} {
		if f.has(key) {
			*field = nullString(f.text(key))
		}
	}
	if f.has("address") {
		cus.Address = f.tree("address")
	}
	cus.Metadata = f.metadata(cus.Metadata)
	f.ignore("expand", "preferred_locales", "shipping", "tax_exempt")
}

func (c *call) updateCustomer() (any, error) {
	cus, err := find[*customer](c.state, "customer", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	changed := *cus
	c.readCustomer(&changed)
	preferred := c.preferredMethod()
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if preferred != "" {
		pm, err := find[*paymentMethod](c.state, "PaymentMethod", preferred, "invoice_settings[default_payment_method]")
		if err != nil {
			return nil, err
		}
		changed.InvoiceSettings.DefaultPaymentMethod = nullString(pm.ID)
	}
	before := c.snapshot(cus)
	*cus = changed
	c.emit("customer.updated", cus, before)
	return cus, nil
}

func (c *call) getCustomer() (any, error) {
	return find[*customer](c.state, "customer", c.id(), inPath)
}

func (c *call) listCustomers() (any, error) {
	email := c.form.text("email")
	return list(c, &c.customers, func(cus *customer) bool { return email == "" || string(cus.Email) == email })
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
