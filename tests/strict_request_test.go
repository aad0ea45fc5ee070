package tests

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// What encoding/json would take, and the document doesn't describe.
func TestABodyThatIsNotAsDescribedIsRefusedAndItsFieldNamed(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		terms := func(more string) string {
			return `{"student_id":"student_1","hours":"10.00","amount":5000,"currency":"eur"` + more + `}`
		}
		for body, detail := range map[string]string{
			``:                        "The body is empty; it must be one JSON object.",
			`null`:                    "The body must be one JSON object.",
			`[]`:                      "The body must be one JSON object.",
			`"x"`:                     "The body must be one JSON object.",
			`{"plan":"a"`:             "The body is not JSON, from byte 11 on.",
			terms(``) + terms(``):     "The body is not JSON, from byte 73 on.",
			terms(`,"x":1`):           "There is no field x here.",
			terms(`,"plan":""`):       "plan must be a string that is not empty.",
			terms(`,"plan":null`):     "plan must not be null.",
			terms(`,"checkout":null`): "checkout must not be null.",
			terms(`,"checkout":1`):    "checkout must be an object.",
			terms(`,"checkout":{"success_url":"x","cancel_url":"y"}`):         "checkout.success_url must be an address such as https://example.com/thanks.",
			terms(`,"checkout":{"success_url":"https://a.example"}`):          "checkout.cancel_url must be an address such as https://example.com/thanks.",
			terms(`,"checkout":{"success_url":"https://a.example","url":""}`): "There is no field checkout.url here.",
			terms(`,"student_id":"student_2"`):                                "student_id is given twice.",
			strings.Replace(terms(``), "student_id", "Student_ID", 1):         "There is no field Student_ID here.",
			strings.Replace(terms(``), "5000", "5000.5", 1):                   "amount must be a whole number other than 0.",
			strings.Replace(terms(``), "5000", `"5000"`, 1):                   "amount must be a whole number other than 0.",
			strings.Replace(terms(``), "5000", "9223372036854775808", 1):      "amount must be a whole number other than 0.",
			strings.Replace(terms(``), `"10.00"`, "10", 1):                    `hours must be a string such as "1.50", other than 0 and at most 10000000.`,
			strings.Replace(terms(``), "10.00", "10.001", 1):                  `hours must be a string such as "1.50", other than 0 and at most 10000000.`,
			strings.Replace(terms(``), "student_1", `\ud800`, 1):              "The body is not JSON, from byte 15 on.",
			strings.Replace(terms(``), "student_1", "\xff", 1):                "The body is not JSON, from byte 15 on.",
			`{"student_id":"student_1","plan":"a\u0000"}`:                     "plan must have 1 to 255 bytes of UTF-8 and no control characters, nor any that nobody sees, nor spaces around it, and not be . or ..",
		} {
			got := app.Post(t, harness.WriteKey, api+"/purchases/", body).WantProblem(t, http.StatusBadRequest, "invalid_request")
			if got.Get("detail").String() != detail {
				t.Errorf("%s: %q, want %q", body, got.Get("detail"), detail)
			}
		}
		if n := len(standIn.Books()); n != 0 {
			t.Errorf("%d PaymentIntents were made", n)
		}
	})
}

func TestATimeThatIsNoneIsAnsweredWithOne(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, end := range []string{`5`, `"tomorrow"`, `{}`, `"0001-01-01T00:00:00Z"`} {
			answer := app.Post(t, harness.AdminKey, api+"/students/student_1/grants/", `{"hours":"1.00","reason":"a trial","reference":"trial","expires_at":`+end+`}`)
			answer.WantProblem(t, http.StatusBadRequest, "invalid_request").WantFields(t, fields{"detail": `expires_at must be a time such as "2026-12-01T10:00:00Z".`})
		}
	})
}

// All once went back where nothing was said.
func TestARefundOfNothingIsNotARefundOfAll(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		sold := app.Post(t, harness.WriteKey, api+"/purchases/", order).Want(t, http.StatusCreated)
		pay(t, standIn, sold.Get("stripe_payment_intent_id").String())
		standIn.Settle(t)
		for _, body := range []string{
			`{"amount":0}`, `{"amount":null}`, `{"amount":-1}`, `{"hours":"0.00"}`, `{"hours":null}`, `{"hours":"-1.00"}`,
			`{"amount":1,"hours":"1.00"}`, `{"reason":""}`, `{}`, `{"reason":"duplicate"}`, `{"Amount":100}`, `{"amount":100,"amount":200}`, ``,
		} {
			app.Post(t, harness.AdminKey, api+"/purchases/"+sold.Get("id").String()+"/refunds/", body).
				WantProblem(t, http.StatusBadRequest, "invalid_request")
		}
		standIn.Settle(t)
		app.WantBalance(t, "student_1", fields{"hours_available": "10.00", "balance_amount": "5000"})
	})
}

func TestAListRefusesAParameterThatItWouldOverlook(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		for _, address := range []string{
			"/purchases/?student=x", "/purchases/?Limit=1", "/purchases/?limit=1&limit=2", "/purchases/?limit=%2B5",
			"/purchases/?a;b", "/purchases/?limit=%zz", "/purchases/?at=2026-01-31T12:00:00Z",
			"/events/?payment_status=completed",
			"/students/" + p.Student + "/ledger/?kind=credit", "/students/" + p.Student + "/balance/?until=2026-01-31T12:00:00Z",
		} {
			app.As(t, harness.ReadKey, http.MethodGet, api+address).WantProblem(t, http.StatusBadRequest, "invalid_request")
		}
	})
}

func TestAnEmptyParameterIsAsOneLeftOut(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		for _, address := range []string{"/purchases/?student_id=&payment_status=&cursor=&limit=", "/events/?status=&type=&cursor=&limit=", "/students/" + p.Student + "/balance/?at="} {
			plain, _, _ := strings.Cut(address, "?")
			if got, want := app.Get(t, api+address), app.Get(t, api+plain); got.Body != want.Body {
				t.Errorf("%s: %s, want %s", address, got.Body, want.Body)
			}
		}
	})
}

func TestAnIdempotencyKeyIsOneAndNotEmpty(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, _ *harness.Stripe) {
		for _, key := range []string{"", strings.Repeat("k", 256), "a\xff"} {
			app.Post(t, harness.WriteKey, api+"/purchases/", order, "Idempotency-Key", key).WantProblem(t, http.StatusBadRequest, "invalid_request")
		}
	})
}

func TestHEADIsGETWithoutItsBody(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		for _, path := range []string{"/healthz", "/docs", api + "/plans/", api + "/purchases/", api + "/purchases/" + p.ID + "/", api + "/purchases/nothing/"} {
			got, head := app.As(t, harness.ReadKey, http.MethodGet, path), app.As(t, harness.ReadKey, http.MethodHead, path)
			for _, header := range []http.Header{got.Header, head.Header} {
				header.Del("Date")
				header.Del("X-Request-Id")
			}
			if head.Status != got.Status || head.Body != "" || !maps.EqualFunc(head.Header, got.Header, func(a, b []string) bool { return a[0] == b[0] }) {
				t.Errorf("%s: HEAD answered %d %v %q, GET %d %v", path, head.Status, head.Header, head.Body, got.Status, got.Header)
			}
		}
		app.As(t, harness.ReadKey, http.MethodHead, harness.WebhookPath).Want(t, http.StatusMethodNotAllowed)
	})
}
