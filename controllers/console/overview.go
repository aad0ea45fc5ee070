package console

import (
	"github.com/gin-gonic/gin"

	"hourbank/controllers/console/chart"
	"hourbank/services"
	"hourbank/services/accounting"
)

type overviewPage struct {
	Outcomes []services.EventCount // of the events of the last 30 days
	Days     int
	Choice   periodChoice
	Sales    *accounting.Sales // of the period
}

// Overview shows what was sold in a period, and what became of events lately.
func (h *Console) Overview(c *gin.Context) error {
	ctx, cancel := patiently(c)
	defer cancel()
	lately := accounting.LastDays(h.services.Clock.Now(), chart.Days)
	page := overviewPage{Days: chart.Days}
	var err error
	if page.Outcomes, err = h.services.Overview.Outcomes(ctx, lately.From); err != nil {
		return err
	}
	if page.Choice, err = h.choosePeriod(c, "/console/overview/", lately); err != nil {
		return err
	}
	if page.Sales, err = h.services.Accounting.Sales(ctx, page.Choice.Period, ""); err != nil {
		return err
	}
	return h.ok(c, "overview", "Overview", page)
}
