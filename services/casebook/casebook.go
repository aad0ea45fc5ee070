// Package casebook keeps what a transaction changes of cases: what opened and closed,
// and how that is written.
package casebook

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"hourbank/models"
	"hourbank/services/stripe"
)

// Book is what changes of cases, by kind and subject. It is empty where nothing is odd.
type Book map[key]*change

type key struct {
	kind    models.CaseKind
	subject string
}

// change opens a case, or closes it where open is false.
type change struct {
	models.CaseState
	open     bool
	student  string
	purchase string
	eventID  string
}

// Follow follows the cases of a purchase from before a change to after it.
func (b Book) Follow(p *models.Purchase, change models.Change, eventID string) {
	if len(change.Before) == 0 && len(change.After) == 0 {
		return
	}
	for _, before := range change.Before {
		if !slices.ContainsFunc(change.After, func(s models.CaseState) bool { return s.Kind == before.Kind && s.Subject == before.Subject }) {
			b.Close(before.Kind, subjectOf(before, p), p.ID)
		}
	}
	for _, after := range change.After {
		if !slices.Contains(change.Before, after) {
			b.Open(p, after, eventID)
		}
	}
}

func subjectOf(s models.CaseState, p *models.Purchase) string {
	if s.Subject == "" {
		return p.ID
	}
	return s.Subject
}

// Open opens a purchase's case.
func (b Book) Open(p *models.Purchase, state models.CaseState, eventID string) {
	b[key{state.Kind, subjectOf(state, p)}] = &change{CaseState: state, open: true, student: p.AccountID(), purchase: p.ID, eventID: eventID}
}

// OpenFor opens a case that no purchase has, of the most that any event told; the student
// may be unknown.
func (b Book) OpenFor(student string, state models.CaseState, eventID string) {
	k := key{state.Kind, state.Subject}
	if known := b[k]; known != nil && known.open && known.purchase == "" && known.Currency == state.Currency {
		state.Amount = max(state.Amount, known.Amount)
	}
	b[k] = &change{CaseState: state, open: true, student: student, eventID: eventID}
}

// Close closes a case, unless another purchase has opened it meanwhile.
func (b Book) Close(kind models.CaseKind, subject, purchase string) {
	k := key{kind, subject}
	if known := b[k]; known != nil && known.open && known.purchase != purchase {
		return
	}
	b[k] = &change{CaseState: models.CaseState{Kind: kind, Subject: subject}, purchase: purchase}
}

// Withdraw forgets the cases that an event opened which is about to be looked at again.
func (b Book) Withdraw(eventID string) {
	maps.DeleteFunc(b, func(_ key, c *change) bool { return c.open && c.eventID == eventID })
}

// Settle closes the cases that an event opened while nobody knew what to do
// with it. Those that the purchase which took it derives stay.
func (b Book) Settle(e *stripe.Event, p *models.Purchase) {
	kinds := map[key]bool{
		{models.CaseUnmatchedPayment, e.Payment}: true, {models.CaseUnexplainedInvoice, e.Payment}: e.Invoice != nil,
		{models.CaseUnfetchedEvent, e.Object}: true, {models.CaseMissingObject, e.ID}: true,
		{models.CaseOtherCurrency, e.Payment}: len(e.Told.Payments)+len(e.Told.Invoices) > 0,
	}
	if p != nil {
		for _, derived := range p.Derive().Cases {
			delete(kinds, key{derived.Kind, subjectOf(derived, p)})
		}
	}
	for k, settled := range kinds {
		if settled && b[k] == nil && k.subject != "" {
			b.Close(k.kind, k.subject, "")
		}
	}
}

// rows are the cases to open, or to close, in a fixed order.
func (b Book) rows(open bool, now time.Time) []models.Case {
	var rows []models.Case
	for k, change := range b {
		if change.open == open {
			rows = append(rows, change.row(k, now))
		}
	}
	slices.SortFunc(rows, func(a, b models.Case) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject))
	})
	return rows
}

// row is the case as it is kept.
func (c *change) row(k key, now time.Time) models.Case {
	row := models.Case{
		ID: models.NewID(), Kind: k.kind, Subject: k.subject, OpenedAt: now,
		StudentID: models.OrNull(c.student), TransactionID: models.OrNull(c.purchase), EventID: models.OrNull(c.eventID),
		Payment: models.OrNull(c.Payment), Currency: models.OrNull(c.Currency),
	}
	if c.Currency != "" {
		row.Amount = &c.Amount
	}
	if c.DueBy > 0 {
		due := time.Unix(c.DueBy, 0).UTC()
		row.DueBy = &due
	}
	if !c.open {
		row.ClosedAt = &now
	}
	return row
}
