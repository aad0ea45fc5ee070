package money

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
	told                     part // of what returned: of so much it is known how much was for hours

	money   int64  // what was received, in the purchase's currency; 0 where that is not known
	invoice string // that it paid; empty: none

	foreign bool  // it is in another currency, and nothing explains it
	shared  bool  // it paid other purchases as well
	unclear int64 // of what returned, or did not, could be the release of an authorisation
	lost    bool  // a dispute was lost
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

// value is what a part of what was received is in the purchase's currency.
func (p *payment) value(part int64) int64 {
	if p.received == 0 {
		return 0
	}
	return proportion(p.money, part, p.received)
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
// they were received.
func (e *Evidence) payments(t Terms) []payment {
	l := paymentList{Evidence: e, byID: map[string]*payment{}, attempts: e.attempts(), invoices: e.invoicePayments()}
	for id, told := range e.Payments {
		l.of(id).take(told.Received, told.Currency)
	}
	l.takeCharges()
	l.takeSessions()
	l.value(t)
	l.takeInvoices(t)
	told := e.toldParts(t)
	all := make([]payment, 0, len(l.byID))
	for id, p := range l.byID {
		e.takeBack(id, p, told)
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

// value says what payments are in the purchase's currency.
func (l *paymentList) value(t Terms) {
	for _, p := range l.byID {
		p.money, p.foreign = p.received, p.currency != t.Currency && p.received > 0
	}
	for _, invoice := range slices.Sorted(maps.Keys(l.invoices)) {
		for id, told := range l.invoices[invoice] {
			p := l.of(id)
			if p.invoice == "" {
				p.invoice, p.money = invoice, 0
			}
			if told > 0 && told < p.received {
				p.money, p.shared = p.money+told, true
			}
		}
	}
	for _, p := range l.byID {
		if p.invoice != "" && !p.shared {
			p.money = p.received
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.Sessions)) {
		s := l.Sessions[id]
		p := l.byID[s.PaymentIntent]
		if p != nil && p.foreign && s.Source != nil && s.Source.Currency == t.Currency {
			p.money, p.foreign = s.Source.Total, false
		}
	}
	for _, p := range l.byID {
		if p.foreign {
			p.money = 0
		}
	}
}

// takeInvoices adds what a paid invoice received beyond what its payments are
// known to have (from a balance, outside Stripe). Payments of the purchase that
// no invoice names yet count as paying what the invoices' own leave open.
func (l *paymentList) takeInvoices(t Terms) {
	for _, id := range slices.Sorted(maps.Keys(l.Invoices)) {
		bill := l.billOf(id)
		if bill == nil {
			continue
		}
		open := bill.received()
		for paymentID, told := range l.invoices[id] {
			if p := l.of(paymentID); p.currency == bill.Currency {
				open -= p.paid(told)
			}
		}
		if bill.Currency == t.Currency {
			open = l.takeUnlinked(id, open)
		}
		outside := min(open, bill.Outside)
		l.pay(l.payerOf(id), id, open-outside, bill, t)
		l.pay(id, id, outside, bill, t)
	}
}

// pay counts what a payment is taken to have paid of an invoice.
func (l *paymentList) pay(payer, invoice string, amount int64, bill *Bill, t Terms) {
	if amount <= 0 {
		return
	}
	p := l.of(payer)
	p.take(Received{p.received + amount, bill.At}, bill.Currency)
	p.invoice = invoice
	if p.foreign = bill.Currency != t.Currency; !p.foreign {
		p.money = p.received
	}
}

// takeUnlinked lets payments that no link explains pay what an invoice leaves
// open, and gives what is open after that.
func (l *paymentList) takeUnlinked(invoice string, open int64) int64 {
	for _, id := range slices.Sorted(maps.Keys(l.byID)) {
		if p := l.of(id); open > 0 && p.invoice == "" {
			p.invoice = invoice
			open -= p.money
		}
	}
	return open
}

// billOf is what an invoice came to, once that is paid, as it tells itself, else
// its Checkout Session; nil: neither does.
func (e *Evidence) billOf(invoice string) *Bill {
	bill := e.Invoices[invoice].Paid
	if bill != nil {
		return bill
	}
	for _, s := range e.Sessions {
		if s.Invoice == invoice && s.Settled != nil {
			told := Bill{At: s.Settled.At, Subtotal: s.Settled.Subtotal, Total: s.Settled.Total, Currency: s.Settled.Currency}
			bill = first(bill, &told, compareBills)
		}
	}
	return bill
}

// paid is what the payment paid of an invoice, of which it was told how much
// that is, or 0.
func (p *payment) paid(told int64) int64 {
	if p.shared {
		return told
	}
	return p.received
}

// payerOf is the payment that what an invoice received goes to: its only one,
// where nothing was told of that one's money, else the invoice itself.
func (l *paymentList) payerOf(invoice string) string {
	if len(l.invoices[invoice]) == 1 {
		for id := range l.invoices[invoice] {
			if p := l.of(id); p.received == 0 && p.attempts.Cancelled == nil {
				return id
			}
		}
	}
	return invoice
}
