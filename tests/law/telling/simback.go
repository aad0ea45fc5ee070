package telling

import "fmt"

// afterwards lets refunds and disputes happen to whatever took money.
func (s *sim) afterwards() {
	var paid []*simCharge
	for _, c := range s.charges {
		if c.captured > 0 {
			paid = append(paid, c)
			if c.captured < c.amount { // what is given back of a part is the harder question
				paid = append(paid, c, c)
			}
		}
	}
	if len(paid) == 0 {
		return
	}
	steps := pick(s, "steps", 0, 0, 1, 2, 3, 5, 7)
	if s.accents&(Refunds|RefundFates|Disputes|Oddities) != 0 {
		steps = pick(s, "steps", 2, 4, 7, 11)
	}
	for range steps {
		if s.full() {
			return
		}
		s.tick()
		c := pick(s, "charge", paid...)
		step := pick(s, "step", "refund", "refund", "dispute", "dispute", "fate", "fate", "fate", "fate", "fate", "updated")
		if step == "fate" && len(s.moved) == 0 {
			step = pick(s, "step", "refund", "dispute")
		}
		switch step {
		case "refund":
			if s.features&Refunds != 0 {
				s.refund(c)
			}
		case "dispute":
			if s.features&Disputes != 0 {
				s.dispute(c)
			}
		case "fate":
			if len(s.moved) > 0 {
				n := even.Draw(s.T, "whose") * len(s.moved) / 128
				fate := s.moved[n]
				s.moved = append(s.moved[:n:n], s.moved[n+1:]...)
				fate()
			}
		case "updated":
			s.emit("charge.updated", "", c.json)
		}
	}
}

// Refunds

func (s *sim) refund(c *simCharge) *simRefund {
	left := c.captured - c.returned() - c.held()
	if left <= 0 {
		return nil
	}
	amount := pick(s, "amount", left, left, (left+1)/2, min(left, 1000), (left+2)/3)
	return s.refundOf(c, amount)
}

func (s *sim) refundOf(c *simCharge, amount int64) *simRefund {
	if c.captured < c.amount && amount == c.amount-c.captured {
		s.later() // in the second of the capture nobody could tell it from the release
	}
	r := &simRefund{id: s.id("re"), status: "succeeded", amount: amount, created: s.now, of: c}
	if c.of != nil {
		r.hidesIntent = s.chance("names only its charge", 25)
		r.hidesCharge = !r.hidesIntent && s.chance("names only its PaymentIntent", 12)
	}
	if r.hidesIntent {
		s.tag("refund names only its charge")
	}
	if r.hidesCharge {
		s.tag("refund names only its PaymentIntent")
	}
	if r.ofHours = s.chance("asked for as hours", 12); r.ofHours {
		s.tag("refund of hours")
		for _, t := range s.truths {
			t.vague = true // how much they cost is the harder question
		}
	}
	if s.chance("pending", 20) {
		r.status = pick(s, "status", "pending", "pending", "requires_action")
	}
	c.refunds = append(c.refunds, r)
	s.tag("refund")
	s.vague(c)
	s.emit("refund.created", fmt.Sprintf("%d %s", amount, r.status), r.json)
	s.emit("charge.refunded", fmt.Sprintf("amount_refunded %d", c.refunded()), c.json)
	s.moved = append(s.moved, func() { s.moveRefund(r) })
	return r
}

// vague notes where what is told of a charge leaves its truth open: a refund
// of which only totals may tell, beside a release of which nobody can tell
// whether the totals hold it.
func (s *sim) vague(c *simCharge) {
	if c.captured < c.amount && s.features&Omissions != 0 {
		for _, t := range s.truths {
			t.vague = true
		}
	}
}

func (s *sim) moveRefund(r *simRefund) {
	next := "succeeded"
	if s.may(RefundFates, "refund fails", 60) {
		next = "failed"
		if r.status == "requires_action" {
			next = "canceled"
		}
	} else if r.status == "succeeded" {
		return
	}
	r.status = next
	note := fmt.Sprintf("%d %s", r.amount, next)
	event := "refund.updated"
	switch {
	case next == "failed":
		event = pick(s, "event", "refund.failed", "charge.refund.updated", "refund.updated")
	case s.chance("older event", 40):
		event = "charge.refund.updated"
	}
	if event == "charge.refund.updated" {
		s.quiet[event] = false
	}
	s.emit(event, note, r.json)
	if s.chance("charge updated", 20) {
		s.emit("charge.updated", fmt.Sprintf("amount_refunded %d", r.of.refunded()), r.of.json)
	}
	switch {
	case next == "succeeded":
		s.moved = append(s.moved, func() { s.moveRefund(r) })
	case s.chance("refunded again", 50):
		s.tick()
		s.tag("refunded again")
		s.refundOf(r.of, r.amount)
	}
}

// Disputes

