package billing

import (
	"fmt"

	"hourbank/sandbox/api"
	"hourbank/sandbox/payments"
)

// States of an invoice: draft → open → paid | void | uncollectible.
// newInvoice keeps a draft of the lines and tells of it. Since basil an invoice
// names its subscription in parent, and its payments are objects of their own.
// https://docs.stripe.com/api/invoices
func newInvoice(c *api.Call, inv api.Object, lines []api.Object, more extras) api.Object {
	addLines(c, c.Make("invoice", inv), lines, more)
	due, st := max(0, inv.Number("total")), c.Store
	inv.Set(api.Object{
		"amount_due": due, "amount_remaining": due, "status": "draft", "customer_email": c.Get(inv.Text("customer")).Text("email"),
		"status_transitions": api.Object{"finalized_at": nil, "marked_uncollectible_at": nil, "paid_at": nil, "voided_at": nil},
		"paid":               func() any { return inv.Text("status") == "paid" },
		"charge":             func() any { return st.Get(inv.Text("payment_intent")).Text("latest_charge") },
		"payments":           c.ListedBy("invoice_payment", "invoice", inv.ID(), "/v1/invoice_payments?invoice="+inv.ID()),
	})
	c.Emit("invoice.created", inv)
	return inv
}

// subscriptionInvoice drafts an invoice of a subscription: of its current
// period, or of what a change in it costs.
func subscriptionInvoice(c *api.Call, sub api.Object, why string, lines []api.Object, more extras) api.Object {
	metadata, now := sub.Metadata(), itemsOf(sub)[0]
	inv := newInvoice(c, api.Object{
		"auto_advance": true, "billing_reason": why, "currency": sub.Text("currency"), "customer": sub.Text("customer"),
		"period_start": now.Number("current_period_start"), "period_end": now.Number("current_period_end"),
		"subscription": sub.ID(), "subscription_details": api.Object{"metadata": metadata}, // until basil, then:
		"parent": api.Object{"type": "subscription_details", "quote_details": nil, "subscription_details": api.Object{"subscription": sub.ID(), "metadata": metadata}},
	}, lines, more)
	sub.Set(api.Object{"latest_invoice": inv.ID()})
	return inv
}

// finalize opens a draft for payment by a payment intent of its own, of what
// the customer's balance leaves to pay.
func finalize(c *api.Call, inv api.Object) {
	inv.Set(api.Object{"status": "open", "number": fmt.Sprintf("SANDBOX-%04d", len(c.All("invoice")))})
	inv.Part("status_transitions")["finalized_at"] = c.Now
	applyBalance(c, inv)
	due := inv.Number("amount_due")
	if due == 0 {
		c.Emit("invoice.finalized", inv)
		closeInvoice(c, inv)
		return
	}
	pi := payments.NewIntent(c, api.Object{"amount": due, "currency": inv.Text("currency"), "customer": inv.Text("customer"),
		"description": "Payment for Invoice", "setup_future_usage": "off_session"})
	payments.Follow(pi, func(c *api.Call) { invoicePaidBy(c, inv, pi) }, func(c *api.Call) { invoiceFailed(c, inv) })
	pi.Set(api.Object{"invoice": inv.ID()})
	// https://docs.stripe.com/api/invoice-payment
	payment := c.Make("invoice_payment", api.Object{
		"amount_requested": due, "currency": inv.Text("currency"), "invoice": inv.ID(), "is_default": true,
		"payment": api.Object{"type": "payment_intent", "payment_intent": pi.ID()}, "status": "open",
		"status_transitions": api.Object{"canceled_at": nil, "paid_at": nil},
	})
	inv.Set(api.Object{"payment_intent": pi.ID(), "_payment": payment.ID()})
	c.Emit("invoice.finalized", inv)
}

// intentOf is what is to pay the invoice, nil for nothing.
func intentOf(c *api.Call, inv api.Object) api.Object { return c.Get(inv.Text("payment_intent")) }

// applyBalance pays from the customer's balance what it can, and puts there
// what an invoice below 0 gives back.
func applyBalance(c *api.Call, inv api.Object) {
	cus := c.Get(inv.Text("customer"))
	balance := cus.Number("balance")
	sum := inv.Number("total") + balance
	due, ending := max(0, sum), min(0, sum)
	inv.Set(api.Object{"starting_balance": balance, "ending_balance": ending, "amount_due": due, "amount_remaining": due})
	if balance != ending {
		cus.Set(api.Object{"balance": ending})
		c.Emit("customer.updated", cus)
	}
}

