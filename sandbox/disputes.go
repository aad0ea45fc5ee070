package sandbox

import (
	"cmp"
	"maps"
	"time"
)

// dispute is a charge contested by the card's holder.
// https://docs.stripe.com/api/disputes
type dispute struct {
	head
	Amount              int64             `json:"amount"`
	BalanceTransactions []map[string]any  `json:"balance_transactions"`
	Charge              string            `json:"charge"`
	Currency            string            `json:"currency"`
	Evidence            map[string]any    `json:"evidence"`
	EvidenceDetails     evidenceDetails   `json:"evidence_details"`
	IsChargeRefundable  bool              `json:"is_charge_refundable"`
	Metadata            map[string]string `json:"metadata"`
	PaymentIntent       string            `json:"payment_intent"`
	MethodDetails       map[string]any    `json:"payment_method_details"`
	Reason              string            `json:"reason"`
	Status              string            `json:"status"`

	held int64 // of its money, what is with the card's holder
}

type evidenceDetails struct {
	DueBy           int64 `json:"due_by"`
	HasEvidence     bool  `json:"has_evidence"`
	PastDue         bool  `json:"past_due"`
	SubmissionCount int   `json:"submission_count"`
}

// States of a dispute (https://docs.stripe.com/disputes/how-disputes-work):
//
//	warning_needs_response → warning_under_review → warning_closed
//	warning_* → needs_response: the inquiry became a chargeback
//	needs_response → under_review → won | lost
//	won → under_review: its bank contests that
//	any but won and lost → prevented: settled between the banks
const (
	inquiryNeedsResponse = "warning_needs_response"
	inquiryUnderReview   = "warning_under_review"
	inquiryClosed        = "warning_closed"
	disputeNeedsResponse = "needs_response"
	disputeUnderReview   = "under_review"
	disputeWon           = "won"
	disputeLost          = "lost"
	disputePrevented     = "prevented"
)

func (d *dispute) inquiry() bool {
	return d.Status == inquiryNeedsResponse || d.Status == inquiryUnderReview || d.Status == inquiryClosed
}

func (d *dispute) over() bool {
	return d.Status == inquiryClosed || d.Status == disputeWon || d.Status == disputeLost || d.Status == disputePrevented
}

// blocked tells whether a dispute keeps the charge from being refunded.
func (ch *charge) blocked() bool {
	return ch.dispute != nil && !ch.dispute.inquiry() && ch.dispute.Status != disputeWon && ch.dispute.Status != disputePrevented
}

// timeToRespond is how long evidence is waited for.
const timeToRespond = 9 * 24 * time.Hour

// openDispute contests an amount of the charge. All but an inquiry take the
// money at once.
func (c *call) openDispute(ch *charge, amount int64, reason string, inquiry bool) *dispute {
	d := add(c.state, &c.disputes, &dispute{
		head:                head{ID: newID("dp_1", usualID-1), Object: "dispute", Created: c.now},
		Amount:              amount,
		BalanceTransactions: []map[string]any{},
		Charge:              ch.ID,
		Currency:            ch.Currency,
		Evidence:            map[string]any{},
		EvidenceDetails:     evidenceDetails{DueBy: c.now + int64(timeToRespond.Seconds())},
		IsChargeRefundable:  inquiry,
		Metadata:            map[string]string{},
		PaymentIntent:       ch.PaymentIntent,
		MethodDetails: map[string]any{"type": "card", "card": map[string]any{
			"brand": "visa", "case_type": caseType(inquiry), "network_reason_code": "83"}},
		Reason: reason,
		Status: disputeNeedsResponse,
	})
	if inquiry {
		d.Status = inquiryNeedsResponse
	} else {
		c.book(d, -d.Amount, "Chargeback withdrawal for "+ch.ID)
	}
	ch.Disputed, ch.dispute = true, d
	c.emit("charge.dispute.created", d)
	c.emit("charge.updated", ch)
	if !inquiry {
		c.emit("charge.dispute.funds_withdrawn", d)
	}
	return d
}

func caseType(inquiry bool) string {
	if inquiry {
		return "inquiry"
	}
	return "chargeback"
}

