package tests

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// session is a paid session of a purchase and the success of its
// PaymentIntent, which names nothing: Stripe copies no metadata to it.
func session(s *harness.Teller, ask asked) events {
	return events{s.Session("completed", "cs_1", "pi_1", ask, "paid"), s.Bare().Paid("pi_1", ask.Total())}
}

// Checkout Sessions of purchases that we sold.
var sessionStories = []story{
	{
		name: "a session with tax on top", sold: withoutIntent,
		told: func(s *harness.Teller) events { return session(s, asked{Subtotal: 5000, Tax: 950}) },
		ends: "completed 10.00 h due 5950 received 5950", balance: "10.00 h 5950",
	},
	{
		name: "a session with tax on top, half refunded", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			return append(session(s, asked{Subtotal: 5000, Tax: 950}), s.Bare().Refunded("pi_1", 5950, 2975))
		},
		ends: "partially_refunded 5.00 h due 5950 received 5950 refunded 2975", balance: "5.00 h 2975",
	},
	{
		name: "a session with tax and shipping on top, and a refund that doesn't divide", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			return append(session(s, asked{Subtotal: 5000, Tax: 950, Shipping: 490}), s.Refund("refund.created", "re_1", "pi_1", 1000, "succeeded"))
		},
		ends: "partially_refunded 8.45 h due 6440 received 6440 refunded 1000", balance: "8.45 h 5440",
	},
	{
		name: "a session with a discount and tax on the rest", sold: withoutIntent,
		told: func(s *harness.Teller) events { return session(s, asked{Subtotal: 5000, Discount: 1000, Tax: 760}) },
		ends: "completed 10.00 h due 4760 received 4760", balance: "10.00 h 4760",
	},
	{
		name: "a session with a discount, half refunded", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			return append(session(s, asked{Subtotal: 5000, Discount: 1000}), s.Bare().Refunded("pi_1", 4000, 2000))
		},
		ends: "partially_refunded 5.00 h due 4000 received 4000 refunded 2000", balance: "5.00 h 2000",
	},
	{
		name: "a session with a discount of all leaves nothing to pay", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			return events{s.Session("completed", "cs_1", "", asked{Subtotal: 5000, Discount: 5000}, "no_payment_required")}
		},
		ends: "completed 10.00 h due 0 received 0", balance: "10.00 h 0",
	},
	{
		name: "a session that expired says nothing", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Session("expired", "cs_1", "", asked{Subtotal: 5000, Discount: 1000}, "unpaid"), s.Paid("pi_1", 5000)}
		},
		ends: bought, balance: "10.00 h 5000",
	},
	{
		name: "a discount of a session that expired is no discount", sold: tenHours,
		told: func(s *harness.Teller) events {
			return events{s.Session("expired", "cs_1", "", asked{Subtotal: 5000, Discount: 1000}, "unpaid"), s.Paid("pi_1", 4000)}
		},
		ends: "* 0.00 h due 5000 received 4000", balance: "0.00 h 4000", cases: "underpaid",
	},
	{
		name: "a session that is unpaid says nothing beside one that is paid", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			return append(session(s, asked{Subtotal: 5000}), s.Session("completed", "cs_2", "pi_2", asked{Subtotal: 5000, Discount: 4000}, "unpaid"))
		},
		ends: bought, balance: "10.00 h 5000",
	},
	{
		name: "of two sessions that are paid the smaller says what is due", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			return append(session(s, asked{Subtotal: 5000, Tax: 950}), s.Session("completed", "cs_2", "pi_2", asked{Subtotal: 5000}, "paid"), s.Bare().Paid("pi_2", 5000))
		},
		ends: "completed 10.00 h due 5000 received 10950", balance: "10.00 h 10950", cases: "overpaid",
	},
	{
		name: "a session of another subtotal says nothing of what is due", sold: withoutIntent,
		told: func(s *harness.Teller) events { return session(s, asked{Subtotal: 3000}) },
		ends: "pending 0.00 h due 5000 received 3000", balance: "0.00 h 3000", cases: "underpaid",
	},
	{
		name: "a Payment Link never changes what is due of a purchase that was sold", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			told := session(s, asked{Subtotal: 5000, Discount: 1000})
			told[0].With("payment_link", s.ID("plink_1"))
			return told
		},
		ends: "pending 0.00 h due 5000 received 4000", balance: "0.00 h 4000", cases: "underpaid",
	},
	{
		name: "nor does the invoice of a Payment Link, whatever else it was for", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			link := s.Session("completed", "cs_1", "", asked{Subtotal: 5000, Discount: 5000}, "no_payment_required").With("payment_link", s.ID("plink_1")).With("invoice", s.ID("in_1"))
			bill := s.Bare().Invoice("paid", "in_1").With("subtotal", 5000).With("total", 0).With("amount_due", 0).With("amount_paid", 0)
			return events{link, bill}
		},
		ends: "* 0.00 h due 5000 received 0", balance: "0.00 h 0", cases: "*",
	},
	{
		name: "a Payment Link with a discount of all gives nothing of a purchase that was sold", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			return events{s.Session("completed", "cs_1", "", asked{Subtotal: 5000, Discount: 5000}, "no_payment_required").With("payment_link", s.ID("plink_1"))}
		},
		ends: "* 0.00 h due 5000 received 0", balance: "0.00 h 0", cases: "*",
	},
	{
		name: "a session that links its PaymentIntent late", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			return events{s.Session("completed", "cs_1", "", asked{Subtotal: 5000, Tax: 950}, "unpaid"), s.Bare().Intent("processing", "pi_1", 5950, 0),
				s.Bare().Paid("pi_1", 5950), s.Bare().Refunded("pi_1", 5950, 595), s.Session("async_payment_succeeded", "cs_1", "pi_1", asked{Subtotal: 5000, Tax: 950}, "paid")}
		},
		ends: "partially_refunded 9.00 h due 5950 received 5950 refunded 595", balance: "9.00 h 5355", check: foundBy("pi_1"),
	},
	{
		name: "a session whose bank debit failed, then another", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			return append(events{s.Session("async_payment_failed", "cs_2", "pi_2", asked{Subtotal: 5000}, "unpaid"), s.Bare().Intent("payment_failed", "pi_2", 5000, 0)},
				session(s, asked{Subtotal: 5000})...)
		},
		ends: bought, balance: "10.00 h 5000",
	},
	{
		name: "shown and paid in the customer's currency", sold: withoutIntent,
		told: converted,
		ends: bought, balance: "10.00 h 5000",
	},
	{
		name: "shown and paid in the customer's currency, half refunded", sold: withoutIntent,
		told: func(s *harness.Teller) events {
			return append(converted(s), s.In("usd").Bare().Refunded("pi_1", 5400, 2700))
		},
		ends: "partially_refunded 5.00 h due 5000 received 5000 refunded 2500", balance: "5.00 h 2500",
	},
	{
		name: "a session that names a student and a plan is a purchase",
		told: func(s *harness.Teller) events {
			told := session(s, asked{Subtotal: 5000, Tax: 950})
			told[0].With("metadata", s.Buys("hours10"))
			return told
		},
		ends: "completed 10.00 h due 5950 received 5950", balance: "10.00 h 5950", check: foundBy("pi_1"),
	},
	{
		name: "a Payment Link that names a plan, with a discount, for the student in client_reference_id",
		told: func(s *harness.Teller) events {
			told := session(s, asked{Subtotal: 12_000, Discount: 2000})
			told[0].With("payment_link", s.ID("plink_1")).With("client_reference_id", s.Student).With("metadata", object{"plan": "monthly8"})
			return told
		},
		ends: "completed 8.00 h due 10000 received 10000", balance: "8.00 h 10000",
	},
	{
		name: "a Payment Link with a discount of all",
		told: func(s *harness.Teller) events {
			return events{s.Session("completed", "cs_1", "", asked{Subtotal: 5000, Discount: 5000}, "no_payment_required").
				With("payment_link", s.ID("plink_1")).With("metadata", s.Buys("hours10"))}
		},
		ends: "completed 10.00 h due 0 received 0", balance: "10.00 h 0",
	},
	{
		name: "two of a plan, and nobody to ask how many, are a case",
		told: func(s *harness.Teller) events {
			told := session(s, asked{Subtotal: 10_000})
			told[0].With("metadata", s.Buys("hours10")).Becomes("*", "")
			told[1].Becomes("*", "")
			return told
		},
		ends: "*", balance: "*", cases: "+",
	},
}

