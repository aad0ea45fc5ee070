package tests

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"testing"

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
	return days
}

// TestTheConsoleLooksGood looks at every page in light and dark and on a
// phone: nothing is wider than the screen, nothing breaks the content policy,
// every chart is a picture. Where SCREENSHOTS names a folder, the pictures of
// the pages worth showing are kept in it ("make screenshots").
func TestTheConsoleLooksGood(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.SQLite)
	db.WriteHistory(t, aMonth()...)
	app, b := db.ServeSandbox(t), harness.NewBrowser(t)

	wrong := db.NewPurchase(t)
	app.Deliver(t, wrong.Succeeded().Set("amount_received", 4000).Set("amount", 4000)).Want(t, 200)
	app.Deliver(t, harness.NewPurchase(t).Succeeded()).Want(t, 202) // of a purchase that nobody knows
	signIn(b, app, harness.AdminKey)
	buy(b, app, "pm_card_chargeDeclined")
	buy(b, app, "pm_card_visa")
	b.Submit(`article:first-of-type form[action$="/refunds/"] button`)
	purchase := b.Attribute("article:first-of-type a", "href")
	b.Open(app.BaseURL + purchase)
	event := b.Attribute(`.timeline li:last-child a[href*="/console/events/"]`, "href")

	for _, page := range []struct {
		name, path string
		show       bool
	}{
		{"overview", "/console/", true},
		{"student", "/console/students/anna.weber/", true},
		{"purchase", purchase, true},
		{"event", event, true},
		{"till", "/console/till/", true},
		{"statement", "/console/statement/?by=month&from=2026-01-01&to=2026-12-31", true},
		{"events", "/console/events/", false},
		{"search", "/console/search/?q=nobody", false},
		{"sign-in", "/console/sign-in/", false},
		{"missing", "/console/students/nobody/", false},
	} {
		b.Open(app.BaseURL + page.path)
		for _, look := range harness.Looks {
			picture := b.Screenshot(look)
			if config, err := png.DecodeConfig(bytes.NewReader(picture)); err != nil || int64(config.Width) != look.Width {
				t.Errorf("%s, %s: the picture is %d wide (%v), want %d", page.name, look.Name, config.Width, err, look.Width)
			}
			if folder := os.Getenv("SCREENSHOTS"); folder != "" && page.show {
				name := filepath.Join(harness.ModuleRoot(t), folder, fmt.Sprintf("%s-%s.png", page.name, look.Name))
				if err := os.WriteFile(name, picture, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	app.MustAudit(t)
}
