package telling

import (
	"fmt"
	"strings"
)

// deal is one purchase's beginnings, or something that is nobody's.
func (s *sim) deal() {
	kinds := []func(){s.saleByIntent, s.saleByIntent, s.saleByIntent}
	add := func(f Features, times int, kind func()) {
		if s.features&f == f {
			if s.accents&f != 0 {
				times *= 4
			}
			for range times {
				kinds = append(kinds, kind)
			}
		}
	}
	add(Sessions, 3, s.saleBySession)
	add(Invoices, 1, s.saleByInvoice)
	add(Begun, 2, s.begunByIntent)
	add(Begun|Sessions, 2, s.begunBySession)
	add(Invoices, 2, s.handwritten)
	add(Subscriptions, 4, s.subscription)
	add(Bare, 1, s.saleByBareCharge)
	add(Strangers, 1, s.stranger)
	add(Authorised|Refunds, 1, s.partThenRefund)
	add(OtherCurrency|Sessions, 1, s.otherMoney)
	add(Several, 1, s.twice)
	add(Merges, 1, s.merge)
	add(Shared|Invoices, 2, s.shared)
	pick(s, "deal", kinds...)()
}

func (s *sim) remember(anchor string, kept func() int64) *truth {
	t := &truth{anchor: anchor, kept: kept}
	s.truths = append(s.truths, t)
	return t
}

// Sales

// saleByIntent: we made the PaymentIntent, or a platform did in our name.
func (s *sim) saleByIntent() {
	s.tag("sale by PaymentIntent")
	sale := s.sell()
	s.paidByIntents(ours(sale), terms{sale: sale, price: sale.Price, currency: sale.Currency}, sale)
}

// paidByIntents pays what is bought with one PaymentIntent or several.
func (s *sim) paidByIntents(metadata m, t terms, sale *Sale) {
	var all []*simIntent
	truth := s.remember("", func() int64 {
		var sum int64
		for _, i := range all {
			if i.currency == t.currency {
				sum += i.kept()
			}
		}
		return sum
	})
	amounts := []int64{t.price}
	if s.may(Several, "several payments", 40) {
		amounts = pick(s, "amounts",
			[]int64{t.price, t.price}, []int64{t.price * 4 / 5, t.price}, []int64{t.price * 3 / 5, t.price - t.price*3/5},
			[]int64{t.price * 4 / 5}, []int64{t.price + 700}, []int64{t.price, t.price * 2 / 5}, []int64{t.price * 2 / 5, t.price * 2 / 5, t.price})
	}
	for n, amount := range amounts {
		currency := t.currency
		if s.may(OtherCurrency, "other currency", 9) {
			currency = "usd"
		}
		i := s.newIntent(amount, currency, metadata)
		all = append(all, i)
		if n == 0 {
			truth.anchor = i.id
			if sale != nil {
				truth.anchor = sale.PurchaseID
				if s.chance("sale knows its PaymentIntent", 75) {
					sale.PaymentIntent = i.id
					if s.chance("only there", 20) { // its metadata say nothing of ours
						i.metadata = m{}
					}
				}
			}
		}
		s.details(i, t.price)
		s.attempts(i)
		s.settle(i)
		if n+1 < len(amounts) && s.features&Refunds != 0 && len(i.charges) > 0 && s.chance("refunded between", 30) {
			if c := i.charges[len(i.charges)-1]; c.captured > 0 {
				s.tick()
				s.refundOf(c, c.captured)
			}
		}
	}
}

// details: the PaymentIntent says that its amount has discount, tax or tip.
func (s *sim) details(i *simIntent, price int64) {
	if i.amount != price || !s.may(Details, "amount_details", 18) {
		return
	}
	i.details = m{"tip": m{}}
	if s.chance("discount", 40) {
		i.details["discount_amount"] = price / 5
		i.amount -= price / 5
	}
	if s.chance("tax", 60) {
		i.details["tax"] = m{"total_tax_amount": price * 19 / 100}
		i.amount += price * 19 / 100
	}
	if s.chance("shipping", 25) {
		i.details["shipping"] = m{"amount": int64(490)}
		i.amount += 490
	}
	if s.chance("tip", 35) {
		s.tag("tip")
		i.details["tip"] = m{"amount": int64(300)}
		i.amount += 300
	}
}

