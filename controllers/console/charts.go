package console

import (
	"math"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"hourbank/controllers/console/chart"
	"hourbank/models"
	"hourbank/services/accounting"
)

// A chart is a picture of its own, so that the pages' content policy needs no
// exception for the styles inside it. Its colours and width are part of its
// address: see the chart part in templates/parts.html.

// chartDays is how far back the overview looks, unless another period is chosen.
const chartDays = 30

func hoursLabel(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) + " h" }

func inHours(h models.Hours) float64 { return float64(h) / 100 }

// maxChartDays is as many days as a line can show.
const maxChartDays = 366

// chartPeriod is the period that a chart's address names, or its last days.
func chartPeriod(c *gin.Context) (accounting.Period, error) {
	choice, err := choosePeriod(c, "", accounting.LastDays(time.Now(), chartDays))
	if first := choice.To.AddDate(0, 0, -maxChartDays); choice.From.Before(first) {
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
	period, err := chartPeriod(c)
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
	period, err := chartPeriod(c)
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
		return []float64{inHours(day.Sold + day.Granted + day.Adjusted), inHours(day.Reversed), inHours(day.Used)}
	})
	return chart.Chart{Dates: dates, Label: hoursLabel, Names: []string{"purchased", "reversed", "consumed"}, Rows: rows}.Draw(c)
}

// BalanceChart draws a student's hours at the end of each day.
func (h *Console) BalanceChart(c *gin.Context) error {
	ctx, cancel := patiently(c)
	defer cancel()
	days, err := h.services.Accounting.History(ctx, c.Param("student_id"))
	if err != nil {
		return err
	}
	period := accounting.LastDays(time.Now(), chartDays)
	if longest := accounting.LastDays(time.Now(), maxChartDays); len(days) > 0 && days[0].Date.Before(period.From) {
		period.From = days[0].Date
		if period.From.Before(longest.From) {
			period = longest
		}
	}
	var before models.Hours // moved before the first date that is drawn
	for _, day := range days {
		if day.Date.Before(period.From) {
			before += day.Hours() - day.Held
		}
	}
	dates := period.Dates()
	rows := spread(dates, days, 1, func(day accounting.Day) []float64 { return []float64{inHours(day.Hours() - day.Held)} })
	sum := inHours(before)
	for i, moved := range rows[0] {
		sum += moved
		rows[0][i] = math.Round(sum*100) / 100
	}
	return chart.Chart{Dates: dates, Label: hoursLabel, Names: []string{"hours available"}, Rows: rows}.Draw(c)
}
