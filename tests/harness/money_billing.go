package harness

import "strconv"

// Asked is what a Checkout Session asks for.
type Asked struct{ Subtotal, Discount, Tax, Shipping int64 }

// Total is what was to pay.
func (a Asked) Total() int64 { return a.Subtotal - a.Discount + a.Tax + a.Shipping }

// Session is a checkout.session.* event of a session in payment mode that
// names the purchase, where there is one, by client_reference_id. An empty pi
// is none yet.
func (s *Teller) Session(kind, cs, pi string, asked Asked, paymentStatus string) *Told {
	status := "complete"
	if kind == "expired" {
		status = "expired"
	}
	return s.event("checkout.session."+kind, cs, Object{
		"object": "checkout.session", "mode": "payment", "status": status, "payment_status": paymentStatus,
		"client_reference_id": orNull(s.Purchase), "payment_intent": s.orNull(pi), "invoice": nil, "subscription": nil, "payment_link": nil,
		"amount_subtotal": asked.Subtotal, "amount_total": asked.Total(), "currency": s.Currency, "currency_conversion": nil,
		"customer": s.ID("cus_1"), "metadata": Object{},
		"total_details": Object{"amount_discount": asked.Discount, "amount_shipping": asked.Shipping, "amount_tax": asked.Tax},
	})
}

func (s *Teller) orNull(name string) any {
	if name == "" {
		return nil
	}
	return s.ID(name)
}

// Line is a line of an invoice. A quantity of 0 is 1.
type Line struct {
	Price     string // Stripe's id; "": a line of a free text
	Unit      int64  // the price's own unit_amount
	Quantity  int64
	Amount    int64 // before the discount, without tax
	Discount  int64
	Tax       int64
	Proration bool
}

// Invoice is an invoice.* event of an invoice of the story's subscription,
// whose metadata name the student.
func (s *Teller) Invoice(kind, in string, lines ...Line) *Told {
	var subtotal, discount, tax int64
	list := []any{}
	for i, line := range lines {
		subtotal, discount, tax = subtotal+line.Amount, discount+line.Discount, tax+line.Tax
		list = append(list, s.line(in+"_"+strconv.Itoa(i), line))
	}
	total := subtotal - discount + tax
	object := Object{
		"object": "invoice", "currency": s.Currency, "customer": s.ID("cus_1"), "metadata": Object{}, "billing_reason": "subscription_cycle",
		"subtotal": subtotal, "total": total, "amount_due": max(0, total), "amount_paid": 0, "amount_remaining": max(0, total),
		"starting_balance": 0, "ending_balance": min(0, total), "pre_payment_credit_notes_amount": 0, "post_payment_credit_notes_amount": 0,
		"total_discount_amounts": amounts(discount), "lines": Object{"object": "list", "data": list, "has_more": false, "total_count": len(list)},
		"status": map[string]string{"paid": "paid", "voided": "void", "marked_uncollectible": "uncollectible"}[kind],
	}
	switch kind {
	case "paid":
		object["amount_paid"], object["amount_remaining"] = max(0, total), 0
	case "payment_failed":
		object["status"] = "open"
	}
	details := Object{"metadata": Object{"student_id": s.Student}, "subscription": s.ID("sub_1")}
	if s.Version.basil() {
		object["parent"] = Object{"type": "subscription_details", "quote_details": nil, "subscription_details": details}
		object["total_taxes"] = amounts(tax)
	} else {
		object["subscription"], object["subscription_details"] = s.ID("sub_1"), Object{"metadata": details["metadata"]}
		object["paid"], object["payment_intent"], object["charge"] = kind == "paid", nil, nil
		object["tax"], object["total_tax_amounts"] = tax, amounts(tax)
	}
	return s.event("invoice."+kind, in, object)
}

func amounts(amount int64) []any {
	if amount == 0 {
		return []any{}
	}
	return []any{Object{"amount": amount}}
}

