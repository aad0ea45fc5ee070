package tests

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// expiring is a purchase of 10.00 hours that was paid so that it expires at a time.
func expiring(t *testing.T, app *harness.App, student string, at time.Time) *harness.Purchase {
	t.Helper()
	p := harness.NewPurchase(t).For(student).ValidFor(10).Create(app.Database)
	app.MustProcess(t, p.Succeeded().At(at.AddDate(0, 0, -10).Unix()-harness.Epoch))
	return p
}

func student(p *harness.Purchase) string { return api + "/students/" + p.Student }

func at(t time.Time) string { return "?at=" + url.QueryEscape(t.UTC().Format(time.RFC3339)) }

// now is in seconds of the tests' stories.
func now() int64 { return time.Now().Unix() - harness.Epoch }

func inForce(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func TestAPackExpiresAtItsMoment(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		end := time.Now().Add(6 * time.Second).Truncate(time.Second)
		p := expiring(t, app, "student_1", end)
		app.Post(t, harness.WriteKey, student(p)+"/consumptions/", `{"hours":"4.00","reference":"before"}`).Want(t, http.StatusCreated)
		app.WantBalance(t, p.Student, fields{"hours_available": "6.00", "hours_expired": "0.00", "next_expiry": end.UTC().Format(time.RFC3339)})
		app.Get(t, student(p)+"/balance/"+at(end.Add(-time.Second))).WantFields(t, fields{"hours_available": "6.00"})
		app.Get(t, student(p)+"/balance/"+at(end)).WantFields(t, fields{"hours_available": "0.00", "hours_expired": "6.00", "next_expiry": ""})
		harness.Eventually(t, "it expires", func() bool {
			return app.Get(t, student(p)+"/balance/").Get("hours_available").String() == "0.00"
		})
		app.WantBalance(t, p.Student, fields{"hours_purchased": "10.00", "hours_consumed": "4.00", "hours_expired": "6.00", "overdrawn": "false", "next_expiry": ""})
		app.Get(t, student(p)+"/ledger/").WantFields(t, fields{
			"data.0.kind": "expiration", "data.0.hours": "-6.00", "data.0.transaction_id": p.ID, "data.0.created_at": end.UTC().Format(time.RFC3339),
		})
		app.Get(t, student(p)+"/balance/"+at(end.Add(-time.Second))).WantFields(t, fields{"hours_available": "6.00"})
		app.Post(t, harness.WriteKey, student(p)+"/consumptions/", `{"hours":"0.50","reference":"after"}`).WantProblem(t, http.StatusConflict, "insufficient_hours")

		// A lesson that was before the end, and is booked after it.
		app.Post(t, harness.WriteKey, student(p)+"/consumptions/", `{"hours":"1.00","reference":"late","lesson_at":"`+inForce(end.Add(-time.Hour))+`"}`).Want(t, http.StatusCreated)
		app.WantBalance(t, p.Student, fields{"hours_consumed": "5.00", "hours_expired": "5.00", "hours_available": "0.00"})
		app.As(t, harness.WriteKey, http.MethodDelete, student(p)+"/consumptions/late/").Want(t, http.StatusOK)
		app.WantBalance(t, p.Student, fields{"hours_consumed": "4.00", "hours_expired": "6.00", "hours_available": "0.00"})

		// Half of it is refunded after all: 5.00 h were bought, 4.00 used, 1.00 expired.
		app.MustProcess(t, p.ChargeRefunded(2500).At(now()))
		app.WantBalance(t, p.Student, fields{"hours_reversed": "5.00", "hours_expired": "1.00", "hours_available": "0.00"})
		app.MustProcess(t, p.ChargeRefunded(5000).At(now()+1))
		app.WantBalance(t, p.Student, fields{"hours_reversed": "10.00", "hours_expired": "0.00", "hours_available": "-4.00", "overdrawn": "true"})
		app.MustAudit(t)
	})
}

