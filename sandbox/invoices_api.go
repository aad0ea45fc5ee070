package sandbox

func (c *call) createInvoiceItem() (any, error) {
	f := c.form
	item := &invoiceItem{Customer: f.required("customer"), Date: c.now, Description: nullString(f.text("description")),
		Metadata: f.metadata(nil), Period: map[string]int64{"start": c.now, "end": c.now}, Quantity: f.number("quantity", 1)}
	priceID, param := f.text("price"), "price"
	if named := f.at("pricing"); named != nil {
		priceID, param = named.text("price"), "pricing[price]"
	}
	if priceID == "" {
		item.Amount, item.Currency = f.amount()*item.Quantity, f.currency()
	} else if p, err := find[*price](c.state, "price", priceID, param); err != nil {
		f.fail(err)
	} else {
		item.Price, item.Pricing, item.Amount, item.Currency = p, pricing(p), p.UnitAmount*item.Quantity, p.Currency
		f.fixed("currency", p.Currency)
	}
	if item.Quantity < 1 || item.Amount > largestAmount {
		f.fail(invalid("", "quantity", "The item must cost at most %d.", largestAmount))
	}
	if _, err := find[*customer](c.state, "customer", item.Customer, "customer"); err != nil {
		f.fail(err)
	}
	if err := f.end(); err != nil {
		return nil, err
	}
	item.head = head{ID: newID("ii_1", usualID-1), Object: "invoiceitem", Created: c.now}
	add(c.state, &c.invoiceItems, item)
	c.emit("invoiceitem.created", item)
	return item, nil
}

// createInvoice drafts an invoice, of the customer's waiting items where it
// asks for them; until 2022-08-01 it did so by itself.
func (c *call) createInvoice() (any, error) {
	f := c.form
	inv := &invoice{BillingReason: billingManual, Customer: f.required("customer"), AutoAdvance: f.flag("auto_advance", false),
		Description: nullString(f.text("description")), Metadata: f.metadata(nil), PeriodStart: c.now, PeriodEnd: c.now}
	pending := f.oneOf("pending_invoice_items_behavior", "", "include", "exclude")
	f.fixed("collection_method", "charge_automatically")
	if _, err := find[*customer](c.state, "customer", inv.Customer, "customer"); err != nil {
		f.fail(err)
	}
	inv.Currency = "usd"
	if f.has("currency") {
		inv.Currency = f.currency()
	}
	if err := f.end(); err != nil {
		return nil, err
	}
	lines := []invoiceLine{}
	var waiting []*invoiceItem
	if pending == "include" || pending == "" && !c.version.since("2022-08-01") {
		if waiting, lines = c.waitingItems(inv.Customer); len(lines) == 0 {
			return nil, invalid("invoice_no_customer_line_items", "", "Nothing to invoice for customer.")
		}
		inv.Currency = lines[0].Currency
	}
	c.newInvoice(inv, lines, extras{})
	for _, item := range waiting {
		item.Invoice = nullString(inv.ID)
	}
	return inv, nil
}

func (c *call) waitingItems(owner string) (items []*invoiceItem, lines []invoiceLine) {
	for _, item := range c.invoiceItems.rows {
		if item.Customer != owner || item.Invoice != "" {
			continue
		}
		items = append(items, item)
		lines = append(lines, invoiceLine{
			Amount: item.Amount, Currency: item.Currency, Description: item.Description, Discountable: true,
			Metadata: item.Metadata, Period: item.Period, Price: item.Price, Pricing: item.Pricing, Quantity: item.Quantity,
			Parent: map[string]any{"type": "invoice_item_details", "subscription_item_details": nil,
				"invoice_item_details": map[string]any{"invoice_item": item.ID, "proration": false, "proration_details": nil, "subscription": nil}},
		})
	}
	return items, lines
}

func (c *call) finalizeInvoice(inv *invoice) (any, error) {
	c.form.flag("auto_advance", false)
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if inv.Status != invoiceDraft {
		return nil, invalid("", "", "This invoice is already finalized, you can't finalize a non-draft invoice.")
	}
	c.finalize(inv)
	return inv, nil
}

func (c *call) payInvoice(inv *invoice) (any, error) {
	pm, outside := c.method(c.form, "payment_method"), c.form.flag("paid_out_of_band", false)
	c.form.fixed("off_session", "true")
	if cus, ok := c.byID[inv.Customer].(*customer); ok && pm == nil {
		pm = c.usualMethod(cus)
	}
	if pm == nil && !outside && inv.AmountDue > 0 {
		c.form.fail(noMethod())
	}
	if err := c.form.end(); err != nil {
		return nil, err
	}
	switch inv.Status {
	case invoicePaid:
		return nil, invalid("", "", "Invoice is already paid")
	case invoiceVoid, invoiceUncollectible:
		return nil, invalid("", "", "An invoice with a status of %s is not paid here.", inv.Status)
	case invoiceDraft:
		c.finalize(inv)
	}
	if outside {
		c.paidOutside(inv)
	} else if refused := c.pay(inv, pm); refused != nil {
		return nil, refused
	}
	return inv, nil
}

// paidOutside notes that the money came outside Stripe.
func (c *call) paidOutside(inv *invoice) {
	if inv.Status == invoicePaid {
		return
	}
	inv.outside, inv.AmountPaid = true, inv.AmountDue
	c.cancel(inv.payment.intent, "")
	inv.payment = nil
	c.closeInvoice(inv)
}

func (c *call) listInvoicePayments() (any, error) {
	invoiceID, status, intentID := c.form.text("invoice"), c.form.text("status"), ""
	if payment := c.form.at("payment"); payment != nil {
		payment.fixed("type", "payment_intent")
		intentID = payment.text("payment_intent")
	}
	return list(c, &c.invoicePayments, func(p *invoicePayment) bool {
		return (invoiceID == "" || p.Invoice == invoiceID) && (status == "" || p.Status == status) &&
			(intentID == "" || p.intent.ID == intentID)
	})
}
