package telling

import (
	"fmt"
	"slices"
)

// simIntent is a PaymentIntent.
type simIntent struct {
	id, currency, status string
	amount, received     int64
	capturable           int64
	metadata             m
	created              int64
	charges              []*simCharge
	invoice              string // shown before basil
	details              m      // amount_details
	code, reason         string
}

// simCharge is a charge. One that is bare has no PaymentIntent.
type simCharge struct {
	id, currency, status string
	of                   *simIntent
	amount, captured     int64
	isCaptured, paid     bool
	metadata             m
	created              int64
	refunds              []*simRefund
	disputes             []*simDispute
	invoice              string
	old                  bool // requests of a version before basil capture it
	plain                bool // shown without the younger fields
}

type simRefund struct {
	id, status      string
	amount, created int64
	of              *simCharge
	hidesIntent     bool
	hidesCharge     bool
	release         bool
	ofHours         bool // we asked for it as hours
}

type simDispute struct {
	id, status  string
	amount      int64
	created     int64
	of          *simCharge
	moves       []m
	hidesIntent bool
	currency    string
	nameless    bool // before 2014-09
}

func gone(r *simRefund) bool { return r.status == "failed" || r.status == "canceled" }

// refunded is amount_refunded: releases count where old requests made them.
func (c *simCharge) refunded() int64 {
	var sum int64
	for _, r := range c.refunds {
		if !gone(r) {
			sum += r.amount
		}
	}
	return sum
}

// returned is what truly went back.
func (c *simCharge) returned() int64 {
	var sum int64
	for _, r := range c.refunds {
		if !gone(r) && !r.release {
			sum += r.amount
		}
	}
	return sum
}

// held is what disputes truly hold.
func (c *simCharge) held() int64 {
	var sum int64
	for _, d := range c.disputes {
		sum += d.held()
	}
	return min(sum, c.captured-c.returned())
}

func (d *simDispute) held() int64 {
	if len(d.moves) == 0 {
		switch d.status {
		case "needs_response", "under_review", "lost":
			return d.amount
		}
		return 0
	}
	var sum, largest int64
	for _, move := range d.moves {
		amount := move["amount"].(int64)
		sum -= amount
		largest = max(largest, -amount)
	}
	if largest == 0 { // a withdrawal so small that it rounds to nothing
		return 0
	}
	if d.status == "won" || d.status == "lost" {
		if sum*20 <= largest {
			return 0
		}
		if (largest-sum)*20 <= largest {
			return d.amount
		}
	}
	return max(0, share(d.amount, sum, largest))
}

func (c *simCharge) kept() int64 { return c.captured - c.returned() - c.held() }

func (i *simIntent) kept() int64 {
	var sum int64
	for _, c := range i.charges {
		sum += c.kept()
	}
	return sum
}

// Objects

func (i *simIntent) json(version string) m {
	o := m{
		"id": i.id, "object": "payment_intent", "amount": i.amount, "amount_received": i.received,
		"amount_capturable": i.capturable, "currency": i.currency, "status": i.status, "metadata": i.metadata,
		"created": i.created, "last_payment_error": nil, "cancellation_reason": ref(i.reason),
	}
	if i.code != "" {
		o["last_payment_error"] = m{"code": i.code, "message": "Declined."}
	}
	if i.details != nil {
		o["amount_details"] = i.details
	} else if version >= v2022 {
		o["amount_details"] = m{"tip": m{}}
	}
	if version < basil {
		o["invoice"] = ref(i.invoice)
	}
	if version < v2022 {
		list := []m{}
		for _, c := range slices.Backward(i.charges) {
			list = append(list, c.json(version))
		}
		o["charges"] = m{"object": "list", "data": list, "has_more": false}
		return o
	}
	o["latest_charge"] = nil
	if len(i.charges) > 0 {
		o["latest_charge"] = i.charges[len(i.charges)-1].id
	}
	return o
}