func TestLessonsDrawFromWhatExpiresSoonest(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		begin := time.Now().Truncate(time.Second)
		day := func(n int) time.Time { return begin.AddDate(0, 0, n) }
		forever := harness.NewPurchase(t).For("student_1").Create(app.Database)
		app.MustProcess(t, forever.Succeeded())
		late, soon := expiring(t, app, "student_1", day(5)), expiring(t, app, "student_1", day(2))
		book := func(reference, hours string, lesson time.Time) harness.Response {
			return app.Post(t, harness.WriteKey, student(soon)+"/consumptions/", `{"hours":"`+hours+`","reference":"`+reference+`","lesson_at":"`+inForce(lesson)+`"}`)
		}
		left := func(n int, want string) {
			t.Helper()
			if got := app.Get(t, student(soon)+"/balance/"+at(day(n))).Get("hours_available").String(); got != want {
				t.Errorf("on day %d there will be %s hours, want %s", n, got, want)
			}
		}
		book("1", "12.00", day(1)).Want(t, http.StatusCreated) // all of soon, 2 h of late
		left(1, "18.00")
		left(3, "18.00")
		left(6, "10.00")
		book("2", "10.00", day(6)).Want(t, http.StatusCreated) // of what never expires
		left(6, "0.00")
		book("3", "0.25", day(6)).WantProblem(t, http.StatusConflict, "insufficient_hours")
		app.Get(t, student(soon)+"/lots/").WantFields(t, fields{
			"data.#": "3", "data.0.id": soon.ID, "data.0.hours_drawn": "10.00", "data.1.id": late.ID, "data.1.hours_drawn": "2.00", "data.1.expires_at": inForce(day(5)),
		})
		// A refund of one takes the first lesson's hours from the others, and leaves the last one without.
		app.MustProcess(t, soon.ChargeRefunded(5000).At(now()))
		left(1, "-2.00")
		left(6, "-2.00")
		app.MustAudit(t)
	})
}

