// Package money holds the pure rules that turn what Stripe told about payments
// into hours: the evidence, how tellings of it join, and what follows from it.
// Nothing in it reaches outside the process.
package money

import (
	"cmp"
	"slices"

	"hourbank/models/hours"
)

// Terms are what was agreed: so many hours for so much money.
type Terms struct {
	Amount   int64 // the price, in minor units
	Currency string
	Hours    hours.Hours
	Sold     bool // by us, before any event of Stripe's told of it
}

// Derived is everything about a purchase that follows from its evidence. All
// amounts are in minor units of the purchase's currency.
type Derived struct {
	Status          PaymentStatus
	HoursCredited   hours.Hours
	HoursReversed   hours.Hours
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
	due, payments := e.due(t), e.payments(t)
	sum := e.addUp(t, due, payments)
	d := Derived{
		AmountDue: due, AmountReceived: sum.received, AmountRefunded: sum.refunded, AmountDisputed: sum.disputed,
		Payments: states(payments),
	}
	if needed := min(t.Amount, due); sum.worth >= needed {
		d.HoursCredited = t.Hours
		d.CompletedAtUnix = e.completedAt(t, payments, needed)
		if due > 0 {
			d.HoursReversed = hours.Hours(proportion(int64(t.Hours), due-min(due, sum.kept), due))
		}
		d.Status = paidStatus(due, sum)
	} else {
		d.Status, d.Failure = e.unpaidStatus()
	}
	d.Cases = e.cases(t, due, payments, sum)
	return d
}

// totals are what payments brought and what is left of it, and what that counts
// for (worth, kept), which differs only where staff accepted a payment of
// another sum.
type totals struct {
	received, refunded, disputed int64
	worth, kept                  int64
	lost                         bool // a dispute was lost
}

// counted is money of one invoice, or of none, in the purchase's currency.
type counted struct {
	received, returned, kept int64
	told                     part // of what returned
}

// addUp adds payments up. Of an invoice with lines that are not hours, its
// money counts by the hours' share. What its credit notes gave back is taken
// from the payments that staff accepted last.
func (e *Evidence) addUp(t Terms, due int64, payments []payment) (sum totals) {
	invoices, given := map[string]counted{}, map[string]givenBack{}
	var accepted []*payment
	for i := range payments {
		p := &payments[i]
		sum.lost = sum.lost || (p.lost && !p.foreign)
		if _, ok := e.Accepted[p.id]; ok && p.received > 0 {
			accepted = append(accepted, p)
			continue
		}
		c, o := p.counted(), invoices[p.invoice]
		invoices[p.invoice] = counted{c.received + o.received, c.returned + o.returned, c.kept + o.kept, c.told.plus(o.told)}
	}
	for id := range e.Invoices {
		given[id] = e.givenBack(id, t)
		invoices[id], given[id] = invoices[id].giveBack(given[id])
	}
	for id, c := range invoices {
		sum.add(e.Invoices[id], c, t)
	}
	for _, p := range accepted {
		given[p.invoice] = sum.accept(e.Invoices[p.invoice], p, due, given[p.invoice], t)
	}
	return sum
}

func (p *payment) counted() counted {
	kept := p.value(p.kept())
	returned := min(p.value(p.returned), p.money-kept)
	return counted{p.money, returned, kept, part{p.value(p.told.hours), p.value(p.told.whole)}}
}

// giveBack takes off what credit notes gave back, and gives the rest of that.
func (c counted) giveBack(g givenBack) (counted, givenBack) {
	given := min(g.amount, c.kept)
	told := g.told.of(min(g.told.whole, given))
	c.returned, c.kept, c.told = c.returned+given, c.kept-given, c.told.plus(told)
	return c, givenBack{g.amount - given, g.told.minus(told)}
}

// add counts money of an invoice by the hours' share, and gives that. Of what went back
// for what is told, the share of the hours is told, too, as far as that goes.
func (s *totals) add(invoice Invoice, c counted, t Terms) (received, kept int64) {
	received = invoice.forHours(c.received, t)
	if c.kept > 0 {
		kept = max(0, min(invoice.forHours(c.kept+c.told.whole, t)-c.told.hours, c.kept, received))
	}
	returned := received - kept // nothing may be left to rounding
	if c.returned+c.kept < c.received {
		returned = min(returned, invoice.forHours(c.returned-c.told.whole, t)+c.told.hours)
	}
	s.received += received
	s.refunded += returned
	s.disputed += received - returned - kept
	s.worth += received
	s.kept += kept
	return received, kept
}