func (c *simCharge) json(version string) m {
	o := m{
		"id": c.id, "object": "charge", "amount": c.amount, "amount_captured": c.captured, "amount_refunded": c.refunded(),
		"captured": c.isCaptured, "paid": c.paid, "status": c.status, "currency": c.currency, "created": c.created,
		"refunded": c.refunded() == c.amount, "payment_intent": nil, "metadata": c.metadata, "disputed": len(c.disputes) > 0,
	}
	if c.of != nil {
		o["payment_intent"] = c.of.id
	}
	if c.plain && version == v2014 && c.captured == c.amount {
		delete(o, "amount_captured")
		delete(o, "captured")
	}
	if version < basil {
		o["invoice"] = ref(c.invoice)
	}
	if version < v2022 {
		list := []m{}
		for _, r := range slices.Backward(c.refunds) {
			list = append(list, r.json(version))
		}
		o["refunds"] = m{"object": "list", "data": list, "has_more": false}
		if version == v2014 && c.plain {
			o["refunds"] = list
		}
	}
	return o
}

func (r *simRefund) json(version string) m {
	o := m{
		"id": r.id, "object": "refund", "amount": r.amount, "currency": r.of.currency, "status": r.status,
		"created": r.created, "charge": ref(r.of.id), "payment_intent": nil, "metadata": m{},
	}
	if r.ofHours {
		o["metadata"] = m{"hourbank_for": "hours"}
	}
	if r.of.of != nil && !r.hidesIntent {
		o["payment_intent"] = r.of.of.id
	}
	if r.hidesCharge {
		o["charge"] = nil
	}
	if version == v2014 {
		delete(o, "payment_intent")
		o["charge"] = r.of.id
		if r.of.plain && r.status == "succeeded" {
			delete(o, "status")
		}
	}
	return o
}

func (d *simDispute) json(string) m {
	o := m{
		"id": d.id, "object": "dispute", "amount": d.amount, "currency": d.currency, "status": d.status,
		"charge": d.of.id, "payment_intent": nil, "created": d.created, "metadata": m{}, "reason": "fraudulent",
		"evidence_details": m{"due_by": d.created + 7*86_400}, "balance_transactions": slices.Clone(d.moves),
	}
	if d.moves == nil {
		o["balance_transactions"] = []m{}
	}
	if d.of.of != nil && !d.hidesIntent {
		o["payment_intent"] = d.of.of.id
	}
	if d.nameless {
		delete(o, "id")
	}
	return o
}

// Paying

func (s *sim) newIntent(amount int64, currency string, metadata m) *simIntent {
	return s.intentNamed(s.id("pi"), amount, currency, metadata)
}

func (s *sim) intentNamed(id string, amount int64, currency string, metadata m) *simIntent {
	i := &simIntent{id: id, amount: amount, currency: currency, metadata: metadata, created: s.now, status: "requires_payment_method"}
	if s.chance("told at once", 25) {
		s.tellIntent("created", "", i)
	}
	return i
}

func (s *sim) tellIntent(what, note string, i *simIntent) {
	s.emit("payment_intent."+what, note, i.json)
}

func (s *sim) newCharge(i *simIntent) *simCharge {
	c := &simCharge{
		id: s.id("ch"), of: i, amount: i.amount, currency: i.currency, metadata: i.metadata, created: s.now,
		invoice: i.invoice, plain: s.version == v2014 && s.chance("plain", 60),
	}
	c.old = (s.version < basil) != s.chance("captured by another version", 12)
	if i.charges == nil && s.chance("charge has no metadata", 30) {
		c.metadata = m{}
	}
	i.charges = append(i.charges, c)
	s.charges = append(s.charges, c)
	return c
}

// fail is an attempt that was declined.
func (s *sim) fail(i *simIntent) {
	s.tick()
	c := s.newCharge(i)
	c.status = "failed"
	i.status, i.code = "requires_payment_method", "card_declined"
	if s.may(Noise, "noise", 30) {
		s.emit("charge.failed", "declined", c.json)
	}
	s.tellIntent("payment_failed", "declined", i)
	if s.chance("updated", 10) {
		s.emit("charge.updated", "of a declined charge", c.json)
	}
	s.tag("attempt failed")
}

