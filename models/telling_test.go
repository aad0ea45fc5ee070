package models

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// What tests tell. Evidence is put together of small ones, as events bring it.

func tell(told ...Evidence) (e Evidence) {
	for _, one := range told {
		e = Join(e, one)
	}
	return e
}

func paidBy(intent string, amount, at int64) Evidence { return paidIn("eur", intent, amount, at) }

func paidIn(currency, intent string, amount, at int64) Evidence {
	return Evidence{Payments: map[string]Payment{intent: {Received: Received{amount, at}, Currency: currency}}}
}

func intent(id string, attempts Attempts) Evidence {
	return Evidence{Payments: map[string]Payment{id: {Attempts: attempts}}}
}

func processing(at int64) Attempts { return Attempts{Processing: &at} }
func failed(at int64, code string) Attempts {
	return Attempts{Failed: &Setback{at, code, "It was " + code + "."}}
}
func cancelled(at int64, code string) Attempts {
	return Attempts{Cancelled: &Setback{at, code, "It was " + code + "."}}
}

func charge(id, intent string, authorised, captured, at int64) Evidence {
	return Evidence{Charges: map[string]Charge{id: {PaymentIntent: intent, Currency: "eur", Authorised: authorised, Captured: Received{captured, at}}}}
}

// total is a charge's total of refunds, told by a version since basil, or an
// old one.
func total(id, intent string, amount, at int64) Evidence {
	return Evidence{Charges: map[string]Charge{id: {PaymentIntent: intent, Refunded: RefundTotal{Amount: amount, At: at}}}}
}

func oldTotal(id, intent string, amount, at int64) Evidence {
	return Evidence{Charges: map[string]Charge{id: {PaymentIntent: intent, Refunded: RefundTotal{Amount: amount, At: at, Old: true}}}}
}

// refund was made at a time, and told at once.
func refund(id, charge, intent string, amount int64, status string, created int64) Evidence {
	return refundAt(id, charge, intent, amount, status, created, created)
}

func refundAt(id, charge, intent string, amount int64, status string, created, at int64) Evidence {
	r := Refund{Charge: charge, PaymentIntent: intent, RefundState: RefundState{At: at, Status: status, Amount: amount, Currency: "eur", Created: created}}
	if !r.counts() {
		r.FailedAt = at
	}
	return Evidence{Refunds: map[string]Refund{id: r}}
}

func dispute(id, intent string, amount int64, status string, moves ...int64) Evidence {
	return disputeIn("eur", id, intent, amount, status, moves...)
}

func disputeIn(currency, id, intent string, amount int64, status string, moves ...int64) Evidence {
	d := Dispute{PaymentIntent: intent, DisputeState: DisputeState{At: 9, Status: status, Amount: amount, Currency: currency, DueBy: 99}}
	for i, moved := range moves {
		if d.Transactions == nil {
			d.Transactions = map[string]int64{}
		}
		d.Transactions[fmt.Sprintf("txn_%s_%d", id, i)] = moved
	}
	return Evidence{Disputes: map[string]Dispute{id: d}}
}

func session(id, intent string, subtotal, sum, at int64) Evidence {
	return Evidence{Sessions: map[string]Session{id: {PaymentIntent: intent, Settled: &Asked{at, subtotal, sum, "eur"}}}}
}

// invoice was paid by the PaymentIntents, of each of which it is not told how
// much that was.
func invoice(id string, subtotal, sum, at int64, intents ...string) Evidence {
	i := Invoice{Paid: &Bill{At: at, Subtotal: subtotal, Total: sum, Currency: "eur"}}
	for _, intent := range intents {
		if i.Payments == nil {
			i.Payments = map[string]int64{}
		}
		i.Payments[intent] = 0
	}
	return Evidence{Invoices: map[string]Invoice{id: i}}
}

func paysInvoice(id, intent string, amount int64) Evidence {
	return Evidence{Invoices: map[string]Invoice{id: {Payments: map[string]int64{intent: amount}}}}
}

func share(id string, gross, hours, all int64) Evidence {
	return Evidence{Invoices: map[string]Invoice{id: {Share: &Share{gross, hours, all}}}}
}

func creditNote(id, invoice string, amount int64) Evidence {
	return Evidence{CreditNotes: map[string]CreditNote{id: {At: 9, Invoice: invoice, Amount: amount}}}
}

func accepted(payment string) Evidence {
	return Evidence{Accepted: map[string]Acceptance{payment: {At: 9, By: "ada", Note: "It is fine."}}}
}

// tenHours are 10.00 hours for €50.00 that we sold.
var tenHours = Terms{Amount: 5000, Currency: "eur", Hours: 1000, Sold: true}

// begun are the same, and Stripe began.
var begun = Terms{Amount: 5000, Currency: "eur", Hours: 1000}

// show puts what was derived into a line; zeros that say nothing are left out.
func show(d Derived) string {
	line := fmt.Sprintf("%s, %s of %s h", d.Status, d.HoursCredited-d.HoursReversed, d.HoursCredited)
	for _, part := range []struct {
		name   string
		amount int64
	}{{"received", d.AmountReceived}, {"refunded", d.AmountRefunded}, {"disputed", d.AmountDisputed}, {"at", d.CompletedAtUnix}} {
		if part.amount != 0 {
			line += fmt.Sprintf(", %s %d", part.name, part.amount)
		}
	}
	if d.AmountDue != 5000 {
		line += fmt.Sprintf(", due %d", d.AmountDue)
	}
	if d.Failure != nil {
		line += ", " + d.Failure.Code
	}
	for _, c := range d.Cases {
		line += fmt.Sprintf("; %s", c.Kind)
		if c.Amount != 0 {
			line += fmt.Sprintf(" %d", c.Amount)
		}
		if c.Subject != "" {
			line += " of " + c.Subject
		}
	}
	return line
}

// derivation is a row: what was told, and what follows from it in whatever
// order it was told.
type derivation struct {
	name  string
	terms Terms // none: tenHours
	told  []Evidence
	want  string
}

func (row derivation) check(t *testing.T) {
	t.Helper()
	terms := row.terms
	if terms == (Terms{}) {
		terms = tenHours
	}
	t.Run(row.name, func(t *testing.T) {
		d := Derive(terms, tell(row.told...))
		if got := show(d); got != row.want {
			t.Errorf("\n got %s\nwant %s", got, row.want)
		}
		slices.Reverse(row.told)
		if again := Derive(terms, tell(row.told...)); !reflect.DeepEqual(again, d) {
			t.Errorf("told backwards: %s", show(again))
		}
		wantSane(t, terms, d)
	})
}

// wantSane checks what holds of all that is derived.
func wantSane(t interface{ Errorf(string, ...any) }, terms Terms, d Derived) {
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
	problem((d.HoursCredited > 0) != slices.Contains(PaymentStatuses[4:], d.Status), "the status says otherwise than the credit")
	for _, p := range d.Payments {
		problem(p.Received < 0 || p.Refunded < 0 || p.Disputed < 0 || p.Kept() < 0, "a payment keeps less than nothing")
	}
	if len(problems) > 0 {
		t.Errorf("%s: %+v", strings.Join(problems, ", "), d)
	}
}
