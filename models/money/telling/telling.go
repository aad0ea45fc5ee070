// Package telling is what tests tell: evidence is put together of small ones,
// as events bring it.
package telling

import (
	"fmt"
	"slices"
	"strings"

	"hourbank/models/money"
)

// Tell joins what was told.
func Tell(told ...money.Evidence) (e money.Evidence) {
	for _, one := range told {
		e = money.Join(e, one)
	}
	return e
}

// PaidBy tells that a PaymentIntent received so much, in euros.
func PaidBy(intent string, amount, at int64) money.Evidence { return PaidIn("eur", intent, amount, at) }

// PaidIn tells that a PaymentIntent received so much.
func PaidIn(currency, intent string, amount, at int64) money.Evidence {
	return money.Evidence{Payments: map[string]money.Payment{intent: {Received: money.Received{Amount: amount, At: at}, Currency: currency}}}
}

// Intent tells how far a PaymentIntent came.
func Intent(id string, attempts money.Attempts) money.Evidence {
	return money.Evidence{Payments: map[string]money.Payment{id: {Attempts: attempts}}}
}

// Processing is an attempt under way.
func Processing(at int64) money.Attempts { return money.Attempts{Processing: &at} }

// Failed is an attempt that failed.
func Failed(at int64, code string) money.Attempts {
	return money.Attempts{Failed: &money.Setback{At: at, Code: code, Message: "It was " + code + "."}}
}

// Cancelled is one that was given up.
func Cancelled(at int64, code string) money.Attempts {
	return money.Attempts{Cancelled: &money.Setback{At: at, Code: code, Message: "It was " + code + "."}}
}

// Charge tells of a charge.
func Charge(id, intent string, authorised, captured, at int64) money.Evidence {
	return money.Evidence{Charges: map[string]money.Charge{id: {PaymentIntent: intent, Currency: "eur", Authorised: authorised, Captured: money.Received{Amount: captured, At: at}}}}
}

// Total is a charge's total of refunds, told by a version since basil.
func Total(id, intent string, amount, at int64) money.Evidence {
	return money.Evidence{Charges: map[string]money.Charge{id: {PaymentIntent: intent, Refunded: money.RefundTotal{Amount: amount, At: at}}}}
}

// OldTotal is Total, told by a version from before basil.
func OldTotal(id, intent string, amount, at int64) money.Evidence {
	return money.Evidence{Charges: map[string]money.Charge{id: {PaymentIntent: intent, Refunded: money.RefundTotal{Amount: amount, At: at, Old: true}}}}
}

// Refund was made at a time, and told at once.
func Refund(id, charge, intent string, amount int64, status string, created int64) money.Evidence {
	return RefundAt(id, charge, intent, amount, status, created, created)
}

// RefundAt tells of a refund at a time.
func RefundAt(id, charge, intent string, amount int64, status string, created, at int64) money.Evidence {
	r := money.Refund{Charge: charge, PaymentIntent: intent, RefundState: money.RefundState{At: at, Status: status, Amount: amount, Currency: "eur", Created: created}}
	if r.Status == money.RefundFailed || r.Status == money.RefundCanceled {
		r.FailedAt = at
	}
	return money.Evidence{Refunds: map[string]money.Refund{id: r}}
}

// Dispute tells of a dispute, and by how much it moved the balance.
func Dispute(id, intent string, amount int64, status string, moves ...int64) money.Evidence {
	return DisputeIn("eur", id, intent, amount, status, moves...)
}

// DisputeIn is Dispute in a currency.
func DisputeIn(currency, id, intent string, amount int64, status string, moves ...int64) money.Evidence {
	d := money.Dispute{PaymentIntent: intent, DisputeState: money.DisputeState{At: 9, Status: status, Amount: amount, Currency: currency, DueBy: 99}}
	for i, moved := range moves {
		if d.Transactions == nil {
			d.Transactions = map[string]int64{}
		}
		d.Transactions[fmt.Sprintf("txn_%s_%d", id, i)] = moved
	}
	return money.Evidence{Disputes: map[string]money.Dispute{id: d}}
}

