package sandbox_test

import (
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/sandbox"
)

func (b *bench) dispute(id string) *stripe.Dispute {
	b.t.Helper()
	d, err := b.api.Disputes.Get(id, nil)
	ok(b.t, err)
	return d
}

// disputeEvents gives the dispute's events, oldest first.
func (b *bench) disputeEvents() (types []string) {
	for _, kind := range b.types() {
		if len(kind) > 15 && kind[:15] == "charge.dispute." {
			types = append(types, kind[15:])
		}
	}
	return types
}

func TestDisputeWon(t *testing.T) {
	b := start(t)
	pi := b.pay(5000, "pm_card_visa")
	id := b.do(pi.ID, "dispute", sandbox.Options{Amount: 3000})
	d := b.dispute(id)
	equal(t, "status", d.Status, stripe.DisputeStatusNeedsResponse)
	equal(t, "charge", d.Charge.ID, pi.LatestCharge.ID)
	equal(t, "withdrawn", d.BalanceTransactions[0].Amount, -3000)
	equal(t, "held", b.book(pi.ID).Disputed, 3000)
	_, err := b.api.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi.ID})
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeChargeDisputed)
	b.do(id, "win", sandbox.Options{})
	equal(t, "then", b.dispute(id).Status, stripe.DisputeStatusWon)
	equal(t, "given back", b.book(pi.ID).Disputed, 0)
	equalTypes(t, b.disputeEvents(), "created", "funds_withdrawn", "funds_reinstated", "closed")
	b.refund(pi.ID, 5000)
}

func TestDisputeLost(t *testing.T) {
	b := start(t)
	pi := b.pay(5000, "pm_card_createDispute")
	list := b.api.Disputes.List(&stripe.DisputeListParams{PaymentIntent: &pi.ID})
	if !list.Next() {
		t.Fatal("no dispute was made")
	}
	d, err := b.api.Disputes.Close(list.Dispute().ID, nil)
	ok(t, err)
	equal(t, "status", d.Status, stripe.DisputeStatusLost)
	equal(t, "held", b.book(pi.ID).Disputed, 5000)
	equalTypes(t, b.disputeEvents(), "created", "funds_withdrawn", "closed")
	_, err = b.api.Disputes.Close(d.ID, nil)
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, "")
}

func TestInquiryGrowsIntoDispute(t *testing.T) {
	b := start(t)
	pi := b.pay(5000, "pm_card_visa")
	id := b.do(pi.ID, "dispute", sandbox.Options{Inquiry: true})
	equal(t, "status", b.dispute(id).Status, stripe.DisputeStatusWarningNeedsResponse)
	equal(t, "nothing held", b.book(pi.ID).Disputed, 0)
	b.do(id, "withdraw", sandbox.Options{})
	equal(t, "then", b.dispute(id).Status, stripe.DisputeStatusNeedsResponse)
	equal(t, "held", b.book(pi.ID).Disputed, 5000)
	b.do(id, "reinstate", sandbox.Options{})
	equal(t, "reinstated", b.book(pi.ID).Disputed, 0)
	b.do(id, "withdraw", sandbox.Options{})
	b.do(id, "lose", sandbox.Options{})
	equal(t, "lost", b.book(pi.ID).Disputed, 5000)
	equalTypes(t, b.disputeEvents(), "created", "updated", "funds_withdrawn", "funds_reinstated", "funds_withdrawn", "closed")
}

func TestInquiryCloses(t *testing.T) {
	b := start(t)
	pi := b.pay(5000, "pm_card_createDisputeInquiry")
	list := b.api.Disputes.List(&stripe.DisputeListParams{Charge: &pi.LatestCharge.ID})
	if !list.Next() {
		t.Fatal("no inquiry was made")
	}
	b.do(list.Dispute().ID, "win", sandbox.Options{})
	equal(t, "status", b.dispute(list.Dispute().ID).Status, stripe.DisputeStatusWarningClosed)
	equalTypes(t, b.disputeEvents(), "created", "closed")
}

func TestEvidenceDecides(t *testing.T) {
	b := start(t)
	for evidence, want := range map[string]stripe.DisputeStatus{
		"winning_evidence": stripe.DisputeStatusWon, "losing_evidence": stripe.DisputeStatusLost,
	} {
		id := b.do(b.pay(5000, "pm_card_visa").ID, "dispute", sandbox.Options{})
		d, err := b.api.Disputes.Update(id, &stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: stripe.String(evidence)}})
		ok(t, err)
		equal(t, "at first", d.Status, stripe.DisputeStatusUnderReview)
		b.settled()
		equal(t, evidence, b.dispute(id).Status, want)
	}
}
