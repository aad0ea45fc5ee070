package ingest

import (
	"cmp"
	"slices"

	"hourbank/models"
	"hourbank/models/invoicing"
	"hourbank/models/money"
	"hourbank/services/ingest/prorations"
	"hourbank/services/ingest/statements"
	"hourbank/services/stripe"
)

// result is what becomes of an event.
type result struct {
	status   models.EventStatus
	reason   models.Reason
	purchase *models.Purchase
	awaits   []string // keys, where not those of the event: see prorations.GivingBack
}

// parked is for events that wait for their purchase; one whose reason is a
// case's kind has opened that case.
func parked(kind models.CaseKind) result {
	return result{status: models.EventParked, reason: models.Reason(kind)}
}

// apply decides what becomes of an event, and changes the book accordingly. It
// is the one way in which events change anything, whether the book is
// committed or only looked at.
func (b *book) apply(e *stripe.Event) result {
	switch {
	case e.Status != "":
		if e.Reason == models.ReasonMissingObject {
			b.cases.OpenFor("", models.CaseState{Kind: models.CaseMissingObject, Subject: e.ID}, e.ID)
		}
		return result{status: e.Status, reason: e.Reason}
	case e.Unfetched != nil:
		return b.unfetched(e)
	}
	b.keepForgottenSubscription(e)
	remembered := models.ReasonStale
	if e.Subscription != nil && models.IsObjectID(e.Subscription.ID) && b.remember(e.Subscription) {
		remembered = models.ReasonNone
	}
	group := b.group(e)
	made := b.make(e, group)
	switch {
	case made.purchase != nil:
		group = append(group, made.purchase)
	case e.Unfetched != nil: // it may be more than what is known of it
		return made
	case len(group) > 0:
	case made.status != "":
		return made
	case e.Subscription != nil && len(e.Told.Invoices) == 0:
		return result{status: models.EventProcessed, reason: remembered}
	default:
		return parked("")
	}
	for _, p := range group {
		if !p.KeepsCurrency() && !p.Fits(b.catalogue.currencies[p.AccountID()], b.books(e, p, group)) {
			return b.otherCurrency(e, p.AccountID(), p.ID)
		}
	}
	if made.purchase != nil {
		b.add(made.purchase)
	}
	return b.learn(e, group)
}

// books says whether money or hours of a purchase would be booked with all that its group
// knows and the event tells.
func (b *book) books(e *stripe.Event, p *models.Purchase, group []*models.Purchase) bool {
	evidence := e.Told.Without(func(id string) bool { return b.byKey[id] != nil && !slices.Contains(group, b.byKey[id]) })
	for _, one := range group {
		evidence = money.Join(one.Evidence, evidence)
	}
	d := money.Derive(p.Terms(), evidence)
	return d.HoursCredited > 0 || d.AmountReceived > 0
}

func (b *book) unfetched(e *stripe.Event) result {
	student := ""
	if e.Sale != nil {
		student = cmp.Or(e.Sale.BeneficiaryID, e.Sale.StudentID)
	}
	b.cases.OpenFor(student, models.CaseState{Kind: models.CaseUnfetchedEvent, Subject: cmp.Or(e.Unfetched.ID, e.ID), Payment: e.Unfetched.ID}, e.ID)
	return parked(models.CaseUnfetchedEvent)
}

// learn lets the purchases of the event become one, and that one learn it.
func (b *book) learn(e *stripe.Event, group []*models.Purchase) result {
	p := group[0]
	for _, other := range group[1:] {
		if other.Outranks(p) {
			p = other
		}
	}
	var gained money.Evidence
	for _, other := range group {
		if other != p {
			gained = money.Join(gained, b.merge(p, other, e.ID))
		}
	}
	b.share(e, p)
	customer := p.NoteCustomer(e.Names.Customer)
	b.weigh(e)
	wasCredited := p.HoursCredited > 0
	change := p.Observe(money.Join(gained, b.own(e.Told, p))) // at once: money counts by what the event says of it
	change.Changed = change.Changed || customer
	b.note(p, change, e.ID)
	var awaits []string
	if e.Invoice != nil && len(e.Invoice.Credited) > 0 && p.Evidence.Invoices[e.Invoice.ID].Paid != nil {
		awaits = b.giveBack(prorations.NewBought(p, e.Invoice.ID, e.ID, e.Invoice.Credited))
	}
	for invoice := range p.Evidence.Invoices {
		b.credited[invoice] = b.credited[invoice] || (!wasCredited && p.HoursCredited > 0)
		b.watch(invoice, e.ID)
	}
	outcome := result{status: models.EventProcessed, purchase: p, reason: models.Reason(change.Opened()), awaits: awaits}
	if outcome.reason == "" && !change.New {
		outcome.reason = models.ReasonStale
	}
	return outcome
}

