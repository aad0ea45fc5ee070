package telling

import (
	"cmp"
	"slices"
)

// bill is an invoice, with the session that began it, or a session without
// one: what was asked, and what of it was paid by whom.
type bill struct {
	id                 string
	links              []string // the payments that pay it
	received           int64    // by anyone
	currency           string
	part, whole        int64 // the hours' share of it; 0 of 0: all
	cancelled          bool
	processing, failed []int64
}

func (w *world) newBill(id string) *bill {
	b := &bill{id: id}
	for _, link := range w.pays {
		if w.billOf(link.bill) == id && !slices.Contains(b.links, link.payment) {
			b.links = append(b.links, link.payment)
		}
	}
	slices.Sort(b.links)
	for _, sid := range sortedKeys(w.sessions) {
		if s := w.sessions[sid]; w.billOf(sid) == id {
			b.processing = append(b.processing, s.processing...)
			b.failed = append(b.failed, s.failed...)
			b.cancelled = b.cancelled || s.expired
			b.currency = s.currency
			if s.paid {
				b.received = max(b.received, s.total)
			}
		}
	}
	if v, told := w.invoices[id]; told {
		b.failed = append(b.failed, v.failed...)
		b.cancelled = b.cancelled || v.givenUp
		b.currency = v.currency
		if v.paid { // the invoice itself knows best
			b.received = max(v.total-v.prePayment, 0)
		}
		if v.planned && v.hoursNet >= 0 && v.hoursNet < v.allNet {
			b.part, b.whole = v.hoursNet, v.allNet
		}
	}
	return b
}

// scale is the hours' share of money of this bill.
func (b *bill) scale(amount int64) int64 {
	if b.whole == 0 {
		return amount
	}
	return share(amount, b.part, b.whole)
}

// purchase computes everything of a purchase.
func (f *family) purchase(t terms) Purchase {
	p := Purchase{StudentID: t.student, Keys: f.keys(), Price: t.price, Hours: t.hours, Currency: t.currency}
	if t.sale != nil {
		p.ID = t.sale.PurchaseID
		f.unscale(t)
	}
	p.Due = f.due(t)
	lost := f.addUp(&p)
	if p.Received >= min(p.Price, p.Due) {
		p.HoursCredited = p.Hours
		if p.Due > 0 {
			p.HoursReversed = share(p.Hours, p.Due-min(p.Due, p.Kept), p.Due)
		}
	}
	switch {
	case p.HoursCredited == 0:
		p.Status = f.unpaidStatus()
	case p.Received > 0 && p.Refunded == p.Received:
		p.Status = "refunded"
	case p.Kept < p.Due && (p.Disputed > 0 || lost):
		p.Status = "disputed"
	case p.Kept < p.Due:
		p.Status = "partially_refunded"
	default:
		p.Status = "completed"
	}
	if p.Received > 0 && p.Received < p.Due && p.Kept > 0 {
		p.Cases = append(p.Cases, Case{Kind: "underpaid", Amount: p.Due - p.Received, Currency: p.Currency})
	}
	if p.Kept > p.Due {
		p.Cases = append(p.Cases, Case{Kind: "overpaid", Amount: p.Kept - p.Due, Currency: p.Currency})
	}
	p.Cases = append(p.Cases, f.sharedCases()...)
	slices.SortFunc(p.Cases, func(a, b Case) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Payment, b.Payment), cmp.Compare(a.Amount, b.Amount))
	})
	return p
}

// sharedCases: the refunds and disputes of a PaymentIntent that pays several purchases are
// a case of each.
func (f *family) sharedCases() []Case {
	var all []Case
	for _, id := range sortedKeys(f.shares) {
		if !slices.ContainsFunc(f.shares[id], func(v string) bool { return slices.Contains(f.things, v) }) {
			continue
		}
		if p := f.payment(id); p.returned+p.held > 0 {
			all = append(all, Case{Kind: "unclear_refund", Payment: id, Amount: p.returned + p.held, Currency: p.currency})
		}
	}
	return all
}

// unscale: an invoice counts by its hours' share where these hours are what
// the purchase costs. A sale at another price takes all of its money.
func (f *family) unscale(t terms) {
	for _, b := range f.bills {
		if v, told := f.invoices[b.id]; told && v.hoursGross != t.price {
			b.part, b.whole = 0, 0
		}
	}
}

