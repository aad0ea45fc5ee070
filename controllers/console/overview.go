package console

import (
	"time"

	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services"
	"hourbank/services/accounting"
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
	Outcomes         []services.EventCount // of the events of the last 30 days
	Days             int
	Choice           periodChoice
	Sales            *accounting.Sales // of the period
}

// Overview shows what happened lately, and what needs a person.
func (h *Console) Overview(c *gin.Context) error {
	ctx, cancel := patiently(c)
	defer cancel()
	lately := accounting.LastDays(time.Now(), chartDays)
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
	if page.Outcomes, err = h.services.Overview.Outcomes(ctx, lately.From); err != nil {
		return err
	}
	if page.Choice, err = choosePeriod(c, "/console/", lately); err != nil {
		return err
	}
	if page.Sales, err = h.services.Accounting.Sales(ctx, page.Choice.Period, ""); err != nil {
		return err
	}
	return h.ok(c, "overview", "Overview", page)
}