func TestHoldsAreCapturedOrReleased(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		end := time.Now().AddDate(0, 0, 9).Truncate(time.Second)
		p := expiring(t, app, "student_1", end)
		holds := student(p) + "/holds/"
		hold := func(reference, hours string, lesson time.Time) harness.Response {
			return app.Post(t, harness.WriteKey, holds, `{"hours":"`+hours+`","reference":"`+reference+`","lesson_at":"`+inForce(lesson)+`"}`)
		}
		lesson := end.Add(-time.Hour)
		hold("a", "6.00", lesson).Want(t, http.StatusCreated).WantFields(t, fields{"kind": "hold", "hours": "-6.00", "account.hours_held": "6.00", "account.hours_available": "4.00"})
		hold("a", "6.00", lesson).Want(t, http.StatusOK)
		hold("a", "5.00", lesson).WantProblem(t, http.StatusConflict, "reference_used")
		hold("a", "6.00", lesson.Add(time.Minute)).WantProblem(t, http.StatusConflict, "reference_used")
		hold("b", "4.25", lesson).WantProblem(t, http.StatusConflict, "insufficient_hours")
		hold("b", "1.00", end).WantProblem(t, http.StatusConflict, "insufficient_hours") // nothing is valid then
		hold("b", "4.00", lesson).Want(t, http.StatusCreated)
		app.Post(t, harness.WriteKey, student(p)+"/consumptions/", `{"hours":"6.00","reference":"a"}`).WantProblem(t, http.StatusConflict, "reference_used")
		app.Get(t, holds).WantFields(t, fields{"data.#": "2", "data.0.reference": "b", "data.1.reference": "a"})

		capture := func(reference, body string) harness.Response {
			return app.Post(t, harness.WriteKey, holds+reference+"/capture/", body)
		}
		capture("a", `{"hours":"6.01"}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
		capture("nobody", `{}`).WantProblem(t, http.StatusNotFound, "not_found")
		capture("a", `{"hours":"2.50"}`).Want(t, http.StatusCreated).WantFields(t, fields{
			"kind": "consumption", "hours": "-2.50", "reference": "a", "account.hours_held": "4.00", "account.hours_consumed": "2.50", "account.hours_available": "3.50",
		})
		capture("a", `{"hours":"2.50"}`).Want(t, http.StatusOK)
		capture("a", `{"hours":"2.00"}`).WantProblem(t, http.StatusConflict, "reference_used")
		release := func(reference string) harness.Response {
			return app.As(t, harness.WriteKey, http.MethodDelete, holds+reference+"/")
		}
		release("a").WantProblem(t, http.StatusConflict, "reference_used")
		release("b").Want(t, http.StatusOK).WantFields(t, fields{"kind": "release", "hours": "4.00", "account.hours_available": "7.50"})
		release("b").Want(t, http.StatusOK).WantFields(t, fields{"account.hours_available": "7.50"})
		capture("b", "").WantProblem(t, http.StatusConflict, "reference_used")
		hold("b", "4.00", lesson).WantProblem(t, http.StatusConflict, "reference_used")
		hold("c", "7.50", lesson).Want(t, http.StatusCreated)
		capture("c", "").Want(t, http.StatusCreated).WantFields(t, fields{"hours": "-7.50", "account.hours_available": "0.00", "account.hours_held": "0.00"})
		app.Get(t, holds).WantFields(t, fields{"data.#": "0"})
		app.As(t, harness.WriteKey, http.MethodDelete, student(p)+"/consumptions/c/").Want(t, http.StatusOK)
		capture("c", "").WantProblem(t, http.StatusConflict, "reference_used")
		app.Get(t, student(p)+"/balance/"+at(end)).WantFields(t, fields{"hours_available": "0.00", "hours_consumed": "2.50", "hours_expired": "7.50"})
		app.MustAudit(t)
	})
}

func TestAHeldLotDoesNotExpireUnderItsLesson(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		end := time.Now().Add(time.Hour)
		p := expiring(t, app, "student_1", end)
		for _, reference := range []string{"taught", "cancelled"} {
			app.Post(t, harness.WriteKey, student(p)+"/holds/", `{"hours":"3.00","reference":"`+reference+`","lesson_at":"`+inForce(end.Add(-3*time.Hour))+`"}`).Want(t, http.StatusCreated)
		}
		// It was paid two hours before, Stripe tells now: it has ended, an hour ago.
		app.MustProcess(t, p.Succeeded().At(end.Add(-2*time.Hour).AddDate(0, 0, -10).Unix()-harness.Epoch))
		app.WantBalance(t, p.Student, fields{"hours_held": "6.00", "hours_expired": "4.00", "hours_available": "0.00"})
		app.Post(t, harness.WriteKey, student(p)+"/holds/taught/capture/", "").Want(t, http.StatusCreated)
		app.As(t, harness.WriteKey, http.MethodDelete, student(p)+"/holds/cancelled/").Want(t, http.StatusOK).
			WantFields(t, fields{"account.hours_held": "0.00", "account.hours_consumed": "3.00", "account.hours_expired": "7.00", "account.hours_available": "0.00"})
		app.MustAudit(t)
	})
}

func TestGrantsExpire(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		grants := api + "/students/student_1/grants/"
		end := time.Now().AddDate(0, 0, 3).Truncate(time.Second)
		body := `{"hours":"2.00","reason":"trial","reference":"trial","expires_at":"` + inForce(end) + `"}`
		app.Post(t, harness.AdminKey, grants, `{"hours":"2.00","reason":"trial","reference":"trial","expires_at":"2020-01-01T00:00:00Z"}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
		app.Post(t, harness.AdminKey, grants, body).Want(t, http.StatusCreated)
		app.Post(t, harness.AdminKey, grants, body).Want(t, http.StatusOK)
		app.Post(t, harness.AdminKey, grants, `{"hours":"1.00","reason":"gift","reference":"gift"}`).Want(t, http.StatusCreated)
		app.WantBalance(t, "student_1", fields{"hours_available": "3.00", "next_expiry": inForce(end)})
		app.Get(t, api+"/students/student_1/balance/"+at(end)).WantFields(t, fields{"hours_available": "1.00"})
		app.Get(t, api+"/students/").WantFields(t, fields{"data.0.next_expiry": inForce(end)})
		app.MustAudit(t)
	})
}

