package accounting

import (
	"context"
	"maps"
	"slices"

	"gorm.io/gorm"

	"hourbank/models"
)

// Statement is what a bookkeeper needs of a period: a line for each currency
// and, where it is by month, each of its months.
type Statement struct {
	Period Period
	Lines  []Line
}

// Line is one currency's hours and money in one period. Opening plus what
// happened is Closing, which is the next period's Opening.
type Line struct {
	Period   Period
	Currency string // empty: of students who never bought anything
	Opening  models.Hours
	Flows
	Closing models.Hours

	// What is owed when the period ends; see the package's owed.
	Unused    models.Hours // hours that can still be used: Closing and Overdrawn
	Overdrawn models.Hours // hours that were used without being paid
	Liability int64        // minor units: what was kept for the unused hours
}

// Statement makes the statement of a period, in one line a currency or, as
// Months has it, by calendar month. It returns a *models.Error with code
// invalid_request.
func (s *Service) Statement(ctx context.Context, period Period, byMonth bool) (*Statement, error) {
	parts := []Period{period}
	if byMonth {
		var err error
		if parts, err = period.Months(); err != nil {
			return nil, err
		}
	}
	statement := &Statement{Period: period}
	err := s.read(ctx, func(tx *gorm.DB) error {
		book := newStatementBook(parts)
		if !period.From.IsZero() {
			before := during(Period{To: period.From})
			before.and("NOT " + isTest)
			sums, err := group(tx, before, nil)
			if err != nil {
				return err
			}
			book.open(sums)
		}
		within := during(period)
		within.and("NOT " + isTest)
		sums, err := group(tx, within, map[string]string{"slot": slotOf(tx, len(monthForm))})
		if err != nil {
			return err
		}
		book.move(sums)
		statement.Lines = book.lines()
		return addOwed(tx, parts, statement.Lines)
	})
	return statement, err
}

// monthForm is how a month is written.
const monthForm = "2006-01"

// statementBook collects what lines are made of.
type statementBook struct {
	parts   []Period
	opening map[string]models.Hours // by currency
	flows   []map[string]*Flows     // of each part, by currency
}

func newStatementBook(parts []Period) *statementBook {
	b := &statementBook{parts: parts, opening: map[string]models.Hours{}, flows: make([]map[string]*Flows, len(parts))}
	for i := range b.flows {
		b.flows[i] = map[string]*Flows{}
	}
	return b
}

// open books what happened before the first part.
func (b *statementBook) open(sums []sum) {
	for i := range sums {
		var f Flows
		f.add(&sums[i])
		b.opening[sums[i].Currency] += f.Hours()
	}
}

// move books what happened in the parts, whose months are in order.
func (b *statementBook) move(sums []sum) {
	for i := range sums {
		one := &sums[i]
		part := 0
		if len(b.parts) > 1 {
			part = slices.IndexFunc(b.parts, func(p Period) bool { return p.From.Format(monthForm) == one.Slot })
		}
		f := b.flows[part][one.Currency]
		if f == nil {
			f = &Flows{}
			b.flows[part][one.Currency] = f
		}
		f.add(one)
	}
}

// lines carries the hours from part to part. A currency has a line wherever
// something happened or hours stood open.
func (b *statementBook) lines() []Line {
	known := map[string]bool{}
	for currency := range b.opening {
		known[currency] = true
	}
	for _, flows := range b.flows {
		for currency := range flows {
			known[currency] = true
		}
	}
	var lines []Line
	for _, currency := range slices.Sorted(maps.Keys(known)) {
		hours := b.opening[currency]
		for i, part := range b.parts {
			line := Line{Period: part, Currency: currency, Opening: hours}
			if f := b.flows[i][currency]; f != nil {
				line.Flows = *f
			}
			hours += line.Hours()
			line.Closing = hours
			if line.Opening != 0 || line.Flows != (Flows{}) {
				lines = append(lines, line)
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return a.Period.From.Compare(b.Period.From) })
	return lines
}
