package console

import (
	"context"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"hourbank/controllers"
	"hourbank/services/accounting"
)

// shortcutMonths is how many months are a click away.
const shortcutMonths = 12

// reportPatience bounds a sum over many rows: shorter than the server's for an
// answer. hourbank export waits for as long as it takes.
const reportPatience = 25 * time.Second

func patiently(c *gin.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.Request.Context(), reportPatience)
}

// periodChoice is the period that a page shows, and the ways to choose another.
type periodChoice struct {
	accounting.Period
	Path   string // of the page
	Months []accounting.Period

	MayBeByMonth, ByMonth bool
}

// Address is where the page shows another period.
func (p periodChoice) Address(other accounting.Period) string {
	return p.Path + "?" + other.Query().Encode()
}

// Is says whether the page shows the period.
func (p periodChoice) Is(other accounting.Period) bool { return p.Period == other }

// choosePeriod reads ?from= and ?to=; without either it is the default. An open
// side ends today, or begins with what Stripe's first customers bought.
func (h *Console) choosePeriod(c *gin.Context, path string, otherwise accounting.Period) (periodChoice, error) {
	choice := periodChoice{Period: otherwise, Path: path}
	now := h.services.Clock.Now()
	from, to := c.Query("from"), c.Query("to")
	if from != "" || to != "" {
		var err error
		if choice.Period, err = accounting.ParsePeriod(from, to); err != nil {
			return choice, err
		}
		if choice.To.IsZero() {
			choice.To = accounting.LastDays(now, 1).To
		}
		if choice.From.IsZero() {
			choice.From = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)
		}
	}
	month := accounting.Month(now)
	for range shortcutMonths {
		choice.Months = append(choice.Months, month)
		month = accounting.Month(month.From.AddDate(0, 0, -1))
	}
	return choice, nil
}

// writePeriod says a period in words: a month by its name.
func writePeriod(p accounting.Period) string {
	const day = "2 Jan 2006"
	switch last := p.To.AddDate(0, 0, -1); {
	case p == accounting.Month(p.From):
		return p.From.Format("January 2006")
	case last.Equal(p.From):
		return last.Format(day)
	default:
		return p.From.Format(day) + " – " + last.Format(day)
	}
}

// Export answers what a page shows as CSV.
func (h *Console) Export(c *gin.Context) error {
	return controllers.StreamExport(c, h.services.Exports)
}

// csvAddress is where a list is to be had as CSV, picked by what the page is
// picked by.
func csvAddress(list string, parameters url.Values) string {
	return "/console/exports/" + list + ".csv?" + parameters.Encode()
}

type statementPage struct {
	Choice    periodChoice
	Statement *accounting.Statement
	Query     url.Values
}

// Statement shows a period's hours and money, and what is owed at its end.
func (h *Console) Statement(c *gin.Context) error {
	choice, err := h.choosePeriod(c, "/console/statement/", accounting.Month(h.services.Clock.Now()))
	if err != nil {
		return err
	}
	choice.MayBeByMonth, choice.ByMonth = true, c.Query("by") == "month"
	page := statementPage{Choice: choice, Query: choice.Query()}
	if choice.ByMonth {
		page.Query.Set("by", "month")
	}
	ctx, cancel := patiently(c)
	defer cancel()
	if page.Statement, err = h.services.Accounting.Statement(ctx, choice.Period, choice.ByMonth); err != nil {
		return err
	}
	return h.ok(c, "statement", "Statement", page)
}
