package telling

import (
	"cmp"
	"slices"
	"strings"
)

// Expect says what must be true of the history's purchases once these of its
// events were told, in any order, with any repeats.
func Expect(h History, events []string) Outcome {
	w := newWorld(h, read(events))
	var out Outcome
	for _, things := range w.families() {
		f := w.family(things)
		terms, ok := f.terms()
		if !ok {
			out.Unmatched = append(out.Unmatched, f.unmatched()...)
			out.Unexplained = append(out.Unexplained, f.unexplained()...)
			out.Adjustments = append(out.Adjustments, f.adjustments()...)
			continue
		}
		out.Purchases = append(out.Purchases, f.purchase(terms))
	}
	slices.SortFunc(out.Purchases, func(a, b Purchase) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), slices.Compare(a.Keys, b.Keys))
	})
	slices.Sort(out.Unmatched)
	slices.Sort(out.Unexplained)
	slices.SortFunc(out.Adjustments, func(a, b Adjustment) int { return cmp.Compare(a.Invoice, b.Invoice) })
	return out
}

// world is all evidence, and what of it belongs together.
type world struct {
	History
	told     *told
	parent   map[string]string // union-find over Stripe's ids and "sale "+id
	payer    map[string]string // charge → its PaymentIntent
	pays     []payLink
	shares   map[string][]string // PaymentIntents that pay several invoices → these
	charges  map[string]charge
	refunds  []refund
	disputes []dispute
	sessions map[string]session
	invoices map[string]invoice
}

// payLink says that a payment paid, or is to pay, an invoice or a session.
type payLink struct {
	payment, bill string
	paid          int64 // at least so much, as this link shows; 0: it doesn't say
	whole         bool  // paid is what the bill received from everyone through Stripe
	currency      string
}

func newWorld(h History, t *told) *world {
	w := &world{
		History: h, told: t, parent: map[string]string{}, payer: map[string]string{},
		shares: map[string][]string{}, charges: map[string]charge{}, sessions: map[string]session{}, invoices: map[string]invoice{},
	}
	for id := range t.charges {
		w.charges[id] = t.charge(id)
	}
	for _, id := range sortedKeys(t.refunds) {
		w.refunds = append(w.refunds, t.refund(id))
	}
	for _, id := range sortedKeys(t.disputes) {
		w.disputes = append(w.disputes, t.dispute(id))
	}
	for id := range t.sessions {
		w.sessions[id] = t.session(id)
	}
	for id := range t.invoices {
		w.invoices[id] = t.invoice(id, h.Plans)
	}
	w.share()
	w.linkSales()
	w.linkPayments()
	w.linkBills()
	return w
}

// Links

func (w *world) find(x string) string {
	if _, ok := w.parent[x]; !ok {
		w.parent[x] = x
	}
	for w.parent[x] != x {
		x = w.parent[x]
	}
	return x
}

// union joins two things; an empty one is none.
func (w *world) union(a, b string) {
	if a == "" || b == "" {
		return
	}
	w.parent[w.find(a)] = w.find(b)
}

// charged notes which PaymentIntent a charge is of.
func (w *world) charged(charge, intent string) {
	for _, thing := range []string{charge, intent} {
		if thing != "" {
			w.find(thing)
		}
	}
	if charge != "" && intent != "" {
		w.payer[charge] = intent
		w.union(charge, intent)
	}
}

func (w *world) bill(payment, bill string, paid int64, currency string) {
	if bill != "" {
		w.find(bill)
	}
	if w.shares[payment] != nil { // joins nothing
		w.find(payment)
		return
	}
	if payment != "" && bill != "" {
		w.union(payment, bill)
		w.pays = append(w.pays, payLink{payment: payment, bill: bill, paid: paid, currency: currency})
	}
}

// share finds the PaymentIntents that pay several invoices. One counts for each
// by what invoice_payment says, which is part of what the invoice received; so
// it joins none of them.
func (w *world) share() {
	for _, s := range w.told.invoicePayments {
		intent, invoice := idOf(s.object.Get("payment.payment_intent")), idOf(s.object.Get("invoice"))
		if intent != "" && !slices.Contains(w.shares[intent], invoice) {
			w.shares[intent] = append(w.shares[intent], invoice)
		}
	}
	for intent, invoices := range w.shares {
		if len(invoices) < 2 {
			delete(w.shares, intent)
		}
	}
}

func saleNode(id string) string { return "sale " + id }

