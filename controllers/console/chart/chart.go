// Package chart draws the console's charts.
package chart

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-analyze/charts"

	"hourbank/models"
)

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

// Chart has a line a row, with one value a day. Its floats are only drawn.
type Chart struct {
	Dates []time.Time
	Label func(value float64) string // of the value axis
	Names []string                   // a row each
	Rows  [][]float64                // a value a day, for as many days as it has
	Steps map[int]string             // where the last row goes down, and by how much; such a row is what will come, and dashed
}

// nothing is no value.
var nothing = charts.GetNullValue()

// labelWidth is the room that a date needs, in pixels.
const labelWidth = 80

// Draw answers the chart with the theme and width that were asked for. It
// returns a *models.Error with code invalid_request.
func (ch Chart) Draw(c *gin.Context) error {
	theme, known := palettes[c.Query("theme")]
	width, err := strconv.Atoi(c.Query("width"))
	if !known || err != nil || width < 200 || width > 2000 {
		return models.Errorf(models.CodeInvalidRequest, "A chart has a theme (light, dark) and a width from 200 to 2000.")
	}
	options := charts.ChartOption{
		OutputFormat: charts.ChartOutputSVG, Theme: theme, Width: width, Height: 240,
		XAxis:    charts.XAxisOption{LabelCount: len(ch.Dates)},
		YAxis:    []charts.YAxisOption{{LabelCount: 5, ValueFormatter: ch.Label}},
		Legend:   charts.LegendOption{SeriesNames: ch.Names, Show: charts.Ptr(len(ch.Rows) > 1), Symbol: charts.SymbolSquare},
		Symbol:   charts.Symbol{Shape: charts.SymbolNone},
		FillArea: charts.Ptr(true), FillOpacity: 40, LineStrokeWidth: 2,
	}
	ch.reachZero(&options)
	ch.noteSteps(&options)
	every := 1 + len(ch.Dates)*labelWidth/width
	for i, date := range ch.Dates {
		label := ""
		if i%every == 0 && i+every/2 < len(ch.Dates) {
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
	if ch.Steps != nil { // the library has no dashed rows
		line := "stroke:" + options.Theme.GetSeriesColor(len(ch.Rows)-1).String()
		picture = bytes.ReplaceAll(picture, []byte(line), []byte(line+";stroke-dasharray:5 4"))
	}
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'") // it styles its own shapes
	c.Data(http.StatusOK, "image/svg+xml", picture)
	return nil
}

// reachZero draws the rows with their areas reaching to zero, which is on the
// value axis. An area is filled to the bottom of the chart; where one row goes
// below zero, it is stacked on a line of zeros, to which it is filled then.
// Several rows that go below zero are lines alone.
func (ch Chart) reachZero(options *charts.ChartOption) {
	var lowest, highest float64
	for _, row := range ch.Rows {
		for _, value := range row {
			if value != nothing {
				lowest, highest = min(lowest, value), max(highest, value)
			}
		}
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
	case len(ch.Rows) == 1:
		zeros := charts.GenericSeries{Values: make([]float64, len(ch.Dates))}
		options.SeriesList = append([]charts.GenericSeries{zeros}, options.SeriesList...)
		options.StackSeries = charts.Ptr(true)
		theme := options.Theme
		options.Theme = theme.WithSeriesColors([]charts.Color{theme.GetXAxisStrokeColor(), theme.GetSeriesColor(0)})
	default:
		options.FillArea = charts.Ptr(false)
	}
}

// noteWidth is the room that a step's note needs, in pixels.
const noteWidth = 48

// noteSteps writes beside each step how far it goes down, where there is room.
func (ch Chart) noteSteps(options *charts.ChartOption) {
	if ch.Steps == nil {
		return
	}
	last := &options.SeriesList[len(options.SeriesList)-1]
	notes := map[float64]string{} // by what is left: the first day with so little is the step's
	for day, free := 0, 0; day < len(last.Values); day++ {
		if ch.Steps[day] != "" && day >= free {
			notes[last.Values[day]] = ch.Steps[day]
			free = day + 1 + noteWidth*len(ch.Dates)/options.Width
		}
	}
	paper := charts.LabelStyle{BackgroundColor: options.Theme.GetBackgroundColor(), FontStyle: charts.FontStyle{FontColor: options.Theme.GetLabelTextColor(), FontSize: 11}}
	last.Label = charts.SeriesLabel{Show: charts.Ptr(true), LabelFormatter: func(_ int, _ string, left float64) (string, *charts.LabelStyle) {
		note := notes[left]
		delete(notes, left)
		return note, &paper
	}}
}
