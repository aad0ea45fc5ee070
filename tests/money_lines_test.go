package tests

import "hourbank/tests/harness"

// prorated is a line for a part of a month of a plan.
func prorated(of line, amount int64) line {
	return line{Price: of.Price, Unit: of.Unit, Amount: amount, Proration: true}
}

// What the lines of an invoice buy.
var lineStories = []story{
	{
		name: "an upgrade on the first day buys the difference",
		told: func(s *harness.Teller) events {
			told := s.PaidInvoice("in_1", "pi_1", prorated(eight, -12_000), prorated(sixteen, 22_000))
			told[2].With("billing_reason", "subscription_update")
			return told
		},
		ends: "completed 8.00 h due 10000 received 10000", balance: "8.00 h 10000",
	},
	{
		name: "an upgrade in mid-month buys half of the difference",
		told: func(s *harness.Teller) events {
			told := s.PaidInvoice("in_1", "pi_1", prorated(eight, -6000), prorated(sixteen, 11_000))
			told[2].With("billing_reason", "subscription_update")
			return append(told, s.Refunded("pi_1", 5000, 2500))
		},
		ends: "partially_refunded 2.00 h due 5000 received 5000 refunded 2500", balance: "2.00 h 2500",
	},
	{
		name: "an upgrade that is billed with the next month",
		told: func(s *harness.Teller) events {
			return s.PaidInvoice("in_1", "pi_1", prorated(eight, -3000), prorated(sixteen, 5500), sixteen)
		},
		ends: "completed 18.00 h due 24500 received 24500", balance: "18.00 h 24500",
	},
	{
		name: "a downgrade takes hours off",
		told: func(s *harness.Teller) events {
			return append(s.PaidInvoice("in_1", "pi_1", sixteen), s.Invoice("paid", "in_2", prorated(sixteen, -22_000), prorated(eight, 12_000)).With("billing_reason", "subscription_update"))
		},
		ends: "completed 16.00 h due 22000 received 22000", balance: "8.00 h *", check: adjusted("in_2", "-8.00"),
	},
	{
		name: "a downgrade in mid-month takes half of the difference off",
		told: func(s *harness.Teller) events {
			return append(s.PaidInvoice("in_1", "pi_1", sixteen), s.Invoice("paid", "in_2", prorated(sixteen, -11_000), prorated(eight, 6000)).With("billing_reason", "subscription_update"))
		},
		ends: "completed 16.00 h due 22000 received 22000", balance: "12.00 h *", check: adjusted("in_2", "-4.00"),
	},
	{
		name: "a line of quantity 2",
		told: func(s *harness.Teller) events {
			return s.PaidInvoice("in_1", "pi_1", line{Price: eight.Price, Unit: 12_000, Quantity: 2, Amount: 24_000})
		},
		ends: "completed 16.00 h due 24000 received 24000", balance: "16.00 h 24000",
	},
	{
		name: "lines of quantity 3 and 1, a quarter refunded",
		told: func(s *harness.Teller) events {
			return append(s.PaidInvoice("in_1", "pi_1", line{Price: eight.Price, Unit: 12_000, Quantity: 3, Amount: 36_000}, sixteen), s.Refunded("pi_1", 58_000, 14_500))
		},
		ends: "partially_refunded 30.00 h due 58000 received 58000 refunded 14500", balance: "30.00 h 43500",
	},
	{
		name: "lines of two plans",
		told: func(s *harness.Teller) events { return s.PaidInvoice("in_1", "pi_1", eight, sixteen) },
		ends: "completed 24.00 h due 34000 received 34000", balance: "24.00 h 34000",
	},
	{
		name: "metadata of the old plan and a line of the new one",
		told: func(s *harness.Teller) events {
			told := s.PaidInvoice("in_1", "pi_1", sixteen)
			subscriptionsMetadata(told[2], s.Buys("monthly8"))
			return told
		},
		ends: "completed 16.00 h due 22000 received 22000", balance: "16.00 h 22000",
	},
	{
		name: "a line that is not hours beside one that is",
		told: func(s *harness.Teller) events { return s.PaidInvoice("in_1", "pi_1", eight, book) },
		ends: renewed, balance: "8.00 h 12000", cases: "*", // a case, or explained
	},
	{
		name: "a line that is not hours, half refunded",
		told: func(s *harness.Teller) events {
			return append(s.PaidInvoice("in_1", "pi_1", eight, book), s.Refunded("pi_1", 15_000, 7500))
		},
		ends: "partially_refunded 4.00 h due 12000 received 12000 refunded 6000", balance: "4.00 h 6000", cases: "*",
	},
	{
		name: "a line that is not hours, with a discount and tax on both",
		told: func(s *harness.Teller) events {
			return s.PaidInvoice("in_1", "pi_1", line{Price: eight.Price, Unit: 12_000, Amount: 12_000, Discount: 2000, Tax: 1900},
				line{Price: "price_book", Unit: 3000, Amount: 3000, Discount: 1000, Tax: 140})
		},
		ends: "completed 8.00 h due 11900 received 11900", balance: "8.00 h 11900", cases: "*",
	},
	{
		name: "a trial buys nothing",
		told: func(s *harness.Teller) events {
			return events{s.Invoice("paid", "in_1", line{Price: eight.Price, Unit: 12_000}).With("billing_reason", "subscription_create").Becomes("ignored", "not_a_period")}
		},
		balance: "none",
	},
	{
		name: "a discount of all buys",
		told: func(s *harness.Teller) events {
			return events{s.Invoice("paid", "in_1", line{Price: eight.Price, Unit: 12_000, Amount: 12_000, Discount: 12_000})}
		},
		ends: "completed 8.00 h due 0 received 0", balance: "8.00 h 0",
	},
	{
		name: "a discount of half buys all hours",
		told: func(s *harness.Teller) events {
			return append(s.PaidInvoice("in_1", "pi_1", line{Price: sixteen.Price, Unit: 22_000, Amount: 22_000, Discount: 11_000}), s.Refunded("pi_1", 11_000, 2750))
		},
		ends: "partially_refunded 12.00 h due 11000 received 11000 refunded 2750", balance: "12.00 h 8250",
	},
	{
		name: "an invoice written by hand with a plan's line and a student",
		told: func(s *harness.Teller) events {
			told := s.PaidInvoice("in_1", "pi_1", line{Price: "price_hours10", Unit: 5000, Amount: 5000})
			unsubscribed(told[2], object{"student_id": s.Student})
			return told
		},
		ends: bought, balance: "10.00 h 5000",
	},
	{
		name: "an invoice written by hand with a student and a plan in metadata",
		told: func(s *harness.Teller) events {
			told := s.PaidInvoice("in_1", "pi_1", line{Amount: 12_000})
			unsubscribed(told[2], s.Buys("monthly8"))
			return told
		},
		ends: renewed, balance: "8.00 h 12000",
	},
	{
		name: "an invoice written by hand for a purchase that was sold", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			told := s.Bare().PaidInvoice("in_1", "pi_1", line{Amount: 5000, Tax: 950})
			unsubscribed(told[2], object{"purchase_transaction_id": s.Purchase})
			return told
		},
		ends: "completed 10.00 h due 5950 received 5950", balance: "10.00 h 5950", check: foundBy("pi_1"),
	},
	{
		name: "the invoice of another plan doesn't pay for the one that a Payment Link names",
		told: func(s *harness.Teller) events {
			told := s.PaidInvoice("in_1", "pi_1", line{Price: "price_hours10", Unit: 5000, Amount: 5000})
			unsubscribed(told[2], object{"student_id": s.Student})
			link := linkFor(s, s.Student, "monthly16", s.Session("completed", "cs_1", "pi_1", asked{Subtotal: 5000}, "paid")).With("invoice", s.ID("in_1")).
				With("line_items", object{"data": []any{object{"quantity": 1, "price": object{"id": "price_hours10"}}}})
			return append(told, link)
		},
		ends: "*pending 0.00 h due 22000 received 5000", balance: "0.00 h 5000", cases: "underpaid",
	},
	{
		name: "nor does an invoice for a part of a plan pay for all of it, which its PaymentIntent's metadata name",
		told: func(s *harness.Teller) events {
			told := s.PaidInvoice("in_1", "pi_1", prorated(eight, 120))
			told[0].With("metadata", s.Buys("monthly8"))
			return told
		},
		ends: "*pending 0.00 h due 12000 received 120", balance: "0.00 h 120", cases: "underpaid",
	},
	{
		name: "what an invoice asks beyond the plan that its PaymentIntent's metadata name is too much",
		told: func(s *harness.Teller) events {
			told := s.PaidInvoice("in_1", "pi_1", line{Price: eight.Price, Unit: 12_000, Amount: 36_000, Quantity: 3})
			told[0].With("metadata", s.Buys("monthly8"))
			return told
		},
		ends: "*completed 8.00 h due 12000 received 36000", balance: "8.00 h 36000", cases: "overpaid",
	},
	{
		name: "lines that no plan explains are a case", nobodys: "unexplained_invoice",
		told:    func(s *harness.Teller) events { return events{s.Invoice("paid", "in_1", book).Becomes("parked", "")} },
		balance: "none", cases: "unexplained_invoice",
	},
	{
		name: "a paid invoice of a student that nobody knows is a case", nobodys: "unexplained_invoice",
		told: func(s *harness.Teller) events {
			return events{subscriptionsMetadata(s.Invoice("paid", "in_1", eight), object{}).Becomes("parked", "")}
		},
		balance: "none", cases: "unexplained_invoice",
	},
}

// book is a line that is not hours.
var book = line{Price: "price_book", Unit: 3000, Amount: 3000}
