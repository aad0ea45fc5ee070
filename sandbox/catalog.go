package sandbox

// product is something for sale. https://docs.stripe.com/api/products
type product struct {
	head
	Active      bool              `json:"active"`
	Description nullString        `json:"description"`
	Images      []string          `json:"images"`
	Metadata    map[string]string `json:"metadata"`
	Name        string            `json:"name"`
	Type        string            `json:"type"`
	Updated     int64             `json:"updated"`
}

// price is what a product costs, once or each period.
// https://docs.stripe.com/api/prices
type price struct {
	head
	Active            bool              `json:"active"`
	BillingScheme     string            `json:"billing_scheme"`
	Currency          string            `json:"currency"`
	LookupKey         nullString        `json:"lookup_key"`
	Metadata          map[string]string `json:"metadata"`
	Nickname          nullString        `json:"nickname"`
	Product           string            `json:"product"`
	Recurring         *recurring        `json:"recurring"`
	TaxBehavior       string            `json:"tax_behavior"`
	Type              string            `json:"type"`
	UnitAmount        int64             `json:"unit_amount"`
	UnitAmountDecimal string            `json:"unit_amount_decimal"`
}

type recurring struct {
	Interval      string `json:"interval"`
	IntervalCount int64  `json:"interval_count"`
	UsageType     string `json:"usage_type"`
}

func (c *call) createProduct() (any, error) {
	name, description, metadata := c.form.required("name"), c.form.text("description"), c.form.metadata(nil)
	c.form.ignore("expand", "active", "id", "images", "shippable", "statement_descriptor", "tax_code", "url")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	p := c.newProduct(name, description, metadata)
	c.emit("product.created", p, nil)
	return p, nil
}

func (c *call) newProduct(name, description string, metadata map[string]string) *product {
	return add(c.state, &c.products, &product{
		head:   head{ID: newID("prod_", 14), Object: "product", Created: c.now},
		Active: true, Description: nullString(description), Images: []string{}, Metadata: metadata,
		Name: name, Type: "service", Updated: c.now,
	})
}

func (c *call) getProduct() (any, error) {
	return find[*product](c.state, "product", c.id(), inPath)
}

func (c *call) listProducts() (any, error) {
	c.form.ignore("active")
	return list(c, &c.products, nil)
}

func (c *call) createPrice() (any, error) {
	p, err := c.priceFrom(c.form)
	if err != nil {
		return nil, err
	}
	c.emit("price.created", p, nil)
	return p, nil
}

// priceFrom makes a price of its parameters, those of its own call or of
// price_data; the product may be described in place.
func (c *call) priceFrom(f *form) (*price, error) {
	currency, unit := f.currency(), f.number("unit_amount", -1)
	switch {
	case unit < 0:
		f.fail(invalid(codeMissing, f.full("unit_amount"), "Missing required param: %s.", f.full("unit_amount")))
	case unit > largestAmount:
		f.fail(invalid(codeAmountTooLarge, f.full("unit_amount"), "Amount must be no more than %d.", largestAmount))
	}
	p := &price{
		Active: true, BillingScheme: "per_unit", Currency: currency,
		LookupKey: nullString(f.text("lookup_key")), Metadata: f.metadata(nil), Nickname: nullString(f.text("nickname")),
		TaxBehavior: "unspecified", Type: "one_time", UnitAmount: unit, UnitAmountDecimal: itoa(unit),
	}
	if r := f.at("recurring"); r != nil {
		p.Type = "recurring"
		p.Recurring = &recurring{
			Interval:      r.oneOf("interval", "month", "day", "week", "year"),
			IntervalCount: r.number("interval_count", 1), UsageType: "licensed",
		}
	}
	productID, err := c.productOf(f)
	if err != nil {
		return nil, err
	}
	p.head = head{ID: newID("price_1", usualID-1), Object: "price", Created: c.now}
	p.Product = productID
	return add(c.state, &c.prices, p), nil
}

// productOf finds or makes the product of a price, and ends its form.
func (c *call) productOf(f *form) (string, error) {
	productID, data := f.text("product"), f.at("product_data")
	f.ignore("expand", "active", "tax_behavior", "billing_scheme")
	if data == nil {
		if productID == "" {
			f.fail(invalid(codeMissing, f.full("product"), "Missing required param: %s.", f.full("product")))
		}
		if err := f.end(); err != nil {
			return "", err
		}
		_, err := find[*product](c.state, "product", productID, f.full("product"))
		return productID, err
	}
	name, description, metadata := data.required("name"), data.text("description"), data.metadata(nil)
	data.ignore("images", "tax_code", "unit_label", "statement_descriptor")
	if err := data.end(); err != nil {
		return "", err
	}
	if err := f.end(); err != nil {
		return "", err
	}
	return c.newProduct(name, description, metadata).ID, nil
}

// linePrice finds or makes the price of one line.
func (c *call) linePrice(f *form) (*price, error) {
	if data := f.at("price_data"); data != nil {
		return c.priceFrom(data)
	}
	return find[*price](c.state, "price", f.required("price"), f.full("price"))
}

func (c *call) getPrice() (any, error) {
	return find[*price](c.state, "price", c.id(), inPath)
}

func (c *call) listPrices() (any, error) {
	c.form.ignore("active", "type")
	productID := c.form.text("product")
	return list(c, &c.prices, func(p *price) bool { return productID == "" || p.Product == productID })
}
