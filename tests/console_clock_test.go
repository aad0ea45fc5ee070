package tests

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// advance moves the sandbox's clock at the till.
func advance(b *harness.Browser, app *harness.App, days string) {
	b.Open(app.BaseURL + "/console/till/")
	b.Type("#days", days)
	b.Submit("#clock button")
}

// ahead is what a student's chart says of what will expire: whether it has a
// dashed line, and what stands beside its steps.
func ahead(b *harness.Browser, app *harness.App, student string) (dashed bool, steps []string) {
	b.Open(app.BaseURL + "/console/students/" + student + "/balance.svg?width=720&theme=light")
	for _, text := range b.Texts("text") {
		if strings.HasPrefix(text, "−") {
			steps = append(steps, text)
		}
	}
	return b.Has(`path[style*="stroke-dasharray"]`), steps
}

func TestHoursExpireInFrontOfWhoLooks(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, b := db.ServeSandbox(t), harness.NewBrowser(t)
		page := app.BaseURL + "/console/students/demo_student/"
		signIn(b, app, harness.AdminKey)
		b.Open(app.BaseURL + "/console/till/")
		b.Choose(`input[value="pack5_30days"]`)
		b.Submit("#buy button")
		b.WantText("the hours are there", "5.00 hours available")
		purchase := linkTo(b, app, "article:first-of-type a")
		wantAhead := func(want ...string) {
			t.Helper()
			if dashed, steps := ahead(b, app, "demo_student"); dashed != (len(want) > 0) || !slices.Equal(steps, want) {
				t.Errorf("the chart looks ahead: %t, with steps %q, want %q", dashed, steps, want)
			}
		}
		wantAhead("−5 h")

		// What the platform does: a lesson is held, and takes less.
		holds := api + "/students/demo_student/holds/"
		lesson := time.Now().AddDate(0, 0, 7).UTC().Format(time.RFC3339)
		app.Post(t, harness.WriteKey, holds, `{"hours":"3.00","reference":"lesson_7","lesson_at":"`+lesson+`"}`).Want(t, http.StatusCreated)
		b.Open(page)
		b.WantText("2.00 hours available", "Held for lessons 3.00", "lesson_7", "Next hours expire", "dashed, what is left as they expire")
		if alt := b.Attribute(".chart img", "alt"); !strings.Contains(alt, "dashed how they will expire") {
			t.Errorf("the chart's description says nothing of what is dashed: %s", alt)
		}
		wantAhead("−2 h")
		app.Post(t, harness.WriteKey, holds+"lesson_7/capture/", `{"hours":"2.00"}`).Want(t, http.StatusCreated)
		wantAhead("−3 h")

		advance(b, app, "29")
		b.WantText("The clock is moved forward.", "5 hours in 30 days", "3.00 hours available")
		if banner := b.Text(".sandbox"); !strings.Contains(banner, "The clock is 29 days ahead: it is "+time.Now().UTC().AddDate(0, 0, 29).Format("2 Jan 2006")) {
			t.Errorf("the banner says %q", banner)
		}
		advance(b, app, "11")
		b.Open(page)
		b.WantText("0.00 hours available", "Expired 3.00", "expiration -3.00 0.00")
		wantAhead()

		b.Open(purchase)
		b.Choose(`input[value="unused"]`)
		b.Type("#reason", "moved away")
		b.Submit("#refund button")
		b.WantText("€75.00")
		b.Submit(`form[action$="/refunds/"] button`)
		b.WantText("Refunded.", "moved away", "€75.00", "partially refunded")
		refunds := app.StandIn(t, http.MethodGet, "/v1/refunds", "").Want(t, http.StatusOK).WantFields(t, fields{
			"data.#": "1", "data.0.amount": "7500", "data.0.status": "succeeded", "data.0.metadata.reason": "moved away",
		})
		if made := time.Unix(refunds.Get("data.0.created").Int(), 0); time.Until(made) < 39*24*time.Hour {
			t.Errorf("Stripe made the refund at %s", made)
		}
		b.Open(page)
		b.WantText("0.00 hours available", "Reversed 3.00", "reversal -3.00")
		app.WantBalance(t, "demo_student", fields{"hours_purchased": "5.00", "hours_consumed": "2.00", "hours_reversed": "3.00", "hours_expired": "0.00"})
		app.MustAudit(t)
	})
}

// clockOf is what time it is by the sandbox's API: of what is granted now.
func clockOf(t *testing.T, app *harness.App, reference string) time.Duration {
	t.Helper()
	granted := app.Post(t, harness.AdminKey, api+"/students/anna/grants/", `{"hours":"1.00","reason":"gift","reference":"`+reference+`"}`).Want(t, http.StatusCreated)
	return time.Until(granted.Get("created_at").Time())
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func TestTheSandboxesClockMovesForwardAlone(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		const path = "/sandbox/test_clock/advance"
		app, b := db.ServeSandbox(t), harness.NewBrowser(t)
		signIn(b, app, harness.AdminKey)
		for _, body := range []string{`{"days":0}`, `{"days":-1}`, `{"days":3651}`, `{"days":1.5}`, `{"weeks":1}`, ``} {
			app.StandIn(t, http.MethodPost, path, body).Want(t, http.StatusBadRequest)
		}
		now := app.StandIn(t, http.MethodPost, path, `{"days":40}`).Want(t, http.StatusOK).Get("now").Int()
		if told := time.Until(time.Unix(now, 0)); told > days(40) || told < days(40)-time.Hour {
			t.Errorf("the stand-in's clock is ahead by %s", told)
		}
		if said, err := http.ParseTime(app.StandIn(t, http.MethodGet, "/v1/refunds", "").Header.Get("Date")); err != nil || time.Until(said) < days(39) {
			t.Errorf("the stand-in dates its answers %s (%v)", said, err)
		}
		if is := clockOf(t, app, "1"); is > days(40) || is < days(40)-time.Hour {
			t.Errorf("Hourbank's clock is ahead by %s", is)
		}
		for _, typed := range []string{"0", "-1", "4000"} {
			b.Open(app.BaseURL + "/console/till/")
			b.Retarget("#clock", "/console/till/clock/", nil)
			b.Run(`document.querySelector("#clock").noValidate = true`)
			b.Type("#days", typed)
			b.Submit("#clock button")
			b.WantText("The clock goes forward by whole days")
		}
		advance(b, app, "5")
		b.BackAndSubmit("#clock button")
		b.WantText("This form was sent before")

		// Started again, it does not go back.
		app.Stop(t)
		app = db.ServeSandbox(t)
		if is := clockOf(t, app, "2"); is > days(45) || is < days(45)-time.Hour {
			t.Errorf("after a restart the clock is ahead by %s", is)
		}
		app.Get(t, api+"/students/anna/ledger/").WantFields(t, fields{"data.0.reference": "2", "data.1.reference": "1"})
		log := app.As(t, harness.AdminKey, http.MethodGet, api+"/audit-log/?action=clock_advanced")
		log.WantFields(t, fields{"data.#": "2", "data.0.actor": "boss", "data.0.note": "by 5 days", "data.1.actor": "sandbox", "data.1.note": "by 40 days"})
	})
}

