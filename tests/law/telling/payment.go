package telling

import (
	"cmp"
	"slices"
	"strings"
)

// payment is one PaymentIntent with its charges, or one charge without.
type payment struct {
	id                       string
	currency                 string
	received, returned, held int64
	ofHours                  int64 // of what returned, by refunds that were asked for as hours
	lost                     bool  // a dispute of it was lost
	moved                    bool  // a refund or dispute of it is known, or a total
	guessed                  bool  // that it received anything only its invoice says
	cases                    []Case
	cancelled                bool
	processing, failed       []int64
}

func (p payment) kept() int64 { return p.received - p.returned - p.held }

func (w *world) payment(id string) *payment { return w.paymentBeside(id, 0) }

// paymentBeside is the payment, where others paid so much of what its invoice
// says that it received in all.
func (w *world) paymentBeside(id string, others int64) *payment {
	p := &payment{id: id}
	var charges []charge
	for _, c := range sortedKeys(w.parent) {
		if isCharge(c) && w.paymentOf(c) == id {
			view, known := w.charges[c]
			if !known {
				view.id = c
			}
			charges = append(charges, view)
		}
	}
	w.receive(p, charges, others)
	charges = w.enrich(p, charges)
	w.giveBack(p, charges)
	w.hold(p)
	return p
}

// receive: the most that any event showed.
func (w *world) receive(p *payment, charges []charge, others int64) {
	var captured int64
	for _, c := range charges {
		captured += c.captured
		p.currency = cmp.Or(p.currency, c.currency)
	}
	p.received = captured
	for _, s := range w.told.intents[p.id] {
		p.received = max(p.received, s.object.Get("amount_received").Int())
		p.currency = cmp.Or(s.object.Get("currency").String(), p.currency)
		switch strings.TrimPrefix(s.event, "payment_intent.") {
		case "processing", "partially_funded", "amount_capturable_updated":
			p.processing = append(p.processing, s.at)
		case "payment_failed":
			p.failed = append(p.failed, s.at)
		case "canceled":
			p.cancelled = true
		}
	}
	// What it paid of an invoice or a session it received. Of an invoice that
	// says only what it received in all, where nothing else is known.
	for _, whole := range []bool{false, true} {
		for _, link := range w.pays {
			if link.payment != p.id || link.paid == 0 || link.whole != whole || p.currency != "" && p.currency != link.currency {
				continue
			}
			if whole && (p.received > 0 || w.shared(link.bill)) {
				continue
			}
			p.currency = link.currency
			if whole {
				p.guessed = true
				p.received = max(link.paid-others, 0)
				continue
			}
			p.received = max(p.received, link.paid)
		}
	}
}

// shared says whether several payments pay a bill.
func (w *world) shared(bill string) bool {
	first := ""
	for _, link := range w.pays {
		if w.billOf(link.bill) == w.billOf(bill) {
			if first != "" && link.payment != first {
				return true
			}
			first = link.payment
		}
	}
	return false
}

// enrich leaves the charges that may hold the payment's money: those that were
// captured, else the one that the PaymentIntent's success names, else those
// that didn't fail. Where one is left, what the PaymentIntent shows is that
// charge's; where none is known, its own.
func (w *world) enrich(p *payment, charges []charge) []charge {
	successes := slices.DeleteFunc(slices.Clone(w.told.intents[p.id]), func(s snapshot) bool {
		return s.object.Get("status").String() != "succeeded" || s.object.Get("amount_received").Int() == 0
	})
	var named string
	for _, s := range successes {
		named = cmp.Or(idOf(s.object.Get("latest_charge")), named)
	}
	all := charges
	charges = nil
	for _, holds := range []func(charge) bool{
		func(c charge) bool { return c.captured > 0 },
		func(c charge) bool { return c.id == named },
		func(c charge) bool { return !c.failed },
	} {
		if slices.ContainsFunc(all, holds) {
			charges = slices.DeleteFunc(all, func(c charge) bool { return !holds(c) })
			break
		}
	}
	if len(charges) == 0 {
		charges = []charge{{}}
	}
	if len(charges) > 1 {
		return charges
	}
	c := &charges[0]
	c.captured = max(c.captured, p.received)
	for _, s := range successes {
		c.authorised = max(c.authorised, s.object.Get("amount").Int())
		if c.capturedAt == 0 || s.at < c.capturedAt {
			c.capturedAt = s.at
		}
	}
	return charges
}

// giveBack adds up the refunds of the payment's charges.
func (w *world) giveBack(p *payment, charges []charge) {
	of := make([][]refund, len(charges))
	var all []refund
	var loose int64 // refunds of which no charge of the payment is known, each counted once
	for _, r := range w.refunds {
		if cmp.Or(r.intent, w.paymentOf(r.charge)) != p.id {
			continue
		}
		all = append(all, r)
		i := slices.IndexFunc(charges, func(c charge) bool { return r.charge != "" && c.id == r.charge })
		if i < 0 && len(charges) == 1 {
			i = 0
		}
		if i < 0 { // in doubt: of the charge whose total has room for it
			i = slices.IndexFunc(charges, func(c charge) bool { return c.contains(r) && c.total >= r.amount })
		}
		if i < 0 {
			if !r.gone {
				loose += r.amount
			}
			continue
		}
		of[i] = append(of[i], r)
	}
	returned, doubt := loose, int64(0)
	for i, c := range charges {
		sum, unclear, moved := c.returned(of[i])
		returned += sum
		doubt += unclear
		p.moved = p.moved || moved
	}
	p.moved = p.moved || loose > 0
	p.returned = min(returned, p.received)
	again := madeAgain(all)
	for _, r := range all { // what was made again is for what the first one was
		ofHours := isOfHours(r, all, again)
		if ofHours && !r.gone {
			p.ofHours = min(p.ofHours+r.amount, p.returned)
		}
	}
	if doubt > 0 && p.received > 0 {
		p.open("unclear_refund", doubt, p.currency)
	}
	w.failedRefunds(p, all)
}