// settle ends a PaymentIntent in one way or another.
func (s *sim) settle(i *simIntent) {
	if i.received > 0 { // a bank transfer of which a part has come
		if s.chance("the rest comes", 70) {
			s.pay(i)
		} else {
			s.unfinished()
		}
		return
	}
	if s.may(Authorised, "authorised", 27) {
		over := int64(0)
		if s.chance("for more than is captured", 65) {
			over = pick[int64](s, "over", 1000, 1000, i.amount, 1)
		}
		want := i.amount
		i.amount += over
		c := s.authorise(i)
		if s.chance("released", 25) {
			s.release(i, c)
		} else {
			s.capture(i, c, want)
		}
		return
	}
	end := "paid"
	if s.features&Attempts != 0 {
		end = pick(s, "end", "paid", "paid", "paid", "paid", "paid", "paid", "paid", "paid", "cancelled", "open")
	}
	switch end {
	case "paid":
		s.pay(i)
	case "cancelled":
		s.cancel(i)
	}
}

// unfinished: of a payment that is funded in part no charge tells.
func (s *sim) unfinished() {
	s.truths[len(s.truths)-1].vague = true
}

// partThenRefund is a sale captured in part, of which some goes back: the
// hardest total to read.
func (s *sim) partThenRefund() {
	s.tag("captured in part, then refunded")
	sale := s.sell()
	i := s.newIntent(sale.Price, sale.Currency, ours(sale))
	s.remember(sale.PurchaseID, func() int64 { return keptOf([]*simIntent{i}, sale.Currency) })
	i.amount += pick(s, "over", 1000, sale.Price/5, sale.Price/2, sale.Price)
	c := s.authorise(i)
	s.capture(i, c, sale.Price)
	if s.features&Omissions != 0 && s.chance("refunds aren't told by id", 60) {
		s.quiet["refund.created"] = true
	}
	for range pick(s, "refunds", 1, 1, 2) {
		s.tick()
		if left := c.captured - c.returned(); left > 0 {
			s.refundOf(c, pick(s, "amount", (left+1)/2, (left+3)/4, left, min(left, i.amount-c.captured)))
		}
	}
}

// otherMoney is a session paid in dollars, explained or not, that may go back.
func (s *sim) otherMoney() {
	s.accents |= OtherCurrency
	s.saleBySession()
	s.refundSome()
}

// twice is a sale with several payments, of which some go back.
func (s *sim) twice() {
	s.accents |= Several
	s.saleByIntent()
	s.refundSome()
}

func (s *sim) refundSome() {
	if s.features&Refunds == 0 {
		return
	}
	for _, c := range s.charges {
		if c.captured > c.returned()+c.held() && s.chance("goes back", 35) {
			s.tick()
			s.refund(c)
		}
	}
}

// saleByBareCharge is how payments were before there were PaymentIntents.
func (s *sim) saleByBareCharge() {
	s.tag("bare charge")
	sale := s.sell()
	var all []*simCharge
	s.remember(sale.PurchaseID, func() int64 {
		var sum int64
		for _, c := range all {
			sum += c.kept()
		}
		return sum
	})
	for range pick(s, "charges", 1, 1, 1, 2) {
		s.tick()
		c := &simCharge{
			id: s.id("ch"), status: "succeeded", amount: sale.Price, captured: sale.Price, isCaptured: true, paid: true,
			currency: sale.Currency, metadata: ours(sale), created: s.now, plain: s.version == v2014, old: s.version < basil,
		}
		all = append(all, c)
		s.charges = append(s.charges, c)
		s.quiet["charge.succeeded"] = false
		s.emit("charge.succeeded", "paid, with no PaymentIntent", c.json)
	}
}