// merge lets the other one give up its evidence, which it returns: it turned out to be the
// same purchase as p.
func (b *book) merge(p, other *models.Purchase, eventID string) money.Evidence {
	for _, id := range other.Evidence.IDs() {
		b.byKey[id] = p
		if b.keys[id] == other {
			b.keys[id] = p
		} else {
			b.moved[id] = p
		}
	}
	evidence, lost := other.GiveUp(p)
	b.note(other, lost, eventID)
	return evidence
}

// share notes the customer and the subscription that an event names: people
// look for what was bought by them, but they are no key of one purchase. The
// customer that the purchase has was noted when it got it.
func (b *book) share(e *stripe.Event, p *models.Purchase) {
	keys := []string{}
	if p.StripeCustomerID == nil || *p.StripeCustomerID != e.Names.Customer {
		keys = append(keys, e.Names.Customer)
	}
	if e.Invoice != nil {
		keys = append(keys, e.Invoice.SubscriptionID)
	}
	for _, key := range keys {
		if models.IsObjectID(key) {
			b.shared[statements.Key{Key: key, PurchaseID: p.ID}] = true
		}
	}
}

// weigh says in an invoice's evidence which share of it is for hours.
func (b *book) weigh(e *stripe.Event) {
	if e.Invoice == nil {
		return
	}
	told := e.Told.Invoices[e.Invoice.ID]
	bought := b.catalogue.buy(e.Invoice)
	if bought.Plan == nil || bought.All < 0 || bought.ForHours < 0 || bought.ForHours > bought.All {
		return
	}
	told.Share = &money.Share{Gross: bought.Price, Hours: bought.ForHours, All: bought.All}
	if bought.ForHours < bought.All {
		told.Lines = invoicing.ForHours(e.Invoice.Lines, e.Invoice.Currency, b.catalogue.byPrice, b.catalogue.named(e.Invoice))
	}
	e.Told.Invoices[e.Invoice.ID] = told
}

// unexplained parks an invoice of which it is not known what it buys, or for
// whom; a paid one opens a case.
func (b *book) unexplained(e *stripe.Event, student string) result {
	if !e.Invoice.Paid || !b.concerns(e) {
		return parked("")
	}
	state := models.CaseState{Kind: models.CaseUnexplainedInvoice, Subject: e.Invoice.ID}
	if b.catalogue.buy(e.Invoice).Hours >= 0 { // what takes hours off is no payment, and nobody's to be given
		state.Payment = e.Invoice.ID
	}
	if total := e.Told.Invoices[e.Invoice.ID].Paid.Total; total > 0 {
		state.Amount, state.Currency = total, e.Invoice.Currency
	}
	b.cases.OpenFor(student, state, e.ID)
	return parked(models.CaseUnexplainedInvoice)
}

// concerns says whether an event that tells of money is for a person to look at, even
// where it finds no purchase: where others are but listed, if it names anything of ours.
func (b *book) concerns(e *stripe.Event) bool {
	return b.ours == nil || b.ours[e.Names.Customer] || e.Names.Ours || e.Sale != nil ||
		e.Invoice != nil && (b.ours[e.Invoice.SubscriptionID] || b.catalogue.owner(e.Invoice) != "" || b.catalogue.buy(e.Invoice).Plan != nil || len(b.catalogue.subscriptions[e.Invoice.SubscriptionID]) > 0)
}

// otherCurrency parks an event that would make, revive or pay a purchase in another
// currency than its student's account.
func (b *book) otherCurrency(e *stripe.Event, student, purchase string) result {
	if !e.Money {
		return parked("")
	}
	if p, state := b.byID[purchase], e.Case(models.CaseOtherCurrency); p != nil {
		b.cases.Open(p, state, e.ID)
	} else {
		b.cases.OpenFor(student, state, e.ID)
	}
	return parked(models.CaseOtherCurrency)
}
