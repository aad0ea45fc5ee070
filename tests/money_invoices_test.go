package tests

import (
	"slices"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// Lines of a month of each plan.
var (
	eight   = line{Price: "price_monthly8", Unit: 12_000, Amount: 12_000}
	sixteen = line{Price: "price_monthly16", Unit: 22_000, Amount: 22_000}
)

// renewed is the usual renewal, in full.
const renewed = "completed 8.00 h due 12000 received 12000"

// subscriptionsMetadata sets the metadata that an invoice carries of its
// subscription, where its version keeps them.
func subscriptionsMetadata(invoice *harness.Told, metadata object) *harness.Told {
	if invoice.Object["parent"] != nil {
		return invoice.With("parent.subscription_details.metadata", metadata)
	}
	return invoice.With("subscription_details.metadata", metadata)
}

// unsubscribed makes it an invoice that staff wrote by hand.
func unsubscribed(invoice *harness.Told, metadata object) *harness.Told {
	return invoice.Without("subscription", "subscription_details", "parent").With("billing_reason", "manual").With("metadata", metadata)
}

// inTwoParts is an invoice of a month that two PaymentIntents paid half of each.
func inTwoParts(s *harness.Teller) events {
	return events{s.Invoice("paid", "in_1", eight), s.Paid("pi_1", 6000), s.Paid("pi_2", 6000),
		s.InvoicePayment("in_1", "pi_1", 6000), s.InvoicePayment("in_1", "pi_2", 6000)}
}

// inTwoInvoices is two months of different plans, paid at once.
func inTwoInvoices(s *harness.Teller) events {
	return events{s.Paid("pi_1", 34_000), s.Invoice("paid", "in_1", eight), s.Invoice("paid", "in_2", sixteen),
		s.InvoicePayment("in_1", "pi_1", 12_000), s.InvoicePayment("in_2", "pi_1", 22_000)}
}

// creditedInBothWays is a credit note of 6000, half of it by a refund: only newer
// versions say in the note how much that was.
func creditedInBothWays(s *harness.Teller) events {
	note := s.CreditNote("created", "cn_1", "in_1", 6000)
	if slices.Contains(sinceBasil, s.Version) {
		note.With("refunds", []any{object{"refund": s.ID("re_1"), "amount_refunded": 3000, "type": "refund"}})
	} else {
		note.Without("refunds", "post_payment_amount", "pre_payment_amount").With("refund", s.ID("re_1"))
	}
	return events{s.Refund("refund.created", "re_1", "pi_1", 3000, "succeeded"), note}
}

// refundedBy is a credit note that gives back by a refund.
func refundedBy(s *harness.Teller, note *harness.Told, amount int64) *harness.Told {
	return note.With("customer_balance_transaction", nil).With("refund", s.ID("re_1")).
		With("refunds", []any{object{"refund": s.ID("re_1"), "amount_refunded": amount, "type": "refund"}})
}

// Invoices of a subscription: who paid how much of them.
var invoiceStories = []story{
	{
		name: "a renewal paid by its PaymentIntent",
		told: func(s *harness.Teller) events { return s.PaidInvoice("in_1", "pi_1", eight) },
		ends: renewed, balance: "8.00 h 12000", check: foundBy("pi_1"),
	},
	{
		name: "two renewals, the first of them refunded",
		told: func(s *harness.Teller) events {
			return append(append(s.PaidInvoice("in_1", "pi_1", eight), s.PaidInvoice("in_2", "pi_2", eight)...), s.Refunded("pi_1", 12_000, 12_000))
		},
		ends: renewed + "; refunded 0.00 h due 12000 received 12000 refunded 12000", balance: "8.00 h 12000",
	},
	{
		name: "an invoice paid by two PaymentIntents", versions: sinceBasil,
		told: inTwoParts,
		ends: renewed, balance: "8.00 h 12000",
	},
	{
		name: "an invoice paid by two PaymentIntents, both refunded", versions: sinceBasil,
		told: func(s *harness.Teller) events {
			return append(inTwoParts(s), s.Refunded("pi_1", 6000, 6000), s.Refunded("pi_2", 6000, 6000))
		},
		ends: "refunded 0.00 h due 12000 received 12000 refunded 12000", balance: "0.00 h 0",
	},
	{
		name: "an invoice paid by two PaymentIntents, one of them disputed", versions: sinceBasil,
		told: func(s *harness.Teller) events {
			return append(inTwoParts(s), s.Dispute("closed", "dp_1", "pi_2", 6000, "lost").With("payment_intent", nil))
		},
		ends: "disputed 4.00 h due 12000 received 12000 disputed 6000", balance: "4.00 h 6000",
	},
	{
		name: "an invoice whose payment is told last", versions: sinceBasil,
		told: func(s *harness.Teller) events {
			return events{s.Invoice("paid", "in_1", eight), s.Paid("pi_1", 12_000), s.Refunded("pi_1", 12_000, 6000), s.InvoicePayment("in_1", "pi_1", 12_000)}
		},
		ends: "partially_refunded 4.00 h due 12000 received 12000 refunded 6000", balance: "4.00 h 6000", check: foundBy("pi_1"),
	},
	{
		name: "a renewal settled from the customer's balance",
		told: func(s *harness.Teller) events {
			return events{s.Invoice("paid", "in_1", eight).With("amount_due", 0).With("amount_paid", 0).With("starting_balance", -12_000)}
		},
		ends: renewed, balance: "8.00 h 12000",
	},
	{
		name: "a renewal settled outside Stripe",
		told: func(s *harness.Teller) events {
			return events{s.Invoice("paid", "in_1", sixteen).With("amount_paid", 0).With("amount_remaining", 22_000).With("paid_out_of_band", true)}
		},
		ends: "completed 16.00 h due 22000 received 22000", balance: "16.00 h 22000",
	},
	{
		name: "a renewal paid in part from the customer's balance, and the rest refunded",
		told: func(s *harness.Teller) events {
			partly := s.Invoice("paid", "in_1", eight).With("amount_due", 7000).With("starting_balance", -5000)
			return append(s.PaidBy("pi_1", 7000, "in_1", partly), s.Refunded("pi_1", 7000, 7000))
		},
		ends: "partially_refunded 3.33 h due 12000 received 12000 refunded 7000", balance: "3.33 h 5000",
	},
	{
		name: "a renewal paid in part from the customer's balance; the rest is refunded and disputed, and nothing tells of its payment", versions: beforeBasil,
		told: func(s *harness.Teller) events {
			partly := s.Invoice("paid", "in_1", eight).With("amount_due", 7000).With("amount_paid", 7000).With("starting_balance", -5000).
				With("payment_intent", s.ID("pi_1")).With("charge", s.ID("ch_pi_1"))
			return events{partly, s.Refund("refund.created", "re_1", "pi_1", 7000, "succeeded").With("charge", nil),
				s.Dispute("closed", "dp_1", "pi_1", 3000, "lost").With("charge", nil)}
		},
		ends: "disputed 3.33 h due 12000 received 12000 refunded 7000", balance: "3.33 h 5000",
	},
	{
		name: "an invoice that failed",
		told: func(s *harness.Teller) events { return events{s.Invoice("payment_failed", "in_1", eight)} },
		ends: "failed 0.00 h due 12000 received 0", balance: "*",
	},
	{
		name: "an invoice that failed, then was paid",
		told: func(s *harness.Teller) events {
			return append(events{s.Invoice("payment_failed", "in_1", eight)}, s.PaidInvoice("in_1", "pi_1", eight)...)
		},
		ends: renewed, balance: "8.00 h 12000",
	},
	{
		name: "an invoice that failed, then was voided",
		told: func(s *harness.Teller) events {
			return events{s.Invoice("payment_failed", "in_1", eight), s.Invoice("voided", "in_1", eight)}
		},
		ends: "cancelled 0.00 h due 12000 received 0", balance: "*",
	},
	{
		name: "an invoice given up as uncollectible, then paid after all",
		told: func(s *harness.Teller) events {
			return append(events{s.Invoice("payment_failed", "in_1", eight), s.Invoice("marked_uncollectible", "in_1", eight)}, s.PaidInvoice("in_1", "pi_1", eight)...)
		},
		ends: renewed, balance: "8.00 h 12000",
	},
	{
		name: "an invoice with tax on top, half refunded",
		told: func(s *harness.Teller) events {
			return append(s.PaidInvoice("in_1", "pi_1", line{Price: eight.Price, Unit: 12_000, Amount: 12_000, Tax: 2280}), s.Refunded("pi_1", 14_280, 7140))
		},
		ends: "partially_refunded 4.00 h due 14280 received 14280 refunded 7140", balance: "4.00 h 7140",
	},
	{
		name: "a credit note to the customer's balance takes its hours",
		told: func(s *harness.Teller) events {
			return append(s.PaidInvoice("in_1", "pi_1", eight), s.CreditNote("created", "cn_1", "in_1", 3000))
		},
		ends: "* 6.00 h due 12000 received 12000*", balance: "6.00 h 9000",
	},
	{
		name: "a credit note outside Stripe takes its hours",
		told: func(s *harness.Teller) events {
			note := s.CreditNote("created", "cn_1", "in_1", 6000).With("customer_balance_transaction", nil).With("out_of_band_amount", 6000)
			return append(s.PaidInvoice("in_1", "pi_1", eight), note)
		},
		ends: "* 4.00 h due 12000 received 12000*", balance: "4.00 h 6000",
	},
	{
		name: "a credit note that was voided gives its hours back",
		told: func(s *harness.Teller) events {
			return append(s.PaidInvoice("in_1", "pi_1", eight), s.CreditNote("created", "cn_1", "in_1", 3000), s.CreditNote("voided", "cn_1", "in_1", 3000))
		},
		ends: renewed, balance: "8.00 h 12000",
	},
	{
		name: "a credit note that was refunded is the refund",
		told: func(s *harness.Teller) events {
			refund := s.Refund("refund.created", "re_1", "pi_1", 3000, "succeeded")
			note := s.CreditNote("created", "cn_1", "in_1", 3000).With("customer_balance_transaction", nil).With("refund", s.ID("re_1")).
				With("refunds", []any{object{"refund": s.ID("re_1"), "amount_refunded": 3000, "type": "refund"}})
			return append(s.PaidInvoice("in_1", "pi_1", eight), refund, note, s.Refunded("pi_1", 12_000, 3000))
		},
		ends: "partially_refunded 6.00 h due 12000 received 12000 refunded 3000", balance: "6.00 h 9000",
	},
	{
		name: "a credit note of half, half of it refunded and the rest to the customer's balance",
		told: func(s *harness.Teller) events {
			return append(s.PaidInvoice("in_1", "pi_1", eight), creditedInBothWays(s)...)
		},
		ends: "partially_refunded 4.00 h due 12000 received 12000 refunded 6000", balance: "4.00 h 6000",
	},
	{
		name: "a credit note of which a part was refunded, and that refund failed",
		told: func(s *harness.Teller) events {
			return append(append(s.PaidInvoice("in_1", "pi_1", eight), creditedInBothWays(s)...), s.Refund("refund.failed", "re_1", "pi_1", 3000, "failed"))
		},
		ends: "partially_refunded 6.00 h due 12000 received 12000 refunded 3000", balance: "6.00 h 9000", cases: "refund_failed",
	},
	{
		name: "a credit note of the book on the invoice takes no hours",
		told: func(s *harness.Teller) events {
			return append(s.PaidInvoice("in_1", "pi_1", eight, book), s.CreditNoteOf("cn_1", "in_1", 0, 3000))
		},
		ends: renewed, balance: "8.00 h 12000",
	},
	{
		name: "a credit note of the book on the invoice takes no hours, nor does the refund by which it was paid",
		told: func(s *harness.Teller) events {
			refund := s.Refund("refund.created", "re_1", "pi_1", 3000, "succeeded")
			return append(s.PaidInvoice("in_1", "pi_1", eight, book), s.Refunded("pi_1", 15_000, 3000), refund, refundedBy(s, s.CreditNoteOf("cn_1", "in_1", 0, 3000), 3000))
		},
		ends: renewed, balance: "8.00 h 12000",
	},
	{
		name: "a credit note of the hours alone takes its hours, and the refund by which it was paid",
		told: func(s *harness.Teller) events {
			refund := s.Refund("refund.created", "re_1", "pi_1", 6000, "succeeded")
			return append(s.PaidInvoice("in_1", "pi_1", eight, book), refund, refundedBy(s, s.CreditNoteOf("cn_1", "in_1", 6000, 0), 6000), s.Refunded("pi_1", 15_000, 6000))
		},
		ends: "partially_refunded 4.00 h due 12000 received 12000 refunded 6000", balance: "4.00 h 6000",
	},
	{
		name: "a credit note of a part of the hours and all of the book, then a refund, which can be of hours alone",
		told: func(s *harness.Teller) events {
			refund := s.Refund("refund.created", "re_1", "pi_1", 4500, "succeeded")
			return append(s.PaidInvoice("in_1", "pi_1", eight, book), s.CreditNoteOf("cn_1", "in_1", 3000, 3000), refund)
		},
		ends: "partially_refunded 3.00 h due 12000 received 12000 refunded 7500", balance: "3.00 h 4500",
	},
	{
		name: "a credit note of a part of the book, then a refund, of which nobody says what it is for",
		told: func(s *harness.Teller) events {
			return append(s.PaidInvoice("in_1", "pi_1", eight, book), s.CreditNoteOf("cn_1", "in_1", 0, 1500), s.Refund("refund.created", "re_1", "pi_1", 5000, "succeeded"))
		},
		// four fifths of the invoice were for hours, and so of the refund
		ends: "partially_refunded 5.33 h due 12000 received 12000 refunded 4000", balance: "5.33 h 8000",
	},
	{
		name: "one refund by which two credit notes gave back, of the hours and of the book", versions: sinceBasil,
		told: func(s *harness.Teller) events {
			refund := s.Refund("refund.created", "re_1", "pi_1", 8000, "succeeded")
			return append(s.PaidInvoice("in_1", "pi_1", eight, book), refund,
				refundedBy(s, s.CreditNoteOf("cn_1", "in_1", 0, 2000), 2000), refundedBy(s, s.CreditNoteOf("cn_2", "in_1", 6000), 6000))
		},
		ends: "partially_refunded 4.00 h due 12000 received 12000 refunded 6000", balance: "4.00 h 6000",
	},
	{
		name: "a refund of which a credit note says what a part of it was for", versions: sinceBasil,
		told: func(s *harness.Teller) events {
			refund := s.Refund("refund.created", "re_1", "pi_1", 5000, "succeeded")
			return append(s.PaidInvoice("in_1", "pi_1", eight, book), refund, refundedBy(s, s.CreditNoteOf("cn_1", "in_1", 0, 1000), 1000))
		},
		// 1000 for the book; four fifths of the other 4000 for hours
		ends: "partially_refunded 5.87 h due 12000 received 12000 refunded 3200", balance: "5.87 h 8800",
	},
	{
		name: "a refund of the book that failed, and was made again",
		told: func(s *harness.Teller) events {
			failed := []*harness.Told{s.Refund("refund.created", "re_1", "pi_1", 3000, "succeeded"), s.Refund("refund.failed", "re_1", "pi_1", 3000, "failed").At(20)}
			again := s.Refund("refund.created", "re_2", "pi_1", 3000, "succeeded").With("created", harness.Epoch+30).At(30)
			return append(append(s.PaidInvoice("in_1", "pi_1", eight, book), failed...), refundedBy(s, s.CreditNoteOf("cn_1", "in_1", 0, 3000), 3000), again)
		},
		ends: renewed, balance: "8.00 h 12000",
	},
	{
		name: "a refund of the book that failed twice, and was made again",
		told: func(s *harness.Teller) events {
			made := func(re string, at int64) *harness.Told {
				return s.Refund("refund.created", re, "pi_1", 3000, "succeeded").With("created", harness.Epoch+at).At(at)
			}
			failed := func(re string, made, at int64) *harness.Told {
				return s.Refund("refund.failed", re, "pi_1", 3000, "failed").With("created", harness.Epoch+made).At(at)
			}
			return append(s.PaidInvoice("in_1", "pi_1", eight, book), made("re_1", 10), failed("re_1", 10, 20), made("re_2", 30), failed("re_2", 30, 40), made("re_3", 50),
				refundedBy(s, s.CreditNoteOf("cn_1", "in_1", 0, 3000), 3000))
		},
		ends: renewed, balance: "8.00 h 12000",
	},
	{
		name: "a credit note of what its invoice doesn't hold counts by share",
		told: func(s *harness.Teller) events {
			note := s.CreditNoteOf("cn_1", "in_1", 0, 3000)
			note.Object["lines"].(object)["data"].([]any)[0].(object)["invoice_line_item"] = "il_other"
			return append(s.PaidInvoice("in_1", "pi_1", eight, book), note)
		},
		ends: "partially_refunded 6.40 h due 12000 received 12000 refunded 2400", balance: "6.40 h 9600",
	},
	{
		name: "an invoice without metadata is its subscription's owner's",
		told: func(s *harness.Teller) events {
			bill := subscriptionsMetadata(s.Invoice("paid", "in_1", eight), object{})
			return events{s.Subscription("created", object{"student_id": s.Student}), bill}
		},
		ends: renewed, balance: "8.00 h 12000",
	},
	{
		name: "an invoice without metadata of a subscription that a session began",
		told: func(s *harness.Teller) events {
			began := s.Session("completed", "cs_1", "", asked{Subtotal: 22_000}, "paid").With("mode", "subscription").With("client_reference_id", s.Student).
				With("subscription", s.ID("sub_1")).With("invoice", s.ID("in_1")).With("metadata", object{"student_id": s.Student})
			return events{began, s.Subscription("created", object{}), subscriptionsMetadata(s.Invoice("paid", "in_1", sixteen), object{}),
				subscriptionsMetadata(s.Invoice("paid", "in_2", eight), object{})}
		},
		ends: "completed 16.00 h due 22000 received 22000; " + renewed, balance: "24.00 h 34000",
	},
	{
		name: "a PaymentIntent that pays two invoices counts for each", versions: sinceBasil,
		told: inTwoInvoices,
		ends: "completed 16.00 h due 22000 received 22000; " + renewed, balance: "24.00 h 34000",
	},
	{
		name: "a refund of a PaymentIntent that paid two invoices is a case", versions: sinceBasil,
		told: func(s *harness.Teller) events {
			return append(inTwoInvoices(s), s.Refunded("pi_1", 34_000, 10_000))
		},
		ends: "*", balance: "*", cases: "*unclear_refund*", nobodys: "unclear_refund",
	},
	{
		name: "a lost dispute of a PaymentIntent that paid two invoices is a case", versions: sinceBasil,
		told: func(s *harness.Teller) events {
			return append(inTwoInvoices(s), s.Dispute("created", "dp_1", "pi_1", 34_000, "needs_response"), s.Dispute("closed", "dp_1", "pi_1", 34_000, "lost", -34_000))
		},
		ends: "*", balance: "*", cases: "unclear_refund", nobodys: "unclear_refund",
	},
}

// adjusted wants hours that an invoice took off to be an adjustment that
// refers to it.
func adjusted(in, hours string) func(t *testing.T, app *harness.App, s *harness.Teller) {
	return func(t *testing.T, app *harness.App, s *harness.Teller) {
		t.Helper()
		for _, entry := range read(t, app, "/students/"+s.Student+"/ledger/").Get("data").Array() {
			if entry.Get("kind").String() == "adjustment" && entry.Get("hours").String() == hours && strings.Contains(entry.Get("reference").String(), s.ID(in)) {
				return
			}
		}
		t.Errorf("no adjustment of %s with %s as its reference", hours, in)
	}
}
