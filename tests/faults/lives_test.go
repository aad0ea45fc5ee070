package faults

import (
	"fmt"

	"hourbank/tests/harness"
)

// end is what a purchase must come to: hours in hundredths, money in minor
// units.
type end struct {
	Status                       string
	Credited, Reversed           int64
	Received, Refunded, Disputed int64
}

// life is what Stripe tells about one purchase, and its end, worked out by
// hand. The order of telling makes no difference.
type life struct {
	tell func(p *harness.Purchase) []*harness.Event
	end  end
}

var lives = []life{
	{func(p *harness.Purchase) []*harness.Event {
		return []*harness.Event{p.Intent("payment_intent.payment_failed").At(1), p.Succeeded().At(2), p.Succeeded().At(3)}
	}, end{"completed", 1000, 0, 5000, 0, 0}},
	{func(p *harness.Purchase) []*harness.Event {
		return []*harness.Event{p.Intent("payment_intent.processing").At(1), p.Succeeded().At(2), p.ChargeRefunded(1000).At(9)}
	}, end{"partially_refunded", 1000, 200, 5000, 1000, 0}},
	{func(p *harness.Purchase) []*harness.Event {
		return []*harness.Event{
			p.Succeeded().At(2), p.Refund("refund.created", "re_"+p.ID, 2000, "succeeded", 5).At(5), p.ChargeRefunded(5000).At(9),
		}
	}, end{"refunded", 1000, 1000, 5000, 5000, 0}},
	{func(p *harness.Purchase) []*harness.Event {
		return []*harness.Event{p.Succeeded().At(2), p.Dispute("charge.dispute.created", "dp_"+p.ID, 5000, "needs_response").At(5)}
	}, end{"disputed", 1000, 1000, 5000, 0, 5000}},
	{func(p *harness.Purchase) []*harness.Event {
		return []*harness.Event{
			p.Succeeded().At(2), p.Dispute("charge.dispute.created", "dp_"+p.ID, 5000, "needs_response").At(5),
			p.Dispute("charge.dispute.closed", "dp_"+p.ID, 5000, "won").At(8),
		}
	}, end{"completed", 1000, 0, 5000, 0, 0}},
	{func(p *harness.Purchase) []*harness.Event {
		return []*harness.Event{p.Intent("payment_intent.payment_failed").At(3)}
	}, end{"failed", 0, 0, 0, 0, 0}},
}

// students are few, so that many purchases meet on one account.
const students = 7

func studentOf(purchase int) string { return fmt.Sprintf("student_%d", purchase%students) }
