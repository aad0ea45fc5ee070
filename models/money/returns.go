package money

import (
	"maps"
	"slices"
	"strings"
)

// takeBack counts what refunds returned and disputes hold of a payment,
// together at most what was received. Of some refunds it is told what they were for.
func (e *Evidence) takeBack(id string, p *payment, told map[string]part) {
	if len(e.Refunds) == 0 && len(e.Disputes) == 0 && len(e.Charges) == 0 {
		return
	}
	p.returned, p.unclear = e.returned(id, p)
	p.returned = min(p.returned, p.received)
	for _, refundID := range slices.Sorted(maps.Keys(told)) {
		refund, known := e.Refunds[refundID]
		if known && refund.counts() && e.paymentOfLink(refund.Charge, refund.PaymentIntent) == id {
			p.told = p.told.plus(told[refundID].of(min(told[refundID].whole, p.returned-p.told.whole)))
		}
	}
	for _, dispute := range e.Disputes {
		if e.paymentOfLink(dispute.Charge, dispute.PaymentIntent) != id {
			continue
		}
		p.held += dispute.holds(p)
		p.lost = p.lost || dispute.Status == DisputeLost
	}
	p.held = min(p.held, p.received-p.returned)
}

func (e *Evidence) paymentOfLink(charge, intent string) string {
	if intent != "" {
		return intent
	}
	return e.paymentOf(charge)
}

// returned adds up what went back of a payment's charges: the refunds that are
// known, and what a charge's total says beyond those that it could contain.
// unclear is what a total could be read to contain or not.
func (e *Evidence) returned(id string, p *payment) (sum, unclear int64) {
	charges, only := e.chargesOf(id)
	beyond := int64(0) // what totals say beyond the refunds that are known
	for _, chargeID := range charges {
		charge := e.Charges[chargeID].orOf(p, chargeID == only, e.Payments[id].Authorised)
		known := e.refundsOf(charge, p, func(r Refund) bool {
			return r.Charge == chargeID || (r.Charge == "" && chargeID == only && r.PaymentIntent == id)
		})
		rest, doubt := charge.beyond(known)
		sum += known.returned
		beyond += rest
		unclear += doubt
	}
	if only != "" {
		return sum + beyond, unclear
	}
	for _, refund := range e.Refunds { // of no one charge: in doubt, a total contains them
		if refund.Charge == "" && refund.PaymentIntent == id && refund.counts() {
			sum += refund.Amount
			beyond -= refund.Amount
		}
	}
	return sum + max(0, beyond), unclear
}

// chargesOf lists a payment's charges, and names the only one that a refund
// which names none can be of: the only one that captured money, else the one
// that its PaymentIntent's success names, else the only one; else empty.
func (e *Evidence) chargesOf(paymentID string) (all []string, only string) {
	var captured []string
	for id, charge := range e.Charges {
		if e.paymentOf(id) != paymentID {
			continue
		}
		all = append(all, id)
		if charge.Captured.Amount > 0 {
			captured = append(captured, id)
		}
	}
	switch named := e.Payments[paymentID].Charge; {
	case len(captured) == 1:
		only = captured[0]
	case named != "":
		only = named
	case len(all) == 1:
		only = all[0]
	}
	return all, only
}

// refundHistory is what is known of a charge's refunds by their ids.
type refundHistory struct {
	returned  int64 // by those that count
	contained int64 // by those that the charge's total could contain
	released  bool  // one of them is the release of what was not captured
}

func (e *Evidence) refundsOf(charge Charge, p *payment, isOf func(Refund) bool) (h refundHistory) {
	release := false
	for _, id := range slices.Sorted(maps.Keys(e.Refunds)) {
		refund := e.Refunds[id]
		if !isOf(refund) {
			continue
		}
		if !release && charge.isRelease(refund, p) {
			release, h.released = true, refund.Created <= charge.Refunded.At
			continue
		}
		if refund.counts() {
			h.returned += refund.Amount
		}
		if refund.Created <= charge.Refunded.At && (refund.FailedAt == 0 || refund.FailedAt >= charge.Refunded.At) {
			h.contained += refund.Amount
		}
	}
	return h
}

