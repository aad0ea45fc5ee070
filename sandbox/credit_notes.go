package sandbox

// creditNote gives back a part of an invoice: to the customer's balance, by a
// refund, or outside Stripe. https://docs.stripe.com/api/credit_notes
type creditNote struct {
	head
	Amount        int64             `json:"amount"`
	BalanceTxn    nullString        `json:"customer_balance_transaction"`
	Currency      string            `json:"currency"`
	Customer      string            `json:"customer"`
	Discount      int64             `json:"discount_amount"`
	Invoice       string            `json:"invoice"`
	Lines         page              `json:"lines"`
	Memo          nullString        `json:"memo"`
	Metadata      map[string]string `json:"metadata"`
	Number        string            `json:"number"`
	OutOfBand     nullInt           `json:"out_of_band_amount"`
	Shipping      int64             `json:"amount_shipping"`
	AfterPayment  int64             `json:"post_payment_amount"`
	BeforePayment int64             `json:"pre_payment_amount"`
	Refund        nullString        `json:"refund"` // until basil
	Refunds       []any             `json:"refunds"`
	Status        string            `json:"status"`
	Subtotal      int64             `json:"subtotal"`
	Total         int64             `json:"total"`
	Type          string            `json:"type"`
	VoidedAt      nullInt           `json:"voided_at"`
}

func (c *call) createCreditNote() (any, error) {
	f := c.form
	inv, err := find[*invoice](c.state, "invoice", f.required("invoice"), "invoice")
	if err != nil {
		f.fail(err)
	}
	n := &creditNote{Amount: f.amount(), Memo: nullString(f.text("memo")), Metadata: f.metadata(nil), OutOfBand: nullInt(f.number("out_of_band_amount", 0))}
	credit, refunded := f.number("credit_amount", 0), f.number("refund_amount", 0)
	if err := f.end(); err != nil {
		return nil, err
	}
	n.Currency, n.Customer, n.Invoice = inv.Currency, inv.Customer, inv.ID
	n.Subtotal, n.Total, n.Lines, n.Status = n.Amount, n.Amount, listOf([]any{}, "/v1/credit_notes/lines"), "issued"
	var ch *charge
	switch {
	case inv.Status == invoiceOpen && credit+refunded+int64(n.OutOfBand) == 0 && n.Amount <= inv.AmountRemaining:
		n.Type, n.BeforePayment = "pre_payment", n.Amount
	case inv.Status == invoicePaid && min(credit, refunded, int64(n.OutOfBand)) >= 0 && credit+refunded+int64(n.OutOfBand) == n.Amount &&
		inv.CreditedAfter+n.Amount <= inv.Total-inv.CreditedBefore:
		n.Type, n.AfterPayment = "post_payment", n.Amount
	default:
		return nil, invalid("", "amount", "What is credited must be refunded, credited or out of band once the invoice is paid, and at most what it asked.")
	}
	if refunded > 0 {
		if ch, err = c.chargeOf(inv); err == nil {
			err = refusal(ch, refunded)
		}
		if err != nil {
			return nil, err
		}
	}
	c.issue(n, inv, credit, refunded, ch)
	return n, nil
}

// chargeOf is the charge that paid the invoice.
func (c *call) chargeOf(inv *invoice) (*charge, error) {
	if inv.payment == nil {
		return nil, invalid("", "refund_amount", "No charge paid this invoice.")
	}
	return find[*charge](c.state, "charge", string(inv.payment.intent.LatestCharge), "refund_amount")
}

func (c *call) issue(n *creditNote, inv *invoice, credit, refunded int64, ch *charge) {
	n.head = head{ID: newID("cn_1", usualID-1), Object: "credit_note", Created: c.now}
	n.Number = string(inv.Number) + "-CN-" + itoa(int64(len(c.creditNotes.rows)+1))
	n.Refunds = []any{}
	add(c.state, &c.creditNotes, n)
	if n.Type == "pre_payment" {
		inv.CreditedBefore += n.Amount
		inv.AmountDue, inv.AmountRemaining = inv.AmountDue-n.Amount, inv.AmountRemaining-n.Amount
		inv.payment.intent.Amount, inv.payment.AmountRequested = inv.AmountDue, inv.AmountDue
	} else {
		inv.CreditedAfter += n.Amount
	}
	if cus, ok := c.byID[inv.Customer].(*customer); ok && credit > 0 {
		cus.Balance -= credit
		n.BalanceTxn = nullString(newID("cbtxn_1", usualID-1))
		c.emit("customer.updated", cus)
	}
	if ch != nil {
		re := c.refundOf(ch, refunded)
		n.Refund, n.Refunds = nullString(re.ID), []any{map[string]any{"amount_refunded": refunded, "payment_record_refund": nil, "refund": re.ID, "type": "refund"}}
		c.startRefund(ch, re)
	}
	c.emit("credit_note.created", n)
	if n.Type == "pre_payment" && inv.AmountDue == 0 {
		c.cancel(inv.payment.intent, "")
		inv.payment = nil
		c.closeInvoice(inv)
	}
}

// voidCreditNote takes back what an open invoice's note credited.
func (c *call) voidCreditNote(n *creditNote) error {
	inv, ok := c.byID[n.Invoice].(*invoice)
	if !ok || n.Status != "issued" || inv.Status != invoiceOpen {
		return invalid("", "", "Only an issued credit note of an open invoice can be voided.")
	}
	n.Status, n.VoidedAt = "void", nullInt(c.now)
	inv.CreditedBefore -= n.Amount
	inv.AmountDue, inv.AmountRemaining = inv.AmountDue+n.Amount, inv.AmountRemaining+n.Amount
	inv.payment.intent.Amount, inv.payment.AmountRequested = inv.AmountDue, inv.AmountDue
	c.emit("credit_note.voided", n)
	return nil
}