// Checkout Sessions

type simSession struct {
	id, currency, paymentStatus, status string
	subtotal, total                     int64
	discount, tax, shipping             int64
	intent, invoice, subscription       string
	reference, link                     string
	mode                                string
	metadata                            m
	conversion                          m
	created                             int64
}

func (c *simSession) json(version string) m {
	o := m{
		"id": c.id, "object": "checkout.session", "mode": c.mode, "amount_subtotal": c.subtotal, "amount_total": c.total,
		"currency": c.currency, "payment_status": c.paymentStatus, "payment_intent": ref(c.intent), "invoice": ref(c.invoice),
		"subscription": ref(c.subscription), "client_reference_id": ref(c.reference), "payment_link": ref(c.link),
		"metadata": c.metadata, "created": c.created,
		"total_details": m{"amount_discount": c.discount, "amount_tax": c.tax, "amount_shipping": c.shipping},
	}
	if version >= v2022 {
		o["status"] = c.status
	}
	if c.conversion != nil {
		o["currency_conversion"] = c.conversion
	}
	return o
}

func (s *sim) newSession(price int64, currency string, metadata m) *simSession {
	c := &simSession{
		id: s.id("cs"), currency: currency, paymentStatus: "unpaid", status: "open", mode: "payment",
		subtotal: price, metadata: metadata, created: s.now,
	}
	if s.may(Details, "session discount", 20) {
		c.discount = pick(s, "discount", price/5, price/5, price)
	}
	if s.may(Details, "session tax", 25) {
		c.tax = (price - c.discount) * 19 / 100
	}
	if s.may(Details, "session shipping", 8) {
		c.shipping = 490
	}
	c.total = c.subtotal - c.discount + c.tax + c.shipping
	return c
}

func (s *sim) saleBySession() {
	s.tag("sale by session")
	sale := s.sell()
	var all []*simIntent
	s.remember(sale.PurchaseID, func() int64 { return keptOf(all, sale.Currency) })
	if s.may(Attempts, "session abandoned", 25) {
		s.abandoned(s.newSession(sale.Price, sale.Currency, ours(sale)))
	}
	c := s.newSession(sale.Price, sale.Currency, ours(sale))
	if s.chance("sale knows its session", 60) {
		sale.CheckoutSession = c.id
		if s.chance("only there", 20) {
			c.metadata = m{}
		}
	}
	if s.chance("named by client_reference_id", 20) {
		c.reference, c.metadata = sale.PurchaseID, m{}
	}
	metadata := ours(sale)
	if s.chance("PaymentIntent has no metadata", 40) {
		metadata = m{}
	}
	if s.chance("from a Payment Link", 8) {
		c.link = s.id("plink")
		s.tag("payment link of a sale")
	}
	if i := s.checkout(c, metadata); i != nil {
		all = append(all, i)
	}
	if s.may(Several, "paid twice, once without the session", 15) {
		i := s.newIntent(sale.Price, sale.Currency, ours(sale))
		all = append(all, i)
		s.pay(i)
	}
}

func keptOf(all []*simIntent, currency string) int64 {
	var sum int64
	for _, i := range all {
		if i.currency == currency {
			sum += i.kept()
		}
	}
	return sum
}

func (s *sim) tellSession(what, note string, c *simSession) {
	s.emit("checkout.session."+what, note, c.json)
}

func (s *sim) abandoned(c *simSession) {
	s.tick()
	c.status = "expired"
	s.tellSession("expired", "abandoned", c)
}