// book notes money taken or given back by the dispute, in minor units.
func (c *call) book(d *dispute, amount int64, description string) {
	d.held -= amount
	d.BalanceTransactions = append(d.BalanceTransactions, map[string]any{
		"id": newID("txn_1", usualID-1), "object": "balance_transaction", "amount": amount, "available_on": c.now, "created": c.now,
		"currency": d.Currency, "description": description, "exchange_rate": nil, "fee": 0, "fee_details": []any{}, "net": amount,
		"reporting_category": reportingCategory(amount), "source": d.ID, "type": "adjustment", "status": "available",
	})
}

func reportingCategory(amount int64) string {
	if amount < 0 {
		return "dispute"
	}
	return "dispute_reversal"
}

// withdraw takes the dispute's money: an inquiry becomes a chargeback, or
// what was given back is taken again.
func (c *call) withdraw(d *dispute) error {
	if d.held > 0 || d.Status == inquiryClosed || d.Status == disputePrevented {
		return invalid("", "", "This dispute's money cannot be withdrawn: it is %s.", d.Status)
	}
	was := d.Status
	if d.inquiry() {
		d.Status = disputeNeedsResponse
	} else if d.over() {
		d.Status = disputeUnderReview
	}
	if d.IsChargeRefundable = false; d.Status != was {
		c.emit("charge.dispute.updated", d)
	}
	c.book(d, -d.Amount, "Chargeback withdrawal for "+d.Charge)
	c.emit("charge.dispute.funds_withdrawn", d)
	return nil
}

// reinstate gives the dispute's money back, or a part of it, whatever its
// status. 0 means all.
func (c *call) reinstate(d *dispute, amount int64) error {
	switch {
	case d.held == 0:
		return invalid("", "", "This dispute's money was not withdrawn: it is %s.", d.Status)
	case amount < 0 || amount > d.held:
		return invalid("", "amount", "What is given back must be between 1 and %d.", d.held)
	}
	c.book(d, cmp.Or(amount, d.held), "Chargeback reversal for "+d.Charge)
	c.emit("charge.dispute.funds_reinstated", d)
	return nil
}

// decide closes the dispute. What is won may be a part of its money; 0 means
// all. An inquiry closes as one, for it never held money.
func (c *call) decide(d *dispute, verdict string, amount int64) error {
	if d.over() {
		return invalid("", "", "This dispute is already closed: it is %s.", d.Status)
	}
	if amount < 0 || amount > d.held {
		return invalid("", "amount", "What is given back must be between 1 and %d.", d.held)
	}
	if d.inquiry() && verdict != disputePrevented {
		verdict = inquiryClosed
	}
	d.Status, d.IsChargeRefundable = verdict, verdict != disputeLost
	if d.held > 0 && verdict != disputeLost {
		c.book(d, cmp.Or(amount, d.held), "Chargeback reversal for "+d.Charge)
		c.emit("charge.dispute.funds_reinstated", d)
	}
	c.emit("charge.dispute.closed", d)
	return nil
}

// Words that, sent as evidence, decide a test dispute.
// https://docs.stripe.com/testing#evidence
const (
	winningEvidence = "winning_evidence"
	losingEvidence  = "losing_evidence"
)

// updateDispute takes evidence, which is submitted at once unless submit=false.
func (c *call) updateDispute(d *dispute) (any, error) {
	metadata, evidence := c.form.metadata(d.Metadata), map[string]any{}
	sent, _ := c.form.tree("evidence").(map[string]any)
	submit := c.form.flag("submit", true)
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if sent != nil && d.over() {
		return nil, invalid("", "evidence", "This dispute is already closed: it is %s.", d.Status)
	}
	d.Metadata = metadata
	if sent != nil {
		maps.Copy(evidence, d.Evidence)
		maps.Copy(evidence, sent)
		d.Evidence, d.EvidenceDetails.HasEvidence = evidence, true
	}
	if sent != nil && submit {
		c.submit(d, sent["uncategorized_text"])
	}
	c.emit("charge.dispute.updated", d)
	return d, nil
}

// submit hands the evidence to the bank, whose verdict its own words are.
func (c *call) submit(d *dispute, text any) {
	d.EvidenceDetails.SubmissionCount++
	if d.inquiry() {
		d.Status = inquiryUnderReview
	} else {
		d.Status = disputeUnderReview
	}
	verdict := disputeWon
	switch text {
	case nullString(losingEvidence):
		verdict = disputeLost
	case nullString(winningEvidence):
	default:
		return
	}
	c.later(func(c *call) {
		if !d.over() {
			_ = c.decide(d, verdict, 0) // refused only where it is over
		}
	})
}