// due is what was to pay.
func (f *family) due(t terms) int64 {
	var asked []int64
	for _, thing := range f.things {
		if s, told := f.sessions[thing]; told && (s.paid || s.nothing) && (!s.link || t.sale == nil) {
			if subtotal, total, ok := s.asked(t.currency); ok && subtotal == t.price {
				asked = append(asked, total)
			}
		}
	}
	for _, b := range f.bills {
		v, told := f.invoices[b.id]
		if !told || !v.paid || v.currency != t.currency || f.linked(t, b.id) {
			continue
		}
		if b.whole > 0 && v.hoursGross == t.price {
			asked = append(asked, b.scale(v.total))
		} else if v.subtotal == t.price || v.planned && v.hoursGross == t.price && v.hoursNet == v.allNet {
			asked = append(asked, v.total)
		}
	}
	if len(asked) == 0 {
		asked = f.dueByDetails(t)
	}
	if len(asked) == 0 {
		return max(t.price, 0)
	}
	return max(slices.Min(asked), 0)
}

// dueByDetails: the price less discount, with tax and shipping as the
// amount_details of a PaymentIntent that received money say. A tip is never
// due.
// linked says whether an invoice or payment is of a Payment Link, which says
// nothing of a purchase that was sold before.
func (f *family) linked(t terms, id string) bool {
	for _, thing := range f.things {
		s, told := f.sessions[thing]
		if !told || !s.link || t.sale == nil {
			continue
		}
		if s.invoice == id || s.intent == id {
			return true
		}
		for _, b := range f.bills {
			if b.id == s.invoice && slices.Contains(b.links, id) {
				return true
			}
		}
	}
	return false
}

func (f *family) dueByDetails(t terms) []int64 {
	var asked []int64
	for _, p := range f.payments {
		if p.received == 0 || p.currency != t.currency || f.linked(t, p.id) {
			continue
		}
		for _, s := range slices.Backward(f.told.intents[p.id]) {
			d := s.object.Get("amount_details")
			off, tax, shipping := d.Get("discount_amount"), d.Get("tax.total_tax_amount"), d.Get("shipping.amount")
			if off.Exists() || tax.Exists() || shipping.Exists() {
				asked = append(asked, t.price-off.Int()+tax.Int()+shipping.Int())
				break
			}
		}
	}
	return asked
}

// counted is what a payment counts in the purchase's currency.
type counted struct{ received, returned, kept, ofHours int64 }

func (f *family) counted(p *payment, currency string) (counted, bool) {
	if p.currency == currency || p.received == 0 {
		return counted{p.received, p.returned, p.kept(), p.ofHours}, true
	}
	for _, id := range f.things { // adaptive pricing explains it
		s, told := f.sessions[id]
		if !told || s.intent != p.id || !s.converted || s.sourceCurrency != currency {
			continue
		}
		kept := share(s.sourceTotal, p.kept(), p.received)
		returned := s.sourceTotal - kept
		if p.held > 0 {
			returned = min(returned, share(s.sourceTotal, p.returned, p.received))
		}
		return counted{s.sourceTotal, returned, kept, min(share(s.sourceTotal, p.ofHours, p.received), returned)}, true
	}
	return counted{}, false
}

// billed is what a bill received in the purchase's currency.
func (f *family) billed(b *bill, currency string) int64 {
	if b.currency == currency {
		return b.received
	}
	for _, id := range f.things {
		s, told := f.sessions[id]
		if told && f.billOf(id) == b.id && s.converted && s.sourceCurrency == currency && s.paid {
			return s.sourceTotal
		}
	}
	return 0
}

