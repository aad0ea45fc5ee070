package tests

import "hourbank/tests/harness"

// Purchases that we sold, for 10.00 h and 5000 where nothing else is said, and
// what pays them.
var paymentStories = []story{
	{
		name: "one payment in full", sold: tenHours,
		told: func(s *harness.Teller) events { return events{s.Paid("pi_1", 5000)} },
		ends: "completed 10.00 h due 5000 received 5000", balance: "10.00 h 5000",
	},
	{
		name: "a purchase of an odd price that was sold after its events had come", sold: manyHours, late: true,
		told: func(s *harness.Teller) events {
			return events{s.Intent("payment_failed", "pi_1", 70_007, 0), s.Paid("pi_1", 70_007), s.Refunded("pi_1", 70_007, 7)}
		},
		ends: "partially_refunded 123.44 h due 70007 received 70007 refunded 7", balance: "123.44 h 70000",
	},
	{
		name: "paid twice and nothing given back is overpaid", sold: tenHours,
		told: func(s *harness.Teller) events { return events{s.Paid("pi_1", 5000), s.Paid("pi_2", 5000)} },
		ends: "completed 10.00 h due 5000 received 10000", balance: "10.00 h 10000", cases: "overpaid",
	},
	{
		name: "paid twice and the second payment refunded in full", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Paid("pi_2", 5000), s.Refunded("pi_2", 5000, 5000)}
		},
		ends: "completed 10.00 h due 5000 received 10000 refunded 5000", balance: "10.00 h 5000", closed: "overpaid",
	},
	{
		name: "paid twice and the first payment refunded in full, by id", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Paid("pi_2", 5000), s.Refund("refund.created", "re_1", "pi_1", 5000, "succeeded")}
		},
		ends: "completed 10.00 h due 5000 received 10000 refunded 5000", balance: "10.00 h 5000", closed: "overpaid",
	},
	{
		name: "paid twice and half of the second payment refunded", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Paid("pi_2", 5000), s.Refunded("pi_2", 5000, 2500)}
		},
		ends: "completed 10.00 h due 5000 received 10000 refunded 2500", balance: "10.00 h 7500", cases: "overpaid",
	},
	{
		name: "paid twice, one payment refunded and the other in part", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Paid("pi_2", 5000), s.Refunded("pi_1", 5000, 2500), s.Refunded("pi_2", 5000, 5000)}
		},
		ends: "partially_refunded 5.00 h due 5000 received 10000 refunded 7500", balance: "5.00 h 2500",
	},
	{
		name: "paid twice and both refunded", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Paid("pi_2", 5000), s.Refunded("pi_2", 5000, 5000), s.Refunded("pi_1", 5000, 5000)}
		},
		ends: "refunded 0.00 h due 5000 received 10000 refunded 10000", balance: "0.00 h 0",
	},
	{
		name: "paid twice and the second payment lost to a dispute", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Paid("pi_2", 5000), s.Dispute("closed", "dp_1", "pi_2", 5000, "lost")}
		},
		ends: "completed 10.00 h due 5000 received 10000 disputed 5000", balance: "10.00 h 5000",
	},
	{
		name: "half as much again in one payment", sold: tenHours,
		told: func(s *harness.Teller) events { return events{s.Paid("pi_1", 7500)} },
		ends: "completed 10.00 h due 5000 received 7500", balance: "10.00 h 7500", cases: "overpaid",
	},
	{
		name: "too little, given back, then paid in full", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 4000), s.Refunded("pi_1", 4000, 4000), s.Paid("pi_2", 5000)}
		},
		ends: "completed 10.00 h due 5000 received 9000 refunded 4000", balance: "10.00 h 5000", closed: "underpaid",
	},
	{
		name: "too little", sold: tenHours,
		told: func(s *harness.Teller) events { return events{s.Paid("pi_1", 4000)} },
		ends: "pending 0.00 h due 5000 received 4000", balance: "0.00 h 4000", cases: "underpaid",
	},
	{
		name: "a cent too little of an odd price", sold: manyHours,
		told: func(s *harness.Teller) events { return events{s.Paid("pi_1", 70_006)} },
		ends: "pending 0.00 h due 70007 received 70006", balance: "0.00 h 70006", cases: "underpaid",
	},
	{
		name: "too little and given back", sold: tenHours,
		told: func(s *harness.Teller) events { return events{s.Paid("pi_1", 4000), s.Refunded("pi_1", 4000, 4000)} },
		ends: "pending 0.00 h due 5000 received 4000 refunded 4000", balance: "0.00 h 0", closed: "underpaid",
	},
	{
		name: "too little, then the rest", sold: tenHours,
		told: func(s *harness.Teller) events { return events{s.Paid("pi_1", 4000), s.Paid("pi_2", 1000)} },
		ends: "completed 10.00 h due 5000 received 5000", balance: "10.00 h 5000", closed: "underpaid",
	},
	{
		name: "in three parts, of which one is given back", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 2000), s.Paid("pi_2", 2000), s.Paid("pi_3", 1000), s.Refunded("pi_2", 2000, 2000)}
		},
		ends: "partially_refunded 6.00 h due 5000 received 5000 refunded 2000", balance: "6.00 h 3000",
	},
	{
		name: "enough came in, and more than half of it goes back", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 3000), s.Refunded("pi_1", 3000, 3000), s.Paid("pi_2", 3000)}
		},
		ends: "partially_refunded 6.00 h due 5000 received 6000 refunded 3000", balance: "6.00 h 3000",
	},
	{
		name: "money in another currency", sold: tenHours,
		told: func(s *harness.Teller) events { return events{s.In("usd").Paid("pi_1", 5000)} },
		ends: "pending 0.00 h due 5000 received 0", balance: "0.00 h 0", cases: "other_currency",
	},
	{
		name: "money in another currency, given back", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.In("usd").Paid("pi_1", 5000), s.In("usd").Refunded("pi_1", 5000, 5000)}
		},
		ends: "pending 0.00 h due 5000 received 0", balance: "0.00 h 0", closed: "other_currency",
	},
	{
		name: "money in another currency, then the right one", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.In("jpy").Paid("pi_1", 8000), s.Paid("pi_2", 5000)}
		},
		ends: "completed 10.00 h due 5000 received 5000", balance: "10.00 h 5000", cases: "other_currency",
	},
	{
		name: "authorised and not captured", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Intent("created", "pi_1", 5000, 0), s.Intent("amount_capturable_updated", "pi_1", 5000, 0)}
		},
		ends: "processing 0.00 h due 5000 received 0", balance: "0.00 h 0",
	},
	{
		name: "authorised, then captured", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Intent("amount_capturable_updated", "pi_1", 5000, 0), s.Charge("captured", "pi_1", 5000, 5000, 0)}
		},
		ends: "completed 10.00 h due 5000 received 5000", balance: "10.00 h 5000",
	},
	{
		name: "a bank transfer of which a part has come", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Intent("created", "pi_1", 5000, 0), s.Intent("partially_funded", "pi_1", 5000, 2000)}
		},
		ends: "processing 0.00 h due 5000 received 2000", balance: "0.00 h 2000", cases: "underpaid",
	},
	{
		name: "one payment cancelled, another failed", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Intent("payment_failed", "pi_2", 5000, 0), s.Intent("canceled", "pi_1", 5000, 0)}
		},
		ends: "failed 0.00 h due 5000 received 0", balance: "0.00 h 0",
	},
	{
		name: "both payments cancelled, one of them after it had failed", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Intent("payment_failed", "pi_2", 5000, 0), s.Intent("canceled", "pi_1", 5000, 0), s.Intent("canceled", "pi_2", 5000, 0)}
		},
		ends: "cancelled 0.00 h due 5000 received 0", balance: "0.00 h 0",
	},
	{
		name: "one payment failed, another is under way since", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Intent("payment_failed", "pi_1", 5000, 0), s.Intent("processing", "pi_2", 5000, 0)}
		},
		ends: "processing 0.00 h due 5000 received 0", balance: "0.00 h 0",
	},
	{
		name: "only the charge is told", sold: tenHours,
		told: func(s *harness.Teller) events { return events{s.Charge("succeeded", "pi_1", 5000, 5000, 0)} },
		ends: "completed 10.00 h due 5000 received 5000", balance: "10.00 h 5000",
	},
	{
		name: "a charge that was not paid is no money", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Charge("updated", "pi_1", 5000, 5000, 0).With("paid", false).With("status", "failed")}
		},
		ends: "pending 0.00 h due 5000 received 0", balance: "0.00 h 0",
	},
	{
		name: "a charge that was not paid and doesn't say that it was not captured", sold: manyHours,
		told: func(s *harness.Teller) events {
			return events{s.Charge("updated", "pi_1", 70_007, 0, 0).With("paid", false).With("status", "failed").Without("captured", "amount_captured")}
		},
		ends: "pending 0.00 h due 70007 received 0", balance: "0.00 h 0",
	},
	{
		name: "an old charge that was paid and doesn't say what was captured", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Charge("succeeded", "pi_1", 5000, 5000, 0).Without("captured", "amount_captured")}
		},
		ends: "completed 10.00 h due 5000 received 5000", balance: "10.00 h 5000",
	},
	{
		name: "an event of another account", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000).Beside("account", "acct_not_ours").Becomes("ignored", "foreign_account")}
		},
		ends: "pending 0.00 h due 5000 received 0", balance: "0.00 h 0",
	},
	{
		name: "a refund in another account of an organisation", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Refunded("pi_1", 5000, 5000).Beside("context", "acct_not_ours").Becomes("ignored", "foreign_account")}
		},
		ends: "completed 10.00 h due 5000 received 5000", balance: "10.00 h 5000",
	},
}
