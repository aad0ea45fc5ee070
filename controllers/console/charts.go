package console

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-analyze/charts"

	"hourbank/models"
	"hourbank/services/accounting"
)

// A chart is a picture of its own, so that the pages' content policy needs no
// exception for the styles inside it. Its colours and width are part of its
// address: see the chart part in templates/parts.html.

// chartDays is how far back the overview looks, unless another period is chosen.
const chartDays = 30

// palettes match style.css.
var palettes = map[string]charts.ColorPalette{
	"light": palette(charts.ThemeLight, "#ffffff", "#58626f", "#dde1e7", "#2563a8", "#c2571a", "#8a93a0"),
	"dark":  palette(charts.ThemeDark, "#1e232a", "#9ea9b8", "#333b46", "#6aaef5", "#f0a35e", "#7d8794"),
}

func palette(base, paper, text, line string, series ...string) charts.ColorPalette {
	colors := make([]charts.Color, len(series))
	for i, color := range series {
		colors[i] = charts.ParseColor(color)
	}
	return charts.GetTheme(base).WithBackgroundColor(charts.ParseColor(paper)).WithTextColor(charts.ParseColor(text)).
		WithXAxisColor(charts.ParseColor(line)).WithYAxisColor(charts.ParseColor(line)).
		WithAxisSplitLineColor(charts.ParseColor(line)).WithSeriesColors(colors)
}

// chart has a line a row, with one value a day. Its floats are only drawn.
type chart struct {
	dates []time.Time
	label func(value float64) string
	names []string
	rows  [][]float64
}

// labelWidth is the room that a date needs, in pixels.
const labelWidth = 80

// draw answers the chart with the theme and width that were asked for.
func (ch chart) draw(c *gin.Context) error {
	theme, known := palettes[c.Query("theme")]
	width, err := strconv.Atoi(c.Query("width"))
	if !known || err != nil || width < 200 || width > 2000 {
		return models.Errorf(models.CodeInvalidRequest, "A chart has a theme (light, dark) and a width from 200 to 2000.")
	}
	options := charts.ChartOption{
		OutputFormat: charts.ChartOutputSVG, Theme: theme, Width: width, Height: 240,
		XAxis:    charts.XAxisOption{LabelCount: len(ch.dates)},
		YAxis:    []charts.YAxisOption{{LabelCount: 5, ValueFormatter: ch.label}},
		Legend:   charts.LegendOption{SeriesNames: ch.names, Show: charts.Ptr(len(ch.rows) > 1), Symbol: charts.SymbolSquare},
		Symbol:   charts.Symbol{Shape: charts.SymbolNone},
		FillArea: charts.Ptr(true), FillOpacity: 40, LineStrokeWidth: 2,
	}
	ch.reachZero(&options)
	every := 1 + len(ch.dates)*labelWidth/width
	for i, date := range ch.dates {
		label := ""
		if i%every == 0 && i+every/2 < len(ch.dates) {
			label = date.Format("2 Jan")
		}
		options.XAxis.Labels = append(options.XAxis.Labels, label)
	}
	painter, err := charts.Render(options)
	if err != nil {
		return fmt.Errorf("draw a chart: %w", err)
	}
	picture, err := painter.Bytes()
	if err != nil {
		return fmt.Errorf("draw a chart: %w", err)
	}
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'") // it styles its own shapes
	c.Data(http.StatusOK, "image/svg+xml", picture)
	return nil
}

// reachZero draws the rows with their areas reaching to zero, which is on the
// value axis. An area is filled to the bottom of the chart; where one row goes
// below zero, it is stacked on a line of zeros, to which it is filled then.
// Several rows that go below zero are lines alone.
func (ch chart) reachZero(options *charts.ChartOption) {
	var lowest, highest float64
	for _, row := range ch.rows {
		lowest, highest = min(lowest, slices.Min(row)), max(highest, slices.Max(row))
		options.SeriesList = append(options.SeriesList, charts.GenericSeries{Values: row})
	}
	axis := &options.YAxis[0]
	switch {
	case lowest == 0:
		axis.Min = &lowest
	case highest == 0:
		axis.Max = &highest
	}
	switch {
	case lowest == 0:
	case len(ch.rows) == 1:
		zeros := charts.GenericSeries{Values: make([]float64, len(ch.dates))}
		options.SeriesList = append([]charts.GenericSeries{zeros}, options.SeriesList...)
		options.StackSeries = charts.Ptr(true)
		theme := options.Theme
		options.Theme = theme.WithSeriesColors([]charts.Color{theme.GetXAxisStrokeColor(), theme.GetSeriesColor(0)})
	default:
		options.FillArea = charts.Ptr(false)
	}
}

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
	return chart{dates, label, []string{"received", "refunded or disputed"}, rows}.draw(c)
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
	return chart{dates, hoursLabel, []string{"purchased", "reversed", "consumed"}, rows}.draw(c)
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
			before += day.Hours()
		}
	}
	dates := period.Dates()
	rows := spread(dates, days, 1, func(day accounting.Day) []float64 { return []float64{inHours(day.Hours())} })
	sum := inHours(before)
	for i, moved := range rows[0] {
		sum += moved
		rows[0][i] = math.Round(sum*100) / 100
	}
	return chart{dates, hoursLabel, []string{"hours available"}, rows}.draw(c)
}
