package tests

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// visitor is signed in to the console, without a browser.
type visitor struct {
	app    *harness.App
	cookie string
}

var csrfField = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// visit signs in to the console with an API key.
func visit(t *testing.T, app *harness.App, key string) *visitor {
	t.Helper()
	answer := app.Request(t, http.MethodPost, "/console/sign-in/", url.Values{"key": {key}}.Encode(),
		"Content-Type", "application/x-www-form-urlencoded").Want(t, http.StatusSeeOther)
	return &visitor{app: app, cookie: cookies(answer)}
}

func cookies(answer harness.Response) string {
	var pairs []string
	for _, set := range answer.Header.Values("Set-Cookie") {
		pair, _, _ := strings.Cut(set, ";")
		pairs = append(pairs, pair)
	}
	return strings.Join(pairs, "; ")
}

func (v *visitor) open(t *testing.T, path string) harness.Response {
	t.Helper()
	return v.app.Request(t, http.MethodGet, path, "", "Cookie", v.cookie)
}

// post sends a form as a page of this session makes it.
func (v *visitor) post(t *testing.T, path string, form url.Values) harness.Response {
	t.Helper()
	sent := url.Values{"csrf_token": form["csrf_token"]}
	if !form.Has("csrf_token") {
		sent.Set("csrf_token", v.formToken(t))
	}
	for name, values := range form {
		sent[name] = values
	}
	return v.app.Request(t, http.MethodPost, path, sent.Encode(), "Cookie", v.cookie, "Content-Type", "application/x-www-form-urlencoded")
}

func (v *visitor) formToken(t *testing.T) string {
	t.Helper()
	return csrfField.FindStringSubmatch(v.open(t, "/console/").Want(t, http.StatusOK).Body)[1]
}

// search gives the addresses that a search leads to: the page that it goes to
// at once, or the links of what it found.
func (v *visitor) search(t *testing.T, words string) []string {
	t.Helper()
	answer := v.open(t, "/console/search/?"+url.Values{"q": {words}}.Encode())
	if answer.Status == http.StatusSeeOther {
		return []string{answer.Header.Get("Location")}
	}
	return links(answer.Want(t, http.StatusOK).Body, "students", "purchases", "events")
}

var consoleLink = regexp.MustCompile(`href="(/console/(\w+)/[^"/?]+/)"`)

// links are the pages of single things that a page links to, each once.
func links(page string, kinds ...string) []string {
	_, page, _ = strings.Cut(page, "<main")
	found := []string{}
	for _, link := range consoleLink.FindAllStringSubmatch(page, -1) {
		for _, kind := range kinds {
			if link[2] == kind && !strings.Contains(strings.Join(found, " ")+" ", link[1]+" ") {
				found = append(found, link[1])
			}
		}
	}
	return found
}

func studentPage(id string) string { return "/console/students/" + url.PathEscape(id) + "/" }

func purchasePage(id string) string { return "/console/purchases/" + id + "/" }

func TestTheSearchFindsStudentsByAnyPartOfTheirID(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, student := range []string{"Anna.Weber@example.org", "anna_weber_2", "zoë müller", "100%", "a*b", "[x]^", `back\slash`, "ŽOFIE-ß"} {
			harness.NewPurchase(t).For(student).Create(app.Database)
		}
		v := visit(t, app, harness.ReadKey)
		for words, want := range map[string][]string{
			"WEBER":        {"Anna.Weber@example.org", "anna_weber_2"},
			"weber@":       {"Anna.Weber@example.org"},
			"a_w":          {"anna_weber_2"},
			"a.w":          {"Anna.Weber@example.org"},
			"MÜLL":         {"zoë müller"},
			"ZOË":          {"zoë müller"},
			"žofie-ẞ":      {"ŽOFIE-ß"},
			"0%":           {"100%"},
			"*":            {"a*b"},
			"[X]":          {"[x]^"},
			"]^":           {"[x]^"},
			"^":            {"[x]^"},
			`K\s`:          {`back\slash`},
			"_":            {"anna_weber_2"},
			"?":            {},
			"anna_weber_2": {"anna_weber_2"},
			"nobody":       {},
		} {
			pages := []string{}
			for _, student := range want {
				pages = append(pages, studentPage(student))
			}
			wantSame(t, words, v.search(t, " "+words), pages)
		}
	})
}

