package payments

import (
	"cmp"
	"maps"
	"strings"
	"time"

	"hourbank/sandbox/api"
)

// States of a dispute (https://docs.stripe.com/disputes/how-disputes-work):
//
//	warning_needs_response → warning_under_review → warning_closed
//	warning_* → needs_response: the inquiry became a chargeback
//	needs_response → under_review → won | lost
//	won → under_review: its bank contests that
//	any but won and lost → prevented: settled between the banks
func isInquiry(d api.Object) bool { return strings.HasPrefix(d.Text("status"), "warning_") }
func isOver(d api.Object) bool    { return d.In("status", "warning_closed", "won", "lost", "prevented") }

// blocks tells whether a dispute, if there is one, keeps its charge from being
// refunded.
func blocks(d api.Object) bool {
	return d != nil && !isInquiry(d) && !d.In("status", "won", "prevented")
}

// held is what of a dispute's money is with the card's holder.
func held(d api.Object) (sum int64) {
	for _, txn := range d.Parts("balance_transactions") {
		sum -= txn.Number("amount")
	}
	return sum
}

// timeToRespond is how long evidence is waited for.
const timeToRespond = 9 * 24 * time.Hour

func disputeIntent(c *api.Call, pi api.Object, with api.Options) (api.Object, error) {
	ch := Charge(c, pi)
	if !ch.Is("captured") {
		return nil, unexpectedState(pi, "dispute")
	}
	if d := c.Get(ch.Text("dispute")); d != nil && !isOver(d) {
		return nil, api.Invalid("charge_disputed", "", "Charge %s is disputed already.", ch.ID())
	}
	amount := cmp.Or(with.Amount, refundable(ch))
	if amount < 1 || amount > ch.Number("amount_captured") {
		return nil, api.Invalid("", "amount", "A dispute's amount must be between 1 and %d.", ch.Number("amount_captured"))
	}
	return openDispute(c, ch, amount, cmp.Or(with.Reason, "fraudulent"), with.Inquiry), nil
}

// openDispute contests an amount of the charge. All but an inquiry take the
// money at once. https://docs.stripe.com/api/disputes
func openDispute(c *api.Call, ch api.Object, amount int64, reason string, inquiry bool) api.Object {
	status, caseType := "needs_response", "chargeback"
	if inquiry {
		status, caseType = "warning_needs_response", "inquiry"
	}
	d := ch.Pick("currency", "payment_intent")
	d["amount"], d["charge"], d["reason"], d["status"] = amount, ch.ID(), reason, status
	c.Make("dispute", d).Set(api.Object{
		"balance_transactions": []api.Object{}, "is_charge_refundable": inquiry,
		"evidence_details":       api.Object{"due_by": c.Now + int64(timeToRespond.Seconds()), "has_evidence": false, "past_due": false, "submission_count": 0},
		"payment_method_details": api.Object{"type": "card", "card": api.Object{"brand": "visa", "case_type": caseType, "network_reason_code": "83"}},
	})
	if !inquiry {
		move(c, d, -amount)
	}
	ch.Set(api.Object{"disputed": true, "dispute": d.ID()})
	c.Emit("charge.dispute.created", d)
	c.Emit("charge.updated", ch)
	if !inquiry {
		c.Emit("charge.dispute.funds_withdrawn", d)
	}
	return d
}

// move notes money taken (below 0) or given back by the dispute, in minor units.
func move(c *api.Call, d api.Object, amount int64) {
	description, category := "Chargeback reversal for ", "dispute_reversal"
	if amount < 0 {
		description, category = "Chargeback withdrawal for ", "dispute"
	}
	d["balance_transactions"] = append(d.Parts("balance_transactions"), api.Object{
		"id": api.NewID("txn_1", 23), "object": "balance_transaction", "amount": amount, "available_on": c.Now, "created": c.Now,
		"currency": d.Text("currency"), "description": description + d.Text("charge"), "exchange_rate": nil, "fee": 0, "fee_details": []any{}, "net": amount,
		"reporting_category": category, "source": d.ID(), "type": "adjustment", "status": "available",
	})
}

