package sandbox

// product is something for sale. https://docs.stripe.com/api/products
type product struct {
	head
	Description nullString        `json:"description"`
	Metadata    map[string]string `json:"metadata"`
	Name        string            `json:"name"`
	Updated     int64             `json:"updated"`
}

// price is what a product costs, once or each period.
// https://docs.stripe.com/api/prices
type price struct {
	head
	Currency          string            `json:"currency"`
	LookupKey         nullString        `json:"lookup_key"`
	Metadata          map[string]string `json:"metadata"`
	Nickname          nullString        `json:"nickname"`
	Product           string            `json:"product"`
	Recurring         *recurring        `json:"recurring"`
	Type              string            `json:"type"`
	UnitAmount        int64             `json:"unit_amount"`
	UnitAmountDecimal string            `json:"unit_amount_decimal"`

	product *product // made with it, and kept with it
}

type recurring struct {
	Interval      string     `json:"interval"`
	IntervalCount int64      `json:"interval_count"`
	Meter         nullString `json:"meter"`
	UsageType     string     `json:"usage_type"`
}

func (c *call) createProduct() (any, error) {
	p := c.readProduct(c.form)
	if err := c.form.end(); err != nil {
		return nil, err
	}
	add(c.state, &c.products, p)
	c.emit("product.created", p)
	return p, nil
}

func (c *call) readProduct(f *form) *product {
	f.fixed("active", "true")
	return &product{
		head:        head{ID: newID("prod_", 14), Object: "product", Created: c.now},
		Description: nullString(f.text("description")), Metadata: f.metadata(nil),
		Name: f.required("name"), Updated: c.now,
	}
}

func (c *call) createPrice() (any, error) {
	p := c.readPrice(c.form)
	if err := c.form.end(); err != nil {
		return nil, err
	}
	c.keepPrice(p)
	c.emit("price.created", p)
	return p, nil
}

// readPrice makes a price of its parameters, those of its own call or of
// price_data; the product may be described in place. It is not kept yet.
func (c *call) readPrice(f *form) *price {
	unit := f.number("unit_amount", -1)
	switch {
	case unit < 0:
		f.missing("unit_amount")
	case unit > largestAmount:
		f.fail(invalid(codeAmountTooLarge, f.full("unit_amount"), "Amount must be no more than %d.", largestAmount))
	}
	f.fixed("active", "true")
	f.fixed("tax_behavior", "unspecified")
	f.fixed("billing_scheme", "per_unit")
	p := &price{
		head:      head{ID: newID("price_1", usualID-1), Object: "price", Created: c.now},
		Currency:  f.currency(),
		LookupKey: nullString(f.text("lookup_key")), Metadata: f.metadata(nil), Nickname: nullString(f.text("nickname")),
		Type: "one_time", UnitAmount: unit, UnitAmountDecimal: itoa(unit),
	}
	if r := f.at("recurring"); r != nil {
		p.Type = "recurring"
		p.Recurring = &recurring{
			Interval:      r.oneOf("interval", "month", "day", "week", "year"),
			IntervalCount: r.number("interval_count", 1), UsageType: r.oneOf("usage_type", "licensed"),
		}
	}
	if data := f.at("product_data"); data != nil {
		p.product = c.readProduct(data)
		p.Product = p.product.ID
		return p
	}
	p.Product = f.required("product")
	if _, err := find[*product](c.state, "product", p.Product, f.full("product")); err != nil {
		f.fail(err)
	}
	return p
}

func (c *call) keepPrice(p *price) {
	if c.byID[p.ID] != nil {
		return
	}
	if p.product != nil {
		add(c.state, &c.products, p.product)
	}
	add(c.state, &c.prices, p)
}

// linePrice finds the price of one line, or makes it.
func (c *call) linePrice(f *form) *price {
	if data := f.at("price_data"); data != nil {
		return c.readPrice(data)
	}
	p, err := find[*price](c.state, "price", f.required("price"), f.full("price"))
	if err != nil {
		f.fail(err)
		return &price{}
	}
	return p
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

// readLines reads what is bought, in one currency.
func (c *call) readLines(f *form, key string) []line {
	lines := []line{}
	for _, each := range f.elements(key) {
		l := line{price: c.linePrice(each), quantity: each.number("quantity", 1)}
		if l.quantity < 1 || l.quantity > largestAmount {
			f.fail(invalid("", each.full("quantity"), "Invalid quantity: must be between 1 and %d.", largestAmount))
		}
		lines = append(lines, l)
		switch {
		case l.price.Currency != lines[0].price.Currency:
			f.fail(invalid("", key, "All prices must be in the same currency."))
		case l.price.UnitAmount*l.quantity > largestAmount || total(lines) > largestAmount:
			f.fail(invalid(codeAmountTooLarge, "", "The total must be no more than %d.", largestAmount))
		}
	}
	if len(lines) == 0 {
		f.missing(key)
	}
	return lines
}
