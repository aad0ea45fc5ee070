package stripe

import (
	"slices"

	"hourbank/models"
)

// Keys lists the ids by which the event may find a purchase.
func (e *Event) Keys() []string {
	keys := e.Told.IDs()
	for _, name := range []string{e.Names.Purchase, e.Names.ClientReference} {
		if models.IsObjectID(name) {
			keys = append(keys, name)
		}
	}
	return keys
}

// AwaitedKeys are what the event waits for while it is parked, sorted: a
// purchase with one of these ids, and of an invoice, its subscription's owner,
// a plan, or what it gives back to be paid.
func (e *Event) AwaitedKeys() []string {
	keys, more := e.Keys(), []string{}
	if e.Sale != nil {
		more = append(more, e.Sale.Plan)
	}
	if e.Invoice != nil {
		more = append(append(more, e.Invoice.SubscriptionID, e.Invoice.PlanID), e.Invoice.Credited...)
		for _, line := range e.Invoice.Lines {
			more = append(more, line.PriceIDs...)
		}
	}
	for _, key := range more {
		if models.IsObjectID(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
