package tests

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/sandbox"
	"hourbank/tests/harness"
)

const order = `{"student_id":"student_1","hours":"10.00","amount":5000,"currency":"eur"}`

// selling is a program that sells through the stand-in.
func selling(t *testing.T, test func(t *testing.T, app *harness.App, standIn *harness.Stripe)) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		standIn := harness.NewStripe(t)
		app := db.Serve(t, standIn.Settings()...)
		standIn.SendTo(t, app)
		test(t, app, standIn)
	})
}

func TestBuyingByPlanAndByHoursWithAPaymentIntentThatNamesThePurchase(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		app.MustRun(t, "plans", "add", "--id", "pack8", "--name", "8 hours", "--hours", "8.00", "--amount", "12000", "--currency", "eur")
		sold := app.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"student_1","plan":"pack8"}`).Want(t, http.StatusCreated).
			WantFields(t, fields{"payment_status": "pending", "hours": "8.00", "amount": "12000", "plan_id": "pack8"})
		if sold.Get("client_secret").String() == "" {
			t.Error("no client_secret")
		}
		intent, err := standIn.API.PaymentIntents.Get(sold.Get("stripe_payment_intent_id").String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if intent.Metadata["purchase_transaction_id"] != sold.Get("id").String() || intent.Metadata["student_id"] != "student_1" {
			t.Errorf("metadata is %v", intent.Metadata)
		}
		pay(t, standIn, intent.ID)
		standIn.Settle(t)
		app.WantBalance(t, "student_1", fields{"hours_available": "8.00", "balance_amount": "12000"})
		app.MustAudit(t)
	})
}

func TestCheckoutAnswersThePagesAddress(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		sold := app.Post(t, harness.WriteKey, api+"/purchases/",
			`{"student_id":"student_1","hours":"10.00","amount":5000,"currency":"eur","checkout":{"success_url":"https://a.example/s","cancel_url":"https://a.example/c"}}`).
			Want(t, http.StatusCreated)
		session := sold.Get("stripe_checkout_session_id").String()
		if sold.Get("url").String() == "" || session == "" {
			t.Fatalf("no url or session: %s", sold.Body)
		}
		if _, err := standIn.Do(session, "pay", sandbox.Options{}); err != nil {
			t.Fatal(err)
		}
		standIn.Settle(t)
		harness.Eventually(t, "the session's payment is credited", func() bool {
			return app.Get(t, api+"/purchases/"+sold.Get("id").String()).Get("payment_status").String() == "completed"
		})
		app.WantBalance(t, "student_1", fields{"hours_purchased": "10.00"})
		app.MustAudit(t)
	})
}

func TestTheSameIdempotencyKeyGetsTheSameAnswerAlsoAtOnce(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		var wait sync.WaitGroup
		var bodies sync.Map
		for range 16 {
			wait.Go(func() {
				sold := app.Post(t, harness.WriteKey, api+"/purchases/", order, "Idempotency-Key", "key-1")
				bodies.Store(fmt.Sprint(sold.Status, sold.Body), true)
			})
		}
		wait.Wait()
		bodies.Range(func(answer, _ any) bool {
			if answer.(string)[:3] != "201" {
				t.Errorf("answered %s", answer)
			}
			return true
		})
		if n := len(standIn.Books()); n != 1 {
			t.Errorf("%d PaymentIntents were made", n)
		}
		if n := app.Count(t, "SELECT count(*) FROM purchase_transactions"); n != 1 {
			t.Errorf("%d purchases were made", n)
		}
		for _, path := range []string{"/purchases/", "/purchases"} { // one address
			app.Post(t, harness.WriteKey, api+path, order, "Idempotency-Key", "key-1").Want(t, http.StatusCreated)
		}
		app.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"student_2","hours":"1.00","amount":5000,"currency":"eur"}`,
			"Idempotency-Key", "key-1").WantProblem(t, http.StatusUnprocessableEntity, "idempotency_mismatch")
	})
}

// Stripe made the PaymentIntent, but we never heard: as when a machine dies
// between Stripe's answer and our commit. An event of it may have made the
// purchase meanwhile.
func TestARepeatedOrderAfterALostAnswerMakesOnePurchaseAndOnePaymentIntent(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		if err := standIn.AddFault(sandbox.Fault{Status: 500, Count: 100, PathPrefix: "/v1/payment_intents", Executed: true}); err != nil {
			t.Fatal(err)
		}
		app.Post(t, harness.WriteKey, api+"/purchases/", order, "Idempotency-Key", "key-1").
			WantProblem(t, http.StatusServiceUnavailable, "stripe_unavailable")
		clearFaults(t, standIn)
		sold := app.Post(t, harness.WriteKey, api+"/purchases/", order, "Idempotency-Key", "key-1").Want(t, http.StatusCreated)
		if n := len(standIn.Books()); n != 1 {
			t.Errorf("%d PaymentIntents were made", n)
		}
		if n := app.Count(t, "SELECT count(*) FROM purchase_transactions"); n != 1 {
			t.Errorf("%d purchases were made", n)
		}
		app.Get(t, api+"/purchases/"+sold.Get("stripe_payment_intent_id").String()).WantFields(t, fields{"id": sold.Get("id").String()})
	})
}

