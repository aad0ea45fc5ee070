package money

import (
	"cmp"
	"maps"
	"slices"
)

// CaseKind says why money needs a person.
type CaseKind string

// The kinds of cases. The first group follows from a purchase's evidence, the
// second is about a single event or payment that has no purchase.
const (
	CaseDispute       CaseKind = "dispute"        // a dispute or inquiry waits for an answer
	CaseUnderpaid     CaseKind = "underpaid"      // something was received, but less than is due
	CaseOverpaid      CaseKind = "overpaid"       // more is kept than is due
	CaseOtherCurrency CaseKind = "other_currency" // money came in another currency
	CaseRefundFailed  CaseKind = "refund_failed"  // the customer has no money
	CaseUnclearRefund CaseKind = "unclear_refund" // a refund could be a release, or it or a dispute is of a shared payment
	CaseUnknownStatus CaseKind = "unknown_status" // of a refund or dispute
	CaseTooMany       CaseKind = "too_many_objects"

	CaseOverdrawn          CaseKind = "overdrawn" // hours were used that are no longer paid
	CaseUnmatchedPayment   CaseKind = "unmatched_payment"
	CaseUnexplainedInvoice CaseKind = "unexplained_invoice"
	CaseMissingObject      CaseKind = "missing_object"
	CaseUnfetchedEvent     CaseKind = "unfetched_event"
	CaseUndelivered        CaseKind = "undelivered_event" // the platform was not told, though tried for days
)

// CaseKinds lists every kind, the most urgent first.
var CaseKinds = []CaseKind{
	CaseDispute, CaseRefundFailed, CaseUnmatchedPayment, CaseUnexplainedInvoice, CaseUnderpaid, CaseOtherCurrency,
	CaseOverdrawn, CaseOverpaid, CaseUnclearRefund, CaseUnknownStatus, CaseUndelivered, CaseUnfetchedEvent, CaseMissingObject, CaseTooMany,
}

// CaseState is a case that the facts open. Kind and Subject tell it apart from
// every other.
type CaseState struct {
	Kind     CaseKind
	Subject  string // Stripe's id of what it is about; empty: the purchase itself
	Payment  string // the payment's id, where it is about one
	Amount   int64  // minor units of Currency; 0: not known
	Currency string
	DueBy    int64 // Unix seconds; 0: none
}

// cases are those that a purchase's evidence opens, in a fixed order.
func (e *Evidence) cases(t Terms, due int64, payments []payment, sum totals) []CaseState {
	list := caseList{}
	if sum.kept > 0 && sum.worth < due {
		list.add(CaseState{Kind: CaseUnderpaid, Amount: due - sum.worth, Currency: t.Currency})
	}
	if sum.kept > due {
		list.add(CaseState{Kind: CaseOverpaid, Amount: sum.kept - due, Currency: t.Currency})
	}
	for i := range payments {
		p := &payments[i]
		if p.foreign && p.kept() > 0 {
			list.about(CaseOtherCurrency, p.id, p.kept(), p.currency, 0)
		}
		if p.unclear > 0 && p.received > 0 {
			list.about(CaseUnclearRefund, p.id, p.unclear, p.currency, 0)
		}
		if back := p.returned + p.held; p.shared && back > 0 {
			list.about(CaseUnclearRefund, p.id, back, p.currency, 0)
		}
	}
	if e.Full {
		list.add(CaseState{Kind: CaseTooMany})
	}
	e.refundCases(list)
	e.disputeCases(list, payments)
	return list.sorted()
}

// caseList holds one case a kind and payment; further ones of the same add to
// its amount.
type caseList map[[2]string]CaseState

func (l caseList) add(s CaseState) { l[[2]string{string(s.Kind), s.Subject}] = s }

func (l caseList) about(kind CaseKind, payment string, amount int64, currency string, dueBy int64) {
	s := l[[2]string{string(kind), payment}]
	l.add(CaseState{
		Kind: kind, Subject: payment, Payment: payment, Amount: s.Amount + amount,
		Currency: max(s.Currency, currency), DueBy: earliest(s.DueBy, dueBy),
	})
}

func (l caseList) sorted() []CaseState {
	return slices.SortedFunc(maps.Values(l), func(a, b CaseState) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject))
	})
}

// refundCases are of refunds that did not reach the customer and were not made
// again, and of those whose status nobody knows.
func (e *Evidence) refundCases(list caseList) {
	again := e.standIns()
	for id, refund := range e.Refunds {
		paymentID := e.paymentOfLink(refund.Charge, refund.PaymentIntent)
		switch {
		case !refund.known():
			list.about(CaseUnknownStatus, paymentID, refund.Amount, refund.Currency, 0)
		case refund.failed() && again[id] == "":
			list.about(CaseRefundFailed, paymentID, refund.Amount, refund.Currency, 0)
		}
	}
}

// failed says whether the customer has not got the refund, if it was of anything.
func (r Refund) failed() bool { return r.known() && !r.counts() && r.Amount > 0 }

// standIns finds, of refunds that failed, the later ones of the same payment and amount that
// stand in for them, and may have failed in turn; each stands in for one.
func (e *Evidence) standIns() map[string]string {
	again, taken := map[string]string{}, map[string]bool{}
	for _, id := range sortedByFailure(e.Refunds) {
		if failed := e.Refunds[id]; failed.failed() {
			if other := e.madeAgain(failed, taken); other != "" {
				again[id], taken[other] = other, true
			}
		}
	}
	return again
}

func (e *Evidence) madeAgain(failed Refund, taken map[string]bool) string {
	for _, id := range slices.Sorted(maps.Keys(e.Refunds)) {
		refund := e.Refunds[id]
		isLater := refund.Created >= failed.FailedAt && (refund.counts() || refund.FailedAt > failed.FailedAt)
		if !taken[id] && isLater && refund.Amount == failed.Amount &&
			e.paymentOfLink(refund.Charge, refund.PaymentIntent) == e.paymentOfLink(failed.Charge, failed.PaymentIntent) {
			return id
		}
	}
	return ""
}

// sortedByFailure lists refunds, the latest failures first: what stands in
// must be later than the failure, so that the latest have the least to choose
// from.
func sortedByFailure(refunds map[string]Refund) []string {
	return slices.SortedFunc(maps.Keys(refunds), func(a, b string) int {
		return cmp.Or(cmp.Compare(refunds[b].FailedAt, refunds[a].FailedAt), cmp.Compare(a, b))
	})
}

// disputeCases are of disputes and inquiries that are not over, and of what
// can't be read for sure.
func (e *Evidence) disputeCases(list caseList, payments []payment) {
	for _, dispute := range e.Disputes {
		paymentID := e.paymentOfLink(dispute.Charge, dispute.PaymentIntent)
		switch {
		case !dispute.known():
			list.about(CaseUnknownStatus, paymentID, dispute.Amount, dispute.Currency, 0)
		case !dispute.Over() && dispute.Status != "":
			list.about(CaseDispute, paymentID, dispute.Amount, dispute.Currency, dispute.DueBy)
		}
		inAnother := func(p payment) bool {
			return p.id == paymentID && dispute.Currency != "" && p.currency != "" && p.currency != dispute.Currency
		}
		if slices.ContainsFunc(payments, inAnother) {
			list.about(CaseOtherCurrency, paymentID, dispute.Amount, dispute.Currency, 0)
		}
	}
}