func (w *world) linkSales() {
	for _, sale := range w.Sales {
		node := saleNode(sale.PurchaseID)
		w.find(node)
		w.union(sale.PaymentIntent, node)
		w.union(sale.CheckoutSession, node)
		w.bill(sale.PaymentIntent, sale.CheckoutSession, 0, "")
	}
}

// named joins a thing to the sale that its metadata name.
func (w *world) named(thing string, names ...string) {
	for _, name := range names {
		if w.sale(name) != nil {
			w.union(thing, saleNode(name))
		}
	}
}

func (w *world) sale(id string) *Sale {
	for i := range w.Sales {
		if id != "" && w.Sales[i].PurchaseID == id {
			return &w.Sales[i]
		}
	}
	return nil
}

func (w *world) linkPayments() {
	for _, id := range sortedKeys(w.told.intents) {
		w.find(id)
		for _, s := range w.told.intents[id] {
			w.named(id, s.object.Get("metadata.purchase_transaction_id").String())
			w.charged(idOf(s.object.Get("latest_charge")), id)
			for _, c := range s.object.Get("charges.data").Array() {
				w.charged(idOf(c), id)
			}
		}
	}
	for _, id := range sortedKeys(w.told.charges) {
		for _, s := range w.told.charges[id] {
			w.charged(id, idOf(s.object.Get("payment_intent")))
			w.named(id, s.object.Get("metadata.purchase_transaction_id").String())
		}
	}
	for _, id := range sortedKeys(w.told.invoices) {
		for _, s := range w.told.invoices[id] {
			w.charged(idOf(s.object.Get("charge")), idOf(s.object.Get("payment_intent")))
		}
	}
	for _, r := range w.refunds {
		w.charged(r.charge, r.intent)
	}
	for _, d := range w.disputes {
		w.charged(d.charge, d.intent)
	}
}

// paymentOf a charge is its PaymentIntent, else the charge itself.
func (w *world) paymentOf(charge string) string { return cmp.Or(w.payer[charge], charge) }

func (w *world) linkBills() {
	for _, id := range sortedKeys(w.told.intents) {
		for _, s := range w.told.intents[id] {
			w.bill(id, idOf(s.object.Get("invoice")), 0, "")
		}
	}
	for _, id := range sortedKeys(w.told.charges) {
		for _, s := range w.told.charges[id] {
			w.bill(w.paymentOf(id), idOf(s.object.Get("invoice")), 0, "")
		}
	}
	for _, id := range sortedKeys(w.told.sessions) {
		for _, s := range w.told.sessions[id] {
			w.named(id, s.object.Get("metadata.purchase_transaction_id").String(), s.object.Get("client_reference_id").String())
		}
		s := w.sessions[id]
		w.find(id)
		if s.invoice != "" {
			w.union(id, s.invoice)
		}
		// A paid session shows that its PaymentIntent received its total.
		var paid int64
		if s.paid && s.intent != "" {
			paid = s.total
		}
		w.bill(s.intent, w.billOf(id), paid, s.currency)
	}
	for _, id := range sortedKeys(w.told.invoices) {
		w.find(id)
		for _, s := range w.told.invoices[id] {
			o := s.object
			w.named(id, o.Get("metadata.purchase_transaction_id").String())
			charge, intent := idOf(o.Get("charge")), idOf(o.Get("payment_intent"))
			w.bill(cmp.Or(intent, w.paymentOf(charge)), id, 0, "")
		}
	}
	for _, s := range w.told.invoicePayments {
		o := s.object
		payment := cmp.Or(idOf(o.Get("payment.payment_intent")), w.paymentOf(idOf(o.Get("payment.charge"))))
		w.bill(payment, idOf(o.Get("invoice")), o.Get("amount_paid").Int(), o.Get("currency").String())
	}
	w.payWhole()
	for _, id := range sortedKeys(w.told.notes) {
		for _, s := range w.told.notes[id] {
			w.find(idOf(s.object.Get("invoice")))
		}
	}
}

// payWhole notes what an invoice says that it received in all, of each payment
// that is linked with it, whoever told the link.
func (w *world) payWhole() {
	for _, id := range sortedKeys(w.told.invoices) {
		var paid int64
		var currency string
		for _, s := range w.told.invoices[id] {
			if s.event == "invoice.paid" && !s.object.Get("paid_out_of_band").Bool() {
				paid, currency = max(paid, s.object.Get("amount_paid").Int()), s.object.Get("currency").String()
			}
		}
		linked := map[string]bool{}
		for _, link := range w.pays {
			if link.bill == id {
				linked[link.payment] = true
			}
		}
		for _, payment := range sortedKeys(linked) {
			if w.shares[payment] == nil && payment != "" {
				w.pays = append(w.pays, payLink{payment: payment, bill: id, paid: paid, whole: true, currency: currency})
			}
		}
	}
}