// checkout brings the session to its end. What is given back is its
// PaymentIntent, if it paid.
func (s *sim) checkout(c *simSession, metadata m) *simIntent {
	s.tick()
	if c.total == 0 {
		s.tag("no payment required")
		c.status, c.paymentStatus = "complete", "no_payment_required"
		s.tellSession("completed", "nothing to pay", c)
		return nil
	}
	if s.features&Attempts != 0 && s.chance("abandoned", 8) {
		s.abandoned(c)
		return nil
	}
	if s.may(OtherCurrency, "session in another currency", 14) {
		s.convert(c)
	}
	i := s.newIntent(c.total, c.currency, metadata)
	i.created = s.now
	c.intent = i.id
	if s.features&Attempts != 0 && s.chance("declined first", 12) {
		s.fail(i)
	}
	if s.may(Attempts, "async", 20) {
		return s.async(c, i)
	}
	charge := s.newCharge(i)
	charge.status, charge.paid, charge.isCaptured, charge.captured = "succeeded", true, true, charge.amount
	i.received, i.status, i.code = i.amount, "succeeded", ""
	c.status, c.paymentStatus = "complete", "paid"
	s.emit("charge.succeeded", "paid", charge.json)
	s.tellIntent("succeeded", fmt.Sprintf("received %d %s", i.received, i.currency), i)
	s.tellSession("completed", fmt.Sprintf("subtotal %d, total %d, paid", c.subtotal, c.total), c)
	return i
}

// convert lets the customer pay in dollars.
func (s *sim) convert(c *simSession) {
	for _, t := range s.truths {
		t.vague = true
	}
	if s.chance("explained", 60) {
		s.tag("adaptive pricing")
		c.conversion = m{"amount_subtotal": c.subtotal, "amount_total": c.total, "fx_rate": "1.08", "source_currency": c.currency}
	}
	c.currency = "usd"
	for _, amount := range []*int64{&c.subtotal, &c.total, &c.discount, &c.tax, &c.shipping} {
		*amount = *amount * 108 / 100
	}
}

func (s *sim) async(c *simSession, i *simIntent) *simIntent {
	i.status = "processing"
	c.status = "complete"
	s.tellIntent("processing", "a bank transfer", i)
	s.tellSession("completed", "unpaid yet", c)
	s.tick()
	if s.chance("async fails", 25) {
		s.fail(i)
		s.tellSession("async_payment_failed", "", c)
		s.tag("async failed")
		return i
	}
	c.paymentStatus = "paid"
	s.payNow(i)
	s.tellSession("async_payment_succeeded", fmt.Sprintf("total %d", c.total), c)
	return i
}

// Purchases that Stripe begins

func buys(student string, p Plan) m { return m{"student_id": student, "plan": p.ID} }

func (s *sim) begunByIntent() {
	s.tag("begun by PaymentIntent")
	p := pick(s, "plan", s.h.Plans...)
	metadata := buys(s.student(), p)
	i := s.newIntent(p.Amount, p.Currency, metadata)
	s.remember(i.id, func() int64 { return keptOf([]*simIntent{i}, p.Currency) })
	s.details(i, p.Amount)
	s.attempts(i)
	s.settle(i)
}

func (s *sim) begunBySession() {
	s.tag("begun by session")
	p := pick(s, "plan", s.h.Plans...)
	student := s.student()
	c := s.newSession(p.Amount, p.Currency, buys(student, p))
	if s.chance("named by client_reference_id", 30) {
		c.reference, c.metadata = student, m{"plan": p.ID}
	}
	if s.chance("from a Payment Link", 30) {
		c.link = s.id("plink")
	}
	metadata := buys(student, p)
	if s.chance("PaymentIntent has no metadata", 50) {
		metadata = m{}
	}
	var all []*simIntent
	s.remember(c.id, func() int64 { return keptOf(all, p.Currency) })
	if i := s.checkout(c, metadata); i != nil {
		all = append(all, i)
	}
}

// Nobody's