// contains says whether the charge's latest total could contain the refund:
// created up to its second, and not failed or cancelled before it.
func (c charge) contains(r refund) bool {
	return c.hasTotal && r.created <= c.totalAt && (!r.gone || r.goneAt >= c.totalAt)
}

// returned is what of a charge went back: its refunds that are known and
// neither failed nor cancelled, and what its latest total says beyond those
// that it could contain. The release of what was authorised and not captured
// is no refund.
func (c charge) returned(refunds []refund) (sum, unclear int64, moved bool) {
	released := c.authorised - c.captured
	if released < 0 || c.captured == 0 && !c.known {
		released = 0
	}
	release := -1 // a refund of exactly that amount in the second of the capture
	if released > 0 && c.captured > 0 {
		release = slices.IndexFunc(refunds, func(r refund) bool { return r.amount == released && r.created == c.capturedAt })
	}
	if released > 0 && c.captured == 0 { // never captured: all of it was released
		release = slices.IndexFunc(refunds, func(r refund) bool { return r.amount == released })
	}
	known, contained := int64(0), int64(0)
	for i, r := range refunds {
		if i == release {
			continue
		}
		moved = true
		if !r.gone {
			known += r.amount
		}
		if c.contains(r) {
			contained += r.amount
		}
	}
	left := c.total - contained // of the total, what no refund explains
	if released > 0 && left > 0 {
		switch {
		case release >= 0 && c.contains(refunds[release]): // known by its own refund
			left -= released
		case left == released: // what is left is exactly the release
			left = 0
			if !c.totalOld {
				unclear = released
			}
		case c.total > c.captured: // surely contains it
			left -= released
		case c.totalOld && left > released:
			left -= released
			unclear = released
		default:
			if left > released {
				unclear = released
			}
		}
	}
	left = max(left, 0)
	return known + left, unclear, moved || left > 0
}

// failedRefunds: the customer has no money, until another refund of the same
// amount was made since.
func (w *world) failedRefunds(p *payment, all []refund) {
	var owed int64
	again := madeAgain(all)
	for _, r := range all {
		if r.gone && again[r.id] == "" {
			owed += r.amount
		}
	}
	if owed > 0 {
		p.open("refund_failed", owed, p.currency)
	}
}

// isOfHours says whether a refund was asked for as hours, or is one that failed made again, or
// again, that was.
func isOfHours(r refund, all []refund, again map[string]string) bool {
	return r.ofHours || slices.ContainsFunc(all, func(o refund) bool { return again[o.id] == r.id && isOfHours(o, all, again) })
}

// madeAgain says which refunds were made for which that failed, and may have failed in turn.
func madeAgain(all []refund) map[string]string {
	used, again := map[string]bool{}, map[string]string{}
	failed := slices.DeleteFunc(slices.Clone(all), func(r refund) bool { return !r.gone })
	// The latest first, which have the fewest to choose from.
	slices.SortStableFunc(failed, func(a, b refund) int { return cmp.Compare(b.goneAt, a.goneAt) })
	for _, r := range failed {
		for _, o := range all {
			if again[r.id] == "" && (!o.gone || o.goneAt > r.goneAt) && !used[o.id] && o.amount == r.amount && o.created >= r.goneAt {
				again[r.id], used[o.id] = o.id, true
			}
		}
	}
	return again
}

// hold adds up what disputes hold.
func (w *world) hold(p *payment) {
	var held, waiting, unknown, foreign int64
	var foreignCurrency string
	for _, d := range w.disputes {
		if cmp.Or(d.intent, w.paymentOf(d.charge)) != p.id {
			continue
		}
		p.moved = true
		p.lost = p.lost || d.status == "lost"
		if d.currency != p.currency && p.currency != "" {
			held += d.held(p.received)
			foreign, foreignCurrency = foreign+d.amount, d.currency
		} else {
			held += d.held(d.amount)
		}
		if d.waits() {
			waiting += d.amount
		}
		if d.unknown() {
			unknown += d.amount
		}
	}
	p.held = min(held, p.received-p.returned)
	if waiting > 0 {
		p.open("dispute", waiting, p.currency)
	}
	if unknown > 0 {
		p.open("unknown_status", unknown, p.currency)
	}
	if foreign > 0 {
		p.open("other_currency", foreign, foreignCurrency)
	}
}

func (p *payment) open(kind string, amount int64, currency string) {
	p.cases = append(p.cases, Case{Kind: kind, Payment: p.id, Amount: amount, Currency: currency})
}
