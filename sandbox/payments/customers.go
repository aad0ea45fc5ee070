package payments

import (
	"maps"

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
