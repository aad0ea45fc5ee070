package tests

import (
	"testing"

	"hourbank/tests/harness"
)

// foundBy wants the API to find the student's purchase by Stripe's id.
func foundBy(name string) func(t *testing.T, app *harness.App, s *harness.Teller) {
	return func(t *testing.T, app *harness.App, s *harness.Teller) {
		t.Helper()
		if got := read(t, app, "/purchases/"+s.ID(name)+"/").Get("student_id").String(); got != s.Student {
			t.Errorf("by %s a purchase of %q is found, want one of %q", name, got, s.Student)
		}
	}
}

// nothingFor wants that another student, whom something named too, has nothing.
func nothingFor(name string) func(t *testing.T, app *harness.App, s *harness.Teller) {
	return func(t *testing.T, app *harness.App, s *harness.Teller) {
		t.Helper()
		if got := balance(t, app, s.ID(name)); got != "none" {
			t.Errorf("%s has %s", name, got)
		}
	}
}

// Precedence of keys: which purchase, and which student, an event is about
// when it names several.
var keyStories = []story{
	{
		name: "a purchase of ours in metadata outranks a student and a plan beside it", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000).With("metadata", object{
				"purchase_transaction_id": s.Purchase, "student_id": s.ID("other"), "plan": "monthly8"})}
		},
		ends: bought, balance: "10.00 h 5000", check: nothingFor("other"),
	},
	{
		name: "a PaymentIntent of a purchase outranks a student and a plan in metadata", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000).With("metadata", object{"student_id": s.ID("other"), "plan": "monthly8"})}
		},
		ends: bought, balance: "10.00 h 5000", check: nothingFor("other"),
	},
	{
		name: "a purchase that nobody knows in metadata leaves the student and the plan",
		told: func(s *harness.Teller) events {
			return events{s.Paid("pi_1", 5000).With("metadata", object{
				"purchase_transaction_id": s.ID("nothing"), "student_id": s.Student, "plan": "hours10"})}
		},
		ends: bought, balance: "10.00 h 5000",
	},
	{
		name: "a charge finds its purchase by its PaymentIntent before its own metadata", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Charge("succeeded", "pi_1", 5000, 5000, 0).With("metadata", object{"student_id": s.ID("other"), "plan": "monthly8"})}
		},
		ends: bought, balance: "10.00 h 5000", check: nothingFor("other"),
	},
	{
		name: "client_reference_id is a purchase where there is such a one", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			return events{s.Session("completed", "cs_1", "pi_1", asked{Subtotal: 5000}, "paid").With("metadata", object{"student_id": s.ID("other"), "plan": "monthly8"})}
		},
		ends: bought, balance: "10.00 h 5000", check: nothingFor("other"),
	},
	{
		name: "client_reference_id is a student where metadata name the plan",
		told: func(s *harness.Teller) events {
			return events{s.Session("completed", "cs_1", "pi_1", asked{Subtotal: 5000}, "paid").
				With("client_reference_id", s.Student).With("metadata", object{"plan": "hours10"}), s.Paid("pi_1", 5000)}
		},
		ends: bought, balance: "10.00 h 5000", check: foundBy("pi_1"),
	},
	{
		name: "client_reference_id alone buys nothing",
		told: func(s *harness.Teller) events {
			return events{s.Session("completed", "cs_1", "pi_1", asked{Subtotal: 5000}, "paid").
				With("client_reference_id", s.Student).Becomes("parked", "")}
		},
		balance: "none",
	},
	{
		name: "a session's purchase in metadata outranks its client_reference_id", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			return events{s.Session("completed", "cs_1", "pi_1", asked{Subtotal: 5000}, "paid").
				With("client_reference_id", s.ID("other")).With("metadata", object{"purchase_transaction_id": s.Purchase, "plan": "hours10"})}
		},
		ends: bought, balance: "10.00 h 5000", check: nothingFor("other"),
	},
	{
		name: "an invoice's own metadata outrank its subscription's, and those the subscription",
		told: func(s *harness.Teller) events {
			own := s.Invoice("paid", "in_1", line{Price: "price_monthly8", Unit: 12_000, Amount: 12_000}).With("metadata", object{"student_id": s.Student})
			details := s.Invoice("paid", "in_2", line{Price: "price_monthly8", Unit: 12_000, Amount: 12_000})
			return events{s.Subscription("created", object{"student_id": s.ID("other")}), subscriptionsMetadata(own, object{"student_id": s.ID("third")}), details}
		},
		ends:    "completed 8.00 h due 12000 received 12000; completed 8.00 h due 12000 received 12000",
		balance: "16.00 h 24000", check: nothingFor("other"),
	},
	{
		name: "a line's price outranks the plan in metadata",
		told: func(s *harness.Teller) events {
			return events{s.Subscription("created", s.Buys("monthly8")),
				s.Invoice("paid", "in_1", line{Price: "price_monthly16", Unit: 22_000, Amount: 22_000}).With("metadata", s.Buys("monthly8"))}
		},
		ends: "completed 16.00 h due 22000 received 22000", balance: "16.00 h 22000",
	},
}
