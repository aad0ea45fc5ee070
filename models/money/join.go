package money

import (
	"cmp"
	"maps"
	"slices"
)

// Join merges what two sets of evidence tell. It is commutative, associative
// and idempotent: any order, any batches and any repeats of the same events
// leave the same evidence. Of two tellings of one object the later one counts,
// within a second the one later in the object's life; what is told once and
// for all (links, sums received) is kept. Neither argument is changed.
func Join(a, b Evidence) Evidence {
	e := Evidence{
		Payments:    joinMaps(a.Payments, b.Payments, joinPayment),
		Charges:     joinMaps(a.Charges, b.Charges, joinCharge),
		Refunds:     joinMaps(a.Refunds, b.Refunds, joinRefund),
		Disputes:    joinMaps(a.Disputes, b.Disputes, joinDispute),
		Sessions:    joinMaps(a.Sessions, b.Sessions, joinSession),
		Invoices:    joinMaps(a.Invoices, b.Invoices, joinInvoice),
		CreditNotes: joinMaps(a.CreditNotes, b.CreditNotes, joinCreditNote),
		Accepted:    joinMaps(a.Accepted, b.Accepted, joinAcceptance),
		Merged:      joinMaps(a.Merged, b.Merged, orOf),
		Full:        a.Full || b.Full,
	}
	e.bound()
	return e
}

// JoinAll joins any number of tellings, by halves: one after the other, a long
// list would be copied once for each of its members.
func JoinAll(tellings []Evidence) Evidence {
	switch half := len(tellings) / 2; len(tellings) {
	case 0:
		return Evidence{}
	case 1:
		return tellings[0]
	default:
		return Join(JoinAll(tellings[:half]), JoinAll(tellings[half:]))
	}
}

func joinMaps[T any](a, b map[string]T, join func(a, b T) T) map[string]T {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	joined := maps.Clone(a)
	for id, told := range b {
		if known, ok := joined[id]; ok {
			told = join(known, told)
		}
		joined[id] = told
	}
	return joined
}

func joinPayment(a, b Payment) Payment {
	return Payment{
		Sold:       a.Sold || b.Sold,
		Received:   joinReceived(a.Received, b.Received),
		Currency:   max(a.Currency, b.Currency),
		Authorised: max(a.Authorised, b.Authorised), Charge: max(a.Charge, b.Charge),
		Details:  latest(a.Details, b.Details, compareDetails),
		Attempts: joinAttempts(a.Attempts, b.Attempts),
	}
}

// joinReceived keeps the larger sum, and when that was told first.
func joinReceived(a, b Received) Received {
	return later(a, b, func(a, b Received) int {
		return cmp.Or(cmp.Compare(a.Amount, b.Amount), cmp.Compare(b.At, a.At))
	})
}

func joinAttempts(a, b Attempts) Attempts {
	return Attempts{
		Processing: latest(a.Processing, b.Processing, cmp.Compare[int64]),
		Failed:     latest(a.Failed, b.Failed, compareSetbacks),
		Cancelled:  latest(a.Cancelled, b.Cancelled, compareSetbacks),
	}
}

func joinCharge(a, b Charge) Charge {
	return Charge{
		PaymentIntent: max(a.PaymentIntent, b.PaymentIntent),
		Currency:      max(a.Currency, b.Currency),
		Authorised:    max(a.Authorised, b.Authorised),
		Captured:      joinReceived(a.Captured, b.Captured),
		Refunded:      later(a.Refunded, b.Refunded, compareRefundTotals),
	}
}

func joinRefund(a, b Refund) Refund {
	return Refund{
		Charge: max(a.Charge, b.Charge), PaymentIntent: max(a.PaymentIntent, b.PaymentIntent),
		ForHours: a.ForHours || b.ForHours, FailedAt: earliest(a.FailedAt, b.FailedAt),
		RefundState: later(a.RefundState, b.RefundState, compareRefundStates),
	}
}