func (s *sim) attempts(i *simIntent) {
	if !s.may(Attempts, "attempts", 30) {
		return
	}
	for range pick(s, "attempts", 1, 1, 2) {
		switch pick(s, "attempt", "failed", "failed", "requires_action", "processing", "partially_funded") {
		case "failed":
			s.fail(i)
		case "requires_action":
			s.tick()
			i.status = "requires_action"
			s.tellIntent("requires_action", "", i)
		case "processing":
			s.tick()
			i.status = "processing"
			s.tellIntent("processing", "", i)
			s.tag("processing")
		case "partially_funded": // a bank transfer of too little, so far
			s.tick()
			s.tag("partially funded")
			i.status, i.received = "requires_action", max(i.received, i.amount/2)
			s.tellIntent("partially_funded", fmt.Sprintf("%d so far", i.received), i)
			return
		}
	}
}

// pay takes the money in full.
func (s *sim) pay(i *simIntent) *simCharge {
	s.tick()
	return s.payNow(i)
}

func (s *sim) payNow(i *simIntent) *simCharge {
	c := s.newCharge(i)
	c.status, c.paid, c.isCaptured, c.captured = "succeeded", true, true, c.amount
	i.received, i.status, i.code = i.amount, "succeeded", ""
	s.emit("charge.succeeded", "paid", c.json)
	s.tellIntent("succeeded", fmt.Sprintf("received %d %s", i.received, i.currency), i)
	return c
}

// cancel gives the payment up.
func (s *sim) cancel(i *simIntent) {
	s.tick()
	i.status, i.reason = "canceled", "abandoned"
	s.tellIntent("canceled", "abandoned", i)
	s.tag("cancelled")
}

// authorise holds the money on the card; it is captured later, or released.
func (s *sim) authorise(i *simIntent) *simCharge {
	s.tick()
	c := s.newCharge(i)
	c.status, c.paid = "succeeded", true
	i.status, i.capturable = "requires_capture", i.amount
	s.emit("charge.succeeded", "authorised", c.json)
	s.tellIntent("amount_capturable_updated", "authorised", i)
	return c
}

// release gives an authorisation back.
func (s *sim) release(i *simIntent, c *simCharge) {
	s.tick()
	i.status, i.reason, i.capturable = "canceled", "requested_by_customer", 0
	s.tag("released")
	s.tellIntent("canceled", "released", i)
	if c.old {
		s.releaseRefund(c, c.amount)
	}
}

// releaseRefund is what requests of old versions make of what isn't captured.
func (s *sim) releaseRefund(c *simCharge, amount int64) {
	s.tag("release told as refund")
	r := &simRefund{id: s.id("re"), status: "succeeded", amount: amount, created: s.now, of: c, release: true}
	c.refunds = append(c.refunds, r)
	s.emit("refund.created", "a release", r.json)
	s.emit("charge.refunded", fmt.Sprintf("a release, amount_refunded %d", c.refunded()), c.json)
}

// capture takes what was authorised, or a part of it.
func (s *sim) capture(i *simIntent, c *simCharge, amount int64) {
	s.tick()
	i.status, i.received, i.capturable = "succeeded", amount, 0
	c.captured, c.isCaptured = amount, true
	if amount == c.amount {
		s.emit("charge.captured", "in full", c.json)
		s.tellIntent("succeeded", "captured", i)
		return
	}
	s.tag("captured in part")
	released := c.amount - amount
	if c.old {
		r := &simRefund{id: s.id("re"), status: "succeeded", amount: released, created: s.now, of: c, release: true}
		c.refunds = append(c.refunds, r)
	}
	s.emit("charge.captured", "in part", c.json)
	s.pinned("payment_intent.succeeded", fmt.Sprintf("captured %d of %d", amount, c.amount), i.json)
	if c.old {
		s.tag("release told as refund")
		s.emit("refund.created", "a release", c.refunds[0].json)
		s.emit("charge.refunded", "a release", c.json)
	}
}
