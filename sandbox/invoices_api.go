package sandbox

func (c *call) createInvoiceItem() (any, error) {
	f := c.form
	item := &invoiceItem{
		Amount: f.amount(), Currency: f.currency(), Customer: f.required("customer"),
		Date: c.now, Description: nullString(f.text("description")), Metadata: f.metadata(nil), Quantity: 1,
	}
	f.ignore("expand")
	if err := f.end(); err != nil {
		return nil, err
	}
	if _, err := find[*customer](c.state, "customer", item.Customer, "customer"); err != nil {
		return nil, err
	}
	item.head = head{ID: newID("ii_1", usualID-1), Object: "invoiceitem", Created: c.now}
	add(c.state, &c.invoiceItems, item)
	c.emit("invoiceitem.created", item, nil)
	return item, nil
}

// createInvoice drafts an invoice of the customer's waiting items.
func (c *call) createInvoice() (any, error) {
	f := c.form
	inv := &invoice{BillingReason: billingManual, Customer: f.required("customer"),
		Description: nullString(f.text("description")), Metadata: f.metadata(nil), PeriodStart: c.now, PeriodEnd: c.now}
	f.ignore("expand", "auto_advance", "collection_method", "currency", "pending_invoice_items_behavior", "days_until_due")
	if err := f.end(); err != nil {
		return nil, err
	}
	if _, err := find[*customer](c.state, "customer", inv.Customer, "customer"); err != nil {
		return nil, err
	}
	waiting, lines := c.waitingItems(inv.Customer)
	if len(lines) == 0 {
		return nil, invalid("invoice_no_customer_line_items", "", "Nothing to invoice for customer.")
	}
	inv.Currency = lines[0].Currency
	c.newInvoice(inv, lines)
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
			Metadata: item.Metadata, Period: map[string]int64{"start": c.now, "end": c.now}, Quantity: 1,
			Parent: map[string]any{"type": "invoice_item_details", "subscription_item_details": nil,
				"invoice_item_details": map[string]any{"invoice_item": item.ID, "proration": false, "subscription": nil}},
		})
	}
	return items, lines
}

func (c *call) getInvoice() (any, error) {
	return find[*invoice](c.state, "invoice", c.id(), inPath)
}

func (c *call) listInvoices() (any, error) {
	owner, sub, status := c.form.text("customer"), c.form.text("subscription"), c.form.text("status")
	return list(c, &c.invoices, func(inv *invoice) bool {
		return (owner == "" || inv.Customer == owner) && (status == "" || inv.Status == status) &&
			(sub == "" || (inv.subscription != nil && inv.subscription.ID == sub))
	})
}

func (c *call) finalizeInvoice() (any, error) {
	inv, err := find[*invoice](c.state, "invoice", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	c.form.ignore("expand", "auto_advance")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if inv.Status != invoiceDraft {
		return nil, invalid("", "", "This invoice is already finalized, you can't finalize a non-draft invoice.")
	}
	c.finalize(inv)
	return inv, nil
}

func (c *call) payInvoice() (any, error) {
	inv, err := find[*invoice](c.state, "invoice", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	methodID := c.form.text("payment_method")
	c.form.ignore("expand", "off_session")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if inv.Status == invoicePaid {
		return nil, invalid("", "", "Invoice is already paid")
	}
	pm, err := c.methodFor(inv, methodID)
	if err != nil {
		return nil, err
	}
	if inv.Status == invoiceDraft {
		c.finalize(inv)
	}
	if refused := c.pay(inv, pm); refused != nil {
		return nil, refused
	}
	return inv, nil
}

// methodFor chooses what an invoice is paid with.
func (c *call) methodFor(inv *invoice, methodID string) (*paymentMethod, error) {
	if methodID != "" {
		return c.method(methodID, "payment_method")
	}
	if cus, ok := c.byID[inv.Customer].(*customer); ok {
		if pm := c.usualMethod(cus); pm != nil {
			return pm, nil
		}
	}
	return nil, invalid(codeResourceMissing, "", "This customer has no attached payment source or default payment method.")
}

func (c *call) listInvoicePayments() (any, error) {
	invoiceID, status, intentID := c.form.text("invoice"), c.form.text("status"), ""
	if payment := c.form.at("payment"); payment != nil {
		payment.ignore("type")
		intentID = payment.text("payment_intent")
	}
	return list(c, &c.invoicePayments, func(p *invoicePayment) bool {
		return (invoiceID == "" || p.Invoice == invoiceID) && (status == "" || p.Status == status) &&
			(intentID == "" || p.intent.ID == intentID)
	})
}