// addUp adds up the money of all payments. An invoice and its payments are
// one thing: received = Σ PaymentIntents + max(0, invoice − linked − unlinked).
func (f *family) addUp(to *Purchase) (lost bool) {
	group := map[string]*bill{} // payment → its bill
	for _, b := range f.bills {
		for _, id := range b.links {
			if group[id] == nil {
				group[id] = b
			}
		}
	}
	sums, open := map[*bill]counted{}, map[*bill]int64{}
	for _, b := range f.bills {
		open[b] = f.billed(b, to.Currency)
	}
	var loose []*payment
	for _, p := range f.payments {
		to.Cases = append(to.Cases, p.cases...)
		money, counts := f.counted(p, to.Currency)
		if !counts {
			if p.kept() > 0 {
				to.Cases = append(to.Cases, Case{Kind: "other_currency", Payment: p.id, Amount: p.kept(), Currency: p.currency})
			}
			continue
		}
		lost = lost || p.lost
		if group[p.id] == nil {
			loose = append(loose, p)
			continue
		}
		for _, b := range f.bills { // it pays every bill that it is linked to
			if slices.Contains(b.links, p.id) {
				open[b] -= money.received
			}
		}
		sums[group[p.id]] = sums[group[p.id]].add(money)
	}
	for _, p := range loose { // one that no link explains pays what is left open
		money, _ := f.counted(p, to.Currency)
		var of *bill
		rest := money.received
		for _, b := range f.bills {
			if pays := min(rest, max(open[b], 0)); pays > 0 {
				open[b] -= pays
				rest -= pays
				if of == nil {
					of = b
				}
			}
		}
		sums[of] = sums[of].add(money) // of nil: of no bill
	}
	for _, b := range f.bills { // whoever paid the rest, nobody took it back
		rest := max(open[b], 0)
		sums[b] = sums[b].add(counted{rest, 0, rest, 0})
	}
	for b, sum := range sums {
		if b == nil {
			b = &bill{}
		}
		given := min(f.givenBack(b.id), sum.kept)
		sum.returned, sum.kept = sum.returned+given, sum.kept-given
		// What was asked for as hours takes nothing but their share.
		received, kept := b.scale(sum.received), max(0, b.scale(sum.kept+sum.ofHours)-sum.ofHours)
		returned := received - kept // nothing may be left to rounding
		if sum.returned+sum.kept < sum.received {
			returned = min(returned, b.scale(sum.returned-sum.ofHours)+sum.ofHours)
		}
		to.Received += received
		to.Refunded += returned
		to.Kept += kept
		to.Disputed += received - returned - kept
	}
	return lost
}

func (c counted) add(o counted) counted {
	return counted{c.received + o.received, c.returned + o.returned, c.kept + o.kept, c.ofHours + o.ofHours}
}

// givenBack is what credit notes gave back of an invoice to the customer's
// balance or outside Stripe. What they refunded is a refund, known by id, and that it is
// of this purchase; until then it is of what the note gave.
func (f *family) givenBack(invoice string) int64 {
	var sum int64
	for _, id := range sortedKeys(f.told.notes) {
		o := latest(f.told.notes[id], lifeOf("status", "issued", "void")).object
		if invoice == "" || idOf(o.Get("invoice")) != invoice || o.Get("status").String() == "void" {
			continue
		}
		after := o.Get("amount").Int()
		if post := o.Get("post_payment_amount"); post.Exists() {
			after = post.Int()
		} else if o.Get("type").String() == "pre_payment" {
			after = 0
		}
		if idOf(o.Get("customer_balance_transaction")) == "" {
			sum += min(o.Get("out_of_band_amount").Int(), after)
			continue
		}
		for _, r := range o.Get("refunds").Array() {
			after -= r.Get("amount_refunded").Int()
		}
		for _, r := range f.refunds {
			if r.id == idOf(o.Get("refund")) && slices.Contains(f.things, cmp.Or(r.intent, f.paymentOf(r.charge))) {
				after -= r.amount
			}
		}
		sum += max(after, 0)
	}
	return sum
}

// unpaidStatus: of the payments that were not cancelled, the latest sign; in
// the same second failed. Cancelled where all known ones are. Signs of an
// invoice or session are signs of the payments that pay it; where none is
// known, it is the payment itself.
func (f *family) unpaidStatus() string {
	all := slices.Clone(f.payments)
	for i, p := range all {
		clone := *p
		all[i] = &clone
	}
	for _, b := range f.bills {
		if !slices.ContainsFunc(all, func(p *payment) bool { return slices.Contains(b.links, p.id) }) {
			all = append(all, &payment{id: b.id, cancelled: b.cancelled, processing: b.processing, failed: b.failed})
			continue
		}
		for _, p := range all {
			if slices.Contains(b.links, p.id) {
				p.cancelled = p.cancelled || b.cancelled
				p.processing = append(slices.Clone(p.processing), b.processing...)
				p.failed = append(slices.Clone(p.failed), b.failed...)
			}
		}
	}
	cancelled, known := 0, len(all)
	processing, failed := int64(-1), int64(-1)
	for _, p := range all {
		if p.cancelled {
			cancelled++
			continue
		}
		for _, at := range p.processing {
			processing = max(processing, at)
		}
		for _, at := range p.failed {
			failed = max(failed, at)
		}
	}
	switch {
	case known > 0 && cancelled == known:
		return "cancelled"
	case failed >= 0 && failed >= processing:
		return "failed"
	case processing >= 0:
		return "processing"
	}
	return "pending"
}
