package billing

import (
	"hourbank/sandbox/api"
	"hourbank/sandbox/payments"
)

// split is what a credit note gives back of a paid invoice: to the customer's
// balance, by a refund, or outside Stripe.
type split struct{ credited, refunded, outside int64 }

func (s split) sum() int64 { return s.credited + s.refunded + s.outside }

// createCreditNote gives back a part of an invoice.
// https://docs.stripe.com/api/credit_notes
func createCreditNote(c *api.Call) api.Act {
	f := c.Form
	inv, amount := c.NeedsNamed(f, "invoice", "invoice"), f.Amount()
	s := split{f.Number("credit_amount", 0), f.Number("refund_amount", 0), f.Number("out_of_band_amount", 0)}
	n := api.Object{"amount": amount, "subtotal": amount, "total": amount, "memo": f.Text("memo"), "metadata": f.Metadata(nil),
		"lines": api.ListOf([]api.Object{}, "/v1/credit_notes/lines"), "status": "issued"}
	if s.outside != 0 {
		n["out_of_band_amount"] = s.outside
	}
	return func() (any, error) {
		kind := kindOfNote(inv, amount, s)
		if kind == "" {
			return nil, api.Invalid("", "amount", "What is credited must be refunded, credited or out of band once the invoice is paid, and at most what it asked.")
		}
		ch := payments.Charge(c, intentOf(c, inv))
		if s.refunded > 0 {
			if ch == nil {
				return nil, api.Invalid("", "refund_amount", "No charge paid this invoice.")
			}
			if err := payments.Refusal(c, ch, s.refunded); err != nil {
				return nil, err
			}
		}
		n["type"], n[kind+"_amount"] = kind, amount
		issue(c, n, inv, s, ch)
		return n, nil
	}
}

// kindOfNote tells whether the note reduces what is asked or gives back what
// was paid, and gives nothing where it can do neither.
func kindOfNote(inv api.Object, amount int64, s split) string {
	creditable := inv.Number("total") - inv.Number("pre_payment_credit_notes_amount") - inv.Number("post_payment_credit_notes_amount")
	switch inv.Text("status") {
	case "open":
		if s.sum() == 0 && amount <= inv.Number("amount_remaining") {
			return "pre_payment"
		}
	case "paid":
		if min(s.credited, s.refunded, s.outside) >= 0 && s.sum() == amount && amount <= creditable {
			return "post_payment"
		}
	}
	return ""
}

func issue(c *api.Call, n, inv api.Object, s split, ch api.Object) {
	amount, before := n.Number("amount"), n.Text("type") == "pre_payment"
	n["currency"], n["customer"], n["invoice"] = inv["currency"], inv["customer"], inv.ID()
	n["number"] = inv.Text("number") + "-CN-" + itoa(int64(len(c.All("credit_note"))+1))
	c.Make("credit_note", n)
	if before {
		askLess(c, inv, amount)
	} else {
		inv.Add("post_payment_credit_notes_amount", amount)
	}
	if s.credited > 0 {
		cus := c.Must(inv.Text("customer"))
		cus.Add("balance", -s.credited)
		n.Set(api.Object{"customer_balance_transaction": api.NewID("cbtxn_1", 23)})
		c.Emit("customer.updated", cus)
	}
	if s.refunded > 0 {
		re := payments.Refund(c, ch, s.refunded, nil)
		n.Set(api.Object{"refund": re.ID(), // until basil, then:
			"refunds": []any{api.Object{"amount_refunded": s.refunded, "payment_record_refund": nil, "refund": re.ID(), "type": "refund"}}})
	}
	c.Emit("credit_note.created", n)
	if before && inv.Number("amount_due") == 0 {
		dropIntent(c, inv)
	}
}

// askLess takes what an open invoice's note credits off what it asks.
func askLess(c *api.Call, inv api.Object, amount int64) {
	inv.Add("pre_payment_credit_notes_amount", amount)
	inv.Add("amount_due", -amount)
	inv.Add("amount_remaining", -amount)
	c.Must(inv.Text("payment_intent")).Add("amount", -amount)
	c.Must(inv.Text("_payment")).Add("amount_requested", -amount)
}

// voidCreditNote takes back what an open invoice's note credited.
func voidCreditNote(c *api.Call, n api.Object) error {
	inv := c.Must(n.Text("invoice"))
	if n.Text("status") != "issued" || inv.Text("status") != "open" {
		return api.Invalid("", "", "Only an issued credit note of an open invoice can be voided.")
	}
	n.Set(api.Object{"status": "void", "voided_at": c.Now})
	askLess(c, inv, -n.Number("amount"))
	c.Emit("credit_note.voided", n)
	return nil
}