// Sixty-four clients hold and book what is left of a pack that expires.
func TestHoldsAndLessonsAtOnceNeverOverdraw(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := expiring(t, app, "student_1", time.Now().AddDate(0, 0, 9))
		var all sync.WaitGroup
		var mutex sync.Mutex
		taken := 0
		for i := range 64 {
			all.Go(func() {
				path := []string{"/holds/", "/consumptions/"}[i%2]
				answer, err := harness.Patiently(func() (harness.Response, error) {
					return app.Try(http.MethodPost, student(p)+path, fmt.Sprintf(`{"hours":"0.75","reference":"r%d"}`, i), "Authorization", "Bearer "+harness.WriteKey)
				})
				mutex.Lock()
				defer mutex.Unlock()
				switch {
				case err != nil:
					t.Error(err)
				case answer.Status == http.StatusCreated:
					taken++
				case answer.Status != http.StatusConflict:
					t.Errorf("answered %d %s", answer.Status, answer.Body)
				}
			})
		}
		all.Wait()
		if taken != 13 {
			t.Errorf("%d of 13 were taken", taken)
		}
		app.WantBalance(t, p.Student, fields{"hours_available": "0.25"})
		app.MustAudit(t)
	})
}

func TestTheConsoleShowsHoursThatExpire(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := expiring(t, app, "student_1", time.Date(2037, 5, 4, 12, 0, 0, 0, time.UTC))
		app.Post(t, harness.WriteKey, student(p)+"/holds/", `{"hours":"3.25","reference":"lesson_9","lesson_at":"2037-03-02T15:00:00Z"}`).Want(t, http.StatusCreated)
		page := visit(t, app, harness.ReadKey).open(t, "/console/students/student_1/").Want(t, http.StatusOK).Body
		for _, want := range []string{"Hours by what they came with", "4 May 2037", "Held for lessons", "lesson_9", "2 Mar 2037", "3.25", "6.75"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page says nothing of %q", want)
			}
		}
	})
}

// A database from before hours expired waits for its operator.
func TestHoursOfOldDatabasesExpireWhenTheOperatorSaysSo(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.Exec(t, "UPDATE hour_expiry SET expires_from = NULL")
		p := expiring(t, app, "student_1", time.Now().AddDate(0, 0, -30))
		app.Post(t, harness.WriteKey, student(p)+"/consumptions/", `{"hours":"4.00","reference":"before","lesson_at":"`+inForce(time.Now().AddDate(0, 0, -31))+`"}`).Want(t, http.StatusCreated)
		app.WantBalance(t, p.Student, fields{"hours_available": "6.00", "hours_expired": "0.00", "next_expiry": ""})
		if told := app.MustRun(t, "lots"); !strings.Contains(told, "No hours expire yet") {
			t.Errorf("it says %q", told)
		}
		told := app.MustRun(t, "lots", "--expired-before-now")
		for _, want := range []string{"student_1", p.ID, "6.00 hours are left of 1"} {
			if !strings.Contains(told, want) {
				t.Errorf("%q doesn't say %q", told, want)
			}
		}
		app.MustRun(t, "lots", "--expire-from", inForce(time.Now().Add(time.Hour)))
		app.WantBalance(t, p.Student, fields{"hours_available": "6.00"})
		app.Get(t, student(p)+"/balance/"+at(time.Now().Add(2*time.Hour))).WantFields(t, fields{"hours_available": "0.00", "hours_expired": "6.00"})
		app.MustRun(t, "lots", "--expire-from", inForce(time.Now().Add(-time.Second)))
		app.WantBalance(t, p.Student, fields{"hours_available": "0.00", "hours_expired": "6.00"})
		if told := app.MustRun(t, "lots", "--expired-before-now", "--json"); strings.TrimSpace(told) != "[]" {
			t.Errorf("left over: %s", told)
		}
		if got := app.Run(t, "lots", "--expire-from", "tomorrow"); got.Code != 2 {
			t.Errorf("a time that is none exits with %d", got.Code)
		}
		app.MustAudit(t)
	})
}

