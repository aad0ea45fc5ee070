package tests

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/tests/harness"
)

// purchases shows all of the student's.
func (row story) purchases(t *testing.T, app *harness.App, s *harness.Teller) string {
	var shown []string
	for _, p := range read(t, app, "/purchases/?limit=100&student_id="+s.Student).Get("data").Array() {
		if row.merges && p.Get("hours_credited").String() == "0.00" && p.Get("amount_received").Int() == 0 {
			continue
		}
		shown = append(shown, summary(p))
	}
	slices.Sort(shown)
	return strings.Join(shown, "; ")
}

// summary is a purchase in one line; zeros that say nothing are left out.
func summary(p gjson.Result) string {
	kept := hundredths(p.Get("hours_credited").String()) - hundredths(p.Get("hours_reversed").String())
	line := fmt.Sprintf("%s %d.%02d h due %s received %s", p.Get("payment_status"), kept/100, kept%100, orMissing(p.Get("amount_due")), p.Get("amount_received"))
	for _, name := range []string{"refunded", "disputed"} {
		if amount := p.Get("amount_" + name).Int(); amount != 0 {
			line += fmt.Sprintf(" %s %d", name, amount)
		}
	}
	return line
}

func orMissing(field gjson.Result) string {
	if !field.Exists() {
		return "missing"
	}
	return field.Raw
}

// hundredths reads hours, such as -1.50.
func hundredths(hours string) int64 {
	n, _ := strconv.ParseInt(strings.Replace(hours, ".", "", 1), 10, 64) // what is no number shows as 0
	return n
}

func balance(t *testing.T, app *harness.App, student string) string {
	t.Helper()
	answer, err := app.Read(api + "/students/" + student + "/balance/")
	switch {
	case err == nil && answer.Status == http.StatusNotFound:
		return "none"
	case err != nil || answer.Status != http.StatusOK:
		t.Fatalf("the balance was answered %d (%v): %s", answer.Status, err, answer.Body)
	}
	return answer.Get("hours_available").String() + " h " + answer.Get("balance_amount").Raw
}

// openCases are the student's, and those of the story that have no student.
func (row story) openCases(t *testing.T, app *harness.App, s *harness.Teller, told events) []gjson.Result {
	open := read(t, app, "/cases/?status=open&limit=100&student_id="+s.Student).Get("data").Array()
	if row.nobodys == "" {
		return open
	}
	for path := "/cases/?status=open&limit=100&kind=" + row.nobodys; ; {
		page := read(t, app, path)
		for _, c := range page.Get("data").Array() {
			ours := s.Owns(c.Get("payment").String()) ||
				slices.ContainsFunc(told, func(e *harness.Told) bool { return e.ID == c.Get("event_id").String() })
			if ours && c.Get("student_id").String() != s.Student {
				open = append(open, c)
			}
		}
		cursor := page.Get("next_cursor").String()
		if cursor == "" {
			return open
		}
		path = "/cases/?status=open&limit=100&kind=" + row.nobodys + "&cursor=" + url.QueryEscape(cursor)
	}
}

func kinds(cases []gjson.Result) string {
	var names []string
	for _, c := range cases {
		names = append(names, c.Get("kind").String())
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// fate is the stored event.
func fate(t *testing.T, app *harness.App, e *harness.Told) harness.Response {
	t.Helper()
	return read(t, app, "/events/"+e.ID+"/")
}

// read asks the API and wants 200.
func read(t *testing.T, app *harness.App, path string) harness.Response {
	t.Helper()
	answer, err := app.Read(api + path)
	if err != nil || answer.Status != http.StatusOK {
		t.Fatalf("GET %s was answered %d (%v): %.500s", path, answer.Status, err, answer.Body)
	}
	return answer
}