// What is between Hourbank and others goes by the machine's clock: sessions, and
// signatures of events either way. What was lost on the way is still found.
func TestAMovedClockEndsNoSessionAndNoSignature(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		failures := make(chan bool, 1)
		failures <- true
		receiver := harness.NewReceiver(t, func(harness.Received) int {
			select {
			case <-failures:
				return http.StatusServiceUnavailable
			default:
				return http.StatusNoContent
			}
		})
		app, b := db.ServeSandbox(t, append(receiver.Settings(), "RECONCILE_EVERY=0")...), harness.NewBrowser(t)
		signIn(b, app, harness.AdminKey)
		app.StandIn(t, http.MethodPost, "/sandbox/test_clock/advance", `{"days":40}`).Want(t, http.StatusOK)
		buy(b, app, "pm_card_visa") // signed in still, and Stripe's event is taken
		b.WantText("the hours are there")
		receiver.WantTold(t, "demo_student", "purchase.completed", "hours.credited") // the first at its second attempt
		app.Deliver(t, harness.NewPurchase(t).Succeeded()).Want(t, http.StatusAccepted)

		app.StandIn(t, http.MethodPost, "/sandbox/chaos", `{"drop":1}`).Want(t, http.StatusOK)
		b.Open(app.BaseURL + "/console/till/")
		intent := app.Get(t, api+"/purchases/?student_id=demo_student&payment_status=pending").Get("data.0.stripe_payment_intent_id").String()
		app.StandIn(t, http.MethodPost, "/v1/payment_intents/"+intent+"/confirm", url.Values{"payment_method": {"pm_card_visa"}}.Encode(),
			"Content-Type", "application/x-www-form-urlencoded").Want(t, http.StatusOK)
		b.Open(app.BaseURL + "/console/purchases/" + intent + "/")
		b.Submit(`form[action$="/reconciliation/"] button`)
		b.WantText("Stripe knew more than its events told", "completed")
		app.MustAudit(t)
	})
}

// Outside a sandbox there is nothing that moves the clock; in one, no page but the
// console's own can.
func TestNobodyElseMovesTheClock(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		live := harness.NewDatabase(t, db.Engine).Serve(t)
		b := harness.NewBrowser(t)
		signIn(b, live, harness.AdminKey)
		b.Retarget(`form[action="/console/sign-out/"]`, "/console/till/clock/", url.Values{"from": {"0"}, "days": {"40"}})
		b.Submit("form.who button")
		b.WantText("There is nothing at this address.")
		live.As(t, harness.AdminKey, http.MethodPost, "/sandbox/test_clock/advance").Want(t, http.StatusNotFound)

		app := db.ServeSandbox(t)
		for _, header := range [][]string{{"Sandbox-Control", ""}, {"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
			app.StandIn(t, http.MethodPost, "/sandbox/test_clock/advance", `{"days":40}`, header...).Want(t, http.StatusForbidden)
		}
		if is := clockOf(t, app, "1"); is > time.Minute {
			t.Errorf("the clock is ahead by %s", is)
		}
	})
}

// Who moves the clock and hangs up is in the audit log all the same.
func TestWhoMovesTheClockAndHangsUpIsInTheAuditLog(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.ServeSandbox(t)
		v := visit(t, app, harness.AdminKey)
		token := v.formToken(t)
		for moved := range 5 {
			form := url.Values{"csrf_token": {token}, "from": {strconv.Itoa(moved)}, "days": {"1"}}
			ctx, hangUp := context.WithCancel(t.Context())
			ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { hangUp() }})
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, app.BaseURL+"/console/till/clock/", strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("Cookie", v.cookie)
			request.Header.Set("Origin", app.BaseURL)
			release := db.HoldUp(t, "audit_log")
			if answer, err := http.DefaultClient.Do(request); err == nil {
				t.Errorf("it was answered %d", answer.StatusCode)
				_ = answer.Body.Close() // nothing of it is read
			}
			harness.Eventually(t, "the clock is moved", func() bool {
				return strings.Contains(v.open(t, "/console/till/").Body, `name="from" value="`+strconv.Itoa(moved+1)+`"`)
			})
			release()
			harness.Eventually(t, "it is in the audit log", func() bool {
				return db.Count(t, "SELECT count(*) FROM audit_log WHERE action = 'clock_advanced'") == int64(moved+1)
			})
		}
	})
}
