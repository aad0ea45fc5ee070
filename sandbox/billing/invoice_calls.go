package billing

import (
	"hourbank/sandbox/api"
	"hourbank/sandbox/payments"
)

// createInvoiceItem lets something wait for the customer's next invoice.
// https://docs.stripe.com/api/invoiceitems
func createInvoiceItem(c *api.Call) api.Act {
	f := c.Form
	quantity, price := f.Number("quantity", 1), c.Named(f, "price", "price")
	if named := f.At("pricing"); named != nil {
		price = c.Named(named, "price", "price")
	}
	item := api.Object{"customer": c.NeedsNamed(f, "customer", "customer").ID(), "date": c.Now, "description": f.Text("description"),
		"metadata": f.Metadata(nil), "period": period(c.Now, c.Now), "quantity": quantity, "quantity_decimal": itoa(quantity)}
	if price == nil {
		item["amount"], item["currency"] = f.Amount()*quantity, f.Currency()
	} else {
		item["price"], item["pricing"] = price, pricing(price)
		item["amount"], item["currency"] = price.Number("unit_amount")*quantity, price.Text("currency")
		f.Fixed("currency", price.Text("currency"))
	}
	if quantity < 1 || quantity > api.LargestAmount || item.Number("amount") > api.LargestAmount {
		f.Fail(api.Invalid("", "quantity", "The item must cost at most %d.", api.LargestAmount))
	}
	return func() (any, error) {
		c.Make("invoiceitem", item)
		c.Emit("invoiceitem.created", item)
		return item, nil
	}
}

// createInvoice drafts an invoice, of the customer's waiting items where it
// asks for them; until 2022-08-01 it did so by itself.
func createInvoice(c *api.Call) api.Act {
	f := c.Form
	inv := api.Object{"billing_reason": "manual", "customer": c.NeedsNamed(f, "customer", "customer").ID(), "auto_advance": f.Flag("auto_advance", false),
		"description": f.Text("description"), "metadata": f.Metadata(nil), "period_start": c.Now, "period_end": c.Now, "currency": "usd"}
	pending := f.OneOf("pending_invoice_items_behavior", "", "include", "exclude")
	f.Fixed("collection_method", "charge_automatically")
	if f.Has("currency") {
		inv["currency"] = f.Currency()
	}
	return func() (any, error) {
		lines := []api.Object{}
		var items []api.Object
		if pending == "include" || pending == "" && !c.Version.Since("2022-08-01") {
			if items = waitingItems(c, inv.Text("customer")); len(items) == 0 {
				return nil, api.Invalid("invoice_no_customer_line_items", "", "Nothing to invoice for customer.")
			}
			inv["currency"] = items[0].Text("currency")
		}
		for _, item := range items {
			lines = append(lines, looseLine(item))
		}
		newInvoice(c, inv, lines, extras{})
		for _, item := range items {
			item.Set(api.Object{"invoice": inv.ID()})
		}
		return inv, nil
	}
}

func waitingItems(c *api.Call, owner string) (items []api.Object) {
	for _, item := range c.All("invoiceitem") {
		if item.Text("customer") == owner && item.Text("invoice") == "" {
			items = append(items, item)
		}
	}
	return items
}

func finalizeInvoice(c *api.Call, inv api.Object) api.Act {
	c.Form.Flag("auto_advance", false)
	return func() (any, error) {
		if inv.Text("status") != invoiceDraft {
			return nil, api.Invalid("", "", "This invoice is already finalized, you can't finalize a non-draft invoice.")
		}
		finalize(c, inv)
		return inv, nil
	}
}

func payInvoice(c *api.Call, inv api.Object) api.Act {
	pm, outside := payments.ReadMethod(c, c.Form, "payment_method"), c.Form.Flag("paid_out_of_band", false)
	c.Form.Fixed("off_session", "true")
	if pm == nil {
		pm = payments.UsualMethod(c, c.Get(inv.Text("customer")))
	}
	if pm == nil && !outside && inv.Number("amount_due") > 0 {
		c.Form.Fail(noMethod())
	}
	return func() (any, error) {
		switch status := inv.Text("status"); status {
		case invoicePaid:
			return nil, api.Invalid("", "", "Invoice is already paid")
		case invoiceVoid, invoiceUncollectible:
			return nil, api.Invalid("", "", "An invoice with a status of %s is not paid here.", status)
		case invoiceDraft:
			finalize(c, inv)
		}
		if !outside {
			return inv, pay(c, inv, pm)
		}
		if inv.Text("status") != invoicePaid {
			inv.Set(api.Object{"paid_out_of_band": true, "amount_paid": inv.Number("amount_due")})
			dropIntent(c, inv)
		}
		return inv, nil
	}
}

func listInvoicePayments(c *api.Call) api.Act {
	invoiceID, status, intentID := c.Form.Text("invoice"), c.Form.Text("status"), ""
	if payment := c.Form.At("payment"); payment != nil {
		payment.Fixed("type", "payment_intent")
		intentID = payment.Text("payment_intent")
	}
	return c.List("invoice_payment", func(p api.Object) bool {
		return (invoiceID == "" || p.Text("invoice") == invoiceID) && (status == "" || p.Text("status") == status) &&
			(intentID == "" || p.Part("payment").Text("payment_intent") == intentID)
	})
}
