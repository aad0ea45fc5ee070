package payments

import (
	"strconv"

	"hourbank/sandbox/api"
)

func createProduct(c *api.Call) api.Act {
	p := readProduct(c, c.Form)
	return func() (any, error) {
		c.Keep(p)
		return c.Tell("product.created", p)
	}
}

// readProduct makes a product, which is not kept yet.
// https://docs.stripe.com/api/products
func readProduct(c *api.Call, f *api.Form) api.Object {
	f.Fixed("active", "true")
	return c.New("product", api.Object{"description": f.Text("description"), "metadata": f.Metadata(nil), "name": f.Required("name"), "updated": c.Now})
}

func createPrice(c *api.Call) api.Act {
	p := readPrice(c, c.Form)
	return func() (any, error) {
		KeepPrice(c, p)
		return c.Tell("price.created", p)
	}
}

// readPrice makes a price of its parameters, those of its own call or of
// price_data; the product may be described in place. It is not kept yet.
// https://docs.stripe.com/api/prices
func readPrice(c *api.Call, f *api.Form) api.Object {
	unit := f.Number("unit_amount", -1)
	switch {
	case unit < 0:
		f.Missing("unit_amount")
	case unit > api.LargestAmount:
		f.Fail(api.Invalid("amount_too_large", f.Full("unit_amount"), "Amount must be no more than %d.", api.LargestAmount))
	}
	f.Fixed("active", "true")
	f.Fixed("tax_behavior", "unspecified")
	f.Fixed("billing_scheme", "per_unit")
	p := c.New("price", api.Object{
		"currency": f.Currency(), "lookup_key": f.Text("lookup_key"), "metadata": f.Metadata(nil), "nickname": f.Text("nickname"),
		"type": "one_time", "unit_amount": unit, "unit_amount_decimal": strconv.FormatInt(unit, 10),
	})
	if r := f.At("recurring"); r != nil {
		p.Set(api.Object{"type": "recurring", "recurring": api.Object{
			"interval": r.OneOf("interval", "month", "day", "week", "year"), "interval_count": r.Number("interval_count", 1),
			"meter": nil, "usage_type": r.OneOf("usage_type", "licensed")}})
	}
	if data := f.At("product_data"); data != nil {
		made := readProduct(c, data)
		p.Set(api.Object{"product": made.ID(), "_product": made})
	} else {
		p.Set(api.Object{"product": c.NeedsNamed(f, "product", "product").ID()})
	}
	return p
}

// KeepPrice keeps a price, and the product that was made with it.
func KeepPrice(c *api.Call, p api.Object) {
	if made := p.Part("_product"); made != nil {
		c.Keep(made)
	}
	c.Keep(p)
}

// LinePrice finds the price of one line, or makes it.
func LinePrice(c *api.Call, f *api.Form) api.Object {
	if data := f.At("price_data"); data != nil {
		return readPrice(c, data)
	}
	return c.NeedsNamed(f, "price", "price")
}

// Line is one line of a session, a subscription or an invoice.
type Line struct {
	Price    api.Object
	Quantity int64
}

// Cost is what the line costs, in minor units.
func (l Line) Cost() int64 { return l.Price.Number("unit_amount") * l.Quantity }

// Total is what the lines cost.
func Total(lines []Line) (sum int64) {
	for _, l := range lines {
		sum += l.Cost()
	}
	return sum
}

// ReadLines reads what is bought, in one currency: once, or each period.
func ReadLines(c *api.Call, key string, recurring bool) []Line {
	f, lines := c.Form, []Line{}
	for _, each := range f.Elements(key) {
		l := Line{Price: LinePrice(c, each), Quantity: each.Number("quantity", 1)}
		if l.Quantity < 1 || l.Quantity > api.LargestAmount {
			f.Fail(api.Invalid("", each.Full("quantity"), "Invalid quantity: must be between 1 and %d.", api.LargestAmount))
		}
		lines = append(lines, l)
		switch {
		case (l.Price.Part("recurring") != nil) != recurring:
			f.Fail(api.Invalid("", key, "Each price must be one of its kind, recurring or not: the sandbox mixes none."))
		case l.Price.Text("currency") != lines[0].Price.Text("currency"):
			f.Fail(api.Invalid("", key, "All prices must be in the same currency."))
		case l.Cost() > api.LargestAmount || Total(lines) > api.LargestAmount:
			f.Fail(api.Invalid("amount_too_large", "", "The total must be no more than %d.", api.LargestAmount))
		}
	}
	if len(lines) == 0 {
		f.Missing(key)
	}
	return lines
}
