package telling

import "fmt"

// simInvoice is an invoice.
type simInvoice struct {
	id, status           string
	metadata             m
	subscription         string
	subscriptionMetadata m
	reason               string
	lines                []*simLine
	paid                 int64 // amount_paid
	fromBalance          int64 // settled from the customer's balance
	prePaid, postPaid    int64 // credit notes
	outOfBand            bool
	intents              []*simIntent
	intentMetadata       m
	created              int64
	balanceGiven         int64 // by credit notes
}

// simLine is a line of an invoice.
type simLine struct {
	price     string
	unit      int64 // the price's unit_amount
	amount    int64
	quantity  int64
	proration bool
	off       int64 // discount
	tax       int64
	inclusive bool
}

func (v *simInvoice) subtotal() int64 {
	var sum int64
	for _, l := range v.lines {
		sum += l.amount
	}
	return sum
}

func (v *simInvoice) total() int64 {
	sum := v.subtotal()
	for _, l := range v.lines {
		sum -= l.off
		if !l.inclusive {
			sum += l.tax
		}
	}
	return sum
}

// due is amount_due before anything is paid.
func (v *simInvoice) due() int64 { return max(0, v.total()-v.fromBalance-v.prePaid) }

func (v *simInvoice) settled(paid int64) { v.status, v.paid = "paid", paid }

func (l *simLine) json(version string, v *simInvoice, n int) m {
	o := m{
		"id": fmt.Sprintf("il_%s_%d", v.id, n), "object": "line_item", "amount": l.amount, "currency": "eur", "quantity": l.quantity,
		"metadata": m{}, "discount_amounts": []m{},
	}
	if l.off != 0 {
		o["discount_amounts"] = []m{{"amount": l.off, "discount": "di_1"}}
	}
	if !isOld(version) {
		o["pricing"] = m{
			"type": "price_details", "unit_amount_decimal": fmt.Sprint(l.amount / max(l.quantity, 1)),
			"price_details": m{"price": l.price, "product": "prod_1"},
		}
		o["subtotal"] = l.amount
		o["taxes"] = []m{}
		if l.tax != 0 {
			behaviour := "exclusive"
			if l.inclusive {
				behaviour = "inclusive"
			}
			o["taxes"] = []m{{"amount": l.tax, "tax_behavior": behaviour}}
		}
		kind, inner := "subscription_item_details", m{"proration": l.proration, "subscription": ref(v.subscription)}
		if v.subscription == "" {
			kind = "invoice_item_details"
		}
		o["parent"] = m{"type": kind, kind: inner}
		return o
	}
	o["proration"] = l.proration
	o["tax_amounts"] = []m{}
	if l.tax != 0 {
		o["tax_amounts"] = []m{{"amount": l.tax, "inclusive": l.inclusive}}
	}
	o["plan"] = m{"id": l.price, "object": "plan", "amount": l.unit}
	if version > v2014 {
		o["price"] = m{"id": l.price, "object": "price", "unit_amount": l.unit}
	}
	o["type"], o["subscription"] = "invoiceitem", nil
	if v.subscription != "" {
		o["type"], o["subscription"] = "subscription", v.subscription
		if version == v2020 {
			o["metadata"] = v.subscriptionMetadata
		}
	}
	return o
}

func (v *simInvoice) json(version string) m {
	lines := []m{}
	for n, l := range v.lines {
		lines = append(lines, l.json(version, v, n+1))
	}
	o := m{
		"id": v.id, "object": "invoice", "currency": "eur", "status": v.status, "billing_reason": v.reason, "metadata": v.metadata,
		"subtotal": v.subtotal(), "total": v.total(), "amount_due": v.due(), "amount_paid": v.paid,
		"amount_remaining": v.due() - v.paid, "created": v.created,
		"pre_payment_credit_notes_amount": v.prePaid, "post_payment_credit_notes_amount": v.postPaid,
		"lines": m{"object": "list", "data": lines, "has_more": false},
	}
	if !isOld(version) {
		o["parent"] = nil
		if v.subscription != "" {
			o["parent"] = m{"type": "subscription_details", "subscription_details": m{
				"subscription": v.subscription, "metadata": v.subscriptionMetadata,
			}}
		}
		return o
	}
	o["paid"], o["paid_out_of_band"] = v.status == "paid", v.outOfBand
	o["subscription"] = ref(v.subscription)
	if version >= v2022 && v.subscription != "" {
		o["subscription_details"] = m{"metadata": v.subscriptionMetadata}
	}
	o["payment_intent"], o["charge"] = nil, nil
	if len(v.intents) > 0 {
		i := v.intents[0]
		o["payment_intent"] = i.id
		if len(i.charges) > 0 {
			o["charge"] = i.charges[len(i.charges)-1].id
		}
	}
	return o
}

