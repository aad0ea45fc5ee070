package models

import (
	"cmp"
	"maps"
	"strings"
)

// Evidence is all that events have told about one payment. It only grows:
// every field is merged by a join that is commutative, associative and
// idempotent, so the same events in any order, any batches and any number of
// repeats leave the same evidence behind. All times are Stripe's
// event.created, in Unix seconds; all amounts are in minor units.
type Evidence struct {
	// Paid is a success in full. Once it is known, how the payment got there
	// no longer matters and the four fields below it are dropped.
	Paid       *Payment `json:"paid,omitempty"`
	Mismatched *Payment `json:"mismatched,omitempty"` // the latest success that disagrees with the purchase
	Processing *int64   `json:"processing,omitempty"` // the latest sign that a payment is under way
	Failed     *Setback `json:"failed,omitempty"`     // the latest failed attempt
	Cancelled  *Setback `json:"cancelled,omitempty"`  // the latest cancellation

	RefundTotal *RefundTotal       `json:"refund_total,omitempty"`
	Refunds     map[string]Refund  `json:"refunds,omitempty"`
	Disputes    map[string]Dispute `json:"disputes,omitempty"`
}

// Payment is money that Stripe says it received.
type Payment struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	At       int64  `json:"at"`
}

// Setback is a failed attempt or a cancellation, in Stripe's words.
type Setback struct {
	At      int64  `json:"at"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// RefundTotal is a charge's cumulative amount_refunded as it stood at At. It
// covers every refund created up to that second.
type RefundTotal struct {
	Amount int64 `json:"amount"`
	At     int64 `json:"at"`
}

// Refund is the latest known state of one refund.
type Refund struct {
	Amount   int64  `json:"amount"`
	Status   string `json:"status"`
	Created  int64  `json:"created"`             // the refund's own creation
	At       int64  `json:"at"`                  // the event that told this state
	FailedAt int64  `json:"failed_at,omitempty"` // the first event that told it had failed; 0: none
}

// Dispute is the latest known state of one dispute. That its money was given
// back is told by an event of its own, once and for all.
type Dispute struct {
	Amount     int64  `json:"amount"`
	Status     string `json:"status"`
	At         int64  `json:"at"`
	Reinstated bool   `json:"reinstated,omitempty"`
}

// RefundFailed is the status of a refund that did not reach the customer;
// RefundCanceled of one that was called back.
const (
	RefundPending        = "pending"
	RefundRequiresAction = "requires_action"
	RefundSucceeded      = "succeeded"
	RefundFailed         = "failed"
	RefundCanceled       = "canceled"
)

// Dispute statuses that decide something. Inquiries start with warning_.
const (
	DisputeUnderReview = "under_review"
	DisputeWon         = "won"
	DisputeLost        = "lost"
	InquiryClosed      = "warning_closed"
)

// counts says whether the refund takes money back: all do but those that
// failed or were canceled.
func (r Refund) counts() bool { return r.Status != RefundFailed && r.Status != RefundCanceled }

// holds says whether the dispute keeps the money from us.
func (d Dispute) holds() bool {
	return !strings.HasPrefix(d.Status, "warning_") && d.Status != DisputeWon && !d.Reinstated
}

// Over says whether nothing more is expected of the dispute.
func (d Dispute) Over() bool {
	return d.Status == DisputeWon || d.Status == DisputeLost || d.Status == InquiryClosed
}

// joinLatest keeps the later of two values by the given order; nil is earlier
// than anything.
func joinLatest[T any](known *T, told T, compare func(a, b T) int) *T {
	if known != nil && compare(*known, told) >= 0 {
		return known
	}
	return &told
}

func comparePayments(a, b Payment) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Amount, b.Amount), cmp.Compare(a.Currency, b.Currency))
}

func compareSetbacks(a, b Setback) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
}

// Within a second the larger total is the later one: charge.refunded is only
// sent when a refund is added.
func compareRefundTotals(a, b RefundTotal) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Amount, b.Amount))
}

// joinRefund merges two tellings of one refund: the later object replaces the
// earlier, in the same second the later status in a refund's life.
func joinRefund(a, b Refund) Refund {
	latest := a
	if cmp.Or(cmp.Compare(a.At, b.At),
		cmp.Compare(refundAge(a.Status), refundAge(b.Status)),
		cmp.Compare(a.Status, b.Status),
		cmp.Compare(a.Amount, b.Amount),
		cmp.Compare(a.Created, b.Created)) < 0 {
		latest = b
	}
	latest.FailedAt = earliest(a.FailedAt, b.FailedAt)
	return latest
}

// refundAge orders the statuses of a refund's life.
// https://docs.stripe.com/api/refunds/object#refund_object-status
func refundAge(status string) int {
	switch status {
	case RefundPending:
		return 0
	case RefundRequiresAction:
		return 1
	case RefundSucceeded:
		return 2
	default:
		return 3
	}
}

// joinDispute merges two tellings of one dispute, as joinRefund does.
func joinDispute(a, b Dispute) Dispute {
	latest := a
	if cmp.Or(cmp.Compare(a.At, b.At),
		cmp.Compare(disputeAge(a.Status), disputeAge(b.Status)),
		cmp.Compare(a.Status, b.Status),
		cmp.Compare(a.Amount, b.Amount)) < 0 {
		latest = b
	}
	latest.Reinstated = a.Reinstated || b.Reinstated
	return latest
}

// disputeAge orders the statuses of a dispute's life: an inquiry may grow
// into a dispute, and won or lost end it.
// https://docs.stripe.com/api/disputes/object#dispute_object-status
func disputeAge(status string) int {
	switch {
	case strings.HasPrefix(status, "warning_"):
		return 0
	case status == DisputeUnderReview:
		return 2
	case status == DisputeWon, status == DisputeLost:
		return 3
	default:
		return 1
	}
}

// earliest gives the smaller of two times of which 0 means "never".
func earliest(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// clone copies the evidence so that learning never changes what a caller
// still holds. Pointed-to values are never written to, only replaced.
func (e Evidence) clone() Evidence {
	e.Refunds = maps.Clone(e.Refunds)
	e.Disputes = maps.Clone(e.Disputes)
	return e
}

// timeless is what the evidence says, without when it was told: the same
// thing told again later moves the times on, but is nothing new. A mismatch
// keeps its time: each telling of it needs a person.
func (e Evidence) timeless() Evidence {
	t := e.clone()
	if t.Processing != nil {
		t.Processing = new(int64)
	}
	for _, setback := range []**Setback{&t.Failed, &t.Cancelled} {
		if *setback != nil {
			*setback = &Setback{Code: (*setback).Code, Message: (*setback).Message}
		}
	}
	if t.RefundTotal != nil {
		t.RefundTotal = &RefundTotal{Amount: t.RefundTotal.Amount}
	}
	for id, refund := range t.Refunds {
		refund.At = 0
		t.Refunds[id] = refund
	}
	for id, dispute := range t.Disputes {
		dispute.At = 0
		t.Disputes[id] = dispute
	}
	return t
}

// equal compares what was learned, not where it is kept.
func (e Evidence) equal(o Evidence) bool {
	return samePointee(e.Paid, o.Paid) && samePointee(e.Mismatched, o.Mismatched) &&
		samePointee(e.Processing, o.Processing) && samePointee(e.Failed, o.Failed) &&
		samePointee(e.Cancelled, o.Cancelled) && samePointee(e.RefundTotal, o.RefundTotal) &&
		maps.Equal(e.Refunds, o.Refunds) && maps.Equal(e.Disputes, o.Disputes)
}

func samePointee[T comparable](a, b *T) bool {
	return a == b || (a != nil && b != nil && *a == *b)
}
