package models

// Fact is one thing that an event tells about a payment. The set is closed:
// these types are all there is, and each knows how to join the evidence.
// At is always Stripe's event.created in Unix seconds.
type Fact interface {
	// join adds the fact to the evidence. It returns a reason only when the
	// fact contradicts the purchase and an operator must look.
	join(e *Evidence, terms Terms) Reason
}

// Terms are what was agreed: so many hours for so much money.
type Terms struct {
	Amount   int64 // minor units
	Currency string
	Hours    Hours
}

// PaymentReceived tells that Stripe holds the customer's money.
type PaymentReceived Payment

// ChargeCaptured tells that a charge took money, which implies a success. A
// success that is known already outranks what it implies.
type ChargeCaptured Payment

// PaymentProcessing tells that a payment is under way.
type PaymentProcessing struct{ At int64 }

// AttemptFailed tells that an attempt to pay failed. It is not final.
type AttemptFailed Setback

// PaymentCancelled tells that nobody will try to pay any more.
type PaymentCancelled Setback

// RefundTotalSeen tells a charge's cumulative amount_refunded.
type RefundTotalSeen RefundTotal

// RefundSeen tells the state of one refund.
type RefundSeen struct {
	ID      string
	Amount  int64
	Status  string
	Created int64
	At      int64
}

// DisputeSeen tells the state of one dispute, and whether its money was given
// back.
type DisputeSeen struct {
	ID         string
	Amount     int64
	Status     string
	Reinstated bool
	At         int64
}

func (f PaymentReceived) join(e *Evidence, terms Terms) Reason {
	told := Payment(f)
	if told.Currency != terms.Currency || told.Amount != terms.Amount {
		if e.Paid == nil {
			e.Mismatched = joinLatest(e.Mismatched, told, comparePayments)
		}
		if told.Currency != terms.Currency {
			return ReasonCurrencyMismatch
		}
		return ReasonAmountMismatch
	}
	// Several events may tell of the same success; the first of them in
	// Stripe's time is when it happened.
	if e.Paid == nil || told.At < e.Paid.At {
		e.Paid = &told
	}
	e.Mismatched, e.Processing, e.Failed, e.Cancelled = nil, nil, nil, nil
	return ReasonNone
}

func (f ChargeCaptured) join(e *Evidence, terms Terms) Reason {
	if e.Paid != nil && (f.Currency != terms.Currency || f.Amount != terms.Amount) {
		return ReasonNone
	}
	return PaymentReceived(f).join(e, terms)
}

func (f PaymentProcessing) join(e *Evidence, _ Terms) Reason {
	if e.Paid == nil && (e.Processing == nil || *e.Processing < f.At) {
		e.Processing = &f.At
	}
	return ReasonNone
}

func (f AttemptFailed) join(e *Evidence, _ Terms) Reason {
	if e.Paid == nil {
		e.Failed = joinLatest(e.Failed, Setback(f), compareSetbacks)
	}
	return ReasonNone
}

func (f PaymentCancelled) join(e *Evidence, _ Terms) Reason {
	if e.Paid == nil {
		e.Cancelled = joinLatest(e.Cancelled, Setback(f), compareSetbacks)
	}
	return ReasonNone
}

func (f RefundTotalSeen) join(e *Evidence, _ Terms) Reason {
	e.RefundTotal = joinLatest(e.RefundTotal, RefundTotal(f), compareRefundTotals)
	return ReasonNone
}

func (f RefundSeen) join(e *Evidence, _ Terms) Reason {
	told := Refund{Amount: f.Amount, Status: f.Status, Created: f.Created, At: f.At}
	if !told.counts() {
		told.FailedAt = f.At
	}
	if e.Refunds == nil {
		e.Refunds = map[string]Refund{}
	}
	if known, ok := e.Refunds[f.ID]; ok {
		told = joinRefund(known, told)
	}
	e.Refunds[f.ID] = told
	return ReasonNone
}

func (f DisputeSeen) join(e *Evidence, _ Terms) Reason {
	told := Dispute{Amount: f.Amount, Status: f.Status, At: f.At, Reinstated: f.Reinstated}
	if e.Disputes == nil {
		e.Disputes = map[string]Dispute{}
	}
	if known, ok := e.Disputes[f.ID]; ok {
		told = joinDispute(known, told)
	}
	e.Disputes[f.ID] = told
	return ReasonNone
}