// pay tries to pay an open invoice; a paid one needs nothing.
func pay(c *api.Call, inv, pm api.Object) error {
	switch pi := intentOf(c, inv); {
	case inv.Text("status") == "paid" || pi == nil:
		return nil
	case pm == nil:
		return noMethod()
	default:
		return payments.Attempt(c, pi, pm, true)
	}
}

func noMethod() error {
	return api.Invalid("resource_missing", "", "This customer has no attached payment source or default payment method.")
}

// invoiceFailed follows a failed payment of the invoice.
func invoiceFailed(c *api.Call, inv api.Object) {
	inv.Add("attempt_count", 1)
	inv.Set(api.Object{"attempted": true, "next_payment_attempt": c.Now + 3*24*60*60}) // a usual wait of Stripe's retries
	c.Emit("invoice.payment_failed", inv)
	if sub := c.Get(inv.Text("subscription")); sub != nil && sub.Text("status") != "incomplete" {
		moveTo(c, sub, "past_due")
	}
}

// invoicePaidBy follows the success of the invoice's payment intent.
func invoicePaidBy(c *api.Call, inv, pi api.Object) {
	payment := c.Get(inv.Text("_payment"))
	payment.Set(api.Object{"status": "paid", "amount_paid": pi.Number("amount_received"), "status_transitions": api.Object{"canceled_at": nil, "paid_at": c.Now}})
	inv.Add("attempt_count", 1)
	inv.Set(api.Object{"amount_paid": inv.Number("amount_due"), "attempted": true})
	closeInvoice(c, inv)
	c.Emit("invoice_payment.paid", payment)
}

// closeInvoice tells that nothing remains to be paid.
func closeInvoice(c *api.Call, inv api.Object) {
	inv.Set(api.Object{"status": "paid", "amount_remaining": 0, "next_payment_attempt": nil})
	inv.Part("status_transitions")["paid_at"] = c.Now
	c.Emit("invoice.paid", inv)
	c.Emit("invoice.payment_succeeded", inv)
	if sub := c.Get(inv.Text("subscription")); sub != nil {
		moveTo(c, sub, "active")
	}
}

// dropIntent ends an invoice that needs no payment intent any more.
func dropIntent(c *api.Call, inv api.Object) {
	payments.Cancel(c, intentOf(c, inv), "")
	c.Get(inv.Text("_payment")).Set(api.Object{"status": "canceled", "status_transitions": api.Object{"canceled_at": c.Now, "paid_at": nil}})
	inv.Set(api.Object{"payment_intent": ""})
	closeInvoice(c, inv)
}

// giveUp ends an open invoice unpaid.
func giveUp(c *api.Call, inv api.Object, status string) error {
	was := inv.Text("status")
	if was != "open" && (was != "uncollectible" || status != "void") {
		return api.Invalid("", "", "An invoice with a status of %s cannot become %s.", was, status)
	}
	inv.Set(api.Object{"status": status})
	if status == "uncollectible" {
		inv.Part("status_transitions")["marked_uncollectible_at"] = c.Now
		c.Emit("invoice.marked_uncollectible", inv)
		return nil
	}
	inv.Part("status_transitions")["voided_at"] = c.Now
	inv.Set(api.Object{"amount_remaining": 0})
	if pi := intentOf(c, inv); pi != nil && !pi.In("status", "succeeded", "canceled") {
		payments.Cancel(c, pi, "void_invoice")
	}
	c.Emit("invoice.voided", inv)
	return nil
}

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
		return c.Tell("invoiceitem.created", item)
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
		if inv.Text("status") != "draft" {
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
		case "paid":
			return nil, api.Invalid("", "", "Invoice is already paid")
		case "void", "uncollectible":
			return nil, api.Invalid("", "", "An invoice with a status of %s is not paid here.", status)
		case "draft":
			finalize(c, inv)
		}
		if !outside {
			return inv, pay(c, inv, pm)
		}
		if inv.Text("status") != "paid" {
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
