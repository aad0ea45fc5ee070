package money

// Moves is when money of a purchase last moved, in Unix seconds by Stripe's
// clock; 0: it never did.
type Moves struct {
	In   int64 // it was received
	Back int64 // it was refunded, disputed or credited, or came back from that
}

// LastMoves says when money last moved, by the evidence and what was derived
// of it.
func LastMoves(e Evidence, d Derived) Moves {
	m := Moves{In: d.CompletedAtUnix}
	for _, p := range d.Payments {
		m.In = max(m.In, p.At)
	}
	for _, c := range e.Charges {
		if c.Refunded.Amount > 0 {
			m.Back = max(m.Back, c.Refunded.At)
		}
	}
	for _, r := range e.Refunds {
		m.Back = max(m.Back, r.Created, r.FailedAt)
	}
	for _, dispute := range e.Disputes {
		m.Back = max(m.Back, dispute.At)
	}
	for _, note := range e.CreditNotes {
		m.Back = max(m.Back, note.At)
	}
	return m
}

// Follow takes the later of two.
func (m *Moves) Follow(o Moves) { m.In, m.Back = max(m.In, o.In), max(m.Back, o.Back) }