// line is shaped as its version does. Only old ones hold the price itself;
// pricing.unit_amount_decimal is the line's own.
func (s *Teller) line(name string, line Line) Object {
	quantity := max(1, line.Quantity)
	object := Object{
		"id": "il_" + s.ID(name), "object": "line_item", "amount": line.Amount, "subtotal": line.Amount, "currency": s.Currency,
		"quantity": quantity, "discount_amounts": amounts(line.Discount), "discountable": !line.Proration, "metadata": Object{},
	}
	kind := "subscription"
	if line.Proration || line.Price == "" {
		kind = "invoiceitem"
	}
	if !s.Version.basil() {
		object["type"], object["proration"], object["subscription"], object["tax_amounts"] = kind, line.Proration, s.ID("sub_1"), amounts(line.Tax)
		object["price"], object["plan"] = nil, nil
		if line.Price != "" {
			object["price"] = Object{"id": line.Price, "object": "price", "unit_amount": line.Unit, "unit_amount_decimal": strconv.FormatInt(line.Unit, 10)}
			object["plan"] = Object{"id": line.Price, "object": "plan", "amount": line.Unit}
		}
		return object
	}
	item := Object{"proration": line.Proration, "subscription": s.ID("sub_1"), "subscription_item": s.ID("si_1"), "invoice_item": nil}
	object["parent"] = Object{"type": "subscription_item_details", "subscription_item_details": item, "invoice_item_details": nil}
	if kind == "invoiceitem" {
		item = Object{"proration": line.Proration, "subscription": s.ID("sub_1"), "invoice_item": "ii_" + s.ID(name)}
		object["parent"] = Object{"type": "invoice_item_details", "subscription_item_details": nil, "invoice_item_details": item}
	}
	object["taxes"] = amounts(line.Tax)
	object["pricing"] = Object{"type": "price_details", "unit_amount_decimal": strconv.FormatInt(line.Amount/quantity, 10),
		"price_details": Object{"price": orNull(line.Price), "product": s.ID("prod_1")}}
	return object
}

// PaidInvoice is a paid invoice with all that Stripe tells about its one
// payment: a success, which payment it is (nil in old versions), the invoice.
func (s *Teller) PaidInvoice(in, pi string, lines ...Line) []*Told {
	paid := s.Invoice("paid", in, lines...)
	return s.PaidBy(pi, paid.Object["amount_paid"].(int64), in, paid)
}

// PaidBy ties a paid invoice to the payment of an amount of it, in those of
// the three events that do so in the version.
func (s *Teller) PaidBy(pi string, amount int64, in string, paid *Told) []*Told {
	paid.With("amount_paid", amount)
	success := s.Paid(pi, amount)
	if !s.Version.basil() {
		paid.With("payment_intent", s.ID(pi)).With("charge", s.ID(chargeOf(pi)))
		success.With("invoice", s.ID(in))
	}
	return []*Told{success, s.InvoicePayment(in, pi, amount), paid}
}

// InvoicePayment says that a PaymentIntent paid so much of an invoice; nil in
// versions that have no such event.
func (s *Teller) InvoicePayment(in, pi string, amount int64) *Told {
	if !s.Version.basil() {
		return nil
	}
	name := "inpay_" + in + pi
	return s.event("invoice_payment.paid", name, Object{
		"object": "invoice_payment", "invoice": s.ID(in), "amount_paid": amount, "amount_requested": amount, "currency": s.Currency,
		"status": "paid", "is_default": true, "payment": Object{"type": "payment_intent", "payment_intent": s.ID(pi)},
	})
}

// CreditNote is a credit_note.* event that gives an amount of a paid invoice
// to the customer's balance.
func (s *Teller) CreditNote(kind, cn, in string, amount int64) *Told {
	status := "issued"
	if kind == "voided" {
		status = "void"
	}
	return s.event("credit_note."+kind, cn, Object{
		"object": "credit_note", "invoice": s.ID(in), "amount": amount, "total": amount, "subtotal": amount, "currency": s.Currency,
		"status": status, "type": "post_payment", "pre_payment_amount": 0, "post_payment_amount": amount, "customer": s.ID("cus_1"),
		"customer_balance_transaction": s.ID("cbtxn_" + cn), "out_of_band_amount": nil, "refund": nil, "refunds": []any{}, "metadata": Object{},
	})
}

// CreditNoteOf gives back of the first lines of an invoice, so much of each.
func (s *Teller) CreditNoteOf(cn, in string, amounts ...int64) *Told {
	var sum int64
	lines := []any{}
	for i, amount := range amounts {
		if sum += amount; amount > 0 {
			lines = append(lines, Object{"id": "cnli_" + s.ID(cn+"_"+strconv.Itoa(i)), "object": "credit_note_line_item", "type": "invoice_line_item",
				"invoice_line_item": "il_" + s.ID(in+"_"+strconv.Itoa(i)), "amount": amount, "discount_amount": 0, "quantity": 1})
		}
	}
	return s.CreditNote("created", cn, in, sum).With("lines", Object{"object": "list", "data": lines, "has_more": false})
}

// Subscription is a customer.subscription.* event of the story's subscription.
func (s *Teller) Subscription(kind string, metadata Object) *Told {
	return s.event("customer.subscription."+kind, "sub_1", Object{
		"object": "subscription", "status": "active", "currency": s.Currency, "customer": s.ID("cus_1"), "metadata": metadata,
		"items": Object{"object": "list", "data": []any{}, "has_more": false},
	})
}
