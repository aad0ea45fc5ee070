package telling

import (
	"pgregory.net/rapid"

	"hourbank/models/money"
)

// pick draws one of the values; few, so that tellings meet.
func pick[T any](t *rapid.T, values ...T) T { return rapid.SampledFrom(values).Draw(t, "pick") }

func maybe[T any](t *rapid.T, draw func(*rapid.T) T) *T {
	if pick(t, true, false) {
		return nil
	}
	value := draw(t)
	return &value
}

func drawAt(t *rapid.T) int64     { return pick[int64](t, 1, 2, 3) }
func drawAmount(t *rapid.T) int64 { return pick[int64](t, 0, 1000, 2500, 5000, 6000) }
func drawSetback(t *rapid.T) money.Setback {
	return money.Setback{At: drawAt(t), Code: pick(t, "a", "b"), Message: pick(t, "", "x")}
}

func drawAttempts(t *rapid.T) money.Attempts {
	return money.Attempts{Processing: maybe(t, drawAt), Failed: maybe(t, drawSetback), Cancelled: maybe(t, drawSetback)}
}

func drawReceived(t *rapid.T) money.Received {
	if amount := drawAmount(t); amount > 0 {
		return money.Received{Amount: amount, At: drawAt(t)}
	}
	return money.Received{}
}

func objects[T any](t *rapid.T, draw func(*rapid.T) T, ids ...string) map[string]T {
	all := map[string]T{}
	for range pick(t, 0, 0, 1, 2) {
		all[pick(t, ids...)] = draw(t)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

var currencies = []string{"eur", "eur", "eur", "usd"}

func drawRefund(t *rapid.T) money.Refund {
	r := money.Refund{Charge: pick(t, "", "ch_1", "ch_2"), PaymentIntent: pick(t, "", "pi_1"), ForHours: pick(t, true, false), RefundState: money.RefundState{
		At: drawAt(t), Status: pick(t, "pending", "requires_action", "succeeded", "failed", "canceled", "new"), Amount: drawAmount(t), Currency: pick(t, currencies...), Created: drawAt(t)}}
	if r.Status == money.RefundFailed || r.Status == money.RefundCanceled {
		r.FailedAt = r.At
	}
	return r
}

func drawDispute(t *rapid.T) money.Dispute {
	moves := objects(t, func(t *rapid.T) int64 { return pick[int64](t, -5000, -2500, 0, 2500, 5000) }, "txn_1", "txn_2", "txn_3")
	status := pick(t, "warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "under_review", "won", "lost", "prevented", "charge_refunded", "new", "")
	return money.Dispute{Charge: pick(t, "", "ch_1"), PaymentIntent: pick(t, "", "pi_1", "pi_2"), Transactions: moves,
		DisputeState: money.DisputeState{At: drawAt(t), Status: status, Amount: drawAmount(t), Currency: pick(t, currencies...), DueBy: drawAt(t)}}
}

func drawAsked(t *rapid.T) money.Asked {
	return money.Asked{At: drawAt(t), Subtotal: drawAmount(t), Total: drawAmount(t), Currency: pick(t, currencies...)}
}
func drawSource(t *rapid.T) money.Converted {
	return money.Converted{Subtotal: drawAmount(t), Total: drawAmount(t), Currency: pick(t, currencies...)}
}

func drawSession(t *rapid.T) money.Session {
	return money.Session{PaymentIntent: pick(t, "", "pi_1", "pi_2"), Invoice: pick(t, "", "in_1"), PaymentLink: pick(t, true, false), Sold: pick(t, true, false),
		Settled: maybe(t, drawAsked), Source: maybe(t, drawSource), Attempts: drawAttempts(t)}
}

func drawInvoice(t *rapid.T) money.Invoice {
	return money.Invoice{
		Payments: objects(t, drawAmount, "pi_1", "pi_2", "ch_1"),
		Paid: maybe(t, func(t *rapid.T) money.Bill {
			return money.Bill{At: drawAt(t), Subtotal: drawAmount(t), Total: drawAmount(t), Credited: pick[int64](t, 0, 1000), Currency: pick(t, currencies...)}
		}),
		Share: maybe(t, func(t *rapid.T) money.Share {
			return money.Share{Gross: pick[int64](t, 5000, 2500), Hours: pick[int64](t, 0, 2500), All: pick[int64](t, 2500, 5000)}
		}),
		Attempts: drawAttempts(t),
	}
}

// DrawEvidence draws what one event, or many, may tell of a purchase.
func DrawEvidence(t *rapid.T) money.Evidence {
	return money.Evidence{
		Payments: objects(t, func(t *rapid.T) money.Payment {
			return money.Payment{
				Received: drawReceived(t), Currency: pick(t, currencies...), Sold: pick(t, true, false), Attempts: drawAttempts(t),
				Details: maybe(t, func(t *rapid.T) money.AmountDetails {
					return money.AmountDetails{Discount: pick[int64](t, 0, 1000), Tax: pick[int64](t, 0, 1000), Shipping: pick[int64](t, 0, 1000)}
				}), Authorised: drawAmount(t), Charge: pick(t, "", "ch_1"),
			}
		}, "pi_1", "pi_2"),
		Charges: objects(t, func(t *rapid.T) money.Charge {
			return money.Charge{PaymentIntent: pick(t, "", "pi_1"), Currency: pick(t, currencies...), Authorised: drawAmount(t), Captured: drawReceived(t),
				Refunded: money.RefundTotal{Amount: drawAmount(t), At: drawAt(t), Old: pick(t, true, false)}}
		}, "ch_1", "ch_2"),
		Refunds:  objects(t, drawRefund, "re_1", "re_2", "re_3"),
		Disputes: objects(t, drawDispute, "dp_1", "dp_2"),
		Sessions: objects(t, drawSession, "cs_1", "cs_2"),
		Invoices: objects(t, drawInvoice, "in_1", "in_2"),
		CreditNotes: objects(t, func(t *rapid.T) money.CreditNote {
			return money.CreditNote{At: drawAt(t), Invoice: pick(t, "in_1", "in_2"), Amount: drawAmount(t), Refund: pick(t, "", "re_1"), Voided: pick(t, true, false)}
		}, "cn_1"),
		Accepted: objects(t, func(t *rapid.T) money.Acceptance {
			return money.Acceptance{At: drawAt(t), By: pick(t, "ada", "bob"), Note: pick(t, "x", "y")}
		}, "pi_1", "in_1"),
		Merged: objects(t, func(*rapid.T) bool { return true }, "p1"),
	}
}