// withdraw takes the dispute's money: an inquiry becomes a chargeback, or
// what was given back is taken again.
func withdraw(c *api.Call, d api.Object, _ api.Options) error {
	was := d.Text("status")
	if held(d) > 0 || was == "warning_closed" || was == "prevented" {
		return api.Invalid("", "", "This dispute's money cannot be withdrawn: it is %s.", was)
	}
	status := was
	if isInquiry(d) {
		status = "needs_response"
	} else if isOver(d) {
		status = "under_review"
	}
	if d.Set(api.Object{"status": status, "is_charge_refundable": false}); status != was {
		c.Emit("charge.dispute.updated", d)
	}
	move(c, d, -d.Number("amount"))
	c.Emit("charge.dispute.funds_withdrawn", d)
	return nil
}

// reinstate gives the dispute's money back, or a part of it, whatever its
// status. 0 means all.
func reinstate(c *api.Call, d api.Object, with api.Options) error {
	if held(d) == 0 {
		return api.Invalid("", "", "This dispute's money was not withdrawn: it is %s.", d.Text("status"))
	} else if err := partOf(d, with.Amount); err != nil {
		return err
	}
	giveBack(c, d, with.Amount)
	return nil
}

func partOf(d api.Object, amount int64) error {
	if amount < 0 || amount > held(d) {
		return api.Invalid("", "amount", "What is given back must be between 1 and %d.", held(d))
	}
	return nil
}

func giveBack(c *api.Call, d api.Object, amount int64) {
	move(c, d, cmp.Or(amount, held(d)))
	c.Emit("charge.dispute.funds_reinstated", d)
}

// decide closes the dispute. What is won may be a part of its money; 0 means
// all. An inquiry closes as one, for it never held money.
func decide(c *api.Call, d api.Object, verdict string, amount int64) error {
	if isOver(d) {
		return alreadyClosed(d)
	} else if err := partOf(d, amount); err != nil {
		return err
	}
	if isInquiry(d) && verdict != "prevented" {
		verdict = "warning_closed"
	}
	d.Set(api.Object{"status": verdict, "is_charge_refundable": verdict != "lost"})
	if held(d) > 0 && verdict != "lost" {
		giveBack(c, d, amount)
	}
	c.Emit("charge.dispute.closed", d)
	return nil
}

func alreadyClosed(d api.Object) error {
	return api.Invalid("", "", "This dispute is already closed: it is %s.", d.Text("status"))
}

// updateDispute takes evidence, which is submitted at once unless submit=false.
func updateDispute(c *api.Call, d api.Object) api.Act {
	metadata := c.Form.Metadata(d.Metadata())
	sent, _ := c.Form.Tree("evidence").(api.Object)
	submit := c.Form.Flag("submit", true)
	return func() (any, error) {
		if sent != nil && isOver(d) {
			return nil, alreadyClosed(d)
		}
		d.Set(api.Object{"metadata": metadata})
		if sent != nil {
			evidence := api.Object{}
			maps.Copy(evidence, d.Part("evidence"))
			maps.Copy(evidence, sent)
			d.Set(api.Object{"evidence": evidence})
			d.Part("evidence_details")["has_evidence"] = true
		}
		if sent != nil && submit {
			submitEvidence(c, d, sent.Text("uncategorized_text"))
		}
		return c.Tell("charge.dispute.updated", d)
	}
}

// submitEvidence hands the evidence to the bank. These words decide a test
// dispute. https://docs.stripe.com/testing#evidence
func submitEvidence(c *api.Call, d api.Object, text string) {
	d.Part("evidence_details").Add("submission_count", 1)
	status := "under_review"
	if isInquiry(d) {
		status = "warning_under_review"
	}
	d.Set(api.Object{"status": status})
	verdict, decided := map[string]string{"winning_evidence": "won", "losing_evidence": "lost"}[text]
	if !decided {
		return
	}
	c.Later(func(c *api.Call) {
		if !isOver(d) {
			_ = decide(c, d, verdict, 0) // refused only where it is over
		}
	})
}
