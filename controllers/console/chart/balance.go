package chart

import (
	"slices"
	"strconv"
	"time"

	"hourbank/models"
	"hourbank/services/accounting"
)

const (
	// Days is how far back a chart looks, unless another period is chosen.
	Days = 30
	// MostDays is as many as a line can show, back or ahead.
	MostDays = 366
)

// HoursLabel writes a value of hours.
func HoursLabel(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) + " h" }

// InHours gives hours as a value.
func InHours(h models.Hours) float64 { return float64(h) / 100 }

// Balance is a student's hours at the end of each day on which they moved until now,
// and, where hours will expire, of each day until then, if nothing more is booked.
func Balance(now time.Time, days []accounting.Day, lots models.Lots) Chart {
	past := accounting.LastDays(now, Days)
	if len(days) > 0 && days[0].Date.Before(past.From) {
		if past.From = days[0].Date; past.To.Sub(past.From) > MostDays*day {
			past = accounting.LastDays(now, MostDays)
		}
	}
	moved := map[int64]models.Hours{}
	for _, d := range days {
		moved[max(d.Date.Unix(), past.From.Unix())] += d.Hours() - d.Held
	}
	ch := Chart{Dates: past.Dates(), Label: HoursLabel, Names: []string{"hours available"}}
	var row []float64
	var balance models.Hours
	for _, date := range ch.Dates {
		balance += moved[date.Unix()]
		row = append(row, InHours(balance))
	}
	ch.Rows = [][]float64{row}
	ch.lookAhead(now, balance, lots)
	return ch
}

const day = 24 * time.Hour

// lookAhead adds what is left of a balance as lots end, until a while after the last.
func (ch *Chart) lookAhead(now time.Time, balance models.Hours, lots models.Lots) {
	today := ch.Dates[len(ch.Dates)-1]
	last := today
	for i := range lots {
		if end := lots[i].ExpiresAt; end != nil && end.After(now) && end.Sub(today) < MostDays*day && lots[i].Left() > 0 {
			last = *end
		}
	}
	if last.Equal(today) {
		return
	}
	ahead := slices.Repeat([]float64{nothing}, len(ch.Dates))
	ahead[len(ahead)-1] = InHours(balance)
	ch.Steps = map[int]string{}
	left := lots.Left(now)
	for date, end := today.Add(day), last.Add(max(2*day, last.Sub(ch.Dates[0])/4)); !date.After(end); date = date.Add(day) {
		if then := lots.Left(date.Add(day - 1)); then < left {
			ch.Steps[len(ahead)] = "−" + HoursLabel(InHours(left-then))
			balance, left = balance-(left-then), then
		}
		ch.Dates, ahead = append(ch.Dates, date), append(ahead, InHours(balance))
	}
	ch.Names, ch.Rows = append(ch.Names, "if nothing more is booked"), append(ch.Rows, ahead)
}
