package tests

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// signIn opens the console and signs in with an API key.
func signIn(b *harness.Browser, app *harness.App, key string) {
	b.Open(app.BaseURL + "/console/")
	b.Type("#key", key)
	b.Submit("main button")
}

// buy buys the ten hours that the sandbox sells, with one of the till's cards.
func buy(b *harness.Browser, app *harness.App, card string) {
	b.Open(app.BaseURL + "/console/till/")
	b.Choose(`input[value="pack10"]`)
	b.Choose(`input[value="` + card + `"]`)
	b.Submit("#buy button")
}

// linkTo is the address of a link.
func linkTo(b *harness.Browser, app *harness.App, selector string) string {
	return app.BaseURL + b.Attribute(selector, "href")
}

func TestTheConsoleSellsRefundsAndReplays(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, b := db.ServeSandbox(t), harness.NewBrowser(t)

		signIn(b, app, "no such key")
		b.WantText("No API key has this secret.")
		b.Type("#key", harness.AdminKey)
		b.Submit("main button")
		b.WantText("No such case is open.")

		buy(b, app, "pm_card_chargeDeclined")
		b.WantText("The card was declined", "failed", "0.00 hours available")
		buy(b, app, "pm_card_visa")
		b.WantText("the hours are there", "10.00 hours available", "completed")
		b.Submit(`article:first-of-type form[action$="/refunds/"] button`) // half
		b.WantText("5.00 hours available", "partially refunded")

		b.Open(linkTo(b, app, "article:first-of-type a"))
		b.WantText("10.00 hours for €280.00", "10.00 hours credited", "5.00 hours reversed", "status from completed to partially_refunded")
		b.Open(linkTo(b, app, `.timeline a[href*="/console/events/"]`))
		b.WantText("What Stripe sent", `"object": "event"`, "A replay now would change nothing.")
		b.Submit(`form[action$="/replay/"] button`)
		b.WantText("The event was replayed.")

		b.Open(app.BaseURL + "/console/students/demo_student/")
		b.WantText("5.00 hours available", "€140.00", "credit", "reversal")
		b.Type("#hours", "-1,25")
		b.Type("#reason", "a lesson that was not booked")
		b.Submit("#adjust button")
		b.WantText("1.25 hours are taken from demo_student.", "The balance becomes 3.75 hours; it is 5.00 now.")
		b.Submit(`form[action$="/adjustments/"] button`)
		b.WantText("The adjustment was booked.", "3.75 hours available", "a lesson that was not booked")

		b.Open(app.BaseURL + "/console/search/?q=demo")
		if want := app.BaseURL + "/console/students/demo_student/"; b.Address() != want {
			t.Errorf("a search for the only student ends at %s, want %s", b.Address(), want)
		}
		b.Open(app.BaseURL + "/console/search/?q=nobody")
		b.WantText("Nothing has this name.")
		stray := harness.NewPurchase(t) // paid, but the platform never made the purchase
		app.Deliver(t, stray.Succeeded()).Want(t, http.StatusAccepted)
		b.Open(app.BaseURL + "/console/search/?q=" + stray.PaymentIntent)
		b.WantText("parked", "No purchase is known for it yet.")
		b.Open(app.BaseURL + "/console/nowhere/")
		b.WantText("There is nothing at this address.", "Back to the first page")
		b.Open(app.BaseURL + "/console/overview/")
		b.WantText("€280.00 received, €140.00 refunded or disputed", "processed")

		b.Submit(`form[action$="/sign-out/"] button`)
		b.Open(app.BaseURL + "/console/students/demo_student/")
		if !strings.Contains(b.Address(), "/console/sign-in/") {
			t.Errorf("after signing out, a student's page is at %s", b.Address())
		}
		app.MustAudit(t)
	})
}

func TestADisputeAtTheTillTakesTheHoursUntilItIsWon(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, b := db.ServeSandbox(t), harness.NewBrowser(t)
		signIn(b, app, harness.AdminKey)
		buy(b, app, "pm_card_createDispute")
		b.Eventually(`button[value="won"]`) // the page reloads itself until the dispute is there
		b.WantText("0.00 hours available")
		b.Submit(`button[value="won"]`)
		b.WantText("10.00 hours available", "completed")
	})
}

// forger is a page of somebody else's that posts to the console when opened.
func forger(t *testing.T, target string, fields url.Values) string {
	page := `<form method="post" action="` + target + `">`
	for name := range fields {
		page += `<input name="` + name + `" value="` + fields.Get(name) + `">`
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(page + `<button>Win a prize</button></form>`)) // a browser that is gone reads nothing
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestTheConsoleRefusesForgedFormsAndReadKeys(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, b := db.ServeSandbox(t), harness.NewBrowser(t)
		signIn(b, app, harness.AdminKey)
		buy(b, app, "pm_card_visa")
		purchase := b.Attribute("article:first-of-type a", "href")
		b.Open(app.BaseURL + purchase)
		event := b.Attribute(`.timeline a[href*="/console/events/"]`, "href")

		forms := map[string]url.Values{
			purchase + "refunds/":                         {"once": {"1"}, "reason": {"duplicate"}, "by": {"all"}},
			event + "replay/":                             {},
			"/console/students/demo_student/adjustments/": {"once": {"1"}, "hours": {"100"}, "reason": {"why not"}},
			"/console/students/demo_student/grants/":      {"once": {"1"}, "hours": {"100"}, "reason": {"why not"}},
			"/console/till/purchases/":                    {"once": {"1"}, "student": {"demo_student"}, "plan": {"pack10"}, "card": {"pm_card_visa"}},
			"/console/till" + strings.TrimPrefix(purchase, "/console") + "refunds/": {"once": {"1"}, "by": {"all"}},
			"/console/till" + strings.TrimPrefix(purchase, "/console") + "pay/":     {"card": {"pm_card_visa"}},
			"/console/till/clock/": {"from": {"0"}, "days": {"40"}},
			"/console/sign-out/":   {},
			"/console/till" + strings.TrimPrefix(purchase, "/console") + "verdict/": {"verdict": {"lost"}},
		}
		for target, fields := range forms {
			b.Open(forger(t, app.BaseURL+target, fields))
			b.Submit("button")
			b.WantText("This form was not made by this console")
		}

		reader := harness.NewBrowser(t)
		signIn(reader, app, harness.ReadKey)
		for _, page := range []string{purchase, event, "/console/students/demo_student/", "/console/till/"} {
			reader.Open(app.BaseURL + page)
			if reader.Has(`main form[method="post"]`) {
				t.Errorf("%s shows a form to who may only read", page)
			}
		}
		delete(forms, "/console/sign-out/")
		for target, fields := range forms {
			reader.Open(app.BaseURL + "/console/events/")
			reader.Retarget(`form[action="/console/sign-out/"]`, target, fields) // with a token of the console's own
			reader.Submit(`form.who button`)
			reader.WantText("This needs the role")
		}
		app.WantBalance(t, "demo_student", map[string]string{"hours_available": "10.00", "balance_amount": "28000"})
	})
}
