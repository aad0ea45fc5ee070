package tests

import (
	"testing"

	"hourbank/tests/harness"
)

// disputed is a payment of 5000 and what became of its dispute.
func disputed(told func(s *harness.Teller) events) func(s *harness.Teller) events {
	return func(s *harness.Teller) events { return append(events{s.Paid("pi_1", 5000)}, told(s)...) }
}

// Disputes of 5000, the whole payment, where nothing else is said.
var disputeStories = []story{
	{
		name: "a dispute that waits for an answer holds all", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("created", "dp_1", "pi_1", 5000, "needs_response")}
		}),
		ends: "disputed 0.00 h due 5000 received 5000 disputed 5000", balance: "0.00 h 0", cases: "dispute",
		check: func(t *testing.T, app *harness.App, s *harness.Teller) {
			if due := read(t, app, "/cases/?status=open&student_id="+s.Student).Get("data.0.due_by").String(); due != "2025-10-19T18:53:20Z" {
				t.Errorf("the answer is due by %q", due)
			}
		},
	},
	{
		name: "a dispute that is lost", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("created", "dp_1", "pi_1", 5000, "needs_response"), s.Dispute("updated", "dp_1", "pi_1", 5000, "under_review"),
				s.Dispute("closed", "dp_1", "pi_1", 5000, "lost")}
		}),
		ends: "disputed 0.00 h due 5000 received 5000 disputed 5000", balance: "0.00 h 0", closed: "dispute",
	},
	{
		name: "a dispute that is won in the second of its beginning", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("created", "dp_1", "pi_1", 5000, "needs_response").At(20), s.Dispute("closed", "dp_1", "pi_1", 5000, "won").At(20)}
		}),
		ends: bought, balance: "10.00 h 5000", closed: "dispute",
	},
	{
		name: "a dispute that was prevented holds nothing", sold: tenHours,
		told: disputed(func(s *harness.Teller) events { return events{s.Dispute("created", "dp_1", "pi_1", 5000, "prevented")} }),
		ends: bought, balance: "10.00 h 5000",
	},
	{
		name: "a dispute of a part that was prevented after it waited", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("created", "dp_1", "pi_1", 2000, "needs_response"), s.Dispute("closed", "dp_1", "pi_1", 2000, "prevented")}
		}),
		ends: bought, balance: "10.00 h 5000", closed: "dispute",
	},
	{
		name: "a dispute that ended as its charge was refunded", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("created", "dp_1", "pi_1", 5000, "warning_needs_response"), s.Refunded("pi_1", 5000, 5000),
				s.Dispute("closed", "dp_1", "pi_1", 5000, "charge_refunded")}
		}),
		ends: "refunded 0.00 h due 5000 received 5000 refunded 5000", balance: "0.00 h 0", closed: "dispute",
	},
	{
		name: "an inquiry holds nothing and waits for an answer", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("created", "dp_1", "pi_1", 5000, "warning_needs_response")}
		}),
		ends: bought, balance: "10.00 h 5000", cases: "dispute",
	},
	{
		name: "an inquiry that was closed", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("created", "dp_1", "pi_1", 5000, "warning_needs_response"), s.Dispute("updated", "dp_1", "pi_1", 5000, "warning_under_review"),
				s.Dispute("closed", "dp_1", "pi_1", 5000, "warning_closed")}
		}),
		ends: bought, balance: "10.00 h 5000", closed: "dispute",
	},
	{
		name: "an inquiry that became a dispute", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("created", "dp_1", "pi_1", 3000, "warning_needs_response"), s.Dispute("funds_withdrawn", "dp_1", "pi_1", 3000, "needs_response", -3000)}
		}),
		ends: "disputed 4.00 h due 5000 received 5000 disputed 3000", balance: "4.00 h 2000", cases: "dispute",
	},
	{
		name: "a status that nobody knows holds nothing and is a case", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("updated", "dp_1", "pi_1", 5000, "escalated_to_the_moon")}
		}),
		ends: bought, balance: "10.00 h 5000", cases: "unknown_status",
	},
	{
		name: "a status that nobody knows, until it is won", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("created", "dp_1", "pi_1", 5000, "in_arbitration"), s.Dispute("closed", "dp_1", "pi_1", 5000, "won")}
		}),
		ends: bought, balance: "10.00 h 5000", closed: "unknown_status",
	},
	{
		name: "lost, and a part of the money comes back", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("created", "dp_1", "pi_1", 5000, "needs_response"), s.Dispute("funds_withdrawn", "dp_1", "pi_1", 5000, "needs_response", -5000),
				s.Dispute("closed", "dp_1", "pi_1", 5000, "lost", -5000), s.Dispute("funds_reinstated", "dp_1", "pi_1", 5000, "lost", -5000, 2000)}
		}),
		ends: "disputed 4.00 h due 5000 received 5000 disputed 3000", balance: "4.00 h 2000",
	},
	{
		name: "a part lost, and half of it comes back", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("funds_withdrawn", "dp_1", "pi_1", 2000, "needs_response", -2000),
				s.Dispute("funds_reinstated", "dp_1", "pi_1", 2000, "lost", -2000, 1000)}
		}),
		ends: "disputed 8.00 h due 5000 received 5000 disputed 1000", balance: "8.00 h 4000",
	},
	{
		name: "lost, and a rounding comes back", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("closed", "dp_1", "pi_1", 5000, "lost", -5000), s.Dispute("funds_reinstated", "dp_1", "pi_1", 5000, "lost", -5000, 100)}
		}),
		ends: "disputed 0.00 h due 5000 received 5000 disputed 5000", balance: "0.00 h 0",
	},
	{
		name: "won, withdrawn and given back in the account's currency as rates moved", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("funds_withdrawn", "dp_1", "pi_1", 5000, "needs_response", -5400), s.Dispute("closed", "dp_1", "pi_1", 5000, "won", -5400),
				s.Dispute("funds_reinstated", "dp_1", "pi_1", 5000, "won", -5400, 5330)}
		}),
		ends: bought, balance: "10.00 h 5000", closed: "dispute",
	},
	{
		name: "withdrawn in the account's currency holds its share of the dispute", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("funds_withdrawn", "dp_1", "pi_1", 2500, "needs_response", -2711)}
		}),
		ends: "disputed 5.00 h due 5000 received 5000 disputed 2500", balance: "5.00 h 2500", cases: "dispute",
	},
	{
		name: "a dispute in another currency than its payment holds all of it", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.In("usd").Dispute("created", "dp_1", "pi_1", 5400, "needs_response")}
		}),
		ends: "disputed 0.00 h due 5000 received 5000 disputed 5000", balance: "0.00 h 0", cases: "*dispute*",
	},
	{
		name: "a dispute in another currency of which half came back", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.In("usd").Dispute("closed", "dp_1", "pi_1", 5400, "lost", -5400), s.In("usd").Dispute("funds_reinstated", "dp_1", "pi_1", 5400, "lost", -5400, 2700)}
		}),
		ends: "disputed 5.00 h due 5000 received 5000 disputed 2500", balance: "5.00 h 2500", cases: "+",
	},
	{
		name: "a refund and a dispute take no more than there is", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Refunded("pi_1", 5000, 2000), s.Dispute("closed", "dp_1", "pi_1", 5000, "lost")}
		}),
		ends: "disputed 0.00 h due 5000 received 5000 refunded 2000 disputed 3000", balance: "0.00 h 0",
	},
	{
		name: "a dispute that names only the charge of a known payment", sold: tenHours,
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("closed", "dp_1", "pi_1", 5000, "lost").With("payment_intent", nil)}
		}),
		ends: "disputed 0.00 h due 5000 received 5000 disputed 5000", balance: "0.00 h 0",
	},
	{
		name: "a dispute that names only the charge of a payment that Stripe began",
		told: func(s *harness.Teller) events {
			return events{s.Charge("succeeded", "pi_1", 12_000, 12_000, 0).With("metadata", s.Buys("monthly8")),
				s.Dispute("funds_withdrawn", "dp_1", "pi_1", 6000, "needs_response", -6000).Without("payment_intent")}
		},
		ends: "disputed 4.00 h due 12000 received 12000 disputed 6000", balance: "4.00 h 6000", cases: "dispute",
	},
	{
		name: "a dispute that has no id is its charge's", sold: tenHours, versions: []harness.Version{harness.V2020},
		told: disputed(func(s *harness.Teller) events {
			return events{s.Dispute("created", "dp_1", "pi_1", 5000, "needs_response").Without("id", "payment_intent"),
				s.Dispute("closed", "dp_1", "pi_1", 5000, "won").Without("id", "payment_intent")}
		}),
		ends: bought, balance: "10.00 h 5000", closed: "dispute",
	},
	{
		name: "each of two payments is disputed", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 2000), s.Paid("pi_2", 3000), s.Dispute("closed", "dp_1", "pi_1", 2000, "won"),
				s.Dispute("closed", "dp_2", "pi_2", 3000, "lost")}
		},
		ends: "disputed 4.00 h due 5000 received 5000 disputed 3000", balance: "4.00 h 2000",
	},
}
