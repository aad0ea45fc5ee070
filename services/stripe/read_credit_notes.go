package stripe

import (
	"cmp"

	"github.com/tidwall/gjson"

	"hourbank/models"
	"hourbank/models/money"
)

// readCreditNote takes what a credit note gave back of an invoice otherwise
// than by refunds, which tell of themselves: to the customer's balance, or
// outside Stripe. One from before the invoice was paid gave nothing back.
// https://docs.stripe.com/api/credit_notes/object
func readCreditNote(e *Event, note gjson.Result) {
	e.Money = true
	e.readNames(note)
	invoice := id(note.Get("invoice"))
	e.Payment = cmp.Or(invoice, e.Object)
	told := money.CreditNote{At: e.at(), Invoice: invoice, Voided: e.eventType == "credit_note.voided" || note.Get("status").Str == "void"}
	told.Amount, told.Refund = givenBack(note)
	if told.Lines = linesGivenBack(note); len(told.Lines) > 0 {
		told.Refunds = refundsOf(note)
	}
	e.tell(money.Evidence{CreditNotes: map[string]money.CreditNote{e.Object: told}})
	e.tellInvoice(invoice, money.Invoice{})
}

// linesGivenBack is how much a credit note gives back of which lines of its invoice, after
// discounts and with tax; nil: not all of that is said.
// https://docs.stripe.com/api/credit_notes/line_item
func linesGivenBack(note gjson.Result) map[string]int64 {
	lines := map[string]int64{}
	for _, line := range note.Get("lines.data").Array() {
		of := cut(id(line.Get("invoice_line_item")), models.MaxIDLength)
		if of == "" || note.Get("lines.has_more").Bool() {
			return nil
		}
		lines[of] += max(0, signed(line.Get("amount"))-signed(line.Get("discount_amount"))+taxOf(line))
	}
	return lines
}

// refundsOf is by which refunds a credit note gives back, and how much.
func refundsOf(note gjson.Result) map[string]int64 {
	refunds := map[string]int64{}
	for _, refund := range note.Get("refunds").Array() {
		if refundID := id(refund.Get("refund")); models.IsObjectID(refundID) {
			refunds[refundID] = amount(refund.Get("amount_refunded"))
		}
	}
	if refundID := id(note.Get("refund")); models.IsObjectID(refundID) && len(refunds) == 0 {
		refunds[refundID] = 0
	}
	return refunds
}

// givenBack names the refund where that is still in the amount: until basil a
// note doesn't say how much it was.
func givenBack(note gjson.Result) (sum int64, with string) {
	outside := max(amount(note.Get("out_of_band_amount")), refundedBy(note, true))
	balance := note.Get("customer_balance_transaction")
	sum = amount(firstOf(note, "post_payment_amount", "total", "amount"))
	switch {
	case balance.IsObject() && balance.Get("amount").Type == gjson.Number:
		moved := signed(balance.Get("amount")) // negative: a credit for the customer
		return outside + max(moved, -moved), ""
	case balance.Str == "", note.Get("post_payment_amount").Type != gjson.Number && note.Get("type").Str == "pre_payment":
		return outside, ""
	}
	sum -= refundedBy(note, false)
	refund := note.Get("refund")
	switch refunded := refund.Get("amount"); {
	case len(note.Get("refunds").Array()) > 0:
	case refunded.Type == gjson.Number:
		sum -= amount(refunded)
	default:
		with = cut(id(refund), models.MaxIDLength)
	}
	return max(outside, sum), with
}

// refundedBy is what a credit note's refunds gave back: those of payment records, which were
// made outside Stripe and of which no event tells, or the others.
// https://docs.stripe.com/api/credit_notes/object#credit_note_object-refunds
func refundedBy(note gjson.Result, records bool) (sum int64) {
	for _, refund := range note.Get("refunds").Array() {
		if (refund.Get("type").Str == "payment_record_refund") == records {
			sum += amount(refund.Get("amount_refunded"))
		}
	}
	return sum
}
