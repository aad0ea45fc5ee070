package tests

import (
	"fmt"
	"testing"

	"hourbank/tests/harness"
)

// Somebody without an id at hand finds a student by filters, and pages on.
func TestTheConsoleIsBrowsed(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, b := db.ServeSandbox(t), harness.NewBrowser(t)
		var days []string
		for i := range 25 {
			days = append(days, fmt.Sprintf("2026-01-%02d", i+1))
		}
		made := onDays(t, app, days...)
		app.MustProcess(t, made[3].Succeeded())
		signIn(b, app, harness.ReadKey)

		b.Open(linkTo(b, app, `nav a[href="/console/students/"]`))
		b.WantText("student_24", "student_6", "Next page") // after the sandbox's own
		b.Submit(`a[rel="next"]`)
		b.WantText("student_5", "student_0", "First page")
		b.Submit(`a[rel="first"]`)
		b.WantText("student_24")
		b.Type("main input[name=text]", "DENT_1")
		b.Run(`document.querySelector("select[name=sort]").value = "oldest"; document.querySelector("input[name=to]").value = "2026-01-12"; true`)
		b.Submit(".filter button")
		b.WantText("student_1", "student_10", "student_11")
		wantNoText(t, b, "student_12")
		if !b.Run(`document.querySelector("main input[name=text]").value === "DENT_1" && document.querySelector("input[name=to]").value === "2026-01-12" && document.querySelector("select[name=sort]").value === "oldest"`) {
			t.Error("the form forgets what was asked for")
		}
		b.Open(linkTo(b, app, `nav a[href="/console/purchases/"]`))
		b.Run(`document.querySelector("select[name=status]").value = "completed"; true`)
		b.Submit(".filter button")
		b.WantText("student_3", "completed", "€50.00")
		wantNoText(t, b, "student_4")
		b.Open(app.BaseURL + "/console/purchases/?plan=&status=disputed")
		b.WantText("No such purchases.", "Show all")
		b.Open(app.BaseURL + "/console/students/?from=1.1.2026")
		b.WantText(`"1.1.2026" is no day.`)
		b.Type("#q", "udent_24")
		b.Submit(".search button")
		if want := app.BaseURL + studentPage("student_24"); b.Address() != want {
			t.Errorf("the search ends at %s, want %s", b.Address(), want)
		}
	})
}
