package accounting

import (
	"net/url"
	"time"

	"hourbank/models"
)

// Period is so many whole days, by UTC. A side that is zero is open: since
// ever, or until now and whatever is dated later.
type Period struct {
	From time.Time // the midnight at which it begins
	To   time.Time // the midnight at which it is over
}

// ParsePeriod reads the first and the last day of a period, such as 2026-10-01
// and 2026-10-31; an empty one leaves its side open. It returns a *models.Error
// with code invalid_request.
func ParsePeriod(from, to string) (Period, error) {
	var p Period
	var err error
	if p.From, err = parseDay("from", from); err != nil {
		return p, err
	}
	if p.To, err = parseDay("to", to); err != nil {
		return p, err
	}
	if !p.To.IsZero() {
		if p.To.Before(p.From) {
			return p, models.Errorf(models.CodeInvalidRequest, "The period ends on %s, before it begins.", to)
		}
		p.To = p.To.AddDate(0, 0, 1)
	}
	return p, nil
}

func parseDay(name, day string) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil || t.Year() < 1970 || t.Year() > 2999 {
		return time.Time{}, models.Errorf(models.CodeInvalidRequest, "%s must be a day such as 2026-10-31.", name)
	}
	return t, nil
}

// Month is the calendar month that a time lies in.
func Month(t time.Time) Period {
	first := time.Date(t.UTC().Year(), t.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	return Period{first, first.AddDate(0, 1, 0)}
}

// LastDays are so many days, the time's own the last.
func LastDays(t time.Time, days int) Period {
	end := t.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	return Period{end.AddDate(0, 0, -days), end}
}

// FirstDay is the first day as 2026-10-01; empty where it is open.
func (p Period) FirstDay() string { return writeDay(p.From) }

// LastDay is the last day as 2026-10-31; empty where it is open.
func (p Period) LastDay() string {
	if p.To.IsZero() {
		return ""
	}
	return writeDay(p.To.AddDate(0, 0, -1))
}

func writeDay(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// Query is the period as an address names it.
func (p Period) Query() url.Values {
	query := url.Values{}
	for name, day := range map[string]string{"from": p.FirstDay(), "to": p.LastDay()} {
		if day != "" {
			query.Set(name, day)
		}
	}
	return query
}

// Dates are the midnights at which the period's days begin. Both sides must be
// there.
func (p Period) Dates() []time.Time {
	dates := []time.Time{}
	for day := p.From; day.Before(p.To); day = day.AddDate(0, 0, 1) {
		dates = append(dates, day)
	}
	return dates
}

// maxMonths bounds a statement by month, each of which is added up on its own.
const maxMonths = 120

// Months cuts the period where calendar months begin. It returns a
// *models.Error with code invalid_request where a side is open, or where there
// are more months than a statement has.
func (p Period) Months() ([]Period, error) {
	if p.From.IsZero() || p.To.IsZero() || p.To.After(Month(p.From).From.AddDate(0, maxMonths, 0)) {
		return nil, models.Errorf(models.CodeInvalidRequest, "By month needs from and to, in at most %d months.", maxMonths)
	}
	var parts []Period
	for from := p.From; from.Before(p.To); from = Month(from).To {
		part := Period{from, Month(from).To}
		if p.To.Before(part.To) {
			part.To = p.To
		}
		parts = append(parts, part)
	}
	return parts, nil
}
