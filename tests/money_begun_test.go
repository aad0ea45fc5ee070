package tests

import "hourbank/tests/harness"

// bought is the usual purchase that Stripe began, in full.
const bought = "completed 10.00 h due 5000 received 5000"

// Purchases that Stripe begins: PaymentIntents that say whose they are and
// which plan they buy, and what their amounts are made of.
var begunStories = []story{
	{
		name: "a PaymentIntent that names a student and a plan is a purchase",
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000).With("metadata", s.Buys("hours10"))}
		},
		ends: bought, balance: "10.00 h 5000", check: foundBy("pi_1"),
	},
	{
		name: "a charge that names a student and a plan is a purchase",
		told: func(s *harness.Teller) events {
			return events{s.Charge("succeeded", "pi_1", 12_000, 12_000, 0).With("metadata", s.Buys("monthly8"))}
		},
		ends: "completed 8.00 h due 12000 received 12000", balance: "8.00 h 12000", check: foundBy("pi_1"),
	},
	{
		name: "what follows names only the PaymentIntent",
		told: func(s *harness.Teller) events {
			return events{s.Intent("payment_failed", "pi_1", 5000, 0), s.Paid("pi_1", 5000).With("metadata", s.Buys("hours10")),
				s.Refund("refund.created", "re_1", "pi_1", 1000, "succeeded"), s.Refunded("pi_1", 5000, 1000)}
		},
		ends: "partially_refunded 8.00 h due 5000 received 5000 refunded 1000", balance: "8.00 h 4000",
	},
	{
		name: "a first attempt that failed is the same purchase",
		told: func(s *harness.Teller) events {
			return events{s.Intent("payment_failed", "pi_1", 5000, 0).With("metadata", s.Buys("hours10")),
				s.Paid("pi_1", 5000).With("metadata", s.Buys("hours10"))}
		},
		ends: bought, balance: "10.00 h 5000",
	},
	{
		name: "each PaymentIntent that names a plan is a purchase of its own",
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000).With("metadata", s.Buys("hours10")), s.Paid("pi_2", 5000).With("metadata", s.Buys("hours10"))}
		},
		ends: bought + "; " + bought, balance: "20.00 h 10000",
	},
	{
		name: "a plan is bought at its price",
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 4000).With("metadata", s.Buys("hours10"))}
		},
		ends: "pending 0.00 h due 5000 received 4000", balance: "0.00 h 4000", cases: "underpaid",
	},
	{
		name: "hours in metadata count for nothing beside a plan",
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000).With("metadata", object{"student_id": s.Student, "plan": "hours10", "hours": "99.00"})}
		},
		ends: bought, balance: "10.00 h 5000",
	},
	{
		name: "hours in metadata buy nothing without a purchase of ours",
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000).With("metadata", object{"student_id": s.Student, "hours": "99.00"}).Becomes("parked", "")}
		},
		balance: "none",
	},
	{
		name: "a plan that nobody knows buys nothing",
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000).With("metadata", s.Buys("nothing")).Becomes("parked", "")}
		},
		balance: "none",
	},
	{
		name: "another account's PaymentIntent begins nothing, whatever it names",
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000).With("metadata", s.Buys("hours10")).Beside("account", "acct_not_ours").Becomes("ignored", "foreign_account")}
		},
		balance: "none",
	},
	{
		name: "a tip is never due", sold: tenHours, versions: newest,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5500).With("amount_details", object{"tip": object{"amount": 500}})}
		},
		ends: "completed 10.00 h due 5000 received 5500", balance: "10.00 h 5500", cases: "*", // overpaid, or not
	},
	{
		name: "a tip that is given back takes no hours", sold: tenHours, versions: newest,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5500).With("amount_details", object{"tip": object{"amount": 500}}), s.Refunded("pi_1", 5500, 500)}
		},
		ends: "completed 10.00 h due 5000 received 5500 refunded 500", balance: "10.00 h 5000",
	},
	{
		name: "tax and shipping of a PaymentIntent are due", sold: tenHours, versions: newest,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 6440).With("amount_details", object{
				"discount_amount": 0, "tax": object{"total_tax_amount": 950}, "shipping": object{"amount": 490}, "tip": object{}})}
		},
		ends: "completed 10.00 h due 6440 received 6440", balance: "10.00 h 6440",
	},
	{
		name: "half of a PaymentIntent with tax is refunded", sold: tenHours, versions: newest,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5950).With("amount_details", object{"tax": object{"total_tax_amount": 950}}), s.Refunded("pi_1", 5950, 2975)}
		},
		ends: "partially_refunded 5.00 h due 5950 received 5950 refunded 2975", balance: "5.00 h 2975",
	},
	{
		name: "a discount of a PaymentIntent is not due", versions: newest,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 4000).With("metadata", s.Buys("hours10")).With("amount_details", object{"discount_amount": 1000})}
		},
		ends: "completed 10.00 h due 4000 received 4000", balance: "10.00 h 4000",
	},
}
