package telling

import (
	"math/big"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// basil is the API version since which a release is no refund, an invoice
// names its parent, and lines their pricing.
const basil = "2025-03-31"

// A charge, as all events together show it.
type charge struct {
	id         string
	authorised int64
	captured   int64
	capturedAt int64 // the first second at which an event showed it captured; 0: never
	known      bool  // an event showed the charge itself
	failed     bool  // every event that showed it said that it isn't paid
	currency   string
	hasTotal   bool
	total      int64 // the latest amount_refunded
	totalAt    int64
	totalOld   bool // told by an event of a version before basil
}

func (t *told) charge(id string) charge {
	c := charge{id: id, failed: true}
	for _, s := range t.charges[id] {
		o := s.object
		c.known = true
		c.authorised = max(c.authorised, o.Get("amount").Int())
		if captured := capturedOf(o); captured > 0 {
			c.captured = max(c.captured, captured)
			if c.capturedAt == 0 {
				c.capturedAt = s.at
			}
		}
		if paid(o) {
			c.failed = false
		}
		if currency := o.Get("currency").String(); currency != "" {
			c.currency = currency
		}
		if total := o.Get("amount_refunded"); total.Exists() && total.Type != gjson.Null {
			// In the same second the larger one is the later one: refunds
			// only add up, but for those that fail, which are known by id.
			// Two events may show the same with different versions: then
			// the older version's reading, which loses nobody's hours.
			old := s.version < basil
			switch {
			case !c.hasTotal || s.at > c.totalAt || total.Int() > c.total:
				c.hasTotal, c.total, c.totalAt, c.totalOld = true, total.Int(), s.at, old
			case total.Int() == c.total:
				c.totalOld = c.totalOld || old
			}
		}
	}
	c.failed = c.failed && c.known
	return c
}

// paid: paid:false is never evidence of money.
func paid(charge gjson.Result) bool {
	if p := charge.Get("paid"); p.Exists() && !p.Bool() {
		return false
	}
	return charge.Get("status").String() != "failed"
}

// capturedOf is what of a charge was captured; where `captured` is missing,
// what `paid` says.
func capturedOf(charge gjson.Result) int64 {
	captured, amount := charge.Get("captured"), charge.Get("amount_captured")
	switch {
	case !paid(charge), captured.Exists() && !captured.Bool():
		return 0
	case amount.Int() > 0:
		return amount.Int()
	default: // amount_captured is younger than the oldest versions
		return charge.Get("amount").Int()
	}
}

// A refund, as all events together show it.
type refund struct {
	id             string
	amount         int64
	created        int64
	gone           bool // failed or cancelled
	goneAt         int64
	charge, intent string
	ofHours        bool // we asked for it as hours
}

func (t *told) refund(id string) refund {
	all := t.refunds[id]
	now := latest(all, lifeOf("status", "pending", "requires_action", "succeeded", "failed", "canceled"))
	r := refund{id: id, amount: now.object.Get("amount").Int()}
	if len(all) > 0 {
		r.created = all[0].at
	}
	if created := now.object.Get("created"); created.Exists() {
		r.created = created.Int()
	}
	r.gone = isGone(now)
	for _, s := range all {
		if isGone(s) && r.gone && r.goneAt == 0 {
			r.goneAt = s.at
		}
		if of := idOf(s.object.Get("charge")); of != "" {
			r.charge = of
		}
		if of := idOf(s.object.Get("payment_intent")); of != "" {
			r.intent = of
		}
		r.ofHours = r.ofHours || s.object.Get("metadata.hourbank_for").String() == "hours"
	}
	return r
}

func isGone(s snapshot) bool {
	return slices.Contains([]string{"failed", "canceled"}, s.object.Get("status").String())
}

// A dispute, as all events together show it.
type dispute struct {
	id             string
	amount         int64
	currency       string
	status         string
	charge, intent string
	hasMoves       bool
	sum, largest   int64 // of its balance transactions, the largest withdrawal
}

func (t *told) dispute(id string) dispute {
	all := t.disputes[id]
	now := latest(all, lifeOf("status", "warning_needs_response", "warning_under_review", "warning_closed",
		"needs_response", "under_review", "prevented", "charge_refunded", "won", "lost"))
	d := dispute{
		id: id, amount: now.object.Get("amount").Int(), currency: now.object.Get("currency").String(),
		status: now.object.Get("status").String(),
	}
	moves := map[string]int64{}
	for _, s := range all {
		for _, move := range listed(s.object.Get("balance_transactions")) {
			if move.IsObject() {
				moves[idOf(move)] = move.Get("amount").Int()
			}
		}
		if of := idOf(s.object.Get("charge")); of != "" {
			d.charge = of
		}
		if of := idOf(s.object.Get("payment_intent")); of != "" {
			d.intent = of
		}
	}
	for _, amount := range moves {
		d.hasMoves = true
		d.sum += amount
		d.largest = max(d.largest, -amount)
	}
	return d
}

// held is what the dispute holds of whole, which is its own amount, or that
// of its payment where they differ in currency.
func (d dispute) held(whole int64) int64 {
	if d.hasMoves {
		if d.largest == 0 {
			return 0
		}
		held := min(max(share(whole, -d.sum, d.largest), 0), whole)
		if d.status == "won" || d.status == "lost" { // rates move
			if 20*held <= whole {
				return 0
			}
			if 20*(whole-held) <= whole {
				return whole
			}
		}
		return held
	}
	switch d.status {
	case "needs_response", "under_review", "lost":
		return whole
	}
	return 0
}

func (d dispute) unknown() bool {
	return !strings.HasPrefix(d.status, "warning_") &&
		!slices.Contains([]string{"needs_response", "under_review", "lost", "won", "prevented", "charge_refunded"}, d.status)
}

func (d dispute) waits() bool {
	// It "closes when it is over": an answer that was given ends nothing yet.
	return slices.Contains([]string{"needs_response", "under_review", "warning_needs_response", "warning_under_review"}, d.status)
}

// A session is a Checkout Session, as all events together show it.
type session struct {
	id                            string
	paid, nothing                 bool // paid; complete with nothing to pay
	expired                       bool
	currency                      string
	subtotal, total               int64
	converted                     bool // adaptive pricing: what follows is what the price was made in
	sourceCurrency                string
	sourceSubtotal, sourceTotal   int64
	intent, invoice, subscription string
	link                          bool // from a Payment Link
	processing, failed            []int64
}

func (t *told) session(id string) session {
	s := session{id: id}
	for _, snap := range t.sessions[id] {
		o := snap.object
		status := o.Get("payment_status").String()
		s.paid = s.paid || status == "paid"
		complete := o.Get("status").String() == "complete" || !o.Get("status").Exists() && snap.event == "checkout.session.completed"
		s.nothing = s.nothing || status == "no_payment_required" && complete
		s.expired = s.expired || snap.event == "checkout.session.expired"
		switch {
		case snap.event == "checkout.session.async_payment_failed":
			s.failed = append(s.failed, snap.at)
		case snap.event == "checkout.session.completed" && status == "unpaid":
			// Complete and unpaid: an asynchronous payment is under way.
			s.processing = append(s.processing, snap.at)
		}
		if c := o.Get("currency").String(); c != "" {
			s.currency = c
		}
		s.subtotal, s.total = o.Get("amount_subtotal").Int(), o.Get("amount_total").Int()
		if c := o.Get("currency_conversion"); c.IsObject() {
			s.converted, s.sourceCurrency = true, c.Get("source_currency").String()
			s.sourceSubtotal, s.sourceTotal = c.Get("amount_subtotal").Int(), c.Get("amount_total").Int()
		}
		s.link = s.link || idOf(o.Get("payment_link")) != ""
		for field, to := range map[string]*string{"payment_intent": &s.intent, "invoice": &s.invoice, "subscription": &s.subscription} {
			if of := idOf(o.Get(field)); of != "" {
				*to = of
			}
		}
	}
	return s
}

// asked is what the session asked for in the currency, if it says so.
func (s session) asked(currency string) (subtotal, total int64, ok bool) {
	if s.currency == currency {
		return s.subtotal, s.total, true
	}
	if s.converted && s.sourceCurrency == currency {
		return s.sourceSubtotal, s.sourceTotal, true
	}
	return 0, 0, false
}

// An invoice, as all events together show it.
type invoice struct {
	id               string
	paid, givenUp    bool // given up: voided or uncollectible
	currency         string
	subtotal, total  int64
	prePayment       int64 // credit notes before it was paid
	subscription     string
	student, plan    string // of metadata
	failed           []int64
	planned          bool     // a line's price is a plan's
	hours            *big.Rat // what its lines buy, in hundredths
	hoursGross       int64    // what these lines cost, before discounts and tax
	hoursNet, allNet int64    // after discounts and tax
}

func (t *told) invoice(id string, plans []Plan) invoice {
	now := latest(t.invoices[id], func(s snapshot) int {
		return slices.Index([]string{"invoice.payment_failed", "invoice.marked_uncollectible", "invoice.voided", "invoice.paid"}, s.event)
	})
	o := now.object
	v := invoice{
		id: id, currency: o.Get("currency").String(), subtotal: o.Get("subtotal").Int(), total: o.Get("total").Int(),
		prePayment: o.Get("pre_payment_credit_notes_amount").Int(), hours: new(big.Rat),
	}
	for _, s := range t.invoices[id] {
		v.paid = v.paid || s.event == "invoice.paid" || s.object.Get("status").String() == "paid"
		if s.event == "invoice.payment_failed" {
			v.failed = append(v.failed, s.at)
		}
		// The invoice's own metadata, then its subscription's; the oldest
		// versions keep the latter on the lines.
		for _, m := range metadataOf(s.object) {
			if v.student == "" {
				v.student = m.Get("student_id").String()
			}
			if v.plan == "" {
				v.plan = m.Get("plan").String()
			}
		}
		for _, path := range []string{"subscription", "parent.subscription_details.subscription"} {
			if of := idOf(s.object.Get(path)); of != "" {
				v.subscription = of
			}
		}
	}
	v.givenUp = !v.paid && (now.event == "invoice.voided" || now.event == "invoice.marked_uncollectible")
	v.readLines(o, plans)
	return v
}

func metadataOf(invoice gjson.Result) []gjson.Result {
	all := []gjson.Result{
		invoice.Get("metadata"), invoice.Get("subscription_details.metadata"),
		invoice.Get("parent.subscription_details.metadata"),
	}
	for _, line := range invoice.Get("lines.data").Array() {
		if line.Get("type").String() == "subscription" {
			all = append(all, line.Get("metadata"))
		}
	}
	return all
}

// readLines: each line whose price is a plan's buys the plan's hours ×
// quantity; a proration in proportion of its amount to the full price.
func (v *invoice) readLines(o gjson.Result, plans []Plan) {
	lines := o.Get("lines.data").Array()
	var amounts, discounts, taxes int64
	for _, line := range lines {
		amounts += line.Get("amount").Int()
		discounts += sumOf(line.Get("discount_amounts"))
		taxes += exclusiveTax(line)
	}
	// A proration's amount includes its discounts only where the invoice
	// doesn't take them off once more.
	included := discounts > 0 && amounts+taxes == v.total
	for _, line := range lines {
		amount, off, tax := line.Get("amount").Int(), sumOf(line.Get("discount_amounts")), exclusiveTax(line)
		gross, net := amount, amount-off+tax
		if included && isProration(line) {
			gross, net = amount+off, amount+tax
		}
		v.allNet += net
		plan, unit, ok := planOf(line, plans)
		if !ok {
			continue
		}
		v.planned = true
		switch {
		case isProration(line):
			if unit == 0 { // never divided by
				continue
			}
			v.hours.Add(v.hours, new(big.Rat).Mul(big.NewRat(plan.Hours, 1), big.NewRat(gross, unit)))
		case gross > 0:
			quantity := int64(1)
			if q := line.Get("quantity"); q.Exists() {
				quantity = q.Int()
			}
			v.hours.Add(v.hours, big.NewRat(plan.Hours*quantity, 1))
		default: // the line itself costs nothing: a trial
			continue
		}
		v.hoursGross += gross
		v.hoursNet += net
	}
}

func sumOf(amounts gjson.Result) int64 {
	var sum int64
	for _, a := range amounts.Array() {
		sum += a.Get("amount").Int()
	}
	return sum
}

func exclusiveTax(line gjson.Result) int64 {
	var sum int64
	for _, tax := range line.Get("tax_amounts").Array() {
		if !tax.Get("inclusive").Bool() {
			sum += tax.Get("amount").Int()
		}
	}
	for _, tax := range line.Get("taxes").Array() {
		if tax.Get("tax_behavior").String() != "inclusive" {
			sum += tax.Get("amount").Int()
		}
	}
	return sum
}

func isProration(line gjson.Result) bool {
	return line.Get("proration").Bool() ||
		line.Get("parent.subscription_item_details.proration").Bool() ||
		line.Get("parent.invoice_item_details.proration").Bool()
}

// planOf finds a line's plan, and the full price of one: the price's own
// unit_amount where the line holds the price, else the plan's amount. Never
// pricing.unit_amount_decimal, which is the line's own.
func planOf(line gjson.Result, plans []Plan) (Plan, int64, bool) {
	for _, path := range []string{"pricing.price_details.price", "price", "plan"} {
		price := idOf(line.Get(path))
		for _, plan := range plans {
			if price == "" || plan.StripePriceID != price {
				continue
			}
			for _, full := range []string{"price.unit_amount", "plan.amount"} {
				if unit := line.Get(full).Int(); unit > 0 {
					return plan, unit, true
				}
			}
			return plan, plan.Amount, true
		}
	}
	return Plan{}, 0, false
}

// boughtHours rounds half up, once, what all lines buy together.
func (v invoice) boughtHours() int64 { return halfUp(v.hours) }

// share is amount × part ÷ whole, rounded half up.
func share(amount, part, whole int64) int64 {
	return halfUp(new(big.Rat).Mul(big.NewRat(amount, 1), big.NewRat(part, whole)))
}

func halfUp(r *big.Rat) int64 {
	x := new(big.Rat).Add(r, big.NewRat(1, 2))
	floor := new(big.Int)
	floor.DivMod(x.Num(), x.Denom(), new(big.Int)) // Euclidean: floors, as the denominator is above 0
	return floor.Int64()
}