// converted is a session of 5000 eur that the customer paid in usd.
func converted(s *harness.Teller) events {
	told := session(s.In("usd"), asked{Subtotal: 5400})
	told[0].With("currency_conversion", object{"source_currency": "eur", "amount_subtotal": 5000, "amount_total": 5000, "fx_rate": "1.08"})
	return told
}

// Two purchases that turn out to be one.
var mergeStories = []story{
	{
		name: "a session and its PaymentIntent with metadata of their own, linked last", merges: true,
		told: func(s *harness.Teller) events {
			return events{s.Session("completed", "cs_1", "", asked{Subtotal: 5000}, "unpaid").With("metadata", s.Buys("hours10")),
				s.Paid("pi_1", 5000).With("metadata", s.Buys("hours10")),
				s.Session("async_payment_succeeded", "cs_1", "pi_1", asked{Subtotal: 5000}, "paid")}
		},
		ends: bought, balance: "10.00 h 5000", check: foundBy("pi_1"),
	},
	{
		name: "a session with tax and its PaymentIntent with metadata of their own, linked last, and a refund", merges: true,
		told: func(s *harness.Teller) events {
			return events{s.Session("completed", "cs_1", "", asked{Subtotal: 5000, Tax: 950}, "unpaid").With("metadata", s.Buys("hours10")),
				s.Paid("pi_1", 5950).With("metadata", s.Buys("hours10")), s.Refund("refund.created", "re_1", "pi_1", 2975, "succeeded"),
				s.Session("async_payment_succeeded", "cs_1", "pi_1", asked{Subtotal: 5000, Tax: 950}, "paid").With("metadata", s.Buys("hours10"))}
		},
		ends: "partially_refunded 5.00 h due 5950 received 5950 refunded 2975", balance: "5.00 h 2975",
	},
	{
		name: "what was sold wins over what its PaymentIntent began", merges: true, sold: withoutIntent,
		told: func(s *harness.Teller) events {
			return events{s.Bare().Paid("pi_1", 5000).With("metadata", s.Buys("hours10")),
				s.Session("completed", "cs_1", "pi_1", asked{Subtotal: 5000}, "paid")}
		},
		ends: bought, balance: "10.00 h 5000", check: foundBy("pi_1"),
	},
	{
		name: "an invoice and its PaymentIntent with metadata of their own, linked last", merges: true, versions: sinceBasil,
		told: func(s *harness.Teller) events {
			return events{s.Invoice("paid", "in_1", eight), s.Paid("pi_1", 12_000).With("metadata", s.Buys("monthly8")), s.InvoicePayment("in_1", "pi_1", 12_000)}
		},
		ends: "completed 8.00 h due 12000 received 12000", balance: "8.00 h 12000", check: foundBy("pi_1"),
	},
	{
		name: "a session in subscription mode and its invoice", merges: true,
		told: func(s *harness.Teller) events {
			began := s.Session("completed", "cs_1", "", asked{Subtotal: 12_000}, "paid").With("mode", "subscription").
				With("subscription", s.ID("sub_1")).With("invoice", s.ID("in_1")).With("metadata", s.Buys("monthly8"))
			return append(events{began}, s.PaidInvoice("in_1", "pi_1", eight)...)
		},
		ends: "completed 8.00 h due 12000 received 12000", balance: "8.00 h 12000",
	},
}