// orOf is the charge with what its payment tells of it: where nothing told
// that a payment's only charge was captured, nor that it was released whole,
// the payment's success did.
func (c Charge) orOf(p *payment, only bool, authorised int64) Charge {
	if only && c.Captured.Amount == 0 && (c.Authorised == 0 || c.Refunded.Amount < c.Authorised) {
		c.Authorised, c.Captured = max(c.Authorised, authorised), Received{p.received, p.at}
	}
	return c
}

// released is what was authorised and not captured.
func (c Charge) released() int64 { return max(0, c.Authorised-c.Captured.Amount) }

// isRelease says whether a refund is the release of what was not captured: of
// exactly that amount, and made in the second of the capture, if there was one.
func (c Charge) isRelease(r Refund, p *payment) bool {
	if r.Amount != c.released() {
		return false
	}
	capturedAt := c.Captured.At
	if p.received == c.Captured.Amount {
		capturedAt = earliest(capturedAt, p.at)
	}
	return c.Captured.Amount == 0 || r.Created == capturedAt
}

// beyond is what the charge's total says beyond the refunds that are known,
// without the release of what was authorised and not captured. Whether a total
// contains the release goes by the API version of the request that captured,
// which no event tells: the likelier reading counts, and doubt is the release
// where it could be read either way.
// https://support.stripe.com/questions/changes-to-partial-capture-and-cancellation-flows
func (c Charge) beyond(known refundHistory) (rest, doubt int64) {
	rest = max(0, c.Refunded.Amount-known.contained)
	switch released := c.released(); {
	case known.released, rest != released && c.Refunded.Amount > c.Captured.Amount:
		return max(0, rest-released), 0
	case rest < released:
		return rest, 0
	case rest == released && c.Refunded.Old:
		return 0, 0
	case rest == released, c.Refunded.Old:
		return rest - released, released
	default:
		return rest, released
	}
}

// counts says whether the refund takes money back: all do but those that
// failed or were cancelled.
func (r Refund) counts() bool { return r.Status != RefundFailed && r.Status != RefundCanceled }

// known says whether the status is one that this program knows.
func (r Refund) known() bool {
	switch r.Status {
	case "", RefundPending, RefundRequiresAction, RefundSucceeded, RefundFailed, RefundCanceled:
		return true
	}
	return false
}

// holds is what the dispute keeps from us of a payment, in its currency.
func (d Dispute) holds(p *payment) int64 {
	if d.Currency == p.currency || d.Currency == "" {
		return d.held()
	}
	if d.Amount == 0 {
		return 0
	}
	return proportion(p.received, d.held(), d.Amount)
}

// withdrawalTolerance is how much of a decided dispute's money may be missing
// or left over, as 1 in so many: its transactions are in the account's
// currency, and rates move.
const withdrawalTolerance = 20

// held is what the dispute holds of its own amount: the share of it that its
// balance transactions took and did not give back, else by its status.
func (d Dispute) held() int64 {
	var sum, withdrawal int64
	for _, amount := range d.Transactions {
		sum -= amount
		withdrawal = max(withdrawal, -amount)
	}
	switch {
	case len(d.Transactions) == 0:
		if d.takesAll() {
			return d.Amount
		}
		return 0
	case withdrawal == 0:
		return 0
	}
	held := proportion(d.Amount, max(0, min(sum, withdrawal)), withdrawal)
	if d.Status == DisputeWon || d.Status == DisputeLost {
		switch margin := d.Amount / withdrawalTolerance; {
		case held <= margin:
			return 0
		case held >= d.Amount-margin:
			return d.Amount
		}
	}
	return held
}

// takesAll says whether a dispute without balance transactions holds its money.
func (d Dispute) takesAll() bool {
	return d.Status == DisputeNeedsResponse || d.Status == DisputeUnderReview || d.Status == DisputeLost
}

// Over says whether nothing more is expected of the dispute.
func (d Dispute) Over() bool {
	switch d.Status {
	case DisputeWon, DisputeLost, DisputePrevented, DisputeChargeRefunded, InquiryClosed:
		return true
	}
	return false
}

func (d Dispute) inquiry() bool { return strings.HasPrefix(d.Status, "warning_") }

// known says whether the status is one that this program knows.
func (d Dispute) known() bool {
	return d.Over() || d.takesAll() || d.inquiry() || d.Status == ""
}