// billOf a session is its invoice, if it has one: they ask for the same money.
func (w *world) billOf(session string) string { return cmp.Or(w.sessions[session].invoice, session) }

// families are the sets of things that belong together, in order.
func (w *world) families() [][]string {
	byRoot := map[string][]string{}
	for _, thing := range sortedKeys(w.parent) {
		byRoot[w.find(thing)] = append(byRoot[w.find(thing)], thing)
	}
	var all [][]string
	for _, things := range byRoot {
		all = append(all, things)
	}
	slices.SortFunc(all, func(a, b []string) int { return cmp.Compare(a[0], b[0]) })
	return all
}

// A family is what belongs together: everything of one purchase, or of none.
type family struct {
	*world
	things   []string
	payments []*payment // PaymentIntents, and charges without one
	bills    []*bill    // invoices, and sessions without one
}

func (w *world) family(things []string) *family {
	f := &family{world: w, things: things}
	for _, thing := range things {
		if isIntent(thing) || isCharge(thing) && w.payer[thing] == "" {
			f.payments = append(f.payments, w.payment(thing))
		}
	}
	bills := map[string]bool{}
	for _, thing := range things {
		switch {
		case isInvoice(thing):
			bills[thing] = true
		case isSession(thing):
			bills[w.billOf(thing)] = true
		}
	}
	for _, id := range sortedKeys(bills) {
		f.bills = append(f.bills, w.newBill(id))
	}
	f.fillOpen()
	return f
}

// fillOpen lets payments that no link explains pay what the linked ones leave
// open of an invoice, before one is guessed to have paid it.
func (f *family) fillOpen() {
	linked := func(p *payment) bool {
		return slices.ContainsFunc(f.bills, func(b *bill) bool { return slices.Contains(b.links, p.id) })
	}
	loose := map[string]int64{}
	for _, p := range f.payments {
		if !linked(p) {
			loose[p.currency] += p.received
		}
	}
	for _, b := range f.bills {
		var guessed *payment
		open := b.received
		for _, p := range f.payments {
			switch {
			case !slices.Contains(b.links, p.id):
			case p.guessed:
				guessed = p
			default:
				open -= p.received
			}
		}
		others := min(loose[b.currency], max(open, 0))
		loose[b.currency] -= others
		if guessed != nil && others > 0 {
			*guessed = *f.paymentBeside(guessed.id, others)
		}
	}
}

func isIntent(id string) bool  { return strings.HasPrefix(id, "pi_") }
func isCharge(id string) bool  { return strings.HasPrefix(id, "ch_") || strings.HasPrefix(id, "py_") }
func isSession(id string) bool { return strings.HasPrefix(id, "cs_") }
func isInvoice(id string) bool { return strings.HasPrefix(id, "in_") }

func (f *family) keys() []string {
	var keys []string
	for _, thing := range f.things {
		if isIntent(thing) || isCharge(thing) || isSession(thing) || isInvoice(thing) {
			keys = append(keys, thing)
		}
	}
	slices.Sort(keys)
	return keys
}

// What nobody bought

func (f *family) unmatched() []string {
	var ids []string
	for _, p := range f.payments {
		if w := f.world; w.shares[p.id] == nil && (p.received > 0 || p.moved) {
			ids = append(ids, p.id)
		}
	}
	for _, b := range f.bills {
		if len(b.links) == 0 && b.received > 0 {
			ids = append(ids, b.id)
		}
	}
	return ids
}

func (f *family) unexplained() []string {
	var ids []string
	for _, b := range f.bills {
		v, told := f.invoices[b.id]
		if told && v.paid && f.adjustment(v) == nil && (v.total > 0 || v.boughtHours() != 0) {
			ids = append(ids, v.id)
		}
	}
	return ids
}

// adjustment: a sum of hours below 0 takes hours off.
func (f *family) adjustment(v invoice) *Adjustment {
	student := f.studentOf(v)
	if v.boughtHours() >= 0 || student == "" || !v.paid {
		return nil
	}
	return &Adjustment{StudentID: student, Invoice: v.id, Hours: v.boughtHours()}
}

func (f *family) adjustments() []Adjustment {
	var all []Adjustment
	for _, b := range f.bills {
		if v, told := f.invoices[b.id]; told {
			if a := f.adjustment(v); a != nil {
				all = append(all, *a)
			}
		}
	}
	return all
}