// accept lets a payment count as paid in full, for at least what it is, and
// gives what credit notes gave back beyond it. Money in another currency then
// counts as that, too: all of it is for hours.
func (s *totals) accept(invoice Invoice, p *payment, due int64, given givenBack, t Terms) (rest givenBack) {
	if p.foreign {
		p.foreign, p.money = false, due
		rest.amount, invoice = max(0, given.amount-p.kept()), Invoice{}
		given = givenBack{amount: p.value(min(given.amount, p.kept()))}
	}
	c, beyond := p.counted().giveBack(given)
	received, kept := s.add(invoice, c, t)
	worth := max(received, due)
	s.worth += worth - received
	if received > 0 {
		s.kept += proportion(worth, kept, received) - kept
	} else {
		s.kept += proportion(worth, p.kept(), p.received)
	}
	return givenBack{rest.amount + beyond.amount, beyond.told}
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
	all := map[string]Attempts{}
	for id, p := range e.Payments {
		all[id] = p.Attempts
	}
	tell := func(told Attempts, of ...string) {
		for _, id := range of {
			all[id] = joinAttempts(all[id], told)
		}
	}
	for id, s := range e.Sessions {
		if s.Settled != nil {
			s.Cancelled = nil // it was given up too soon
		}
		switch {
		case s.PaymentIntent != "":
			tell(s.Attempts, s.PaymentIntent)
		case s.Invoice == "":
			tell(s.Attempts, id)
		}
	}
	invoices := e.invoicePayments()
	for id, invoice := range e.Invoices {
		if invoice.Paid != nil {
			invoice.Cancelled = nil
		}
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
// these hours, else what a PaymentIntent that paid says its amount is made of,
// else the price. A Payment Link is opened with a client_reference_id that its
// customer types, so that neither its session nor what belongs to that says
// anything of a purchase that was sold.
func (e *Evidence) due(t Terms) int64 {
	var asked []int64
	strange := e.ofPaymentLinks(t.Sold)
	for id, s := range e.Sessions {
		if s.Settled == nil || strange[id] {
			continue
		}
		told := Converted{Subtotal: s.Settled.Subtotal, Total: s.Settled.Total, Currency: s.Settled.Currency}
		if s.Source != nil && told.Currency != t.Currency {
			told = *s.Source
		}
		if told.Subtotal == t.Amount && told.Currency == t.Currency {
			asked = append(asked, told.Total)
		}
	}
	for id, invoice := range e.Invoices {
		if bill := invoice.Paid; bill != nil && !strange[id] && bill.Currency == t.Currency && invoice.sells(t) {
			asked = append(asked, invoice.forHours(bill.Total, t))
		}
	}
	if len(asked) == 0 {
		asked = e.detailed(t, strange)
	}
	if len(asked) == 0 {
		return t.Amount
	}
	return max(0, slices.Min(asked))
}

// detailed are the amounts that PaymentIntents that paid say they are made of.
func (e *Evidence) detailed(t Terms, strange map[string]bool) (amounts []int64) {
	for id, p := range e.Payments {
		if d := p.Details; d != nil && !strange[id] && e.hasPaid(id, t.Currency) {
			amounts = append(amounts, t.Amount-d.Discount+d.Tax+d.Shipping)
		}
	}
	return amounts
}

// ofPaymentLinks are the sessions of Payment Links, and what belongs to them,
// beside a purchase that was sold; else none.
func (e *Evidence) ofPaymentLinks(sold bool) map[string]bool {
	if !sold {
		return nil
	}
	all, paid := map[string]bool{}, e.invoicePayments()
	for id, s := range e.Sessions {
		if s.PaymentLink {
			all[id], all[s.Invoice], all[s.PaymentIntent] = true, true, true
			for intent := range paid[s.Invoice] {
				all[intent] = true
			}
		}
	}
	return all
}

// hasPaid says whether anything was received by a PaymentIntent, in the currency.
func (e *Evidence) hasPaid(intent, currency string) bool {
	if p := e.Payments[intent]; p.Received.Amount > 0 && p.Currency == currency {
		return true
	}
	for _, charge := range e.Charges {
		if charge.PaymentIntent == intent && charge.Captured.Amount > 0 && charge.Currency == currency {
			return true
		}
	}
	return false
}

// sells says whether the paid invoice is for these hours.
func (i Invoice) sells(t Terms) bool {
	return i.Paid.Subtotal == t.Amount || i.isOf(t)
}

// forHours is the part of an amount of the invoice that is for hours.
func (i Invoice) forHours(amount int64, t Terms) int64 {
	if !i.isOf(t) || i.Share.All == 0 {
		return amount
	}
	return proportion(amount, i.Share.Hours, i.Share.All)
}

// isOf says whether the invoice's lines that are for hours have the price of these. Where
// they have another, all of its money is for these, and says nothing of what is due.
func (i Invoice) isOf(t Terms) bool { return i.Share != nil && i.Share.Gross == t.Amount }

// received is what was paid of the bill, by whomever.
func (b *Bill) received() int64 { return max(0, b.Total-b.Credited) }

// completedAt is when the payments first came to what was needed (but for
// rounding, the last of them); where nothing was, when that was settled.
func (e *Evidence) completedAt(t Terms, payments []payment, needed int64) (at int64) {
	if needed == 0 {
		at = e.settledAt()
	}
	if at != never {
		return at
	}
	var worth int64
	for _, p := range payments {
		at, worth = max(at, p.at), worth+e.Invoices[p.invoice].forHours(p.money, t)
		if _, accepted := e.Accepted[p.id]; accepted || worth >= needed {
			break
		}
	}
	return at
}

// settledAt is when a Checkout Session or an invoice was first settled.
func (e *Evidence) settledAt() (at int64) {
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