func joinDispute(a, b Dispute) Dispute {
	return Dispute{
		Charge: max(a.Charge, b.Charge), PaymentIntent: max(a.PaymentIntent, b.PaymentIntent),
		Transactions: bounded(joinMaps(a.Transactions, b.Transactions, maxOf), nil),
		DisputeState: later(a.DisputeState, b.DisputeState, compareDisputeStates),
	}
}

func joinSession(a, b Session) Session {
	return Session{
		PaymentIntent: max(a.PaymentIntent, b.PaymentIntent), Invoice: max(a.Invoice, b.Invoice),
		PaymentLink: a.PaymentLink || b.PaymentLink, Sold: a.Sold || b.Sold,
		Settled: first(a.Settled, b.Settled, compareAsked), Source: latest(a.Source, b.Source, compareConverted),
		Attempts: joinAttempts(a.Attempts, b.Attempts),
	}
}

func joinInvoice(a, b Invoice) Invoice {
	return Invoice{
		Payments: bounded(joinMaps(a.Payments, b.Payments, maxOf), nil),
		Share:    latest(a.Share, b.Share, compareShares),
		Paid:     first(a.Paid, b.Paid, compareBills),
		Period:   latest(a.Period, b.Period, comparePeriods),
		Lines:    bounded(joinMaps(a.Lines, b.Lines, orOf), nil),
		Attempts: joinAttempts(a.Attempts, b.Attempts),
	}
}

// joinCreditNote keeps the later telling; a void is final.
func joinCreditNote(a, b CreditNote) CreditNote {
	note := later(a, b, func(a, b CreditNote) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Amount, b.Amount), cmp.Compare(a.Invoice, b.Invoice), cmp.Compare(a.Refund, b.Refund))
	})
	note.Voided = a.Voided || b.Voided
	note.Lines, note.Refunds = bounded(joinMaps(a.Lines, b.Lines, maxOf), nil), bounded(joinMaps(a.Refunds, b.Refunds, maxOf), nil)
	return note
}

func joinAcceptance(a, b Acceptance) Acceptance {
	return *first(&a, &b, func(a, b Acceptance) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.By, b.By), cmp.Compare(a.Note, b.Note))
	})
}

// later gives the greater by an order that tells any two different values
// apart.
func later[T any](a, b T, compare func(a, b T) int) T { return slices.MaxFunc([]T{a, b}, compare) }

// latest is later of what may not be known; first the opposite.
func latest[T any](a, b *T, compare func(a, b T) int) *T {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return later(a, b, func(a, b *T) int { return compare(*a, *b) })
}

func first[T any](a, b *T, compare func(a, b T) int) *T {
	return latest(a, b, func(a, b T) int { return compare(b, a) })
}

func maxOf(a, b int64) int64 { return max(a, b) }

func orOf(a, b bool) bool { return a || b }

// never is the time of what did not happen.
const never = 0

// earliest gives the smaller of two times.
func earliest(a, b int64) int64 {
	if a == never || b == never {
		return max(a, b)
	}
	return min(a, b)
}

func age(over bool) int {
	if over {
		return 1
	}
	return 0
}

func compareDetails(a, b AmountDetails) int {
	return cmp.Or(cmp.Compare(a.Tax, b.Tax), cmp.Compare(a.Shipping, b.Shipping), cmp.Compare(a.Discount, b.Discount))
}

func compareSetbacks(a, b Setback) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
}

// Within a second the larger total is the later one: charge.refunded is only
// sent when a refund is added.
func compareRefundTotals(a, b RefundTotal) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Amount, b.Amount), cmp.Compare(age(a.Old), age(b.Old)))
}

func compareRefundStates(a, b RefundState) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(stage(refundLife, a.Status), stage(refundLife, b.Status)),
		cmp.Compare(a.Status, b.Status), cmp.Compare(a.Amount, b.Amount),
		cmp.Compare(a.Created, b.Created), cmp.Compare(a.Currency, b.Currency))
}

func compareDisputeStates(a, b DisputeState) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(stage(disputeLife, a.Status), stage(disputeLife, b.Status)),
		cmp.Compare(a.Status, b.Status), cmp.Compare(a.Amount, b.Amount),
		cmp.Compare(a.DueBy, b.DueBy), cmp.Compare(a.Currency, b.Currency))
}