func (s *sim) newInvoice() *simInvoice {
	return &simInvoice{id: s.id("in"), status: "open", metadata: m{}, subscriptionMetadata: m{}, reason: "manual", created: s.now}
}

func (s *sim) tellInvoice(what, note string, v *simInvoice) { s.emit("invoice."+what, note, v.json) }

// tellPaid also tells which PaymentIntent paid it, since basil.
func (s *sim) tellPaid(v *simInvoice) {
	s.tellInvoice("paid", fmt.Sprintf("total %d, amount_paid %d", v.total(), v.paid), v)
	for _, i := range v.intents {
		if s.version < basil && !s.mixing || i.received == 0 {
			continue
		}
		if s.chance("told late", 30) {
			s.tick()
		}
		s.tellPays(i, v, i.received)
	}
}

func (s *sim) tellPays(i *simIntent, v *simInvoice, amount int64) {
	id := s.id("inpay")
	s.emitIn(v2025, "", "invoice_payment.paid", fmt.Sprintf("%s paid %d of %s", i.id, amount, v.id), func(string) m {
		return m{
			"id": id, "object": "invoice_payment", "invoice": v.id, "amount_paid": amount, "amount_requested": amount,
			"status": "paid", "currency": i.currency, "payment": m{"type": "payment_intent", "payment_intent": i.id},
		}
	})
}

// bill brings an invoice to its end.
func (s *sim) bill(v *simInvoice) {
	s.discountAndTax(v)
	if v.total() <= 0 {
		s.tick()
		v.settled(0)
		s.tellPaid(v)
		return
	}
	if s.may(CreditNotes, "credit note before payment", 8) {
		s.creditBefore(v)
	}
	if s.may(Balance, "from balance", 15) {
		v.fromBalance = pick(s, "balance", v.due(), v.due(), v.due()/3)
	}
	if v.due() == 0 {
		s.tag("settled without payment")
		s.tick()
		v.settled(0)
		s.tellPaid(v)
		s.creditAfter(v)
		return
	}
	switch s.invoiceEnd() {
	case "voided":
		s.failInvoice(v)
		s.giveUp(v, "voided", "void")
		return
	case "uncollectible":
		s.failInvoice(v)
		s.giveUp(v, "marked_uncollectible", "uncollectible")
		if s.chance("paid after all", 75) {
			return
		}
	case "failed":
		s.failInvoice(v)
		return
	case "failed first":
		s.failInvoice(v)
	case "out of band":
		s.tag("paid outside Stripe")
		s.tick()
		v.outOfBand = true
		v.settled(v.due())
		s.tellPaid(v)
		s.creditAfter(v)
		return
	}
	s.payInvoice(v)
	s.creditAfter(v)
}

func (s *sim) invoiceEnd() string {
	ends := []string{"paid", "paid", "paid", "paid", "paid", "paid", "paid", "paid"}
	if s.features&Attempts != 0 {
		ends = append(ends, "failed first", "failed first", "failed", "voided", "uncollectible")
	}
	if s.features&Balance != 0 {
		ends = append(ends, "out of band")
	}
	return pick(s, "end", ends...)
}

func (s *sim) giveUp(v *simInvoice, event, status string) {
	s.tick()
	s.tag("invoice " + event)
	v.status = status
	for _, i := range v.intents {
		if status == "void" {
			i.status, i.reason = "canceled", "void_invoice"
			s.tellIntent("canceled", "of a void invoice", i)
		}
	}
	s.tellInvoice(event, "", v)
}

