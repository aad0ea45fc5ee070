package tests

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// onDays makes a purchase of a new student on each of the days, which also
// opens the account then.
func onDays(t *testing.T, app *harness.App, days ...string) []*harness.Purchase {
	t.Helper()
	var made []*harness.Purchase
	for i, day := range days {
		p := harness.NewPurchase(t).For(fmt.Sprintf("student_%d", i)).Create(app.Database)
		at := "'" + day + " 12:00:00+00:00'"
		app.Exec(t, "UPDATE purchase_transactions SET created_at = "+at+" WHERE id = $1", p.ID)
		app.Exec(t, "UPDATE purchases_not_completed SET created_at = "+at+" WHERE id = $1", p.ID)
		app.Exec(t, "UPDATE student_account_balances SET created_at = "+at+" WHERE student_id = $1", p.Student)
		made = append(made, p)
	}
	return made
}

// rowsOf lists the ids of the rows of a list of the API.
func rowsOf(t *testing.T, app *harness.App, path, field string) []string {
	t.Helper()
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return follow(t, app, api+path+separator, field, 2)
}

func TestStudentsAreListedTheNewestFirst(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		if got := app.Get(t, api+"/students/"); got.Get("data.#").Int() != 0 || got.Get("data").Raw != "[]" {
			t.Errorf("nobody is listed as %s", got.Body)
		}
		made := onDays(t, app, "2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02", "2026-02-03")
		app.MustProcess(t, made[1].Succeeded()) // what moves keeps its place
		wantSame(t, "all", rowsOf(t, app, "/students/", "student_id"), []string{"student_4", "student_3", "student_2", "student_1", "student_0"})
		app.Get(t, api+"/students?limit=1&created_to=2026-02-01").WantFields(t, fields{
			"data.0.student_id": "student_1", "data.0.hours_available": "10.00", "data.0.created_at": "2026-01-31T12:00:00Z", "data.#": "1",
		})
		app.As(t, harness.ReadKey, http.MethodGet, api+"/students/?payment_status=completed").WantProblem(t, http.StatusBadRequest, "invalid_request")
		app.As(t, "no-such-key", http.MethodGet, api+"/students/").WantProblem(t, http.StatusUnauthorized, "unauthorized")
	})
}

// An account says when it was opened: with the first purchase, sold or told.
func TestAnAccountSaysWhenItWasOpened(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.MustRun(t, "plans", "add", "--id", "pack_10", "--name", "10 hours", "--hours", "10.00", "--amount", "5000", "--currency", "eur")
		p, s := app.NewPurchase(t), harness.NewTeller(harness.V2026)
		tell(t, app, s.Paid("pi_1", 5000).With("metadata", s.Buys("pack_10")))
		for _, student := range []string{p.Student, s.Student} {
			bought := app.Get(t, api+"/purchases/?student_id="+student).Get("data.0.created_at").Time()
			opened := app.Get(t, api+"/students/"+student+"/balance/").Get("created_at").Time()
			if opened.IsZero() || bought.Sub(opened).Abs().Seconds() > 1 {
				t.Errorf("opened %s, with a purchase of %s", opened, bought)
			}
		}
	})
}

// lastDays are n days up to yesterday: ignored events of long ago would be pruned.
func lastDays(n int) (days []string) {
	for ; n > 0; n-- {
		days = append(days, daysAgo(n).Format(time.DateOnly))
	}
	return days
}

func TestEveryListIsNarrowedToTimes(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		days := lastDays(3)
		made := onDays(t, app, days...)
		student := made[0].Student
		for _, day := range days {
			app.Deliver(t, harness.NewEvent(t, "customer.created", "payment_intent").Named("evt_"+day)).Want(t, http.StatusOK)
			at := "'" + day + " 12:00:00+00:00'"
			app.Exec(t, "UPDATE webhook_events SET received_at = "+at+" WHERE id = $1", "evt_"+day)
			app.Exec(t, "INSERT INTO cases (id, kind, subject, student_id, opened_at) VALUES ($1, 'underpaid', $1, $2, "+at+")", "case_"+day, student)
			app.Exec(t, "INSERT INTO hour_ledger_entries (id, student_id, kind, hours, amount, currency, reference, created_at) VALUES ($1, $2, 'adjustment', 100, 0, 'eur', $1, "+at+")",
				"entry_"+day, student)
		}
		for list, ids := range map[string][]string{
			"/purchases/": {made[0].ID, made[1].ID, made[2].ID}, "/students/": {"student_0", "student_1", "student_2"},
			"/events/": {"evt_" + days[0], "evt_" + days[1], "evt_" + days[2]}, "/cases/": {"case_" + days[0], "case_" + days[1], "case_" + days[2]},
			"/students/" + student + "/ledger/":  {"entry_" + days[0], "entry_" + days[1], "entry_" + days[2]},
			"/purchases/?payment_status=pending": {made[0].ID, made[1].ID, made[2].ID}, "/events/?status=ignored": {"evt_" + days[0], "evt_" + days[1], "evt_" + days[2]},
			"/cases/?status=open&kind=underpaid": {"case_" + days[0], "case_" + days[1], "case_" + days[2]},
		} {
			field := "id"
			if list == "/students/" {
				field = "student_id"
			}
			narrowed(t, app, list, field, days, ids)
		}
	})
}

