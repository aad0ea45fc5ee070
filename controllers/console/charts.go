package console

import (
	"math"
	"time"

	"github.com/gin-gonic/gin"

	"hourbank/controllers/console/chart"
	"hourbank/models"
	"hourbank/services/accounting"
)

// A chart is a picture of its own, so that the pages' content policy needs no
// exception for the styles inside it. Its colours and width are part of its
// address: see the chart part in templates/parts.html.

// chartPeriod is the period that a chart's address names, or its last days.
func (h *Console) chartPeriod(c *gin.Context) (accounting.Period, error) {
	choice, err := h.choosePeriod(c, "", accounting.LastDays(h.services.Clock.Now(), chart.Days))
	if first := choice.To.AddDate(0, 0, -chart.MostDays); choice.From.Before(first) {
		choice.From = first
	}
	return choice.Period, err
}

// spread puts each day's values at its date, one row a value; days on which
// nothing happened stay 0.
func spread(dates []time.Time, days []accounting.Day, rows int, values func(accounting.Day) []float64) [][]float64 {
	spread := make([][]float64, rows)
	for row := range spread {
		spread[row] = make([]float64, len(dates))
	}
	for _, day := range days {
		i := int(day.Date.Sub(dates[0]) / (24 * time.Hour))
		if i < 0 || i >= len(dates) {
			continue
		}
		for row, value := range values(day) {
			spread[row][i] += value
		}
	}
	return spread
}

// MoneyChart draws what came in and went back in one currency.
func (h *Console) MoneyChart(c *gin.Context) error {
	period, err := h.chartPeriod(c)
	if err != nil {
		return err
	}
	currency := c.Query("currency")
	ctx, cancel := patiently(c)
	defer cancel()
	all, err := h.services.Accounting.Days(ctx, period)
	if err != nil {
		return err
	}
	var days []accounting.Day
	for _, day := range all {
		if day.Currency == currency {
			days = append(days, day)
		}
	}
	minor := math.Pow10(models.CurrencyDecimals(currency))
	dates := period.Dates()
	rows := spread(dates, days, 2, func(day accounting.Day) []float64 {
		return []float64{float64(day.Received) / minor, float64(day.Back()) / minor}
	})
	label := func(value float64) string { return models.FormatMoney(int64(math.Round(value*minor)), currency) }
	return chart.Chart{Dates: dates, Label: label, Names: []string{"received", "refunded or disputed"}, Rows: rows}.Draw(c)
}

// HoursChart draws the hours that were purchased, reversed and consumed.
func (h *Console) HoursChart(c *gin.Context) error {
	period, err := h.chartPeriod(c)
	if err != nil {
		return err
	}
	ctx, cancel := patiently(c)
	defer cancel()
	days, err := h.services.Accounting.Days(ctx, period)
	if err != nil {
		return err
	}
	dates := period.Dates()
	rows := spread(dates, days, 3, func(day accounting.Day) []float64 {
		return []float64{chart.InHours(day.Sold + day.Granted + day.Adjusted), chart.InHours(day.Reversed), chart.InHours(day.Used)}
	})
	return chart.Chart{Dates: dates, Label: chart.HoursLabel, Names: []string{"purchased", "reversed", "consumed"}, Rows: rows}.Draw(c)
}

// BalanceChart draws a student's hours at the end of each day, and what will expire.
func (h *Console) BalanceChart(c *gin.Context) error {
	ctx, cancel := patiently(c)
	defer cancel()
	lots, err := h.services.Accounts.Lots(ctx, c.Param("student_id")) // which enters what has expired
	if err != nil {
		return err
	}
	days, err := h.services.Accounting.History(ctx, c.Param("student_id"))
	if err != nil {
		return err
	}
	return chart.Balance(h.services.Clock.Now(), days, lots).Draw(c)
}