// Whoever opens a Payment Link may name a sale, as often as they like: what they
// don't pay leaves what is due of it, and its hours, as they are.
func TestUnpaidSessionsOfALinkTakeNothingFromASale(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, reversed := range []bool{false, true} {
			s := harness.NewTeller(harness.V2020) // which makes a session's PaymentIntent before anybody pays
			s.Purchase = harness.NewPurchase(t).For(s.Student).WithoutIntent().Create(app.Database).ID
			told := events{s.Session("completed", "cs_z", "pi_z", asked{Subtotal: 5000, Discount: 2500}, "paid"), s.Bare().Paid("pi_z", 2500)}
			stranger := harness.NewTeller(harness.V2020)
			for i := range 510 {
				told = append(told, stranger.Session("expired", fmt.Sprintf("cs_a%03d", i), fmt.Sprintf("pi_a%03d", i), asked{Subtotal: 100}, "unpaid").
					With("payment_link", "plink_1").With("client_reference_id", s.Purchase))
			}
			told = append(told, s.Bare().Refunded("pi_z", 2500, 1250))
			if reversed {
				slices.Reverse(told)
			}
			tellAny(t, app, told...)
			harness.Within(t, 20*time.Second, "the half that came back took half", func() bool { return balance(t, app, s.Student) == "5.00 h 1250" })
		}
		app.MustAudit(t)
	})
}

// However many cards a customer tries, the charge that was paid stays known: its refund counts.
func TestCardsThatWereDeclinedTakeNoRefundsPlace(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, early := range []bool{false, true} {
			p := app.NewPurchase(t)
			paid := p.Succeeded().Set("latest_charge", "ch_z"+p.ID)
			if early {
				app.MustProcess(t, paid)
			}
			for i := range 510 {
				declined := p.Intent("payment_intent.payment_failed").Set("latest_charge", fmt.Sprintf("ch_a%03d%s", i, p.ID))
				app.Deliver(t, declined).Want(t, http.StatusOK) // more than are kept tell nothing new
			}
			if !early {
				app.MustProcess(t, paid)
			}
			app.MustProcess(t, p.Refund("refund.created", "re_1", 2500, "succeeded", 1).Set("payment_intent", nil).Set("charge", "ch_z"+p.ID))
			app.WantBalance(t, p.Student, fields{"hours_available": "5.00"})
		}
		app.MustAudit(t)
	})
}
