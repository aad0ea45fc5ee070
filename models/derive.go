package models

import (
	"cmp"
	"slices"
)

// Terms are what was agreed: so many hours for so much money.
type Terms struct {
	Amount   int64 // the price, in minor units
	Currency string
	Hours    Hours
	Sold     bool // by us, before any event of Stripe's told of it
}

// Derived is everything about a purchase that follows from its evidence. All
// amounts are in minor units of the purchase's currency.
type Derived struct {
	Status          PaymentStatus
	HoursCredited   Hours
	HoursReversed   Hours
	AmountDue       int64
	AmountReceived  int64
	AmountRefunded  int64
	AmountDisputed  int64
	Failure         *Failure
	CompletedAtUnix int64 // 0: not completed
	Cases           []CaseState
	Payments        []PaymentState // in the order in which they paid
}

// Failure is why a purchase is failed or cancelled, in Stripe's words.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Derive computes a purchase's state from its terms and the evidence, and from
// nothing else: hours follow the money that is kept, added up over its
// payments.
func Derive(t Terms, e Evidence) Derived {
	due := e.due(t)
	payments := e.payments(t, due)
	var sum totals
	for i := range payments {
		sum.add(&payments[i])
	}
	sum.giveBack(e.givenBack(t))
	d := Derived{
		AmountDue: due, AmountReceived: sum.received, AmountRefunded: sum.refunded, AmountDisputed: sum.disputed,
		Payments: states(payments),
	}
	if needed := min(t.Amount, due); sum.worth >= needed {
		d.HoursCredited = t.Hours
		d.CompletedAtUnix = e.completedAt(payments, needed)
		if due > 0 {
			d.HoursReversed = Hours(proportion(int64(t.Hours), due-min(due, sum.kept), due))
		}
		d.Status = paidStatus(due, sum)
	} else {
		d.Status, d.Failure = e.unpaidStatus()
	}
	d.Cases = e.cases(t, due, payments, sum)
	return d
}

// totals add payments up: what they brought and what is left of it, and what
// that counts for (worth, kept), which differs only where staff accepted a
// payment of another sum.
type totals struct {
	received, refunded, disputed int64
	worth, kept                  int64
	lost                         bool // a dispute was lost
}

func (s *totals) add(p *payment) {
	s.received += p.money
	s.refunded += p.share(p.money, p.returned)
	s.disputed += p.share(p.money, p.returned+p.held) - p.share(p.money, p.returned)
	s.worth += p.worth
	s.kept += p.worth - p.share(p.worth, p.returned+p.held)
	s.lost = s.lost || p.lost
}

// giveBack takes off what credit notes gave back, at most what is left.
func (s *totals) giveBack(amount int64) {
	s.refunded += min(amount, s.received-s.refunded-s.disputed)
	s.kept -= min(amount, s.kept)
}

func paidStatus(due int64, s totals) PaymentStatus {
	switch {
	case s.received > 0 && s.refunded == s.received:
		return StatusRefunded
	case s.kept >= due:
		return StatusCompleted
	case s.disputed > 0 || s.lost:
		return StatusDisputed
	default:
		return StatusPartiallyRefunded
	}
}

// unpaidStatus is the latest sign of the payments that were not cancelled; in
// the same second, that it failed.
func (e *Evidence) unpaidStatus() (PaymentStatus, *Failure) {
	var open Attempts
	var cancelled *Setback
	known, over := 0, 0
	for _, attempts := range e.attempts() {
		known++
		if attempts.Cancelled != nil {
			over++
			cancelled = latest(cancelled, attempts.Cancelled, compareSetbacks)
			continue
		}
		open = joinAttempts(open, attempts)
	}
	switch {
	case known > 0 && known == over:
		return StatusCancelled, cancelled.failure()
	case open.Failed != nil && (open.Processing == nil || open.Failed.At >= *open.Processing):
		return StatusFailed, open.Failed.failure()
	case open.Processing != nil:
		return StatusProcessing, nil
	default:
		return StatusPending, nil
	}
}

func (s *Setback) failure() *Failure {
	if s == nil {
		return nil
	}
	return &Failure{Code: s.Code, Message: s.Message}
}

