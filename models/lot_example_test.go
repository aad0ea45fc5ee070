package models_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	. "hourbank/models"
)

var (
	exampleRow = regexp.MustCompile(`(?m)^\| (\d+) \| (.+) \| (-?\d+) \|$`)
	comes      = regexp.MustCompile(`^(\w) comes: (\d+) h(?:, until day (\d+))?$`)
	aLesson    = regexp.MustCompile(`^a lesson of (\d+) h$`)
	ofLater    = regexp.MustCompile(`^(\d+) h for a lesson on day (\d+)$`)
	isHeld     = regexp.MustCompile(`^(\d+) h held for day (\d+)$`)
	isCaptured = regexp.MustCompile(`^the hold is captured: (\d+) h$`)
	refundOf   = regexp.MustCompile(`^refund of (\d+) h of (\w)$`)
)

// The example of docs/hours.md, row by row.
func TestTheExampleOfHours(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/hours.md")
	if err != nil {
		t.Fatal(err)
	}
	at := func(day string) time.Time {
		n, err := strconv.Atoi(day)
		if err != nil {
			t.Fatal(err)
		}
		return begin.AddDate(0, 0, n-1)
	}
	hours := func(text string) Hours {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return Hours(100 * n)
	}
	lots, draws, held := map[string]*Lot{}, []Draw{}, -1
	rows := exampleRow.FindAllStringSubmatch(string(page), -1)
	if len(rows) < 12 {
		t.Fatalf("the page has %d rows", len(rows))
	}
	for _, row := range rows {
		day, what := at(row[1]), row[2]
		if m := comes.FindStringSubmatch(what); m != nil {
			lots[m[1]] = &Lot{ID: m[1], Hours: hours(m[2]), CameAt: day}
			if m[3] != "" {
				end := at(m[3])
				lots[m[1]].ExpiresAt = &end
			}
		} else if m := aLesson.FindStringSubmatch(what); m != nil {
			draws = append(draws, Draw{Hours: hours(m[1]), BookedAt: day, LessonAt: day})
		} else if m := ofLater.FindStringSubmatch(what); m != nil {
			draws = append(draws, Draw{Hours: hours(m[1]), BookedAt: day, LessonAt: at(m[2])})
		} else if m := isHeld.FindStringSubmatch(what); m != nil {
			held, draws = len(draws), append(draws, Draw{Hours: hours(m[1]), BookedAt: day, LessonAt: at(m[2])})
		} else if m := isCaptured.FindStringSubmatch(what); m != nil {
			draws[held].Hours = hours(m[1])
		} else if m := refundOf.FindStringSubmatch(what); m != nil {
			lots[m[2]].Hours -= hours(m[1])
		} else if what != "nothing" {
			t.Fatalf("row %q says nothing that is known", what)
		}
		var all Lots
		for _, lot := range lots {
			all = append(all, *lot)
		}
		all.Sort()
		all.Replay(draws)
		available := all.Left(day)
		for _, draw := range draws {
			available -= draw.Hours
		}
		for i := range all {
			available += all[i].Drawn
		}
		if want := hours(row[3]); available != want {
			t.Errorf("day %s, %s: %s are available, the page says %s", row[1], what, available, want)
		}
	}
}