func (s *sim) intentOf(v *simInvoice, amount int64) *simIntent {
	metadata := v.intentMetadata
	if metadata == nil {
		metadata = m{}
	}
	i := s.newIntent(amount, "eur", metadata)
	i.invoice = v.id
	v.intents = append(v.intents, i)
	return i
}

func (s *sim) failInvoice(v *simInvoice) {
	s.tag("invoice failed")
	i := s.intentOf(v, v.due())
	s.fail(i)
	s.tellInvoice("payment_failed", "", v)
}

func (s *sim) payInvoice(v *simInvoice) {
	due := v.due()
	if s.version >= basil && len(v.intents) == 0 && s.may(Parts, "paid in two parts", 45) {
		half := due / 2
		s.pay(s.intentOf(v, half))
		s.pay(s.intentOf(v, due-half))
	} else {
		if len(v.intents) == 0 {
			s.intentOf(v, due)
		}
		s.pay(v.intents[0])
	}
	if s.chance("told later", 30) {
		s.tick()
	}
	v.settled(due)
	s.tellPaid(v)
}

func (v *simInvoice) kept() int64 {
	sum := keptOf(v.intents, "eur") + v.fromBalance - v.balanceGiven
	if v.outOfBand {
		sum += v.due()
	}
	if v.status != "paid" {
		return 0
	}
	return max(sum, 0) // credit notes and refunds may give back the same
}

// Credit notes

func (s *sim) creditBefore(v *simInvoice) {
	s.tick()
	amount := pick(s, "credited", v.total()/4, v.total()/4, v.total())
	v.prePaid = amount
	id, status := s.id("cn"), "issued"
	object := func(version string) m {
		return noteJSON(version, id, v.id, amount, m{
			"type": "pre_payment", "pre_payment_amount": amount, "post_payment_amount": int64(0), "status": status,
		})
	}
	s.emit("credit_note.created", fmt.Sprintf("%d before payment", amount), object)
	if s.chance("voided", 30) {
		s.tick()
		s.tag("credit note voided")
		v.prePaid, status = 0, "void"
		s.emit("credit_note.voided", "", object)
	}
}

func noteJSON(version, id, invoice string, amount int64, more m) m {
	o := m{
		"id": id, "object": "credit_note", "invoice": invoice, "amount": amount, "total": amount, "currency": "eur", "status": "issued",
		"customer_balance_transaction": nil, "out_of_band_amount": nil, "type": "post_payment",
	}
	for key, value := range more {
		o[key] = value
	}
	if isOld(version) {
		delete(o, "pre_payment_amount")
		delete(o, "post_payment_amount")
		delete(o, "refunds")
	} else {
		delete(o, "refund")
	}
	return o
}

// creditAfter gives back some of a paid invoice: to the customer's balance,
// outside Stripe, or as a refund.
func (s *sim) creditAfter(v *simInvoice) {
	if !s.may(CreditNotes, "credit note after payment", 15) {
		return
	}
	s.tick()
	left := v.total() - v.prePaid
	amount := pick(s, "credited", left/2, left/4, left)
	more := m{"post_payment_amount": amount, "pre_payment_amount": int64(0), "refund": nil, "refunds": []m{}}
	switch to := pick(s, "credited to", "balance", "outside", "refund", "both"); to {
	case "balance":
		more["customer_balance_transaction"] = "cbtxn_1"
		v.balanceGiven += amount
	case "outside":
		more["out_of_band_amount"] = amount
		v.balanceGiven += amount
	default:
		if len(v.intents) != 1 || len(v.intents[0].charges) == 0 {
			return
		}
		charge := v.intents[0].charges[len(v.intents[0].charges)-1]
		amount = min(amount, charge.captured-charge.returned())
		if amount <= 0 {
			return
		}
		refunded := amount
		if to == "both" && amount > 1 {
			refunded /= 2
			more["customer_balance_transaction"] = "cbtxn_1"
			v.balanceGiven += amount - refunded
			s.tag("credit note refunds a part")
		}
		r := s.refundOf(charge, refunded)
		more["post_payment_amount"] = amount
		more["refund"], more["refunds"] = r.id, []m{{"amount_refunded": refunded, "refund": r.id}}
		s.tag("credit note refunds")
	}
	v.postPaid += amount
	id := s.id("cn")
	s.emit("credit_note.created", fmt.Sprintf("%d after payment", amount), func(version string) m {
		return noteJSON(version, id, v.id, amount, more)
	})
}