func clearFaults(t *testing.T, standIn *harness.Stripe) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, standIn.URL+"/sandbox/faults", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(sandbox.ControlHeader, "1")
	response, err := http.DefaultClient.Do(request)
	if err != nil || response.StatusCode/100 != 2 {
		t.Fatalf("clear the faults: %v %v", err, response)
	}
	_ = response.Body.Close()
}

func TestOrdersThatCantBeSold(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, _ *harness.Stripe) {
		app.Post(t, harness.WriteKey, api+"/purchases/", order).Want(t, http.StatusCreated)
		for body, want := range map[string]struct {
			status int
			code   string
		}{
			`{`:  {400, "invalid_request"},
			`{}`: {400, "invalid_request"},
			`[]`: {400, "invalid_request"},
			`{"student_id":"student_1","plan":"nothing"}`:                                    {400, "invalid_request"},
			`{"student_id":"student_1","hours":"0.001","amount":5000,"currency":"eur"}`:      {400, "invalid_request"},
			`{"student_id":"student_1","hours":"1.00","amount":-1,"currency":"eur"}`:         {400, "invalid_request"},
			`{"student_id":"student_1","hours":"1.00","amount":5000,"currency":"EURO"}`:      {400, "invalid_request"},
			`{"student_id":"a\u0000b","hours":"1.00","amount":5000,"currency":"eur"}`:        {400, "invalid_request"},
			`{"student_id":"student_1","hours":"1.00","amount":5000,"currency":"usd"}`:       {422, "currency_mismatch"},
			`{"student_id":"student_1","hours":"1.00","amount":5000,"currency":"eur","x":1}`: {400, "invalid_request"},
		} {
			app.Post(t, harness.WriteKey, api+"/purchases/", body).WantProblem(t, want.status, want.code)
		}
		app.Post(t, harness.ReadKey, api+"/purchases/", order).WantProblem(t, http.StatusForbidden, "forbidden")
	})
}