func (s *sim) dispute(c *simCharge) {
	left := c.captured - c.returned() - c.held()
	if left <= 0 || len(c.disputes) >= 2 {
		return
	}
	d := &simDispute{
		id: s.id("dp"), of: c, created: s.now, currency: c.currency, hidesIntent: s.chance("dispute names only its charge", 30),
		amount: pick(s, "disputed", left, left, left, (left+1)/2),
	}
	d.nameless = s.version == v2014 && !s.mixing && len(c.disputes) == 0 && s.chance("nameless", 70)
	if d.nameless {
		s.tag("dispute without id")
	}
	if len(c.disputes) > 0 && c.disputes[0].nameless {
		return
	}
	if s.may(Oddities, "dispute in another currency", 6) {
		d.currency = "usd"
		for _, t := range s.truths {
			t.vague = true
		}
	}
	c.disputes = append(c.disputes, d)
	life := &disputeLife{sim: s, d: d, rate: pick[int64](s, "rate", 100, 100, 100, 108, 93), plain: s.chance("no balance transactions", 25)}
	s.tag("dispute")
	if s.chance("inquiry", 20) {
		d.status = "warning_needs_response"
		s.tag("inquiry")
		life.tell("created")
		s.moved = append(s.moved, life.moveInquiry)
		return
	}
	life.open()
}

type disputeLife struct {
	*sim
	d         *simDispute
	rate      int64 // of the account's currency, in percent
	plain     bool  // no balance transactions are ever shown
	withdrawn int64 // so far
	largest   int64
}

func (l *disputeLife) tell(what string) {
	l.emit("charge.dispute."+what, fmt.Sprintf("%d %s, %d balance transactions", l.d.amount, l.d.status, len(l.d.moves)), l.d.json)
}

// move is a balance transaction.
func (l *disputeLife) move(amount int64) {
	l.withdrawn -= amount
	l.largest = max(l.largest, -amount)
	fee := int64(0)
	if amount < 0 {
		fee = 1500
	}
	l.d.moves = append(l.d.moves, m{
		"id": l.id("txn"), "object": "balance_transaction", "amount": amount, "fee": fee, "net": amount - fee,
		"currency": "eur", "created": l.now, "type": "adjustment",
	})
}

func (l *disputeLife) open() {
	l.d.status = "needs_response"
	switch {
	case l.plain:
		l.tag("dispute without balance transactions")
		l.tell("created")
	case l.chance("withdrawn later", 30):
		l.tell("created")
		l.tick()
		l.move(-l.d.amount * l.rate / 100)
		l.tell("funds_withdrawn")
	default:
		l.move(-l.d.amount * l.rate / 100)
		l.tell("created")
		l.tell("funds_withdrawn")
	}
	l.moved = append(l.moved, l.moveOn)
}

func (l *disputeLife) moveInquiry() {
	switch pick(l.sim, "inquiry", "warning_closed", "warning_under_review", "escalates") {
	case "warning_closed":
		l.d.status = "warning_closed"
		l.tell("closed")
	case "warning_under_review":
		l.d.status = "warning_under_review"
		l.tell("updated")
		l.moved = append(l.moved, l.moveInquiry)
	case "escalates":
		l.tag("inquiry escalates")
		l.open()
	}
}

// moveOn gives the dispute its fate.
func (l *disputeLife) moveOn() {
	again := true
	switch pick(l.sim, "fate", "won", "won", "lost", "lost", "under_review", "prevented", "prevented", "part back", "charge_refunded", "charge_refunded", "odd") {
	case "under_review":
		if l.d.status == "needs_response" {
			l.d.status = "under_review"
			l.tell("updated")
		}
	case "won":
		l.d.status, again = "won", false
		l.tag("dispute won")
		l.tell("closed")
		if !l.plain && l.withdrawn > 0 {
			l.tick()
			back := l.withdrawn
			if l.chance("at another rate", 15) {
				back = back * 98 / 100
				l.tag("reinstated at another rate")
			}
			l.move(back)
			l.tell("funds_reinstated")
			l.moved = append(l.moved, l.reopen)
		}
	case "lost":
		l.d.status, again = "lost", false
		l.tag("dispute lost")
		if !l.plain && l.chance("part reinstated", 30) {
			l.tag("reinstated in part")
			l.move(l.withdrawn * 40 / 100)
			l.tell("funds_reinstated")
			l.tell("closed")
		} else {
			l.tell("closed")
		}
	case "part back":
		if !l.plain && l.withdrawn > 0 {
			l.tag("reinstated in part")
			l.move(l.withdrawn / 2)
			l.tell("funds_reinstated")
		}
	case "prevented":
		if l.d.status != "needs_response" {
			break
		}
		l.d.status, again = "prevented", false
		l.tag("dispute prevented")
		if !l.plain && l.withdrawn > 0 {
			l.move(l.withdrawn)
			l.tell("funds_reinstated")
		}
		l.tell("closed")
	case "charge_refunded":
		if len(l.d.moves) > 0 || l.d.status != "needs_response" {
			break
		}
		l.d.status, again = "charge_refunded", false
		l.tag("dispute closed as refunded")
		l.tell("closed")
	case "odd":
		if l.may(Oddities, "unknown status", 50) {
			l.later()
			l.d.status = "escalated"
			l.tell("updated")
			l.later()
		}
	}
	if again {
		l.moved = append(l.moved, l.moveOn)
	}
}

// reopen: what was given back is withdrawn again.
func (l *disputeLife) reopen() {
	l.later()
	l.tag("withdrawn again")
	l.move(-l.largest)
	l.d.status = "lost"
	l.tell("funds_withdrawn")
	l.tell("closed")
}
