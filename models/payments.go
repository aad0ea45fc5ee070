package models

import (
	"maps"
	"slices"
)

// payment is money that Stripe took for a purchase, and what became of it.
type payment struct {
	id       string
	currency string
	at       int64 // when it was received
	attempts Attempts

	// received, returned and held are in the payment's own currency.
	received, returned, held int64

	money int64 // what was received, in the purchase's currency; 0 where that is not known
	worth int64 // what it counts for as long as all of it is kept

	foreign bool // it is in another currency, and nothing explains it
	shared  bool // it paid other purchases as well
	unclear bool // a refund could be the release of an authorisation
	lost    bool // a dispute was lost
}

// PaymentState is a payment as people see it: what was received, and what went
// back or is held of it, in its own currency.
type PaymentState struct {
	ID       string        `json:"id"` // of its PaymentIntent, else its charge, invoice or Checkout Session
	Received int64         `json:"received"`
	Currency string        `json:"currency"`
	Refunded int64         `json:"refunded"`
	Disputed int64         `json:"disputed"`
	Status   PaymentStatus `json:"status"`
	At       int64         `json:"at"` // Unix seconds; 0: not received
}

// Kept is what is left of a payment, in its own currency.
func (p PaymentState) Kept() int64 { return p.Received - p.Refunded - p.Disputed }

func (p *payment) state() PaymentState {
	status := StatusPending
	switch {
	case p.received > 0 && p.returned == p.received:
		status = StatusRefunded
	case p.held > 0 || (p.received > 0 && p.lost):
		status = StatusDisputed
	case p.returned > 0:
		status = StatusPartiallyRefunded
	case p.received > 0:
		status = StatusCompleted
	case p.attempts.Cancelled != nil:
		status = StatusCancelled
	case p.attempts.Failed != nil && (p.attempts.Processing == nil || p.attempts.Failed.At >= *p.attempts.Processing):
		status = StatusFailed
	case p.attempts.Processing != nil:
		status = StatusProcessing
	}
	return PaymentState{
		ID: p.id, Received: p.received, Currency: p.currency, Refunded: p.returned, Disputed: p.held, Status: status, At: p.at,
	}
}

// share is the part of an amount that goes with a part of what was received.
func (p *payment) share(amount, part int64) int64 {
	if part == 0 || p.received == 0 {
		return 0
	}
	return proportion(amount, part, p.received)
}

func (p *payment) kept() int64 { return p.received - p.returned - p.held }

// paymentOf is the payment that a charge is of: its PaymentIntent, or itself.
func (e *Evidence) paymentOf(id string) string {
	if intent := e.Charges[id].PaymentIntent; intent != "" {
		return intent
	}
	return id
}

// invoicePayments tells which payments paid which invoice, and how much of it
// as far as that was told (else 0).
func (e *Evidence) invoicePayments() map[string]map[string]int64 {
	if len(e.Invoices) == 0 {
		return nil
	}
	paid := make(map[string]map[string]int64, len(e.Invoices))
	link := func(invoice, paymentID string, amount int64) {
		if paid[invoice] == nil {
			paid[invoice] = map[string]int64{}
		}
		paid[invoice][paymentID] = max(paid[invoice][paymentID], amount)
	}
	for id, invoice := range e.Invoices {
		for paymentID, amount := range invoice.Payments {
			link(id, e.paymentOf(paymentID), amount)
		}
	}
	for _, s := range e.Sessions {
		if s.Invoice != "" && s.PaymentIntent != "" {
			link(s.Invoice, s.PaymentIntent, 0)
		}
	}
	return paid
}

// payments puts together what belongs to one payment, in the order in which
// they were received. due is what an accepted one counts for.
func (e *Evidence) payments(t Terms, due int64) []payment {
	l := paymentList{Evidence: e, byID: make(map[string]*payment, len(e.Payments)+len(e.Charges)), attempts: e.attempts(), invoices: e.invoicePayments()}
	for id, told := range e.Payments {
		l.of(id).take(told.Received, told.Currency)
	}
	l.takeCharges()
	l.takeSessions()
	l.takeInvoicePayments()
	l.value(t)
	l.takeInvoices(t)
	all := make([]payment, 0, len(l.byID))
	for id, p := range l.byID {
		e.takeBack(id, p)
		if _, accepted := e.Accepted[id]; accepted && p.received > 0 {
			p.accept(due)
		}
		all = append(all, *p)
	}
	byTime(all)
	return all
}

// paymentList is evidence on its way to payments.
type paymentList struct {
	*Evidence
	byID     map[string]*payment
	attempts map[string]Attempts
	invoices map[string]map[string]int64 // which payments paid which invoice, and how much of it
}

func (l *paymentList) of(id string) *payment {
	if l.byID[id] == nil {
		l.byID[id] = &payment{id: id, attempts: l.attempts[id]}
	}
	return l.byID[id]
}

// take adds a telling of what was received: the most counts.
func (p *payment) take(received Received, currency string) {
	most := joinReceived(Received{p.received, p.at}, received)
	p.received, p.at, p.currency = most.Amount, most.At, max(p.currency, currency)
}