// narrowed asks a list, of one row at noon on each of three days, for times.
func narrowed(t *testing.T, app *harness.App, list, field string, days, ids []string) {
	t.Helper()
	join := "?"
	if strings.Contains(list, "?") {
		join = "&"
	}
	second, third := days[1], days[2]
	for query, want := range map[string][]string{
		"created_from=" + second:                          {ids[2], ids[1]},
		"created_to=" + second:                            {ids[0]},
		"created_from=" + second + "&created_to=" + third: {ids[1]},
		"created_from=" + second + "T12:00:00Z&created_to=" + third + "T12:00:00Z": {ids[1]},
		"created_from=" + second + "T12:00:00.000001Z":                             {ids[2]},
		"created_to=" + url.QueryEscape(second+"T14:00:00.5+02:00"):                {ids[1], ids[0]},
		"created_from=" + third + "&created_to=" + days[0]:                         {},
		"created_to=0001-01-01":                                                    {},
		"created_from=&created_to=":                                                {ids[2], ids[1], ids[0]},
		"created_from=" + url.QueryEscape("0001-01-01T00:00:00+23:59"):             {ids[2], ids[1], ids[0]},
	} {
		got := rowsOf(t, app, list+join+query, field)
		if len(want) == 0 {
			want = nil
		}
		wantSame(t, list+" "+query, got, want)
	}
	for _, bad := range []string{"yesterday", "2026-02-30", "2026-01-31T12:00:00", "20260131", "1769860800", "2026-1-31", "%00"} {
		for _, name := range []string{"created_from", "created_to"} {
			answer := app.As(t, harness.ReadKey, http.MethodGet, api+list+join+name+"="+bad).WantProblem(t, http.StatusBadRequest, "invalid_request")
			if bad != "%00" {
				wantContains(t, answer.Get("detail").String(), name, "2026-01-31")
			}
		}
	}
	app.As(t, harness.ReadKey, http.MethodGet, api+list+join+"created_from=2026-01-01&created_from=2026-01-02").WantProblem(t, http.StatusBadRequest, "invalid_request")
	app.As(t, harness.ReadKey, http.MethodGet, api+list+join+"from=2026-01-01").WantProblem(t, http.StatusBadRequest, "invalid_request")
}

var nextPage = regexp.MustCompile(`rel="next" href="([^"]+)"`)

// pages walks through a list of the console, and gives what each page links to
// of a kind.
func (v *visitor) pages(t *testing.T, list, query, kind string) (pages [][]string) {
	t.Helper()
	for {
		page := v.open(t, list+query).Want(t, http.StatusOK).Body
		_, rows, _ := strings.Cut(page, "</form>\n")
		pages = append(pages, links("<main"+rows, kind))
		next := nextPage.FindStringSubmatch(page)
		if next == nil {
			return pages
		}
		if query = html.UnescapeString(next[1]); len(pages) > 20 {
			t.Fatalf("%s has no end", list)
		}
	}
}

