package tests

import (
	"fmt"

	"hourbank/tests/harness"
)

// Refunds, and releases of what was authorised and not captured.
var refundStories = []story{
	{
		name: "refunded in full by total and by id", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Refund("refund.created", "re_1", "pi_1", 5000, "succeeded"),
				s.Refunded("pi_1", 5000, 5000, s.Listed("re_1", "pi_1", 5000, "succeeded"))}
		},
		ends: "refunded 0.00 h due 5000 received 5000 refunded 5000", balance: "0.00 h 0",
	},
	{
		name: "a third refunded rounds half up", sold: oneHour,
		told: func(s *harness.Teller) events { return events{s.Paid("pi_1", 300), s.Refunded("pi_1", 300, 100)} },
		ends: "partially_refunded 0.67 h due 300 received 300 refunded 100", balance: "0.67 h 200",
	},
	{
		name: "a refund of a cent moves no hours", sold: tenHours,
		told: func(s *harness.Teller) events { return events{s.Paid("pi_1", 5000), s.Refunded("pi_1", 5000, 1)} },
		ends: "partially_refunded 10.00 h due 5000 received 5000 refunded 1", balance: "10.00 h 4999",
	},
	{
		name: "a refund that names only the charge of a known payment", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Bare().Paid("pi_1", 5000), s.Refund("refund.created", "re_1", "pi_1", 2500, "succeeded").With("payment_intent", nil)}
		},
		ends: "partially_refunded 5.00 h due 5000 received 5000 refunded 2500", balance: "5.00 h 2500",
	},
	{
		name: "a refund that names only the charge of a payment of which a charge told",
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000).With("metadata", s.Buys("hours10")).Without("latest_charge", "charges"), s.Charge("succeeded", "pi_1", 5000, 5000, 0),
				s.Refund("charge.refund.updated", "re_1", "pi_1", 1000, "succeeded").Without("payment_intent")}
		},
		ends: "partially_refunded 8.00 h due 5000 received 5000 refunded 1000", balance: "8.00 h 4000",
	},
	{
		name: "a refund that names no charge is counted once beside the charge's total", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Refund("refund.created", "re_1", "pi_1", 2500, "succeeded").With("charge", nil), s.Refunded("pi_1", 5000, 2500)}
		},
		ends: "partially_refunded 5.00 h due 5000 received 5000 refunded 2500", balance: "5.00 h 2500",
	},
	{
		name: "two refunds of which the total knows the first", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Refund("refund.created", "re_1", "pi_1", 2000, "succeeded"),
				s.Refunded("pi_1", 5000, 2000, s.Listed("re_1", "pi_1", 2000, "succeeded")), s.Refund("refund.created", "re_2", "pi_1", 1000, "succeeded")}
		},
		ends: "partially_refunded 4.00 h due 5000 received 5000 refunded 3000", balance: "4.00 h 2000",
	},
	{
		name: "two refunds of which only the second has an id, after a total", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Refunded("pi_1", 5000, 2000), s.Refund("refund.created", "re_2", "pi_1", 1000, "succeeded")}
		},
		ends: "partially_refunded 4.00 h due 5000 received 5000 refunded 3000", balance: "4.00 h 2000",
	},
	{
		name: "a total that knows more than the refunds by id", sold: manyHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 70_007), s.Refund("refund.created", "re_1", "pi_1", 10_001, "succeeded"), s.Refunded("pi_1", 70_007, 35_000)}
		},
		ends: "partially_refunded 61.73 h due 70007 received 70007 refunded 35000", balance: "61.73 h 35007",
	},
	{
		name: "a refund and its total in one second", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Refund("refund.created", "re_1", "pi_1", 2000, "succeeded").At(20), s.Refunded("pi_1", 5000, 2000).At(20)}
		},
		ends: "partially_refunded 6.00 h due 5000 received 5000 refunded 2000", balance: "6.00 h 3000",
	},
	{
		name: "a total above what was received takes no more than that", sold: tenHours,
		told: func(s *harness.Teller) events { return events{s.Paid("pi_1", 5000), s.Refunded("pi_1", 5000, 9000)} },
		ends: "refunded 0.00 h due 5000 received 5000 refunded 5000", balance: "0.00 h 0", cases: "*",
	},
	{
		name: "a refund that fails gives the hours back and is a case", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Refund("refund.created", "re_1", "pi_1", 5000, "pending"), s.Refunded("pi_1", 5000, 5000),
				s.Refund("refund.failed", "re_1", "pi_1", 5000, "failed")}
		},
		ends: "completed 10.00 h due 5000 received 5000", balance: "10.00 h 5000", cases: "refund_failed",
	},
	{
		name: "a part of a refund that is cancelled gives its hours back", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Refund("refund.created", "re_1", "pi_1", 1500, "succeeded"), s.Refund("refund.created", "re_2", "pi_1", 2000, "requires_action"),
				s.Refund("refund.updated", "re_2", "pi_1", 2000, "canceled")}
		},
		ends: "partially_refunded 7.00 h due 5000 received 5000 refunded 1500", balance: "7.00 h 3500", cases: "refund_failed",
	},
	{
		name: "a refund that failed is made good by another of the same amount", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Refund("refund.created", "re_1", "pi_1", 5000, "pending"), s.Refunded("pi_1", 5000, 5000),
				s.Refund("charge.refund.updated", "re_1", "pi_1", 5000, "failed"),
				s.Refund("refund.created", "re_2", "pi_1", 5000, "succeeded"), s.Refunded("pi_1", 5000, 5000)}
		},
		ends: "refunded 0.00 h due 5000 received 5000 refunded 5000", balance: "0.00 h 0", closed: "refund_failed",
	},
	{
		name: "a refund that failed is not made good by another amount", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Refund("refund.failed", "re_1", "pi_1", 2000, "failed"), s.Refund("refund.created", "re_2", "pi_1", 1000, "succeeded")}
		},
		ends: "partially_refunded 8.00 h due 5000 received 5000 refunded 1000", balance: "8.00 h 4000", cases: "refund_failed",
	},
	{
		name: "an authorisation that was cancelled is no refund", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Intent("amount_capturable_updated", "pi_1", 5000, 0), s.Charge("refunded", "pi_1", 5000, 0, 5000),
				s.Intent("canceled", "pi_1", 5000, 0), s.Paid("pi_2", 5000)}
		},
		ends: bought, balance: "10.00 h 5000",
	},
	{
		name: "an authorisation that was cancelled with a refund of its own, and nothing since", sold: manyHours, versions: beforeBasil,
		told: func(s *harness.Teller) events {
			return events{s.Intent("amount_capturable_updated", "pi_1", 70_007, 0), s.Refund("refund.created", "re_1", "pi_1", 70_007, "succeeded"),
				s.Charge("refunded", "pi_1", 70_007, 0, 70_007, s.Listed("re_1", "pi_1", 70_007, "succeeded")), s.Intent("canceled", "pi_1", 70_007, 0)}
		},
		ends: "cancelled 0.00 h due 70007 received 0", balance: "0.00 h 0",
	},
	{
		name: "what was authorised and not captured is no refund", sold: tenHours, versions: []harness.Version{harness.V2022},
		told: func(s *harness.Teller) events {
			return events{s.Intent("succeeded", "pi_1", 6000, 5000), s.Charge("refunded", "pi_1", 6000, 5000, 1000)}
		},
		ends: bought, balance: "10.00 h 5000", cases: "*",
	},
	{
		name: "what was authorised and not captured is no refund by id", sold: tenHours, versions: beforeBasil,
		told: func(s *harness.Teller) events {
			return events{s.Intent("succeeded", "pi_1", 6000, 5000).At(10), s.Charge("captured", "pi_1", 6000, 5000, 1000).At(10),
				s.Refund("refund.created", "re_1", "pi_1", 1000, "succeeded").At(10).With("created", harness.Epoch+10),
				s.Charge("refunded", "pi_1", 6000, 5000, 1000).At(10)}
		},
		ends: bought, balance: "10.00 h 5000",
	},
	{
		name: "a total above what was captured holds the release", sold: tenHours, versions: beforeBasil,
		told: func(s *harness.Teller) events {
			return events{s.Intent("succeeded", "pi_1", 6000, 5000), s.Charge("refunded", "pi_1", 6000, 5000, 6000)}
		},
		ends: "refunded 0.00 h due 5000 received 5000 refunded 5000", balance: "0.00 h 0",
	},
	{
		name: "a total of an older version is read as holding the release", sold: tenHours, versions: beforeBasil,
		told: func(s *harness.Teller) events {
			return events{s.Intent("succeeded", "pi_1", 6000, 5000), s.Charge("refunded", "pi_1", 6000, 5000, 3500)}
		},
		ends: "partially_refunded 5.00 h due 5000 received 5000 refunded 2500", balance: "5.00 h 2500", cases: "unclear_refund",
	},
	{
		name: "a total of an older version and the refund by id beside the release", sold: tenHours, versions: beforeBasil,
		told: func(s *harness.Teller) events {
			return events{s.Intent("succeeded", "pi_1", 6000, 5000), s.Refund("refund.created", "re_2", "pi_1", 2500, "succeeded"),
				s.Charge("refunded", "pi_1", 6000, 5000, 3500)}
		},
		ends: "partially_refunded 5.00 h due 5000 received 5000 refunded 2500", balance: "5.00 h 2500",
	},
	{
		name: "a total of a newer version is read as holding no release", sold: tenHours, versions: sinceBasil,
		told: func(s *harness.Teller) events {
			return events{s.Intent("succeeded", "pi_1", 6000, 5000), s.Charge("refunded", "pi_1", 6000, 5000, 2500)}
		},
		ends: "partially_refunded 5.00 h due 5000 received 5000 refunded 2500", balance: "5.00 h 2500", cases: "unclear_refund",
	},
	{
		name: "a refund by id of just what was never captured, made later, is a refund", sold: tenHours, versions: sinceBasil,
		told: func(s *harness.Teller) events {
			return events{s.Intent("succeeded", "pi_1", 6000, 5000), s.Refund("refund.created", "re_1", "pi_1", 1000, "succeeded"),
				s.Charge("refunded", "pi_1", 6000, 5000, 1000)}
		},
		ends: "partially_refunded 8.00 h due 5000 received 5000 refunded 1000", balance: "8.00 h 4000",
	},
	{
		name: "three thousand refunds of one purchase", sold: tenHours,
		told: func(s *harness.Teller) events {
			told := events{s.Paid("pi_1", 5000)}
			for event := range 3 { // as an old charge lists them, whatever the version
				var listed []object
				for i := range 1000 {
					listed = append(listed, s.Listed(fmt.Sprintf("re_%d_%d", event, i), "pi_1", 1, "succeeded"))
				}
				charge := s.Refunded("pi_1", 5000, int64(1000*(event+1)))
				told = append(told, charge.With("refunds", object{"object": "list", "data": listed, "has_more": true}))
			}
			for i := range 10 {
				told = append(told, s.Refund("refund.updated", fmt.Sprintf("re_2_%d", i), "pi_1", 1, "succeeded"))
			}
			return told
		},
		ends: "partially_refunded 4.00 h due 5000 received 5000 refunded 3000", balance: "4.00 h 2000", cases: "too_many_objects",
	},
}
