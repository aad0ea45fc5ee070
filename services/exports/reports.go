package exports

import (
	"context"
	"slices"
)

// byMonth is the word that makes a statement one of months.
const byMonth = "month"

var salesColumns = slices.Concat(
	[]string{"from", "to", "plan", "currency", "purchases", "hours_sold", "hours_reversed"},
	twice("amount_received", "amount_refunded", "amount_disputed", "amount_kept"),
)

func (s *Service) sales(ctx context.Context, q query, give func([][]string) error) error {
	sales, err := s.books.Sales(ctx, q.period, q.Get("plan"))
	if err != nil {
		return err
	}
	rows := make([][]string, len(sales.Plans))
	for i, p := range sales.Plans {
		rows[i] = slices.Concat(
			[]string{q.period.FirstDay(), q.period.LastDay(), text(p.Plan), p.Currency, number(p.Purchases)},
			hours(p.Sold, p.Reversed), amounts(p.Currency, p.Received, p.Refunded, p.Disputed, p.Kept()),
		)
	}
	return give(rows)
}

var statementColumns = slices.Concat(
	[]string{"from", "to", "currency", "hours_opening", "hours_sold", "hours_granted", "hours_adjusted", "hours_reversed", "hours_used", "hours_expired", "hours_closing"},
	twice("amount_received", "amount_refunded", "amount_disputed", "amount_kept"),
	[]string{"hours_unused", "hours_overdrawn"}, twice("liability"),
)

func (s *Service) statement(ctx context.Context, q query, give func([][]string) error) error {
	statement, err := s.books.Statement(ctx, q.period, q.Get("by") == byMonth)
	if err != nil {
		return err
	}
	rows := make([][]string, len(statement.Lines))
	for i, line := range statement.Lines {
		rows[i] = slices.Concat(
			[]string{line.Period.FirstDay(), line.Period.LastDay(), line.Currency},
			hours(line.Opening, line.Sold, line.Granted, line.Adjusted, line.Reversed, line.Used, line.Expired, line.Closing),
			amounts(line.Currency, line.Received, line.Refunded, line.Disputed, line.Kept()),
			hours(line.Unused, line.Overdrawn), amounts(line.Currency, line.Liability),
		)
	}
	return give(rows)
}
