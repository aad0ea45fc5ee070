package models

import "hourbank/models/money"

// moves is when money of a purchase last moved, in Unix seconds by Stripe's
// clock; 0: it never did.
type moves struct {
	in   int64 // it was received
	back int64 // it was refunded, disputed or credited, or came back from that
}

// lastMoves says when money last moved, by the evidence and what was derived
// of it.
func lastMoves(e money.Evidence, d money.Derived) moves {
	m := moves{in: d.CompletedAtUnix}
	for _, p := range d.Payments {
		m.in = max(m.in, p.At)
	}
	for _, c := range e.Charges {
		if c.Refunded.Amount > 0 {
			m.back = max(m.back, c.Refunded.At)
		}
	}
	for _, r := range e.Refunds {
		m.back = max(m.back, r.Created, r.FailedAt)
	}
	for _, dispute := range e.Disputes {
		m.back = max(m.back, dispute.At)
	}
	for _, note := range e.CreditNotes {
		m.back = max(m.back, note.At)
	}
	return m
}

// follow takes the later of two.
func (m *moves) follow(o moves) { m.in, m.back = max(m.in, o.in), max(m.back, o.back) }