// accept lets the payment count as paid in full, for at least what it is.
func (p *payment) accept(due int64) {
	p.worth = max(p.worth, due)
	if p.foreign {
		p.foreign, p.money = false, due
	}
}

// takeCharges counts what was captured of a payment's charges.
func (l *paymentList) takeCharges() {
	captured := map[string]Received{}
	for id, c := range l.Charges {
		if c.Captured.Amount == 0 {
			continue
		}
		paymentID := l.paymentOf(id)
		sum := captured[paymentID]
		captured[paymentID] = Received{sum.Amount + c.Captured.Amount, max(sum.At, c.Captured.At)}
		l.of(paymentID).take(Received{}, c.Currency)
	}
	for id, sum := range captured {
		l.of(id).take(sum, "")
	}
}

// takeSessions counts what a settled Checkout Session asked as received, by
// its PaymentIntent, or by itself where it has neither that nor an invoice.
func (l *paymentList) takeSessions() {
	for id, s := range l.Sessions {
		if s.PaymentIntent != "" {
			id = s.PaymentIntent
		} else if s.Invoice != "" {
			continue
		}
		p := l.of(id)
		if s.Settled != nil && s.Settled.Total > 0 {
			p.take(Received{s.Settled.Total, s.Settled.At}, s.Settled.Currency)
		}
	}
}

// takeInvoicePayments counts what a payment is told to have paid of invoices.
func (l *paymentList) takeInvoicePayments() {
	paid := map[string]int64{}
	for _, payments := range l.invoices {
		for id, amount := range payments {
			paid[id] += amount
		}
	}
	for invoice, payments := range l.invoices {
		for id := range payments {
			if bill := l.Invoices[invoice].Paid; bill != nil && paid[id] > l.of(id).received {
				l.of(id).take(Received{paid[id], bill.At}, bill.Currency)
			}
		}
	}
}

// value says what payments count for in the purchase's currency.
func (l *paymentList) value(t Terms) {
	for _, p := range l.byID {
		p.money, p.foreign = p.received, p.currency != t.Currency && p.received > 0
	}
	for invoice, payments := range l.invoices {
		bill := l.Invoices[invoice].Paid
		for id, told := range payments {
			p := l.of(id)
			if told > 0 && told < p.received {
				p.money, p.shared = told, true
			}
			if bill != nil {
				p.money = bill.forHours(p.money, t)
			}
		}
	}
	for _, s := range l.Sessions {
		p := l.byID[s.PaymentIntent]
		if p == nil || !p.foreign || s.Settled == nil || s.Settled.Source == nil || s.Settled.Source.Currency != t.Currency {
			continue
		}
		p.money, p.foreign = s.Settled.Source.Total, false
	}
	for _, p := range l.byID {
		if p.foreign {
			p.money = 0
		}
		p.worth = p.money
	}
}

// takeInvoices adds what a paid invoice received beyond what its payments are
// known to have (from a balance, outside Stripe). Payments of the purchase that
// no invoice names yet count as paying what the invoices' own leave open.
func (l *paymentList) takeInvoices(t Terms) {
	spare := l.spare(t)
	for _, id := range slices.Sorted(maps.Keys(l.Invoices)) {
		bill := l.Invoices[id].Paid
		if bill == nil {
			continue
		}
		open := bill.received()
		for paymentID := range l.invoices[id] {
			if p := l.of(paymentID); p.currency == bill.Currency {
				open -= p.paid(bill, t)
			}
		}
		if bill.Currency == t.Currency {
			covered := max(0, min(open, spare))
			spare, open = spare-covered, open-covered
		}
		if open <= 0 {
			continue
		}
		p := l.payerOf(id)
		p.take(Received{p.received + open, bill.At}, bill.Currency)
		if p.foreign = bill.Currency != t.Currency; !p.foreign {
			p.money = bill.forHours(p.received, t)
			p.worth = p.money
		}
	}
}

// paid is what the payment paid of an invoice, in full.
func (p *payment) paid(bill *Bill, t Terms) int64 {
	if p.shared {
		return p.money
	}
	return p.received
}

// spare is what payments of the purchase brought that no invoice names.
func (l *paymentList) spare(t Terms) (sum int64) {
	for id, p := range l.byID {
		linked := slices.ContainsFunc(slices.Collect(maps.Values(l.invoices)), func(payments map[string]int64) bool {
			_, is := payments[id]
			return is
		})
		if !linked && p.currency == t.Currency {
			sum += p.received
		}
	}
	return sum
}

// payerOf is the payment that what an invoice received goes to: its only one,
// where nothing was told of that one's money, else the invoice itself.
func (l *paymentList) payerOf(invoice string) *payment {
	if len(l.invoices[invoice]) == 1 {
		for id := range l.invoices[invoice] {
			if p := l.of(id); p.received == 0 && p.attempts.Cancelled == nil {
				return p
			}
		}
	}
	return l.of(invoice)
}