func TestTheConsoleListsKeepTheirFiltersFromPageToPage(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		var days, students []string
		for i := range 45 {
			days = append(days, fmt.Sprintf("2026-%02d-%02d", 1+i/28, 1+i%28))
			students = append(students, studentPage(fmt.Sprintf("student_%d", i)))
		}
		onDays(t, app, days...)
		v := visit(t, app, harness.ReadKey)
		oldest := slices.Clone(students)
		newest := slices.Clone(students)
		slices.Reverse(newest)
		byName := slices.Clone(students)
		slices.Sort(byName)
		for query, want := range map[string][]string{
			"": newest, "?sort=newest": newest, "?sort=oldest": oldest, "?sort=student": byName,
			"?sort=oldest&from=2026-01-05&to=2026-02-01": oldest[4:29], "?from=2026-02-01&to=2026-02-01": newest[16:17],
			"?text=DENT_4&sort=oldest": {students[4], students[40], students[41], students[42], students[43], students[44]},
			"?balance=overdrawn":       {}, "?balance=left": {}, "?balance=none&sort=student": byName,
		} {
			pages := v.pages(t, "/console/students/", query, "students")
			wantSame(t, "students "+query, slices.Concat(pages...), want)
			for _, page := range pages[:len(pages)-1] {
				if len(page) != 20 {
					t.Errorf("students %s: a page of %d", query, len(page))
				}
			}
		}
		for query, want := range map[string]int{
			"": 45, "?status=pending": 45, "?status=completed": 0, "?status=pending&sort=oldest": 45, "?student=student_7": 1,
			"?from=2026-01-10&to=2026-02-10&status=pending": 29, "?plan=nothing": 0,
		} {
			if got := slices.Concat(v.pages(t, "/console/purchases/", query, "purchases")...); len(got) != want {
				t.Errorf("purchases %s: %d, want %d", query, len(got), want)
			}
		}
	})
}

func TestTheConsoleListsStudentsByTheirHours(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		made := onDays(t, app, "2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04")
		app.MustProcess(t, made[0].Succeeded(), made[1].Succeeded(), made[2].Succeeded())
		for i, used := range map[int]string{1: "10.00", 2: "8.00"} {
			app.Request(t, http.MethodPost, api+"/students/"+made[i].Student+"/consumptions/", `{"hours":"`+used+`","reference":"lesson"}`,
				"Authorization", "Bearer "+harness.WriteKey).Want(t, http.StatusCreated)
		}
		app.MustProcess(t, made[2].ChargeRefunded(2500).At(5))
		v := visit(t, app, harness.ReadKey)
		for balance, want := range map[string][]string{
			"overdrawn": {studentPage("student_2")}, "left": {studentPage("student_0")}, "none": {studentPage("student_3"), studentPage("student_1")},
		} {
			wantSame(t, balance, slices.Concat(v.pages(t, "/console/students/", "?balance="+balance, "students")...), want)
		}
	})
}

func TestTheConsoleListsPurchasesOfAPlan(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.MustRun(t, "plans", "add", "--id", "pack_10", "--name", "10 hours", "--hours", "10.00", "--amount", "5000", "--currency", "eur")
		app.NewPurchase(t)
		s := harness.NewTeller(harness.V2026)
		tell(t, app, s.Paid("pi_1", 5000).With("metadata", s.Buys("pack_10")))
		app.MustRun(t, "plans", "retire", "pack_10")
		v := visit(t, app, harness.ReadKey)
		want := []string{purchasePage(app.Get(t, api+"/purchases/"+s.ID("pi_1")+"/").Get("id").String())}
		for _, query := range []string{"?plan=pack_10", "?plan=pack_10&status=completed", "?plan=pack_10&sort=oldest"} {
			wantSame(t, query, slices.Concat(v.pages(t, "/console/purchases/", query, "purchases")...), want)
		}
		wantSame(t, "failed ones", slices.Concat(v.pages(t, "/console/purchases/", "?plan=pack_10&status=pending", "purchases")...), nil)
	})
}

