package sandbox

import (
	"bytes"
	"encoding/json"
)

// whole renders an object with what any version says of it, wherever that
// version keeps it: shaped then leaves what one version has.
func (st *state) whole(value any) (any, error) {
	rendered, err := generic(value)
	if err != nil {
		return nil, err
	}
	return st.addMoved(rendered)
}

// addMoved adds what stood elsewhere before, to all objects in a value.
func (st *state) addMoved(value any) (_ any, err error) {
	switch value := value.(type) {
	case []any:
		for i := range value {
			if value[i], err = st.addMoved(value[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if value["object"] == "event" {
			return value, nil // it tells of then, not of now
		}
		for name := range value {
			if value[name], err = st.addMoved(value[name]); err != nil {
				return nil, err
			}
		}
		return value, st.addOwn(value)
	}
	return value, nil
}

// addOwn adds what the object itself said elsewhere before.
func (st *state) addOwn(m map[string]any) error {
	id := idOf(m)
	named := st.byID[id]
	if m == nil {
		return nil
	}
	kind, _ := m["object"].(string)
	switch o := named.(type) {
	case nil:
	case *paymentIntent:
		return st.movedOfIntent(o, m)
	case *charge:
		return st.put(m, "refunds", listOf(st.refundsOf(id), "/v1/charges/"+id+"/refunds"))
	case *checkoutSession:
		return st.put(m, "line_items", listOf(o.items(), "/v1/checkout/sessions/"+id+"/line_items"))
	case *invoice:
		return st.movedOfInvoice(o, m)
	case *invoiceItem:
		m["quantity_decimal"] = itoa(o.Quantity)
	case *subscription:
		m["current_period_start"], m["current_period_end"] = o.items[0].CurrentPeriodStart, o.items[0].CurrentPeriodEnd
	}
	switch kind {
	case "line_item":
		movedOfLine(m)
	case "subscription_item":
		return st.put(m, "plan", planOf(m["price"]))
	}
	return nil
}

// put puts a value in place, rendered as whole does.
func (st *state) put(m map[string]any, name string, value any) (err error) {
	m[name], err = st.whole(value)
	return err
}

// movedOfIntent: until 2022-11-15 the charge itself, then its id; until basil
// the invoice.
func (st *state) movedOfIntent(pi *paymentIntent, m map[string]any) error {
	if pi.invoice != nil {
		m["invoice"] = pi.invoice.ID
	}
	charges := []*charge{}
	if ch, ok := st.byID[string(pi.LatestCharge)].(*charge); ok {
		charges = append(charges, ch)
	}
	return st.put(m, "charges", listOf(charges, "/v1/charges?payment_intent="+pi.ID))
}

// movedOfInvoice: basil moved the subscription into the parent, and the
// payment into objects of its own.
func (st *state) movedOfInvoice(inv *invoice, m map[string]any) error {
	if sub := inv.subscription; sub != nil {
		m["subscription"] = sub.ID
		m["subscription_details"] = map[string]any{"metadata": tags(sub.Metadata)}
	}
	payments := []*invoicePayment{}
	if inv.payment != nil {
		payments = append(payments, inv.payment)
		m["payment_intent"], m["charge"] = inv.payment.intent.ID, text(inv.payment.intent.LatestCharge)
	}
	m["paid"], m["paid_out_of_band"] = inv.Status == invoicePaid, inv.outside
	m["tax"], m["total_tax_amounts"] = nil, []any{}
	if inv.tax > 0 {
		m["tax"] = inv.tax
		m["total_tax_amounts"] = []any{map[string]any{"amount": inv.tax, "inclusive": false, "tax_rate": taxRate, "taxability_reason": nil, "taxable_amount": inv.Total - inv.tax}}
	}
	return st.put(m, "payments", listOf(payments, "/v1/invoice_payments?invoice="+inv.ID))
}

// movedOfLine: basil moved the price, the origin and the taxes of a line.
func movedOfLine(m map[string]any) {
	price, _ := m["price"].(map[string]any)
	m["plan"] = planOf(price)
	m["subtotal"] = m["amount"]
	m["type"], m["proration"], m["proration_details"] = "invoiceitem", false, map[string]any{"credited_items": nil}
	parent, _ := m["parent"].(map[string]any)
	for _, origin := range []string{"invoice_item_details", "subscription_item_details"} {
		details, ok := parent[origin].(map[string]any)
		if !ok {
			continue
		}
		for _, name := range []string{"invoice_item", "subscription", "subscription_item", "proration"} {
			if said, known := details[name]; known && said != nil {
				m[name] = said
			}
		}
		if origin == "subscription_item_details" {
			m["type"] = "subscription"
		}
	}
	amounts := []any{}
	taxes, _ := m["taxes"].([]any)
	for _, each := range taxes {
		tax, _ := each.(map[string]any)
		amounts = append(amounts, map[string]any{"amount": tax["amount"], "inclusive": false, "tax_rate": taxRate, "taxability_reason": nil, "taxable_amount": m["amount"]})
	}
	m["tax_amounts"] = amounts
}

// planOf says a recurring price as the oldest versions do, nil for others.
func planOf(rendered any) any {
	price, _ := rendered.(map[string]any)
	period, ok := price["recurring"].(map[string]any)
	if !ok {
		return nil
	}
	return map[string]any{"id": price["id"], "object": "plan", "active": true, "amount": price["unit_amount"],
		"amount_decimal": price["unit_amount_decimal"], "billing_scheme": "per_unit", "created": price["created"],
		"currency": price["currency"], "interval": period["interval"], "interval_count": period["interval_count"], "livemode": false,
		"metadata": price["metadata"], "nickname": price["nickname"], "product": price["product"], "usage_type": "licensed"}
}

// text gives what a nullString says, nil for nothing.
func text(s nullString) any {
	if s == "" {
		return nil
	}
	return string(s)
}

func tags(metadata map[string]string) map[string]any {
	m := make(map[string]any, len(metadata))
	for k, v := range metadata {
		m[k] = v
	}
	return m
}

// generic gives a value as maps, slices, strings and exact numbers.
func generic(value any) (plain any, err error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	err = decoder.Decode(&plain)
	return plain, err
}
