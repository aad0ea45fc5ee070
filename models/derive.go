package models

// Derived is everything about a purchase that follows from its evidence.
type Derived struct {
	Status          PaymentStatus
	HoursCredited   Hours
	HoursReversed   Hours
	AmountReceived  int64 // minor units; of a mismatched success, what came in
	AmountRefunded  int64
	AmountDisputed  int64
	Failure         *Failure
	CompletedAtUnix int64 // 0: not completed
}

// Failure is why a purchase is failed or cancelled, in Stripe's words.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (d Derived) equal(o Derived) bool {
	sameFailure := samePointee(d.Failure, o.Failure)
	d.Failure, o.Failure = nil, nil
	return sameFailure && d == o
}

// Derive computes a purchase's state from its terms and the evidence, and
// from nothing else. Refunds and disputes wait until a success is known.
func Derive(terms Terms, e Evidence) Derived {
	if e.Paid == nil {
		return deriveUnpaid(e)
	}
	refunded := clamp(e.refunded(), 0, terms.Amount)
	held, lost := e.disputed()
	// Together they never exceed the amount, so that money received less
	// refunded less disputed is always what is left of it.
	held = clamp(held, 0, terms.Amount-refunded)
	return Derived{
		Status:          paidStatus(terms.Amount, refunded, held, lost),
		HoursCredited:   terms.Hours,
		HoursReversed:   terms.Hours.proportionOf(refunded+held, terms.Amount),
		AmountReceived:  e.Paid.Amount,
		AmountRefunded:  refunded,
		AmountDisputed:  held,
		CompletedAtUnix: e.Paid.At,
	}
}

func paidStatus(amount, refunded, held int64, lost bool) PaymentStatus {
	switch {
	case refunded == amount:
		return StatusRefunded
	case held > 0 || lost:
		return StatusDisputed
	case refunded > 0:
		return StatusPartiallyRefunded
	default:
		return StatusCompleted
	}
}

func deriveUnpaid(e Evidence) Derived {
	d := Derived{Status: StatusPending}
	if e.Mismatched != nil {
		d.AmountReceived = e.Mismatched.Amount
	}
	switch {
	case e.Cancelled != nil:
		d.Status, d.Failure = StatusCancelled, e.Cancelled.failure()
	case e.Failed != nil && (e.Processing == nil || e.Failed.At >= *e.Processing):
		d.Status, d.Failure = StatusFailed, e.Failed.failure()
	case e.Processing != nil:
		d.Status = StatusProcessing
	}
	return d
}

func (s Setback) failure() *Failure { return &Failure{Code: s.Code, Message: s.Message} }

// refunded is the money returned. A charge's total covers every refund
// created up to its second: only refunds created after it add to it, and only
// refunds that failed after it are taken off again.
func (e Evidence) refunded() int64 {
	total, since := int64(0), int64(-1)
	if e.RefundTotal != nil {
		total, since = e.RefundTotal.Amount, e.RefundTotal.At
	}
	for _, refund := range e.Refunds {
		covered := refund.Created <= since
		switch {
		case !covered && refund.counts():
			total += refund.Amount
		case covered && !refund.counts() && refund.FailedAt > since:
			total -= refund.Amount
		}
	}
	return total
}

// disputed is the money that disputes hold, and whether one was lost.
func (e Evidence) disputed() (held int64, lost bool) {
	for _, dispute := range e.Disputes {
		if dispute.holds() {
			held += dispute.Amount
		}
		lost = lost || dispute.Status == DisputeLost
	}
	return held, lost
}

func clamp(n, low, high int64) int64 { return max(low, min(n, high)) }