// Session tells of a settled Checkout Session.
func Session(id, intent string, subtotal, sum, at int64) money.Evidence {
	return money.Evidence{Sessions: map[string]money.Session{id: {PaymentIntent: intent, Settled: &money.Asked{At: at, Subtotal: subtotal, Total: sum, Currency: "eur"}}}}
}

// Invoice was paid by the PaymentIntents, of each of which it is not told how
// much that was.
func Invoice(id string, subtotal, sum, at int64, intents ...string) money.Evidence {
	i := money.Invoice{Paid: &money.Bill{At: at, Subtotal: subtotal, Total: sum, Currency: "eur"}}
	for _, intent := range intents {
		if i.Payments == nil {
			i.Payments = map[string]int64{}
		}
		i.Payments[intent] = 0
	}
	return money.Evidence{Invoices: map[string]money.Invoice{id: i}}
}

// PaysInvoice tells how much a PaymentIntent paid of an invoice.
func PaysInvoice(id, intent string, amount int64) money.Evidence {
	return money.Evidence{Invoices: map[string]money.Invoice{id: {Payments: map[string]int64{intent: amount}}}}
}

// Share tells which share of an invoice is for hours.
func Share(id string, gross, hours, all int64) money.Evidence {
	return money.Evidence{Invoices: map[string]money.Invoice{id: {Share: &money.Share{Gross: gross, Hours: hours, All: all}}}}
}

// CreditNote tells of a credit note.
func CreditNote(id, invoice string, amount int64) money.Evidence {
	return money.Evidence{CreditNotes: map[string]money.CreditNote{id: {At: 9, Invoice: invoice, Amount: amount}}}
}

// Accepted is staff's word for a payment.
func Accepted(payment string) money.Evidence {
	return money.Evidence{Accepted: map[string]money.Acceptance{payment: {At: 9, By: "ada", Note: "It is fine."}}}
}

// Everything tells of one object of each kind.
func Everything() money.Evidence {
	return Tell(PaidBy("pi_1", 5000, 1), Charge("ch_1", "pi_1", 5000, 5000, 1), Refund("re_1", "ch_1", "pi_1", 500, "succeeded", 2), Dispute("dp_1", "pi_1", 100, "won"),
		Session("cs_1", "pi_1", 5000, 5000, 1), Invoice("in_1", 5000, 5000, 1, "pi_1"), CreditNote("cn_1", "in_1", 1), money.Evidence{Merged: map[string]bool{"p2": true}})
}

// WantSane checks what holds of all that is derived.
func WantSane(t interface{ Errorf(string, ...any) }, terms money.Terms, d money.Derived) {
	var problems []string
	problem := func(is bool, what string) {
		if is {
			problems = append(problems, what)
		}
	}
	problem(d.HoursCredited != 0 && d.HoursCredited != terms.Hours, "hours are credited in part")
	problem(d.HoursReversed < 0 || d.HoursReversed > d.HoursCredited, "hours are reversed that were not credited")
	problem(d.AmountDue < 0 || d.AmountReceived < 0 || d.AmountRefunded < 0 || d.AmountDisputed < 0, "money is negative")
	problem(d.AmountRefunded+d.AmountDisputed > d.AmountReceived, "more goes back than came")
	problem((d.HoursCredited > 0) != slices.Contains(money.PaymentStatuses[4:], d.Status), "the status says otherwise than the credit")
	for _, c := range d.Cases {
		problem(c.Kind != money.CaseDispute && c.DueBy != 0, "a case that waits for nobody has a day")
	}
	for _, p := range d.Payments {
		problem(p.ID == "", "a payment is nobody's")
		problem(p.Received < 0 || p.Refunded < 0 || p.Disputed < 0 || p.Kept() < 0, "a payment keeps less than nothing")
	}
	if len(problems) > 0 {
		t.Errorf("%s: %+v", strings.Join(problems, ", "), d)
	}
}
