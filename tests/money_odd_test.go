package tests

import (
	"fmt"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// large is a text that still fits into an event.
var large = strings.Repeat("x", 900_000)

// slim wants that nothing shown of the student's purchases and cases is large.
func slim(t *testing.T, app *harness.App, s *harness.Teller) {
	t.Helper()
	for _, path := range []string{"/purchases/?student_id=" + s.Student, "/cases/?student_id=" + s.Student, "/students/" + s.Student + "/ledger/"} {
		if size := len(read(t, app, path).Body); size > 30_000 {
			t.Errorf("%s shows %d bytes", path, size)
		}
	}
}

// Events that are not as anybody expects.
var oddStories = []story{
	{
		name: "a dispute's status of 900 kB is cut", sold: tenHours,
		told: disputed(func(s *harness.Teller) events { return events{s.Dispute("updated", "dp_1", "pi_1", 5000, large)} }),
		ends: bought, balance: "10.00 h 5000", cases: "unknown_status", check: slim,
	},
	{
		name: "a failure's code and message of 450 kB each are cut", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Intent("payment_failed", "pi_1", 5000, 0).With("last_payment_error", object{"code": large[:450_000], "message": large[:450_000]})}
		},
		ends: "failed 0.00 h due 5000 received 0", balance: "0.00 h 0", check: slim,
	},
	{
		name: "a PaymentIntent's status of 900 kB is cut", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Intent("canceled", "pi_1", 5000, 0).With("cancellation_reason", large[:100_000]), s.Paid("pi_2", 5000).With("status", large)}
		},
		ends: bought, balance: "10.00 h 5000", check: slim,
	},
	{
		name: "a refund's status and failure reason of 450 kB each are cut", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Refund("refund.updated", "re_1", "pi_1", 2500, large[:450_000]).With("failure_reason", large[:450_000])}
		},
		ends: "*", balance: "*", cases: "*", check: slim, // nobody knows what such a refund is
	},
	{
		name: "texts with a NUL in them", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Intent("payment_failed", "pi_1", 5000, 0).With("last_payment_error", object{"code": "card\x00declined", "message": "a\x00b"}).
				With("metadata", object{"note": "a\x00b"})}
		},
		ends: "failed 0.00 h due 5000 received 0", balance: "0.00 h 0",
	},
	{
		name: "metadata that are a list", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000).With("metadata", []any{1, "a", nil})}
		},
		ends: bought, balance: "10.00 h 5000",
	},
	{
		name: "metadata that are no texts", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000).With("metadata", object{"student_id": 7, "plan": object{}, "purchase_transaction_id": []any{}})}
		},
		ends: bought, balance: "10.00 h 5000",
	},
	{
		name: "a payment without an id", sold: tenHours, nobodys: "missing_object",
		told: func(s *harness.Teller) events {
			return events{s.Bare().Paid("pi_1", 5000).Without("id", "charges", "latest_charge").Becomes("*", "missing_object")}
		},
		ends: "pending 0.00 h due 5000 received 0", balance: "0.00 h 0", cases: "missing_object",
	},
	{
		name: "a thin event without a key to fetch its object waits and is a case", sold: tenHours, nobodys: "unfetched_event",
		told: func(s *harness.Teller) events {
			return events{s.Thin("payment_intent.succeeded", "payment_intent", "pi_1").Becomes("parked", "")}
		},
		ends: "pending 0.00 h due 5000 received 0", balance: "0.00 h 0", cases: "unfetched_event",
	},
	{
		name: "a thin event of a refund beside a payment that was told in full", sold: tenHours, nobodys: "unfetched_event",
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000), s.Thin("refund.updated", "refund", "re_1").Becomes("parked", "")}
		},
		ends: bought, balance: "10.00 h 5000", cases: "unfetched_event",
	},
}

// unreadable are amounts that are no amounts, wherever Stripe keeps money:
// they never count, and never fail.
func unreadable() []story {
	var stories []story
	for name, amount := range map[string]any{
		"a text": "5000", "negative": -5000, "a fraction": 5000.5, "a power": 1e30, "a truth": true, "an object": object{"amount": 5000}, "a list": []any{5000},
	} {
		stories = append(stories,
			story{
				name: fmt.Sprintf("a received amount that is %s is no money", name), sold: tenHours, versions: unlisted,
				told: func(s *harness.Teller) events { return events{s.Paid("pi_1", 5000).With("amount_received", amount)} },
				ends: "* 0.00 h due 5000 received 0", balance: "0.00 h 0", cases: "*",
			},
			story{
				name: fmt.Sprintf("a captured amount that is %s is no money", name), sold: tenHours,
				told: func(s *harness.Teller) events {
					return events{s.Charge("captured", "pi_1", 5000, 5000, 0).With("amount_captured", amount), s.Paid("pi_2", 5000)}
				},
				ends: bought, balance: "10.00 h 5000", cases: "*",
			},
			story{
				name: fmt.Sprintf("refunds and disputes of an amount that is %s take nothing", name), sold: tenHours,
				told: func(s *harness.Teller) events {
					return events{s.Paid("pi_1", 5000), s.Refunded("pi_1", 5000, 0).With("amount_refunded", amount),
						s.Refund("refund.created", "re_1", "pi_1", 0, "succeeded").With("amount", amount),
						s.Dispute("created", "dp_1", "pi_1", 0, "lost").With("amount", amount)}
				},
				ends: "* 10.00 h due 5000 received 5000", balance: "10.00 h 5000", cases: "*",
			},
			story{
				name: fmt.Sprintf("a session and a credit note of %s change nothing that is due", name), sold: tenHours,
				told: func(s *harness.Teller) events {
					return events{s.Paid("pi_1", 5000),
						s.Session("completed", "cs_1", "pi_1", asked{Subtotal: 5000}, "paid").With("amount_total", amount).With("amount_subtotal", amount).With("total_details", amount),
						s.CreditNote("created", "cn_1", "in_1", 0).With("amount", amount).With("total", amount).Becomes("*", "")}
				},
				ends: bought, balance: "10.00 h 5000", cases: "*",
			})
	}
	return stories
}
