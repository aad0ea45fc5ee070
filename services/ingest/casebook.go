package ingest

import (
	"cmp"
	"slices"
	"time"

	"hourbank/models"
	"hourbank/services/stripe"
)

// caseBook is what a batch changes of cases, by kind and subject. It is empty
// where nothing is odd.
type caseBook map[caseKey]*caseChange

type caseKey struct {
	kind    models.CaseKind
	subject string
}

// caseChange opens a case, or closes it where open is false.
type caseChange struct {
	models.CaseState
	open     bool
	student  string
	purchase string
	eventID  string
}

// change follows the cases of a purchase from before a change to after it.
func (c caseBook) change(p *models.Purchase, change models.Change, eventID string) {
	if len(change.Before) == 0 && len(change.After) == 0 {
		return
	}
	for _, before := range change.Before {
		if !slices.ContainsFunc(change.After, func(s models.CaseState) bool { return s.Kind == before.Kind && s.Subject == before.Subject }) {
			c.close(before.Kind, subjectOf(before, p), p.ID)
		}
	}
	for _, after := range change.After {
		if !slices.Contains(change.Before, after) {
			c.open(p, after, eventID)
		}
	}
}

func subjectOf(s models.CaseState, p *models.Purchase) string {
	if s.Subject == "" {
		return p.ID
	}
	return s.Subject
}

// open opens a purchase's case.
func (c caseBook) open(p *models.Purchase, state models.CaseState, eventID string) {
	c[caseKey{state.Kind, subjectOf(state, p)}] = &caseChange{CaseState: state, open: true, student: p.AccountID(), purchase: p.ID, eventID: eventID}
}

// openFor opens a case that no purchase has; the student may be unknown.
func (c caseBook) openFor(student string, state models.CaseState, eventID string) {
	c[caseKey{state.Kind, state.Subject}] = &caseChange{CaseState: state, open: true, student: student, eventID: eventID}
}

// close closes a case, unless another purchase has opened it meanwhile.
func (c caseBook) close(kind models.CaseKind, subject, purchase string) {
	key := caseKey{kind, subject}
	if known := c[key]; known != nil && known.open && known.purchase != purchase {
		return
	}
	c[key] = &caseChange{CaseState: models.CaseState{Kind: kind, Subject: subject}, purchase: purchase}
}

// settle closes the cases that an event opened while nobody knew what to do
// with it. Those that the purchase which took it derives stay.
func (c caseBook) settle(e *stripe.Event, p *models.Purchase) {
	kinds := map[caseKey]bool{
		{models.CaseUnmatchedPayment, e.Payment}: true, {models.CaseUnexplainedInvoice, e.Payment}: true,
		{models.CaseUnfetchedEvent, e.Object}: true, {models.CaseMissingObject, e.ID}: true,
		{models.CaseOtherCurrency, e.Payment}: len(e.Told.Payments)+len(e.Told.Invoices) > 0,
	}
	for key, settled := range kinds {
		derived := p != nil && slices.ContainsFunc(p.Derive().Cases, func(s models.CaseState) bool { return key == caseKey{s.Kind, subjectOf(s, p)} })
		if settled && c[key] == nil && key.subject != "" && !derived {
			c.close(key.kind, key.subject, "")
		}
	}
}

// rows are the cases to open, or to close, in a fixed order.
func (c caseBook) rows(open bool, now time.Time) []models.Case {
	var rows []models.Case
	for key, change := range c {
		if change.open == open {
			rows = append(rows, change.row(key, now))
		}
	}
	slices.SortFunc(rows, func(a, b models.Case) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject))
	})
	return rows
}

// row is the case as it is kept.
func (c *caseChange) row(key caseKey, now time.Time) models.Case {
	row := models.Case{
		ID: models.NewID(), Kind: key.kind, Subject: key.subject, OpenedAt: now,
		StudentID: orNull(c.student), TransactionID: orNull(c.purchase), EventID: orNull(c.eventID),
		Payment: orNull(c.Payment), Currency: orNull(c.Currency),
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

func orNull[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}
