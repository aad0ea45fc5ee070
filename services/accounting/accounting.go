// Package accounting adds the ledger up for a bookkeeper: sales by plan, what
// happened by day, and the statement of a period with the hours that are still
// owed. All of it is by the time at which something happened (Stripe's, where
// money moved), so that what is told late changes the period that it belongs
// to; all of it leaves out what test-stripe-webhook made.
package accounting

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"hourbank/database"
)

// Service adds up. It is safe for concurrent use.
type Service struct{ db *database.DB }

// New makes the service.
func New(db *database.DB) *Service { return &Service{db} }

// PlanSales is what one plan brought in one currency.
type PlanSales struct {
	Plan     string // empty: hours that were sold without one
	Currency string
	Flows
}

// CurrencyFlows is all that happened in one currency.
type CurrencyFlows struct {
	Currency string // empty: of students who never bought anything
	Flows
}

// Sales are what happened in a period.
type Sales struct {
	Plans  []PlanSales     // by plan and currency
	Totals []CurrencyFlows // all of it, with what belongs to no plan: lessons, grants, adjustments
	Test   []CurrencyFlows // test data, which is in none of the others
}

// Sales adds up a period by plan and currency; plan: only that one, unless it
// is empty.
func (s *Service) Sales(ctx context.Context, period Period, plan string) (*Sales, error) {
	where := during(period)
	if plan != "" {
		where.and("p.plan_id = ?", plan)
	}
	var sums []sum
	err := s.read(ctx, func(tx *gorm.DB) (err error) {
		sums, err = group(tx, where, map[string]string{"plan": "coalesce(p.plan_id, '')", "slot": "CASE WHEN p.id IS NULL THEN '' ELSE 'sale' END"})
		return err
	})
	if err != nil {
		return nil, err
	}
	sales := &Sales{}
	for i := range sums {
		one := &sums[i]
		if one.Test {
			flowsIn(&sales.Test, one.Currency).add(one)
			continue
		}
		flowsIn(&sales.Totals, one.Currency).add(one)
		if one.Slot != "" {
			planIn(&sales.Plans, one.Plan, one.Currency).add(one)
		}
	}
	byCurrency := func(a, b CurrencyFlows) int { return cmp.Compare(a.Currency, b.Currency) }
	slices.SortFunc(sales.Totals, byCurrency)
	slices.SortFunc(sales.Test, byCurrency)
	slices.SortFunc(sales.Plans, func(a, b PlanSales) int {
		return cmp.Or(cmp.Compare(a.Plan, b.Plan), cmp.Compare(a.Currency, b.Currency))
	})
	return sales, nil
}

func flowsIn(all *[]CurrencyFlows, currency string) *Flows {
	i := slices.IndexFunc(*all, func(f CurrencyFlows) bool { return f.Currency == currency })
	if i < 0 {
		*all, i = append(*all, CurrencyFlows{Currency: currency}), len(*all)
	}
	return &(*all)[i].Flows
}

func planIn(all *[]PlanSales, plan, currency string) *Flows {
	i := slices.IndexFunc(*all, func(p PlanSales) bool { return p.Plan == plan && p.Currency == currency })
	if i < 0 {
		*all, i = append(*all, PlanSales{Plan: plan, Currency: currency}), len(*all)
	}
	return &(*all)[i].Flows
}

// Day is what happened on one day (UTC) in one currency.
type Day struct {
	Date     time.Time // its midnight
	Currency string
	Flows
}

// Days gives the days of the period on which something happened, oldest first,
// each currency of a day on its own.
func (s *Service) Days(ctx context.Context, period Period) ([]Day, error) {
	where := during(period)
	where.and("NOT " + isTest)
	return s.days(ctx, where)
}

// History gives the days on which a student's hours moved, oldest first, also
// those of test data: the student's balance has them too.
func (s *Service) History(ctx context.Context, studentID string) ([]Day, error) {
	var where condition
	where.and("l.student_id = ?", studentID)
	return s.days(ctx, where)
}

func (s *Service) days(ctx context.Context, where condition) ([]Day, error) {
	var sums []sum
	err := s.read(ctx, func(tx *gorm.DB) (err error) {
		sums, err = group(tx, where, map[string]string{"slot": slotOf(tx, len(time.DateOnly))})
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(sums, func(a, b sum) int { return cmp.Or(cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.Currency, b.Currency)) })
	days := make([]Day, 0, len(sums))
	for i := range sums {
		one := &sums[i]
		date, err := time.Parse(time.DateOnly, one.Slot)
		if err != nil {
			return nil, fmt.Errorf("read a day: %w", err)
		}
		if last := len(days) - 1; last < 0 || !days[last].Date.Equal(date) || days[last].Currency != one.Currency {
			days = append(days, Day{Date: date, Currency: one.Currency})
		}
		days[len(days)-1].add(one)
	}
	return days, nil
}