func TestTheConsoleListsCasesTheMostUrgentFirst(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		insert := func(id, kind, opened, due, closed string) {
			app.Exec(t, `INSERT INTO cases (id, kind, subject, student_id, opened_at, due_by, closed_at) VALUES ($1, $2, $1, $1, $3, $4, $5)`,
				id, kind, opened+" 12:00:00+00:00", orNil(due), orNil(closed))
		}
		insert("late", "dispute", "2026-03-01", "2026-04-02", "")
		insert("soon", "dispute", "2026-03-02", "2026-04-01", "")
		insert("inquiry", "dispute", "2026-03-03", "", "")
		var waiting []string
		for i := range 22 {
			waiting = append(waiting, fmt.Sprintf("paid_%02d", i))
			insert(waiting[i], "underpaid", fmt.Sprintf("2026-02-%02d", i+1), "", "")
		}
		insert("over", "overpaid", "2026-01-01", "", "")
		insert("done", "dispute", "2026-01-01", "2026-02-01", "2026-02-01")
		urgent := slices.Concat([]string{"soon", "late", "inquiry"}, waiting, []string{"over"})
		v := visit(t, app, harness.ReadKey)
		list := func(query string) (students []string) {
			for _, page := range slices.Concat(v.pages(t, "/console/cases/", query, "students")...) {
				students = append(students, strings.Split(page, "/")[3])
			}
			return students
		}
		wantSame(t, "open", list(""), urgent)
		wantSame(t, "closed", list("?status=closed"), []string{"done"})
		wantSame(t, "any", list("?status=any&kind=dispute&sort=newest"), []string{"inquiry", "soon", "late", "done"})
		wantSame(t, "urgent of any status", list("?status=any&kind=dispute"), []string{"done", "soon", "late", "inquiry"})
		wantSame(t, "of a student", list("?student=over"), []string{"over"})
		wantSame(t, "the oldest", list("?kind=underpaid&sort=oldest"), waiting)
		wantSame(t, "of days", list("?from=2026-03-01&to=2026-03-02"), []string{"soon", "late"})
	})
}

func orNil(day string) any {
	if day == "" {
		return nil
	}
	return day + " 00:00:00+00:00"
}

func TestTheConsoleListsEvents(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		first, second := harness.NewEvent(t, "customer.created", "payment_intent"), harness.NewEvent(t, "customer.deleted", "payment_intent")
		days := lastDays(2)
		for event, day := range map[*harness.Event]string{first: days[0], second: days[1]} {
			app.Deliver(t, event).Want(t, http.StatusOK)
			app.Exec(t, "UPDATE webhook_events SET received_at = $1 WHERE id = $2", day+" 23:59:59.999+00:00", event.ID)
		}
		v := visit(t, app, harness.ReadKey)
		one, two := "/console/events/"+first.ID+"/", "/console/events/"+second.ID+"/"
		for query, want := range map[string][]string{
			"": {two, one}, "?sort=oldest": {one, two}, "?to=" + days[0]: {one}, "?from=" + days[1]: {two}, "?status=processed": {},
			"?status=ignored&type=customer.created": {one},
		} {
			wantSame(t, query, slices.Concat(v.pages(t, "/console/events/", query, "events")...), want)
		}
	})
}

func TestTheConsoleListsRefuseWhatTheyCannotRead(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		var days []string
		for range 25 {
			days = append(days, "2026-01-01")
		}
		onDays(t, app, days...)
		v := visit(t, app, harness.ReadKey)
		for _, list := range []string{"students", "purchases", "cases", "events"} {
			for _, query := range []string{"?from=31.01.2026", "?to=2026-02-30", "?from=2026-01-31T12:00:00Z"} {
				page := v.open(t, "/console/"+list+"/"+query).Want(t, http.StatusBadRequest)
				wantContains(t, page.Body, "is no day. Write days as year, month and day: 2026-01-31.")
			}
			for _, query := range []string{"?sort=price", "?cursor=x"} {
				v.open(t, "/console/"+list+"/"+query).Want(t, http.StatusBadRequest)
			}
		}
		for _, query := range []string{"?balance=rich", "?text=" + strings.Repeat("x", 256)} {
			v.open(t, "/console/students/"+query).Want(t, http.StatusBadRequest)
		}
		cursors := map[string]string{}
		for _, sort := range []string{"newest", "oldest", "student"} {
			page := v.open(t, "/console/students/?sort="+sort).Want(t, http.StatusOK).Body
			next, err := url.ParseQuery(strings.TrimPrefix(html.UnescapeString(nextPage.FindStringSubmatch(page)[1]), "?"))
			if err != nil {
				t.Fatal(err)
			}
			cursors[sort] = next.Get("cursor")
		}
		for sort, cursor := range cursors {
			for other := range cursors {
				want := http.StatusBadRequest
				if other == sort {
					want = http.StatusOK
				}
				v.open(t, "/console/students/?sort="+other+"&cursor="+cursor).Want(t, want)
			}
		}
		app.As(t, harness.ReadKey, http.MethodGet, api+"/students/?cursor="+cursors["oldest"]).WantProblem(t, http.StatusBadRequest, "invalid_cursor")
		app.Get(t, api+"/students/?cursor="+cursors["newest"])
	})
}
