package telling

import (
	"cmp"
	"slices"
	"strings"
)

// terms are what was bought.
type terms struct {
	sale         *Sale // nil: Stripe began it
	student      string
	price, hours int64
	currency     string
}

// terms finds the one purchase of the family: the one that was sold first
// wins, then the one of the session, the PaymentIntent, the invoice. Where an
// invoice's lines say what was bought, they outrank the plan in anyone's
// metadata.
func (f *family) terms() (terms, bool) {
	for i := range f.Sales {
		if s := &f.Sales[i]; slices.Contains(f.things, saleNode(s.PurchaseID)) {
			return terms{sale: s, student: s.StudentID, price: s.Price, hours: s.Hours, currency: s.Currency}, true
		}
	}
	begun, ok := f.begun()
	for _, v := range f.invoicesOf() {
		student := cmp.Or(begun.student, f.studentOf(v))
		if v.boughtHours() > 0 && student != "" {
			return terms{student: student, price: v.hoursGross, hours: v.boughtHours(), currency: v.currency}, true
		}
	}
	return begun, ok
}

// begun is what metadata student_id and plan say.
func (f *family) begun() (terms, bool) {
	for _, thing := range f.things {
		if !isSession(thing) {
			continue
		}
		student, name := f.sessionStudent(thing)
		plan, s := f.plan(name), f.sessions[thing]
		// A Payment Link that nobody paid tells nothing of whoever it names.
		if student == "" || plan == nil || s.link && !s.paid && !s.nothing {
			continue
		}
		// How many of the plan it bought is what its line items say, which
		// only Stripe knows where the subtotal isn't one plan's price.
		if subtotal, _, ok := f.sessions[thing].asked(plan.Currency); !ok || subtotal == plan.Amount {
			return of(student, plan), true
		}
	}
	for _, lists := range []map[string][]snapshot{f.told.intents, f.told.charges} {
		for _, thing := range f.things {
			for _, s := range slices.Backward(lists[thing]) {
				student, plan := s.object.Get("metadata.student_id").String(), f.plan(s.object.Get("metadata.plan").String())
				if student != "" && plan != nil {
					return of(student, plan), true
				}
			}
		}
	}
	for _, v := range f.invoicesOf() {
		if plan := f.plan(v.plan); v.student != "" && plan != nil && !v.planned {
			return of(v.student, plan), true
		}
	}
	return terms{}, false
}

func of(student string, p *Plan) terms {
	return terms{student: student, price: p.Amount, hours: p.Hours, currency: p.Currency}
}

func (w *world) plan(id string) *Plan {
	for i := range w.Plans {
		if id != "" && w.Plans[i].ID == id {
			return &w.Plans[i]
		}
	}
	return nil
}

func (f *family) invoicesOf() []invoice {
	var all []invoice
	for _, thing := range f.things {
		if v, told := f.invoices[thing]; told {
			all = append(all, v)
		}
	}
	return all
}

// sessionStudent is whose a session is: by its metadata, else, where they name
// the plan, by client_reference_id where that isn't a purchase's id.
func (w *world) sessionStudent(id string) (student, plan string) {
	for _, s := range w.told.sessions[id] {
		o := s.object
		plan = cmp.Or(o.Get("metadata.plan").String(), plan)
		student = cmp.Or(o.Get("metadata.student_id").String(), student)
		if of := o.Get("client_reference_id").String(); student == "" && plan != "" && w.sale(of) == nil {
			student = of
		}
		for _, name := range []string{o.Get("metadata.purchase_transaction_id").String(), o.Get("client_reference_id").String()} {
			if sale := w.sale(name); sale != nil && student == "" {
				student = sale.StudentID
			}
		}
	}
	return student, plan
}

// studentOf an invoice: its metadata's (its own, then its subscription's),
// else its subscription's last known owner, else that of the Checkout Session
// with which the subscription began.
func (w *world) studentOf(v invoice) string {
	if v.student != "" || v.subscription == "" {
		return v.student
	}
	var owner string
	all := w.told.subscriptions[v.subscription]
	slices.SortStableFunc(all, func(a, b snapshot) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(subscriptionLife(a), subscriptionLife(b)))
	})
	for _, s := range all {
		owner = cmp.Or(s.object.Get("metadata.student_id").String(), owner)
	}
	if owner != "" {
		return owner
	}
	for _, id := range sortedKeys(w.sessions) {
		if w.sessions[id].subscription == v.subscription {
			if student, _ := w.sessionStudent(id); student != "" {
				return student
			}
		}
	}
	return ""
}

func subscriptionLife(s snapshot) int {
	return slices.Index([]string{"created", "updated", "deleted"}, strings.TrimPrefix(s.event, "customer.subscription."))
}
