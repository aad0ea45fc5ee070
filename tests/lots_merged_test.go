package tests

import (
	"net/http"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// twice is a pack of 8.00 hours for a day that was sold twice: its PaymentIntent tells
// of one, and its Checkout Session of two.
type twice struct{ intent, session *harness.Told }

func soldTwice(t *testing.T, app *harness.App, paid time.Time) (*harness.Teller, twice) {
	t.Helper()
	app.MustRun(t, "plans", "add", "--id", "day8", "--name", "8 hours for a day", "--hours", "8.00", "--amount", "12000", "--currency", "eur", "--valid-days", "1")
	s := harness.NewTeller(harness.V2026)
	at := paid.Unix() - harness.Epoch
	return s, twice{
		s.Paid("pi_1", 24_000).With("metadata", s.Buys("day8")).At(at),
		s.Session("completed", "cs_1", "pi_1", asked{Subtotal: 24_000}, "paid").With("metadata", s.Buys("day8")).
			With("line_items", object{"data": []any{object{"price": object{"id": "price_1"}, "quantity": 2}}}).At(at),
	}
}

// What expired of a purchase that turns out to be another one's comes back, so that the
// order of telling doesn't matter.
func TestWhatExpiredOfAMergedPurchaseComesBack(t *testing.T) {
	for name, of := range map[string]func(twice) []*harness.Told{
		"the PaymentIntent first": func(e twice) []*harness.Told { return []*harness.Told{e.intent, e.session} },
		"the session first":       func(e twice) []*harness.Told { return []*harness.Told{e.session, e.intent} },
	} {
		t.Run(name, func(t *testing.T) {
			harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
				s, e := soldTwice(t, app, time.Now().AddDate(0, 0, -2))
				student := api + "/students/" + s.Student
				for _, event := range of(e) {
					tell(t, app, event)
					app.Get(t, student+"/balance/").WantFields(t, fields{"hours_available": "0.00"})
				}
				app.WantBalance(t, s.Student, fields{"hours_expired": "16.00", "hours_available": "0.00", "overdrawn": "false"})
				app.Post(t, harness.AdminKey, student+"/grants/", `{"hours":"100.00","reason":"gift","reference":"gift"}`).Want(t, http.StatusCreated)
				app.WantBalance(t, s.Student, fields{"hours_available": "100.00"})
				app.MustAudit(t)
			})
		})
	}
}

// Nothing is drawn from a purchase that turned out to be another one's, nor expires of it.
func TestAMergedPurchaseIsNoLotAnyMore(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		s, e := soldTwice(t, app, time.Now())
		student := api + "/students/" + s.Student
		tell(t, app, e.intent)
		app.Get(t, student+"/balance/").WantFields(t, fields{"hours_available": "8.00"})
		tell(t, app, e.session)
		app.WantBalance(t, s.Student, fields{"hours_available": "16.00"})
		app.Post(t, harness.WriteKey, student+"/consumptions/", `{"hours":"8.00","reference":"lesson"}`).Want(t, http.StatusCreated)
		purchase := app.Get(t, api+"/purchases/"+s.ID("pi_1")+"/").Get("id").String()
		lots := app.Get(t, student+"/lots/")
		lots.WantFields(t, fields{`data.#(id=="` + purchase + `").hours_drawn`: "8.00", `data.#(id!="` + purchase + `").hours`: "0.00"})
		app.Get(t, student+"/balance/"+at(time.Now().AddDate(0, 0, 2))).WantFields(t, fields{"hours_available": "0.00", "hours_expired": "8.00"})
		app.MustAudit(t)
	})
}
