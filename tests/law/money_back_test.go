package law

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"hourbank/models"
	"hourbank/tests/harness"
)

// refunded is the charge's amount_refunded.
func (w *world) refunded() (total int64) {
	for _, r := range w.refunds {
		if r.counts() {
			total += r.amount
		}
	}
	return total
}

func (r *refund) counts() bool { return r.status != "failed" && r.status != "canceled" }

// refund gives money back that is still there: the refund's own event, where
// the API version has one, and the charge's.
func (w *world) refund() {
	left := w.charged - w.refunded()
	if left == 0 {
		return
	}
	r := &refund{
		id: fmt.Sprintf("re_%d", len(w.refunds)+1), created: w.now,
		amount: w.part(left),
		status: w.pick("refund is", "succeeded", "succeeded", "pending", "requires_action"),
	}
	w.refunds = append(w.refunds, r)
	if w.chance("refund.created") {
		w.tellRefund(r, "refund.created")
	}
	if w.chance("a moment later") {
		w.tick()
	}
	w.tellCharge()
}

// tellCharge is a charge.refunded: the total so far, and in old versions the
// refunds as they are now.
func (w *world) tellCharge() {
	w.snapshots = append(w.snapshots, w.now)
	charged, total := w.charged, w.refunded()
	facts := []models.Fact{
		models.ChargeCaptured{Amount: charged, Currency: "eur", At: w.unix()}, models.RefundTotalSeen{Amount: total, At: w.unix()},
	}
	listed := []map[string]any{}
	if w.version == harness.V2020 {
		for _, r := range w.refunds {
			facts = append(facts, w.seen(r))
			listed = append(listed, harness.Listed(r.id, r.amount, r.status, r.created))
		}
	}
	w.tell("charge.refunded", func(p *harness.Purchase) *harness.Event {
		return p.ChargeRefunded(total).Set("amount", charged).Set("amount_captured", charged).Listing(listed...)
	}, facts...)
}

func (w *world) seen(r *refund) models.Fact {
	return models.RefundSeen{ID: r.id, Amount: r.amount, Status: r.status, Created: harness.Epoch + r.created, At: w.unix()}
}

func (w *world) tellRefund(r *refund, name string) {
	now := *r
	w.tell(name, func(p *harness.Purchase) *harness.Event {
		return p.Refund(name, now.id, now.amount, now.status, now.created)
	}, w.seen(r))
}

// refundMoves is the life of a refund.
var refundMoves = map[string][]string{
	"pending":         {"requires_action", "succeeded", "failed", "canceled"},
	"requires_action": {"succeeded", "failed", "canceled"},
	"succeeded":       {"failed"},
}

func (w *world) moveRefund() {
	open := slices.DeleteFunc(slices.Clone(w.refunds), func(r *refund) bool { return !r.counts() })
	if len(open) == 0 {
		w.refund()
		return
	}
	r := rapid.SampledFrom(open).Draw(w.T, "which refund")
	r.status = w.pick("becomes", refundMoves[r.status]...)
	if !r.counts() {
		w.failures = append(w.failures, w.now)
	}
	w.tellRefund(r, w.pick("told as", "refund.updated", "charge.refund.updated"))
	if r.status == "failed" && w.chance("refund.failed") {
		w.tick()
		w.tellRefund(r, "refund.failed")
	}
}

func (w *world) dispute() {
	if len(w.disputes) == 2 {
		return
	}
	d := &dispute{
		id: fmt.Sprintf("dp_%d", len(w.disputes)+1), amount: w.part(w.charged),
		status: w.pick("dispute is", "needs_response", "needs_response", "warning_needs_response"),
	}
	w.disputes = append(w.disputes, d)
	w.tellDispute(d, "charge.dispute.created", false)
	if d.status == "needs_response" {
		w.withdraw(d)
	}
}

func (w *world) withdraw(d *dispute) {
	if w.chance("funds_withdrawn") {
		w.tick()
		w.tellDispute(d, "charge.dispute.funds_withdrawn", false)
	}
}

func (w *world) tellDispute(d *dispute, name string, reinstated bool) {
	now := *d
	w.tell(name, func(p *harness.Purchase) *harness.Event {
		return p.Dispute(name, now.id, now.amount, now.status)
	}, models.DisputeSeen{ID: d.id, Amount: d.amount, Status: d.status, Reinstated: reinstated, At: w.unix()})
}

// disputeMoves is the life of a dispute.
var disputeMoves = map[string][]string{
	"warning_needs_response": {"warning_under_review", "warning_closed", "needs_response"},
	"warning_under_review":   {"warning_closed", "needs_response"},
	"needs_response":         {"under_review", "won", "lost"},
	"under_review":           {"won", "lost"},
}

func (w *world) moveDispute() {
	open := slices.DeleteFunc(slices.Clone(w.disputes), func(d *dispute) bool { return disputeMoves[d.status] == nil })
	if len(open) == 0 {
		w.dispute()
		return
	}
	d := rapid.SampledFrom(open).Draw(w.T, "which dispute")
	if d.status == "under_review" && !d.reinstated && w.chance("early reinstatement") {
		d.reinstated = true
		w.tellDispute(d, "charge.dispute.funds_reinstated", true)
		return
	}
	before := d.status
	d.status = w.pick("dispute becomes", disputeMoves[before]...)
	switch d.status {
	case "needs_response":
		w.tellDispute(d, "charge.dispute.updated", false)
		w.withdraw(d)
	case "won":
		w.tellDispute(d, "charge.dispute.closed", false)
		if !d.reinstated && w.chance("funds_reinstated") {
			w.tick()
			w.tellDispute(d, "charge.dispute.funds_reinstated", true)
		}
	case "lost", "warning_closed":
		w.tellDispute(d, "charge.dispute.closed", false)
	default:
		w.tellDispute(d, "charge.dispute.updated", false)
	}
}

// part is some of the money, or all of it.
func (w *world) part(of int64) int64 {
	part := rapid.SampledFrom([]int64{of / 3, of / 2, 1, of, of - 1, 3}).Draw(w.T, "part")
	return max(1, min(part, of))
}