// Lines

func (s *sim) line(p Plan, quantity int64) *simLine {
	return &simLine{price: p.StripePriceID, unit: p.Amount, amount: p.Amount * quantity, quantity: quantity}
}

func prorated(p Plan, amount int64) *simLine {
	return &simLine{price: p.StripePriceID, unit: p.Amount, amount: amount, quantity: 1, proration: true}
}

func (s *sim) usualLines(p Plan) []*simLine {
	lines := []*simLine{s.line(p, 1)}
	if !s.may(Mixed, "mixed lines", 30) {
		return lines
	}
	switch pick(s, "lines", "quantity", "quantity", "two plans", "book", "book", "quantity and book") {
	case "quantity":
		return []*simLine{s.line(p, pick[int64](s, "quantity", 2, 3))}
	case "two plans":
		return append(lines, s.line(s.h.Plans[1], 1))
	case "book":
		return append(lines, &simLine{price: "price_" + s.salt + "book", unit: 2000, amount: 2000, quantity: 1})
	default:
		return []*simLine{s.line(p, 2), {price: "price_" + s.salt + "book", unit: 2000, amount: 2000, quantity: 1}}
	}
}

// change is an upgrade or downgrade in mid-month.
func (s *sim) change(upgrade bool) []*simLine {
	of := pick[int64](s, "part", 1, 2, 3, 7)
	small, large := s.h.Plans[1], s.h.Plans[2]
	lines := []*simLine{prorated(small, -small.Amount/of), prorated(large, large.Amount/of)}
	if !upgrade {
		lines = []*simLine{prorated(large, -large.Amount/of), prorated(small, small.Amount/of)}
	}
	if upgrade && s.chance("with the next month", 20) {
		lines = append(lines, s.line(large, 1))
	}
	return lines
}

func (s *sim) discountAndTax(v *simInvoice) {
	if v.subtotal() <= 0 {
		return
	}
	percent := int64(0)
	if s.may(Details, "invoice discount", 18) {
		percent = pick[int64](s, "percent", 20, 20, 50, 100)
	}
	tax := s.may(Details, "invoice tax", 20)
	inclusive := s.chance("inclusive", 30)
	for _, l := range v.lines {
		if !l.proration {
			l.off = l.amount * percent / 100
		}
		if tax {
			l.inclusive = inclusive
			l.tax = (l.amount - l.off) * 19 / 100
		}
	}
}

// Invoices

func (s *sim) saleByInvoice() {
	s.tag("sale by invoice")
	sale := *s.sell()
	v := s.newInvoice()
	v.metadata = ours(&sale)
	v.lines = []*simLine{{price: "price_" + s.salt + "own", unit: sale.Price, amount: sale.Price, quantity: 1}}
	s.remember(sale.PurchaseID, v.kept)
	if s.chance("PaymentIntent has metadata", 40) {
		v.intentMetadata = ours(&sale)
	}
	s.bill(v)
}

// handwritten is an invoice with a plan's line, or with metadata that say it.
func (s *sim) handwritten() {
	s.tag("hand-written invoice")
	p := pick(s, "plan", s.h.Plans...)
	v := s.newInvoice()
	student := s.student()
	switch pick(s, "how", "line", "line", "metadata", "old plan in metadata") {
	case "line":
		v.metadata, v.lines = m{"student_id": student}, s.usualLines(p)
	case "metadata":
		s.tag("invoice by metadata")
		v.metadata = buys(student, p)
		if s.chance("PaymentIntent has metadata", 30) {
			v.intentMetadata = buys(student, p)
		}
		v.lines = []*simLine{{price: "price_" + s.salt + "own", unit: p.Amount, amount: p.Amount, quantity: 1}}
	default:
		s.tag("line outranks metadata")
		v.metadata, v.lines = buys(student, s.h.Plans[0]), []*simLine{s.line(s.h.Plans[2], 1)}
	}
	s.rememberInvoice(v)
	s.bill(v)
}

