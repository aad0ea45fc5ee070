package models_test

import (
	"fmt"
	"testing"
	"time"

	. "hourbank/models"
)

// Ten years of weeks, with more lessons than hours, so that all later weeks pay for
// earlier ones. Were all of it looked at for each lesson that is owed, this would take
// days.
func TestTenYearsOfWeeksAreReplayed(t *testing.T) {
	const weeks = 520
	subscription, keeps := "sub", Hours(200)
	for _, sold := range []struct {
		name   string
		lesson Hours // four a week, of four hours that are bought
		first  Hours // what is left of the first week's
	}{
		{"more lessons than hours", 180, 400},
		{"a dispute took the first week", 100, 0},
	} {
		t.Run(sold.name, func(t *testing.T) {
			var lots Lots
			var draws []Draw
			for week := range weeks {
				came := begin.AddDate(0, 0, 7*week)
				l := Lot{ID: fmt.Sprintf("%03d", week), Hours: 400, CameAt: came, SubscriptionID: &subscription}
				if week == 0 {
					l.Hours = sold.first
				} else {
					l.RolloverHours = &keeps
				}
				lots = append(lots, l)
				for lesson := range 4 {
					at := came.Add(time.Duration(1+lesson) * time.Hour)
					draws = append(draws, Draw{fmt.Sprintf("%03d.%d", week, lesson), sold.lesson, at, at})
				}
			}
			lots.Sort()
			lots.Replay(draws)
			for _, l := range lots {
				if l.Drawn != l.Hours {
					t.Fatalf("of week %s %s are drawn, want %s", l.ID, l.Drawn, l.Hours)
				}
			}
			if entries := lots.Expire(begin.AddDate(20, 0, 0), begin); len(entries) > 0 {
				t.Errorf("%d lots expired of which all is used", len(entries))
			}
		})
	}
}