func TestTheSearchFindsEveryIDOfStripes(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.MustRun(t, "plans", "add", "--id", "monthly", "--name", "Monthly", "--hours", "4.00", "--amount", "5000", "--currency", "eur",
			"--type", "subscription", "--stripe-price-id", "price_monthly")
		sold := soldTo(t, app)
		paid := sold.Paid("pi_1", 5000)
		tell(t, app, paid, sold.Session("completed", "cs_1", "pi_1", harness.Asked{Subtotal: 5000}, "paid"),
			sold.Refunded("pi_1", 5000, 500), sold.Refund("refund.created", "re_1", "pi_1", 500, "succeeded"),
			sold.Dispute("created", "dp_1", "pi_1", 1000, "needs_response"), sold.Dispute("created", "du_2", "pi_1", 200, "needs_response"))
		invoiced := harness.NewTeller(harness.V2026)
		tell(t, app, invoiced.Invoice("paid", "in_1", harness.Line{Price: "price_monthly", Unit: 5000, Amount: 5000}),
			invoiced.CreditNote("created", "cn_1", "in_1", 1000))
		old := harness.NewTeller(harness.V2020)
		old.Purchase = harness.NewPurchase(t).For(old.Student).WithIntent(old.ID("pi_1")).Create(app.Database).ID
		tell(t, app, old.Charge("succeeded", "pi_1", 5000, 5000, 0))
		v := visit(t, app, harness.ReadKey)

		for _, name := range []string{"pi_1", "ch_1", "cs_1", "re_1", "dp_1", "du_2", "cus_1"} {
			wantSame(t, name, v.search(t, sold.ID(name)), []string{purchasePage(sold.Purchase)})
		}
		wantSame(t, "an event", v.search(t, paid.ID), []string{"/console/events/" + paid.ID + "/"})
		wantSame(t, "a purchase", v.search(t, sold.Purchase), []string{purchasePage(sold.Purchase)})
		ofInvoice := app.Get(t, api+"/purchases/"+invoiced.ID("in_1")+"/").Get("id").String()
		for _, name := range []string{"in_1", "cn_1", "cus_1", "sub_1"} {
			wantSame(t, name, v.search(t, invoiced.ID(name)), []string{purchasePage(ofInvoice)})
		}
		for _, name := range []string{"pi_1", "ch_1", "cus_1"} {
			wantSame(t, "an old "+name, v.search(t, old.ID(name)), []string{purchasePage(old.Purchase)})
		}
		app.MustAudit(t)
	})
}

func TestTheSearchFindsTheStudentOfASubscription(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		s := soldTo(t, app)
		tell(t, app, s.Subscription("created", s.Buys("monthly")))
		wantSame(t, "a subscription", visit(t, app, harness.ReadKey).search(t, s.ID("sub_1")), []string{studentPage(s.Student)})
	})
}

func TestTheSearchFindsLessonsByTheirReference(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p, other := app.NewPurchase(t), app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded(), other.Succeeded())
		book := func(path, body string) {
			app.Request(t, http.MethodPost, api+path, body, "Authorization", "Bearer "+harness.AdminKey).Want(t, http.StatusCreated)
		}
		book("/students/"+p.Student+"/consumptions/", `{"hours":"1.50","reference":"Lesson 1"}`)
		book("/students/"+other.Student+"/consumptions/", `{"hours":"1.00","reference":"Lesson 2"}`)
		book("/students/"+p.Student+"/adjustments/", `{"hours":"2.00","reference":"gift_1","reason":"a birthday"}`)
		app.As(t, harness.WriteKey, http.MethodDelete, api+"/students/"+p.Student+"/consumptions/Lesson%201/").Want(t, http.StatusOK)
		v := visit(t, app, harness.ReadKey)
		wantSame(t, "a lesson", v.search(t, "Lesson 1"), []string{studentPage(p.Student)})
		wantSame(t, "another lesson", v.search(t, "Lesson 2"), []string{studentPage(other.Student)})
		wantSame(t, "an adjustment", v.search(t, "gift_1"), []string{studentPage(p.Student)})
		wantSame(t, "a part of a reference", v.search(t, "Lesson"), []string{})
		page := v.open(t, "/console/search/?q=Lesson+1").Want(t, http.StatusOK)
		wantContains(t, page.Body, "consumption", "restoration", "-1.50")
	})
}

func TestTheSearchFindsWhatWasPaidInVain(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		s := harness.NewTeller(harness.V2026)
		for _, e := range []*harness.Told{s.Paid("pi_1", 5000), s.Charge("succeeded", "pi_1", 5000, 5000, 0)} {
			if answer, err := app.Tell(e); err != nil || answer.Status != http.StatusAccepted {
				t.Fatalf("answered %d (%v)", answer.Status, err)
			}
		}
		app.Exec(t, "UPDATE webhook_events SET received_at = '2026-01-01 00:00:00+00:00', next_attempt_at = '2026-01-01 00:00:00+00:00'")
		harness.Eventually(t, "the payment has a case", func() bool {
			return app.Get(t, api+"/cases/?kind=unmatched_payment").Get("data.#").Int() > 0
		})
		unexplained(t, app)
		v := visit(t, app, harness.ReadKey)
		for _, name := range []string{"pi_1", "ch_1"} {
			page := v.open(t, "/console/search/?q="+s.ID(name)).Want(t, http.StatusOK)
			wantContains(t, page.Body, "unmatched payment", s.ID("pi_1"), "payment_intent.<wbr>succeeded", "charge.<wbr>succeeded")
			if strings.Contains(page.Body, "unexplained invoice") {
				t.Errorf("%s finds another payment's case", name)
			}
		}
		wantContains(t, v.open(t, "/console/search/?q="+s.ID("cus_1")).Want(t, http.StatusOK).Body, "payment_intent.<wbr>succeeded")
		invoice := app.Get(t, api+"/cases/?kind=unexplained_invoice").Get("data.0.payment").String()
		wantContains(t, v.open(t, "/console/search/?q="+invoice).Want(t, http.StatusOK).Body, "unexplained invoice", "invoice.<wbr>paid")
	})
}
