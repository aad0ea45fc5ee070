package console

import (
	"slices"

	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services"
	"hourbank/services/paging"
)

// attentionRows is how many cases, and events of a kind, the overview shows; the rest is
// a click away.
const attentionRows = 10

type overviewPage struct {
	Cases            paging.Page[models.Case] // the newest open ones
	Kinds            []caseCount
	Open             int64 // cases
	Rejected, Parked paging.Page[models.WebhookEvent]
	Outcomes         []services.EventCount
	Totals           []services.Day // of the last 30 days, one a currency
	Days             int
}

// Overview shows what happened lately, and what needs a person.
func (h *Console) Overview(c *gin.Context) error {
	ctx, since := c.Request.Context(), lastDays()[0]
	page := overviewPage{Days: chartDays}
	first := paging.PageRequest{Limit: attentionRows}
	byKind, err := h.services.Cases.OpenCases(ctx)
	if err != nil {
		return err
	}
	page.Kinds, page.Open = openCases(byKind)
	if page.Cases, err = h.services.Cases.List(ctx, services.CaseFilter{Status: "open"}, first); err != nil {
		return err
	}
	if page.Rejected, err = h.services.Events.List(ctx, string(models.EventRejected), "", first); err != nil {
		return err
	}
	if page.Parked, err = h.services.Events.List(ctx, string(models.EventParked), "", first); err != nil {
		return err
	}
	if page.Outcomes, err = h.services.Overview.Outcomes(ctx, since); err != nil {
		return err
	}
	days, err := h.services.Overview.Days(ctx, since)
	if err != nil {
		return err
	}
	page.Totals = totals(days)
	return h.ok(c, "overview", "Overview", page)
}

// totals adds the days up, one sum a currency.
func totals(days []services.Day) []services.Day {
	sums := []services.Day{}
	for _, day := range days {
		i := slices.IndexFunc(sums, func(sum services.Day) bool { return sum.Currency == day.Currency })
		if i < 0 {
			sums, i = append(sums, services.Day{Currency: day.Currency}), len(sums)
		}
		sum := &sums[i]
		sum.Received += day.Received
		sum.Returned += day.Returned
		sum.Moved.Purchased += day.Moved.Purchased
		sum.Moved.Reversed += day.Moved.Reversed
		sum.Moved.Consumed += day.Moved.Consumed
	}
	return sums
}