// attempts tells of each payment how far it came. What a Checkout Session or
// an invoice tells is told of its PaymentIntents, where it has any.
func (e *Evidence) attempts() map[string]Attempts {
	all := make(map[string]Attempts, len(e.Payments)+len(e.Sessions)+len(e.Invoices))
	for id, p := range e.Payments {
		all[id] = p.Attempts
	}
	tell := func(told Attempts, of ...string) {
		for _, id := range of {
			all[id] = joinAttempts(all[id], told)
		}
	}
	for id, s := range e.Sessions {
		switch {
		case s.PaymentIntent != "":
			tell(s.Attempts, s.PaymentIntent)
		case s.Invoice == "":
			tell(s.Attempts, id)
		}
	}
	invoices := e.invoicePayments()
	for id, invoice := range e.Invoices {
		if len(invoices[id]) == 0 {
			tell(invoice.Attempts, id)
		}
		for paymentID := range invoices[id] {
			tell(invoice.Attempts, paymentID)
		}
	}
	return all
}

// due is what was to pay: what a settled Checkout Session or invoice asked for
// these hours, else what a PaymentIntent says its amount is made of, else the
// price.
func (e *Evidence) due(t Terms) int64 {
	due := int64(-1)
	least := func(amount int64) {
		if due < 0 || amount < due {
			due = max(amount, 0)
		}
	}
	for _, s := range e.Sessions {
		if s.Settled == nil || (s.PaymentLink && t.Sold) {
			continue
		}
		asked := Converted{Subtotal: s.Settled.Subtotal, Total: s.Settled.Total, Currency: s.Settled.Currency}
		if s.Settled.Source != nil && asked.Currency != t.Currency {
			asked = *s.Settled.Source
		}
		if asked.Subtotal == t.Amount && asked.Currency == t.Currency {
			least(asked.Total)
		}
	}
	for _, invoice := range e.Invoices {
		if bill := invoice.Paid; bill != nil && bill.Currency == t.Currency && bill.sells(t) {
			least(bill.forHours(bill.Total, t))
		}
	}
	if due >= 0 {
		return due
	}
	for _, p := range e.Payments {
		if d := p.Details; d != nil {
			least(t.Amount - d.Discount + d.Tax + d.Shipping)
		}
	}
	if due >= 0 {
		return due
	}
	return t.Amount
}

// sells says whether the bill is for these hours.
func (b *Bill) sells(t Terms) bool {
	return b.Subtotal == t.Amount || (b.All > 0 && (!t.Sold || b.Gross == t.Amount))
}

// forHours is the part of an amount of the bill that is for hours. Of a sale
// at another price than its hours', all of it counts.
func (b *Bill) forHours(amount int64, t Terms) int64 {
	if b.All == 0 || (t.Sold && b.Gross != t.Amount) {
		return amount
	}
	return proportion(amount, b.Hours, b.All)
}

// received is what was paid of the bill, by whomever.
func (b *Bill) received() int64 { return max(0, b.Total-b.Credited) }

// givenBack is what credit notes gave back otherwise than by a refund.
func (e *Evidence) givenBack(t Terms) (total int64) {
	for _, note := range e.CreditNotes {
		if bill := e.Invoices[note.Invoice].Paid; bill != nil && !note.Voided {
			total += bill.forHours(note.Amount, t)
		}
	}
	return total
}

// completedAt is when the payments first came to what was needed; where
// nothing was, when that was settled.
func (e *Evidence) completedAt(payments []payment, needed int64) int64 {
	var worth, at int64
	for _, p := range payments {
		if worth += p.worth; needed > 0 && worth >= needed {
			return p.at
		}
	}
	for _, s := range e.Sessions {
		if s.Settled != nil {
			at = earliest(at, s.Settled.At)
		}
	}
	for _, invoice := range e.Invoices {
		if invoice.Paid != nil {
			at = earliest(at, invoice.Paid.At)
		}
	}
	return at
}

func states(payments []payment) []PaymentState {
	list := make([]PaymentState, len(payments))
	for i := range payments {
		list[i] = payments[i].state()
	}
	return list
}

// byTime orders payments by when they paid, those that didn't last.
func byTime(payments []payment) {
	slices.SortFunc(payments, func(a, b payment) int {
		return cmp.Or(cmp.Compare(age(a.received == 0), age(b.received == 0)), cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id))
	})
}
