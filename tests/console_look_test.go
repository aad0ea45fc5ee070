package tests

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"hourbank/database"
	"hourbank/models"
	"hourbank/tests/harness"
)

// aMonth is what a small tutoring school does in a month.
func aMonth() []harness.History {
	var days []harness.History
	students := []string{"anna.weber", "ben.fischer", "chiara.rossi", "david.cohen", "elif.kaya"}
	for i := range 30 {
		day := harness.History{Student: students[i%len(students)], DaysAgo: 29 - i, Used: models.Hours(100 + 50*(i%3))}
		if i < len(students) || i%4 == 1 || i%7 == 0 {
			day.Bought = models.Hours(500 * (1 + i%3))
		}
		if i%11 == 8 {
			day.Bought, day.Refund = 1000, 400
		}
		days = append(days, day)
	}
	return append(days, harness.History{Student: "felix.braun", DaysAgo: 20, Bought: 500, Used: 400},
		harness.History{Student: "felix.braun", DaysAgo: 8, Used: 400}) // more than was left
}

// page is one of the console's, and what it is called in docs/screenshots
// where it is shown there.
type page struct {
	name    string
	browser *harness.Browser // that is signed in, or not
	path    string
	shown   string
}

// consolePages makes what there is to see, and gives every page that the
// console has.
func consolePages(t *testing.T, db *harness.Database, app *harness.App, b *harness.Browser) []page {
	db.WriteHistory(t, aMonth()...)
	app.Deliver(t, harness.NewPurchase(t).Succeeded()).Want(t, 202) // of a purchase that nobody knows
	twice, little := oddMoney(t, app)
	unexplained(t, app)
	signIn(b, app, harness.AdminKey)
	buy(b, app, "pm_card_chargeDeclined")
	buy(b, app, "pm_card_visa")
	b.Submit(`article:first-of-type form[action$="/refunds/"] button`)
	end := time.Now().AddDate(0, 0, 20).UTC().Format(time.RFC3339)
	app.Post(t, harness.AdminKey, api+"/students/demo_student/grants/", `{"hours":"3.50","reason":"trial","reference":"trial","expires_at":"`+end+`"}`).Want(t, 201)
	purchase := b.Attribute("article:first-of-type a", "href")
	b.Open(app.BaseURL + purchase)
	event := b.Attribute(`.timeline li:last-child a[href*="/console/events/"]`, "href")
	var delivery string
	harness.Eventually(t, "an event was not taken", func() bool {
		listed := gjson.Get(db.MustRun(t, "deliveries", "list", "--student", "felix.braun", "--json"), `data.#(last_error!=~false).id`)
		delivery = "/console/deliveries/" + listed.String() + "/"
		return listed.Exists()
	})
	return []page{
		{"overview", b, "/console/overview/", "overview"},
		{"statement", b, "/console/statement/?by=month&from=2026-01-01&to=2026-12-31", ""},
		{"cases", b, "/console/", "cases"},
		{"cases of no kind", b, "/console/cases/?kind=missing_object", ""},
		{"cases of all times", b, "/console/cases/?status=any", ""},
		{"case of an invoice", b, caseOf(t, app, "unexplained_invoice"), ""},
		{"case of too little", b, caseOf(t, app, "underpaid"), ""},
		{"audit log", b, "/console/audit-log/", ""},
		{"students", b, "/console/students/", ""},
		{"purchases", b, "/console/purchases/", ""},
		{"student", b, "/console/students/anna.weber/", "student"},
		{"student overdrawn", b, "/console/students/felix.braun/", ""},
		{"student with a case", b, "/console/students/" + little.Student + "/", ""},
		{"student at the till", b, "/console/students/demo_student/?done=adjusted", ""},
		{"purchase", b, purchase, "purchase"},
		{"purchase with cases", b, "/console/purchases/" + twice.Purchase + "/", ""},
		{"refund asked", b, purchase + "refunds/?by=hours&hours=2,5&reason=ill&once=1", ""},
		{"adjustment asked", b, "/console/students/felix.braun/adjustments/?hours=-1&reason=late&once=1", ""},
		{"grant", b, "/console/students/new.student/grants/", ""},
		{"grant asked", b, "/console/students/new.student/grants/?hours=1&reason=trial&once=1", ""},
		{"event", b, event, "event"},
		{"events", b, "/console/events/", ""},
		{"no events", b, "/console/events/?type=nothing", ""},
		{"deliveries", b, "/console/deliveries/", ""},
		{"no deliveries", b, "/console/deliveries/?type=nothing", ""},
		{"delivery", b, delivery, ""},
		{"delivery asked", b, delivery + "retry/", ""},
		{"search", b, "/console/search/?q=a", ""},
		{"search in vain", b, "/console/search/?q=nobody", ""},
		{"till", b, "/console/till/", "till"},
		{"till of nobody", b, "/console/till/?student=nobody", ""},
		{"sign-in", harness.NewBrowser(t), "/console/sign-in/", ""},
		{"missing", b, "/console/students/nobody/", ""},
	}
}

// caseOf is the page of the only case of a kind.
func caseOf(t *testing.T, app *harness.App, kind string) string {
	t.Helper()
	return "/console/cases/" + app.Get(t, api+"/cases/?kind="+kind).Get("data.0.id").String() + "/"
}

// TestEveryConsolePageLooksGood looks at every page in every way: nothing
// scrolls sideways, nothing breaks the content policy, every chart is a
// picture, axe-core finds nothing. SCREENSHOTS names a folder for pictures: of
// the pages that docs/screenshots shows ("make screenshots"), or, with
// SCREENSHOTS_OF=all, of all.
func TestEveryConsolePageLooksGood(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.SQLite)
	receiver := harness.NewReceiver(t, func(r harness.Received) int {
		if r.Get("data.student_id") == "felix.braun" {
			return http.StatusServiceUnavailable
		}
		return http.StatusNoContent
	})
	app, b := db.ServeSandbox(t, receiver.Settings()...), harness.NewBrowser(t)
	lookAt(t, app, consolePages(t, db, app, b)...)
	app.StandIn(t, "POST", "/sandbox/test_clock/advance", `{"days":40}`).Want(t, 200)
	lookAt(t, app, page{"student later", b, "/console/students/demo_student/", ""}, page{"till later", b, "/console/till/?done=advanced", ""})
	app.MustAudit(t)
}

func lookAt(t *testing.T, app *harness.App, pages ...page) {
	for _, page := range pages {
		t.Run(page.name, func(t *testing.T) {
			b := page.browser.Tab(t)
			b.Open(app.BaseURL + page.path)
			for _, look := range harness.Looks {
				b.Look(look)
				b.Fits()
				if look.Axe {
					b.Accessible()
				}
				keepScreenshot(t, b, page, look)
			}
		})
	}
}

// keepScreenshot keeps a picture where one is asked for.
func keepScreenshot(t *testing.T, b *harness.Browser, page page, look harness.Look) {
	t.Helper()
	folder, all := os.Getenv("SCREENSHOTS"), os.Getenv("SCREENSHOTS_OF") == "all"
	name := page.shown
	if all {
		name = strings.ReplaceAll(page.name, " ", "-")
	}
	if folder == "" || name == "" || (!all && !slices.Contains([]string{"light", "dark", "phone"}, look.Name)) {
		return
	}
	path := filepath.Join(harness.ModuleRoot(t), folder, fmt.Sprintf("%s-%s.png", name, look.Name))
	if err := os.WriteFile(path, b.Screenshot(), 0o600); err != nil {
		t.Fatal(err)
	}
}