func TestStaffRefundThroughStripeAndHoursMoveWithTheEvent(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		sold := app.Post(t, harness.WriteKey, api+"/purchases/", order).Want(t, http.StatusCreated)
		refunds := api + "/purchases/" + sold.Get("id").String() + "/refunds/"
		app.Post(t, harness.AdminKey, refunds, `{"amount":1}`).WantProblem(t, http.StatusConflict, "conflict")
		pay(t, standIn, sold.Get("stripe_payment_intent_id").String())
		standIn.Settle(t)
		app.Post(t, harness.WriteKey, refunds, `{"hours":"4.00"}`).WantProblem(t, http.StatusForbidden, "forbidden")
		app.Post(t, harness.AdminKey, refunds, `{"amount":9000}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
		app.Post(t, harness.AdminKey, refunds, `{"hours":"4.00"}`, "Idempotency-Key", "r1").Want(t, http.StatusCreated).
			WantFields(t, fields{"amount": "2000", "currency": "eur"})
		app.Post(t, harness.AdminKey, refunds, `{"hours":"4.00"}`, "Idempotency-Key", "r1").Want(t, http.StatusCreated)
		standIn.Settle(t)
		app.WantBalance(t, "student_1", fields{"hours_reversed": "4.00", "hours_available": "6.00", "balance_amount": "3000"})
		rest := app.Post(t, harness.AdminKey, refunds, `{"amount":3000,"reason":"the teacher fell ill"}`, "Idempotency-Key", "r2").Want(t, http.StatusCreated).WantFields(t, fields{"amount": "3000"})
		refund, err := standIn.API.Refunds.Get(rest.Get("id").String(), nil)
		if err != nil || refund.Reason != stripe.RefundReasonRequestedByCustomer || refund.Metadata["reason"] != "the teacher fell ill" || refund.Metadata["refund_request"] == "" {
			t.Errorf("Stripe was told %+v (%v)", refund, err)
		}
		standIn.Settle(t)
		again := app.Post(t, harness.AdminKey, refunds, `{"amount":3000,"reason":"the teacher fell ill"}`, "Idempotency-Key", "r2").Want(t, http.StatusCreated)
		if again.Body != rest.Body {
			t.Errorf("answered %s, then %s", rest.Body, again.Body)
		}
		app.WantBalance(t, "student_1", fields{"hours_available": "0.00", "balance_amount": "0"})
		app.MustAudit(t)
	})
}

func TestSixtyFourLessonsBookedAtOnceNeverOverdraw(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded())
		student := p.Student
		lessons := api + "/students/" + student + "/consumptions/"
		var booked, refused atomic.Int64
		var wait sync.WaitGroup
		for i := range 64 {
			wait.Go(func() {
				got := app.PostPatiently(t, harness.WriteKey, lessons, fmt.Sprintf(`{"hours":"1.50","reference":"lesson_%d"}`, i))
				switch got.Status {
				case http.StatusCreated, http.StatusOK: // booked, perhaps by the try before
					booked.Add(1)
				case http.StatusConflict:
					refused.Add(1)
				default:
					t.Errorf("answered %d: %s", got.Status, got.Body)
				}
			})
		}
		wait.Wait()
		if booked.Load() != 6 || refused.Load() != 58 {
			t.Errorf("%d booked and %d refused of 10 hours, 1.50 each", booked.Load(), refused.Load())
		}
		app.WantBalance(t, student, fields{"hours_available": "1.00", "hours_consumed": "9.00", "overdrawn": "false"})
		app.MustAudit(t)
	})
}

func TestALessonIsBookedOnceAndGivenBackOnce(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded())
		lessons := api + "/students/" + p.Student + "/consumptions/"
		booked := app.Post(t, harness.WriteKey, lessons, `{"hours":"1.50","reference":"a/b c"}`).Want(t, http.StatusCreated).
			WantFields(t, fields{"kind": "consumption", "hours": "-1.50", "account.hours_available": "8.50"})
		app.Post(t, harness.WriteKey, lessons, `{"hours":"1.50","reference":"a/b c"}`).Want(t, http.StatusOK).
			WantFields(t, fields{"id": booked.Get("id").String(), "account.hours_available": "8.50"})
		app.Post(t, harness.WriteKey, lessons, `{"hours":"1.00","reference":"a/b c"}`).WantProblem(t, http.StatusConflict, "reference_used")
		app.Post(t, harness.WriteKey, lessons, `{"hours":"8.51","reference":"too_long"}`).WantProblem(t, http.StatusConflict, "insufficient_hours")
		given := app.As(t, harness.WriteKey, http.MethodDelete, lessons+"a%2Fb%20c/").Want(t, http.StatusOK).
			WantFields(t, fields{"kind": "restoration", "hours": "1.50", "account.hours_available": "10.00"})
		app.As(t, harness.WriteKey, http.MethodDelete, lessons+"a%2Fb%20c").Want(t, http.StatusOK).WantFields(t, fields{"id": given.Get("id").String()})
		app.Post(t, harness.WriteKey, lessons, `{"hours":"1.50","reference":"a/b c"}`).WantProblem(t, http.StatusConflict, "reference_used")
		app.As(t, harness.WriteKey, http.MethodDelete, lessons+"nothing/").WantProblem(t, http.StatusNotFound, "not_found")
		app.MustAudit(t)
	})
}

func TestAdjustmentsTakeAnAdminAReasonAndAReferenceAndABalanceKnowsItsPast(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded())
		adjustments := api + "/students/" + p.Student + "/adjustments/"
		const body = `{"hours":"-11.00","reason":"booked twice by hand","reference":"case_7"}`
		app.Post(t, harness.WriteKey, adjustments, body).WantProblem(t, http.StatusForbidden, "forbidden")
		app.Post(t, harness.AdminKey, adjustments, `{"hours":"1.00","reference":"x"}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
		app.Post(t, harness.AdminKey, adjustments, body).Want(t, http.StatusCreated).WantFields(t, fields{"reason": "booked twice by hand"})
		app.Post(t, harness.AdminKey, adjustments, body).Want(t, http.StatusOK)
		app.WantBalance(t, p.Student, fields{"hours_available": "-1.00", "overdrawn": "true"})
		before := app.Get(t, api+"/students/"+p.Student+"/ledger/").Get("data.1.created_at").String()
		app.Get(t, api+"/students/"+p.Student+"/balance/?at="+before).WantFields(t, fields{"hours_available": "10.00", "overdrawn": "false"})
		app.Get(t, api+"/students/"+p.Student+"/balance/?at=9999-12-31T23:59:59-01:00").WantFields(t, fields{"hours_available": "-1.00"})
		app.Get(t, api+"/students/"+p.Student+"/balance/?at=0000-01-01T00:00:00Z").WantFields(t, fields{"hours_available": "0.00"})
		app.As(t, harness.ReadKey, http.MethodGet, api+"/students/"+p.Student+"/balance/?at=yesterday").
			WantProblem(t, http.StatusBadRequest, "invalid_request")
		app.MustAudit(t)
	})
}
