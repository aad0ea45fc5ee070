package sandbox

import "time"

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

	withheld bool // its money is with the card's holder
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
const (
	inquiryNeedsResponse = "warning_needs_response"
	inquiryUnderReview   = "warning_under_review"
	inquiryClosed        = "warning_closed"
	disputeNeedsResponse = "needs_response"
	disputeUnderReview   = "under_review"
	disputeWon           = "won"
	disputeLost          = "lost"
)

func (d *dispute) inquiry() bool {
	return d.Status == inquiryNeedsResponse || d.Status == inquiryUnderReview || d.Status == inquiryClosed
}

func (d *dispute) over() bool {
	return d.Status == inquiryClosed || d.Status == disputeWon || d.Status == disputeLost
}

// blocked tells whether a dispute keeps the charge from being refunded.
func (ch *charge) blocked() bool {
	return ch.dispute != nil && !ch.dispute.inquiry() && ch.dispute.Status != disputeWon
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
	before := c.snapshot(ch)
	ch.Disputed, ch.dispute = true, d
	c.emit("charge.dispute.created", d, nil)
	c.emit("charge.updated", ch, before)
	if !inquiry {
		c.emit("charge.dispute.funds_withdrawn", d, nil)
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
	d.withheld = amount < 0
	d.BalanceTransactions = append(d.BalanceTransactions, map[string]any{
		"id": newID("txn_1", usualID-1), "object": "balance_transaction", "amount": amount, "created": c.now,
		"currency": d.Currency, "description": description, "fee": 0, "net": amount,
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
// money reinstated is taken again.
func (c *call) withdraw(d *dispute) error {
	if d.withheld || d.Status == inquiryClosed || d.Status == disputeWon {
		return invalid("", "", "This dispute's money cannot be withdrawn: it is %s.", d.Status)
	}
	before := c.snapshot(d)
	if d.inquiry() {
		d.Status, d.IsChargeRefundable = disputeNeedsResponse, false
		c.emit("charge.dispute.updated", d, before)
		before = c.snapshot(d)
	}
	c.book(d, -d.Amount, "Chargeback withdrawal for "+d.Charge)
	c.emit("charge.dispute.funds_withdrawn", d, before)
	return nil
}

// reinstate gives the dispute's money back, whatever its status.
func (c *call) reinstate(d *dispute) error {
	if !d.withheld {
		return invalid("", "", "This dispute's money was not withdrawn: it is %s.", d.Status)
	}
	before := c.snapshot(d)
	c.book(d, d.Amount, "Chargeback reversal for "+d.Charge)
	c.emit("charge.dispute.funds_reinstated", d, before)
	return nil
}

// decide closes the dispute for or against the merchant. An inquiry closes as
// one either way, for it never held money.
func (c *call) decide(d *dispute, won bool) error {
	if d.over() {
		return invalid("", "", "This dispute is already closed: it is %s.", d.Status)
	}
	before := c.snapshot(d)
	switch {
	case d.inquiry():
		d.Status = inquiryClosed
	case won:
		d.Status, d.IsChargeRefundable = disputeWon, true
		if d.withheld {
			c.book(d, d.Amount, "Chargeback reversal for "+d.Charge)
			c.emit("charge.dispute.funds_reinstated", d, before)
		}
	default:
		d.Status = disputeLost
	}
	c.emit("charge.dispute.closed", d, before)
	return nil
}

func (c *call) getDispute() (any, error) {
	return find[*dispute](c.state, "dispute", c.id(), inPath)
}

func (c *call) listDisputes() (any, error) {
	chargeID, intentID := c.form.text("charge"), c.form.text("payment_intent")
	return list(c, &c.disputes, func(d *dispute) bool {
		return (chargeID == "" || d.Charge == chargeID) && (intentID == "" || d.PaymentIntent == intentID)
	})
}

// Words that, sent as evidence, decide a test dispute.
// https://docs.stripe.com/testing#evidence
const (
	winningEvidence = "winning_evidence"
	losingEvidence  = "losing_evidence"
)

// updateDispute takes evidence, which is submitted at once unless submit=false.
func (c *call) updateDispute() (any, error) {
	d, err := find[*dispute](c.state, "dispute", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	metadata, evidence := c.form.metadata(d.Metadata), c.form.at("evidence")
	submit := c.form.text("submit") != "false"
	c.form.ignore("expand")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	if evidence != nil && d.over() {
		return nil, invalid("", "evidence", "This dispute is already closed: it is %s.", d.Status)
	}
	before := c.snapshot(d)
	d.Metadata = metadata
	if evidence != nil {
		c.takeEvidence(d, evidence, submit)
	}
	c.emit("charge.dispute.updated", d, before)
	return d, nil
}

func (c *call) takeEvidence(d *dispute, evidence *form, submit bool) {
	merged := map[string]any{}
	for key, value := range d.Evidence {
		merged[key] = value
	}
	for key, value := range evidence.kids {
		merged[key] = value.plain()
	}
	d.Evidence = merged
	d.EvidenceDetails.HasEvidence = true
	if !submit {
		return
	}
	d.EvidenceDetails.SubmissionCount++
	if d.inquiry() {
		d.Status = inquiryUnderReview
	} else {
		d.Status = disputeUnderReview
	}
	verdict := evidence.text("uncategorized_text")
	if verdict != winningEvidence && verdict != losingEvidence {
		return
	}
	c.later(func(c *call) {
		if !d.over() {
			_ = c.decide(d, verdict == winningEvidence) // refused only where it is over
		}
	})
}

// closeDispute accepts that the dispute is lost.
// https://docs.stripe.com/api/disputes/close
func (c *call) closeDispute() (any, error) {
	d, err := find[*dispute](c.state, "dispute", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	c.form.ignore("expand")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	return d, c.decide(d, false)
}