func compareAsked(a, b Asked) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Total, b.Total), cmp.Compare(a.Subtotal, b.Subtotal), cmp.Compare(a.Currency, b.Currency))
}

func compareConverted(a, b Converted) int {
	return cmp.Or(cmp.Compare(a.Total, b.Total), cmp.Compare(a.Subtotal, b.Subtotal), cmp.Compare(a.Currency, b.Currency))
}

func compareBills(a, b Bill) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Total, b.Total), cmp.Compare(a.Subtotal, b.Subtotal),
		cmp.Compare(a.Credited, b.Credited), cmp.Compare(a.Outside, b.Outside), cmp.Compare(a.Currency, b.Currency))
}

func comparePeriods(a, b Period) int {
	return cmp.Or(cmp.Compare(age(a.Renews), age(b.Renews)), cmp.Compare(a.Created, b.Created), cmp.Compare(a.Subscription, b.Subscription))
}

func compareShares(a, b Share) int {
	return cmp.Or(cmp.Compare(a.All, b.All), cmp.Compare(a.Hours, b.Hours), cmp.Compare(a.Gross, b.Gross))
}

func orElse[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}

// anyOther stands for the statuses that a list does not name.
const anyOther = "*"

// refundLife are the statuses of a refund in the order of its life; one that
// nobody knows is later than those that are still under way. Of a refund with
// none, only a link is known.
var refundLife = []string{"", RefundPending, RefundRequiresAction, RefundSucceeded, anyOther}

// disputeLife are those of a dispute: an inquiry may grow into one.
var disputeLife = []string{
	InquiryNeedsResponse, InquiryUnderReview, InquiryClosed, DisputeNeedsResponse, anyOther, DisputeUnderReview,
	DisputeChargeRefunded, DisputeLost, DisputePrevented, DisputeWon,
}

func stage(life []string, status string) int {
	if !slices.Contains(life, status) {
		status = anyOther
	}
	return slices.Index(life, status)
}

// Timeless is what the evidence says, without when it was told: the same thing
// told again later moves the times on, but is nothing new.
func (e *Evidence) Timeless() Evidence {
	return Evidence{
		Payments: mapped(e.Payments, func(p Payment) Payment { p.Received.At, p.Attempts = never, p.timeless(); return p }),
		Charges:  mapped(e.Charges, func(c Charge) Charge { c.Captured.At, c.Refunded.At = never, never; return c }),
		Refunds:  mapped(e.Refunds, func(r Refund) Refund { r.At = never; return r }),
		Disputes: mapped(e.Disputes, func(d Dispute) Dispute { d.At = never; return d }),
		Sessions: mapped(e.Sessions, func(s Session) Session {
			if s.Settled != nil {
				settled := *s.Settled
				settled.At, s.Settled = never, &settled
			}
			s.Attempts = s.timeless()
			return s
		}),
		Invoices: mapped(e.Invoices, func(i Invoice) Invoice {
			if i.Paid != nil {
				paid := *i.Paid
				paid.At, i.Paid = never, &paid
			}
			i.Attempts = i.timeless()
			return i
		}),
		CreditNotes: mapped(e.CreditNotes, func(n CreditNote) CreditNote { n.At = never; return n }),
		Accepted:    e.Accepted, Merged: e.Merged, Full: e.Full,
	}
}

func (a Attempts) timeless() Attempts {
	if a.Processing != nil {
		a.Processing = new(int64)
	}
	for _, setback := range []**Setback{&a.Failed, &a.Cancelled} {
		if *setback != nil {
			*setback = &Setback{Code: (*setback).Code, Message: (*setback).Message}
		}
	}
	return a
}

func mapped[T any](objects map[string]T, change func(T) T) map[string]T {
	if len(objects) == 0 {
		return nil
	}
	changed := make(map[string]T, len(objects))
	for id, object := range objects {
		changed[id] = change(object)
	}
	return changed
}