// rememberInvoice notes an invoice's truth where all of its money is the
// hours'.
func (s *sim) rememberInvoice(v *simInvoice) {
	t := s.remember(v.id, v.kept)
	for _, l := range v.lines {
		if l.price == "price_"+s.salt+"book" {
			t.vague = true
		}
	}
}

// Subscriptions

func (s *sim) subscription() {
	s.tag("subscription")
	id, student := s.id("sub"), s.student()
	p := pick(s, "plan", s.h.Plans[1], s.h.Plans[1], s.h.Plans[2], s.h.Plans[3])
	metadata := m{"student_id": student}
	if s.chance("plan in metadata", 30) {
		metadata["plan"] = p.ID
	}
	ownMetadata := true
	bySession := s.features&Sessions != 0 && s.chance("begun by session", 30)
	switch pick(s, "owner", "metadata", "metadata", "metadata later", "session") {
	case "metadata later":
		ownMetadata = false
	case "session":
		if bySession {
			ownMetadata, metadata = false, m{}
		}
	}
	shown := m{}
	if ownMetadata {
		shown = metadata
	}
	told := func(what string) {
		s.emit("customer.subscription."+what, "of "+student, func(string) m {
			return m{"id": id, "object": "subscription", "status": "active", "customer": "cus_1", "metadata": metadata}
		})
	}
	first := s.newInvoice()
	first.subscription, first.subscriptionMetadata, first.reason = id, shown, "subscription_create"
	if s.chance("owner told late", 30) {
		defer told("updated")
	} else {
		told("created")
	}
	if s.may(Mixed, "trial", 10) {
		first.lines = []*simLine{{price: p.StripePriceID, unit: p.Amount, quantity: 1}}
		v := first
		s.tick()
		if bySession {
			s.beginBySession(id, student, p, v, true)
		}
		v.settled(0)
		s.tellPaid(v)
	} else {
		first.lines = s.usualLines(p)
		if bySession {
			first.lines = []*simLine{s.line(p, 1)}
			s.rememberInvoice(first)
			s.beginBySession(id, student, p, first, false)
		} else {
			s.rememberInvoice(first)
			s.bill(first)
		}
	}
	for range pick(s, "further invoices", 0, 0, 1, 1, 2) {
		if s.full() {
			return
		}
		s.tick()
		v := s.newInvoice()
		v.subscription, v.subscriptionMetadata, v.reason = id, shown, "subscription_cycle"
		if s.may(Prorations, "prorations", 55) {
			upgrade := s.chance("upgrade", 65)
			v.reason = "subscription_update"
			v.lines = s.change(upgrade)
			if upgrade {
				s.tag("upgrade")
				s.rememberInvoice(v)
			} else {
				s.tag("downgrade")
			}
		} else {
			v.lines = s.usualLines(p)
			s.rememberInvoice(v)
		}
		s.bill(v)
	}
	if s.may(Oddities, "owner changes", 6) {
		s.later()
		metadata = m{"student_id": "student_" + s.salt + "3"}
		told("updated")
	}
	if s.chance("deleted", 10) {
		s.tick()
		told("deleted")
	}
}

// beginBySession: a session in mode subscription, whose invoice buys.
func (s *sim) beginBySession(sub, student string, p Plan, v *simInvoice, trial bool) {
	s.tag("subscription begun by session")
	c := s.newSession(p.Amount, p.Currency, m{"student_id": student})
	c.mode, c.subscription, c.invoice = "subscription", sub, v.id
	if s.chance("session names the plan", 40) {
		c.metadata["plan"] = p.ID
	}
	c.discount, c.tax, c.shipping, c.total = 0, 0, 0, c.subtotal
	c.status = "complete"
	if trial {
		c.subtotal, c.total, c.paymentStatus, c.invoice = 0, 0, "no_payment_required", ""
		s.tellSession("completed", "a trial", c)
		return
	}
	c.paymentStatus = "paid"
	s.intentOf(v, v.due())
	s.pay(v.intents[0])
	v.settled(v.due())
	s.tellSession("completed", "a subscription", c)
	s.tellPaid(v)
}
