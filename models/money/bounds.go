package money

import (
	"cmp"
	"maps"
	"slices"
)

// maxObjects bounds each kind of object of one purchase, and each set within
// an object, far above what a payment's life has. Those that weigh most stay,
// of the same weight those with the smallest ids: a weight only grows, so that
// which ones stay does not hang on their order.
const maxObjects = 500

func (e *Evidence) bound() {
	if max(len(e.Payments), len(e.Charges), len(e.Refunds), len(e.Disputes), len(e.Sessions), len(e.Invoices),
		len(e.CreditNotes), len(e.Accepted), len(e.Merged)) <= maxObjects {
		return
	}
	weights := e.weights()
	e.Full = true
	e.Payments, e.Charges, e.Sessions, e.Invoices = bounded(e.Payments, weights), bounded(e.Charges, weights), bounded(e.Sessions, weights), bounded(e.Invoices, weights)
	e.Refunds, e.Disputes, e.CreditNotes = bounded(e.Refunds, weights), bounded(e.Disputes, weights), bounded(e.CreditNotes, weights)
	e.Accepted, e.Merged = bounded(e.Accepted, weights), bounded(e.Merged, weights)
}

// weights lets what we sold or somebody paid outweigh what nobody paid, such as
// the sessions of a Payment Link, of which a stranger can make as many as they
// like. Those that were settled weigh less than others: they may cost nothing.
func (e *Evidence) weights() map[string]int {
	weights := map[string]int{}
	weigh := func(weight int, ids ...string) {
		for _, id := range ids {
			weights[id] = max(weights[id], weight)
		}
	}
	for id, s := range e.Sessions {
		if s.Sold || s.Settled != nil {
			weigh(2-age(s.PaymentLink && !s.Sold), id, s.PaymentIntent, s.Invoice)
		}
	}
	for id, i := range e.Invoices {
		if i.Paid != nil {
			weigh(2, append(keys(i.Payments), id)...)
		}
	}
	for id, p := range e.Payments {
		if p.Sold || p.Received.Amount > 0 {
			weigh(2, id)
		}
		weigh(weights[id], p.Charge)
	}
	for id, c := range e.Charges {
		if c.Captured.Amount > 0 {
			weigh(2, id, c.PaymentIntent)
		}
	}
	return weights
}

func bounded[T any](objects map[string]T, weights map[string]int) map[string]T {
	if len(objects) <= maxObjects {
		return objects
	}
	ids := slices.SortedFunc(maps.Keys(objects), func(a, b string) int {
		return cmp.Or(cmp.Compare(weights[b], weights[a]), cmp.Compare(a, b))
	})
	kept := make(map[string]T, maxObjects)
	for _, id := range ids[:maxObjects] {
		kept[id] = objects[id]
	}
	return kept
}