func TestWhatIsUnusedIsRefunded(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		add := func(id string, flags ...string) {
			app.MustRun(t, append([]string{"plans", "add", "--id", id, "--name", id, "--hours", "10.00", "--amount", "5000", "--currency", "eur"}, flags...)...)
		}
		add("forever")
		add("month", "--valid-days", "30")
		add("fair", "--valid-days", "30", "--refund-expired")
		app.Get(t, api+"/plans/").WantFields(t, fields{"data.0.id": "fair", "data.0.refund_expired": "true", "data.1.refund_expired": "false"})
		buy := func(plan string) string {
			// Stripe's clock counts seconds: what is paid within one came before a lesson of it.
			begun := time.Now().Unix()
			harness.Eventually(t, "a second is over", func() bool { return time.Now().Unix() > begun })
			sold := app.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"student_1","plan":"`+plan+`"}`).Want(t, http.StatusCreated)
			pay(t, standIn, sold.Get("stripe_payment_intent_id").String())
			standIn.Settle(t)
			return sold.Get("id").String()
		}
		refund := func(id string) harness.Response {
			answer := app.Post(t, harness.AdminKey, api+"/purchases/"+id+"/refunds/", `{"unused":true}`)
			standIn.Settle(t)
			return answer
		}
		book := func(hours, reference string) {
			app.Post(t, harness.WriteKey, api+"/students/student_1/consumptions/", `{"hours":"`+hours+`","reference":"`+reference+`"}`).Want(t, http.StatusCreated)
		}
		first := buy("forever")
		second := buy("forever")
		book("12.00", "1")
		refund(first).WantProblem(t, http.StatusConflict, "conflict")
		month := buy("month")
		book("3.00", "2") // of what expires
		app.Post(t, harness.WriteKey, api+"/students/student_1/holds/", `{"hours":"1.00","reference":"3"}`).Want(t, http.StatusCreated)
		refund(month).Want(t, http.StatusCreated).WantFields(t, fields{"amount": "3000"})
		refund(month).WantProblem(t, http.StatusConflict, "conflict")
		refund(second).Want(t, http.StatusCreated).WantFields(t, fields{"amount": "4000"})
		app.WantBalance(t, "student_1", fields{"hours_available": "0.00", "hours_held": "1.00", "overdrawn": "false"})
		app.MustAudit(t)

		fair, unfair := buy("fair"), buy("month")
		for _, id := range []string{fair, unfair} { // a month goes by
			app.Exec(t, "UPDATE purchase_transactions SET expires_at = $1 WHERE id = $2", daysAgo(1), id)
		}
		app.Exec(t, "UPDATE student_account_balances SET lots_settled = $1", false)
		app.WantBalance(t, "student_1", fields{"hours_available": "0.00", "hours_expired": "20.00"})
		refund(unfair).WantProblem(t, http.StatusConflict, "conflict")
		refund(fair).Want(t, http.StatusCreated).WantFields(t, fields{"amount": "5000"})
		app.WantBalance(t, "student_1", fields{"hours_available": "0.00", "hours_reversed": "24.00"})
	})
}

// An account that has no hours with an end pays nothing for those that have.
func TestHoursThatNeverExpireHaveNoLots(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded(), p.ChargeRefunded(2500).At(1))
		app.Post(t, harness.AdminKey, student(p)+"/grants/", `{"hours":"2.00","reason":"trial","reference":"trial"}`).Want(t, http.StatusCreated)
		app.Post(t, harness.WriteKey, student(p)+"/holds/", `{"hours":"1.00","reference":"lesson"}`).Want(t, http.StatusCreated)
		app.Post(t, harness.WriteKey, student(p)+"/holds/lesson/capture/", ``).Want(t, http.StatusCreated)
		app.WantBalance(t, p.Student, fields{"hours_available": "6.00", "next_expiry": ""})
		if n := app.Count(t, "SELECT count(*) FROM student_account_balances WHERE lots_settled IS NOT NULL") + app.Count(t, "SELECT count(*) FROM hour_lots"); n > 0 {
			t.Errorf("it has %d lots, or is looked at for some", n)
		}
		app.Get(t, student(p)+"/lots/").WantFields(t, fields{"data.#": "0"})
	})
}