// stranger is a payment or an invoice for something else.
func (s *sim) stranger() {
	s.tag("stranger")
	if s.features&Invoices != 0 && s.chance("an invoice", 30) {
		v := s.newInvoice()
		v.lines = []*simLine{{price: "price_" + s.salt + "book", amount: 2500, quantity: 1}}
		if s.chance("of a student", 50) {
			v.metadata = m{"student_id": s.student()}
		}
		s.bill(v)
		return
	}
	i := s.newIntent(pick[int64](s, "amount", 2500, 5000, 12000), "eur", m{})
	s.settle(i)
}

// Merges: what seems to be two purchases turns out to be one.
func (s *sim) merge() {
	s.tag("merge")
	switch pick(s, "merge", "invoice of a session", "two sales", "invoice and PaymentIntent") {
	case "two sales":
		s.tag("two sales merge")
		first, second := *s.sell(), *s.sell()
		// The second one's session is paid by the first one's PaymentIntent.
		c := s.newSession(second.Price, second.Currency, ours(&second))
		var all []*simIntent
		s.remember(first.PurchaseID, func() int64 { return keptOf(all, first.Currency) })
		if i := s.checkout(c, ours(&first)); i != nil {
			all = append(all, i)
		} else {
			s.truths = s.truths[:len(s.truths)-1]
		}
	case "invoice of a session":
		if s.features&(Invoices|Sessions) != Invoices|Sessions {
			return
		}
		s.tag("invoice of a session")
		p := pick(s, "plan", s.h.Plans...)
		student := s.student()
		metadata := func() m {
			if s.chance("metadata", 70) {
				return buys(student, p)
			}
			return m{}
		}
		c := s.newSession(p.Amount, p.Currency, metadata())
		c.discount, c.tax, c.shipping, c.total = 0, 0, 0, c.subtotal
		v := s.newInvoice()
		v.lines = []*simLine{{price: p.StripePriceID, unit: p.Amount, amount: p.Amount, quantity: 1}}
		v.metadata, c.invoice = buys(student, p), v.id
		var all []*simIntent
		s.remember(v.id, func() int64 { return keptOf(all, p.Currency) })
		i := s.newIntent(p.Amount, p.Currency, metadata())
		i.invoice, c.intent = v.id, i.id
		v.intents = append(v.intents, i)
		all = append(all, i)
		s.tick()
		s.payNow(i)
		c.status, c.paymentStatus = "complete", "paid"
		s.tellSession("completed", "paid, with an invoice", c)
		v.settled(v.total())
		s.tellPaid(v)
	case "invoice and PaymentIntent":
		if s.features&Invoices == 0 {
			return
		}
		s.tag("invoice and PaymentIntent")
		p := pick(s, "plan", s.h.Plans...)
		student := s.student()
		v := s.newInvoice()
		v.lines = []*simLine{{price: p.StripePriceID, unit: p.Amount, amount: p.Amount, quantity: 1}}
		v.metadata = m{"student_id": student}
		i := s.newIntent(p.Amount, p.Currency, buys(student, p))
		i.invoice = v.id
		v.intents = append(v.intents, i)
		s.remember(v.id, func() int64 { return keptOf([]*simIntent{i}, p.Currency) })
		s.pay(i)
		s.tick()
		v.settled(v.total())
		s.tellPaid(v)
	}
}

// shared is a PaymentIntent that pays two invoices.
func (s *sim) shared() {
	s.tag("shared PaymentIntent")
	i := s.newIntent(0, "eur", m{})
	var all []*simInvoice
	for _, p := range []Plan{s.h.Plans[1], pick(s, "plan", s.h.Plans...)} {
		v := s.newInvoice()
		v.metadata, v.lines = m{"student_id": s.student()}, []*simLine{s.line(p, 1)}
		v.settled(v.total())
		i.amount += v.total()
		all = append(all, v)
	}
	s.pay(i)
	for _, v := range all {
		s.emitIn(v2025, "", "invoice.paid", fmt.Sprintf("total %d", v.total()), v.json)
	}
	for _, v := range all {
		s.tellPays(i, v, v.total())
	}
}

func isOld(version string) bool { return strings.Compare(version, basil) < 0 }
