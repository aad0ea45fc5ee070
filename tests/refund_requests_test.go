package tests

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hourbank/models"
	"hourbank/sandbox"
	"hourbank/services/stripe/signing"
	"hourbank/tests/harness"
)

// paidShop sells and is paid ten hours for €50.00, and gives the purchase's
// address, its PaymentIntent, and where its refunds are asked for.
func paidShop(t *testing.T, app *harness.App, standIn *harness.Stripe) (purchase, intent, refunds string) {
	t.Helper()
	sold := app.Post(t, harness.WriteKey, api+"/purchases/", order).Want(t, http.StatusCreated)
	intent = sold.Get("stripe_payment_intent_id").String()
	pay(t, standIn, intent)
	standIn.Settle(t)
	purchase = api + "/purchases/" + sold.Get("id").String() + "/"
	return purchase, intent, purchase + "refunds/"
}

// lose lets Stripe do what it is asked for, and loses so many answers.
func lose(t *testing.T, standIn *harness.Stripe, answers int) {
	t.Helper()
	if err := standIn.AddFault(sandbox.Fault{Status: http.StatusInternalServerError, Count: answers, PathPrefix: "/v1/refunds", Method: "POST", Executed: true}); err != nil {
		t.Fatal(err)
	}
}

// deafen keeps Stripe's events back from the program.
func deafen(t *testing.T, standIn *harness.Stripe, drop float64) {
	t.Helper()
	if err := standIn.SetChaos(sandbox.Chaos{Drop: drop}); err != nil {
		t.Fatal(err)
	}
}

// age makes all refund requests so much older, and signs them as if they were:
// their time is signed, too.
func age(t *testing.T, app *harness.App, hours int) {
	t.Helper()
	signer := signing.NewSigner([]string{harness.WebhookSecret})
	var requests []models.RefundRequest
	if err := app.Models(t).WithContext(t.Context()).Find(&requests).Error; err != nil {
		t.Fatal(err)
	}
	for _, r := range requests {
		r.RequestedAt = r.RequestedAt.Add(-time.Duration(hours) * time.Hour)
		r.MAC = signer.SignRefund(&r)
		if err := app.Models(t).WithContext(t.Context()).Model(&r).Select("requested_at", "mac").Updates(r).Error; err != nil {
			t.Fatal(err)
		}
	}
}

func TestTwoRefundsOfEverythingAtOnceAreOne(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		_, intent, refunds := paidShop(t, app, standIn)
		deafen(t, standIn, 1) // no event tells the second that the first is made
		var wait sync.WaitGroup
		var mu sync.Mutex
		answers := map[int]int{}
		for range 4 {
			wait.Go(func() {
				got := app.Post(t, harness.AdminKey, refunds, `{"hours":"10.00"}`)
				mu.Lock()
				defer mu.Unlock()
				answers[got.Status]++
			})
		}
		wait.Wait()
		if answers[http.StatusCreated] != 1 || answers[http.StatusConflict] != 3 {
			t.Errorf("answered %v, want one 201 and else 409", answers)
		}
		app.Post(t, harness.AdminKey, refunds, `{"amount":1}`).WantProblem(t, http.StatusConflict, "conflict")
		wantRefunded(t, standIn, intent, 5000)
		if n := app.Count(t, "SELECT count(*) FROM audit_log WHERE action = 'refund' AND actor = 'boss'"); n != 1 {
			t.Errorf("%d refunds are in the audit log, want 1", n)
		}
	})
}

func TestARefusedRefundSaysHowMuchIsLeft(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		purchase, intent, refunds := paidShop(t, app, standIn)
		deafen(t, standIn, 1)
		app.Post(t, harness.AdminKey, refunds, `{"hours":"4.00","reason":"ill"}`).Want(t, http.StatusCreated)
		for _, body := range []string{`{"amount":3001}`, `{"hours":"50"}`, `{"hours":"6.01"}`} {
			problem := app.Post(t, harness.AdminKey, refunds, body).WantProblem(t, http.StatusBadRequest, "invalid_request")
			if detail := problem.Get("detail").String(); !strings.Contains(detail, "3000") || !strings.Contains(detail, "6.00 hours") {
				t.Errorf("%s: %q doesn't say what is left", body, detail)
			}
		}
		// Stripe's answer shows at once, before any event.
		app.Get(t, purchase).WantFields(t, fields{"refunds.#": "1", "refunds.0.amount": "2000", "refunds.0.payment": intent,
			"refunds.0.status": "succeeded", "refunds.0.actor": "boss", "refunds.0.reason": "ill", "amount_refunded": "0"})
		app.Post(t, harness.AdminKey, refunds, `{"amount":3000}`).Want(t, http.StatusCreated)
		wantRefunded(t, standIn, intent, 5000)
	})
}

// Stripe made the refund, but nobody heard: as when the machine dies between
// the request's commit and Stripe's answer. The event may come first.
func TestARefundWithoutAnAnswerIsAskedForAgainUnderItsKey(t *testing.T) {
	for _, hears := range []bool{true, false} {
		t.Run(fmt.Sprintf("events arrive: %t", hears), func(t *testing.T) {
			selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
				purchase, intent, refunds := paidShop(t, app, standIn)
				if !hears {
					deafen(t, standIn, 1)
				}
				lose(t, standIn, 100)
				app.Post(t, harness.AdminKey, refunds, `{"amount":3000}`).WantProblem(t, http.StatusServiceUnavailable, "stripe_unavailable")
				clearFaults(t, standIn)
				standIn.Settle(t)
				app.Get(t, purchase).WantFields(t, fields{"refunds.0.status": "asked", "refunds.0.refund_id": ""})
				// What an event told meanwhile counts twice until Stripe's answer says
				// that it is the same: too little may be left, never too much.
				if got := app.Post(t, harness.AdminKey, refunds, `{"amount":2001}`); got.Status != http.StatusBadRequest && got.Status != http.StatusConflict {
					t.Errorf("of 2000, 2001 were refunded: %d %s", got.Status, got.Body)
				}
				age(t, app, 1)
				harness.Eventually(t, "the refund has its answer", func() bool {
					return app.Get(t, purchase).Get("refunds.0.status").String() == "succeeded"
				})
				app.Post(t, harness.AdminKey, refunds, `{"amount":2001}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
				wantRefunded(t, standIn, intent, 3000)
				if hears {
					app.WantBalance(t, "student_1", fields{"hours_available": "4.00"})
				}
				app.MustAudit(t)
			})
		})
	}
}

func TestARepeatedRefundWithoutAnAnswerIsTheSameRefund(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		_, intent, refunds := paidShop(t, app, standIn)
		lose(t, standIn, 100)
		app.Post(t, harness.AdminKey, refunds, `{"amount":3000}`, "Idempotency-Key", "r1").WantProblem(t, http.StatusServiceUnavailable, "stripe_unavailable")
		clearFaults(t, standIn)
		app.Post(t, harness.AdminKey, refunds, `{"amount":2000}`, "Idempotency-Key", "r1").WantProblem(t, http.StatusUnprocessableEntity, "idempotency_mismatch")
		first := app.Post(t, harness.AdminKey, refunds, `{"amount":3000}`, "Idempotency-Key", "r1").Want(t, http.StatusCreated)
		again := app.Post(t, harness.AdminKey, refunds, `{"amount":3000}`, "Idempotency-Key", "r1").Want(t, http.StatusCreated)
		if first.Body != again.Body || again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("answered %s, then %s", first.Body, again.Body)
		}
		wantRefunded(t, standIn, intent, 3000)
	})
}

func TestARefundThatStripeRefusesFreesTheMoney(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		purchase, intent, refunds := paidShop(t, app, standIn)
		if err := standIn.AddFault(sandbox.Fault{Status: http.StatusBadRequest, PathPrefix: "/v1/refunds"}); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the same answer, without asking again
			app.Post(t, harness.AdminKey, refunds, `{"amount":5000}`, "Idempotency-Key", "r1").WantProblem(t, http.StatusUnprocessableEntity, "stripe_refused")
		}
		app.Get(t, purchase).WantFields(t, fields{"refunds.#": "1", "refunds.0.status": "refused", "refunds.0.refund_id": ""})
		app.Post(t, harness.AdminKey, refunds, `{"amount":5000}`, "Idempotency-Key", "r2").Want(t, http.StatusCreated)
		standIn.Settle(t)
		wantRefunded(t, standIn, intent, 5000)
		app.WantBalance(t, "student_1", fields{"hours_available": "0.00"})
	})
}

func TestARefundThatStripeForgotIsGivenUp(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		purchase, intent, refunds := paidShop(t, app, standIn)
		if err := standIn.AddFault(sandbox.Fault{Status: http.StatusInternalServerError, Count: 100, PathPrefix: "/v1/refunds"}); err != nil {
			t.Fatal(err)
		}
		app.Post(t, harness.AdminKey, refunds, `{"amount":5000}`).WantProblem(t, http.StatusServiceUnavailable, "stripe_unavailable")
		clearFaults(t, standIn)
		age(t, app, 23)
		harness.Eventually(t, "the refund is given up", func() bool {
			return app.Get(t, purchase).Get("refunds.0.status").String() == "refused"
		})
		if message := app.Get(t, purchase).Get("refunds.0.message").String(); !strings.Contains(message, "23 hours") {
			t.Errorf("it was given up because %q", message)
		}
		wantRefunded(t, standIn, intent, 0)
		app.Post(t, harness.AdminKey, refunds, `{"amount":5000}`).Want(t, http.StatusCreated)
	})
}

// Stripe made the refund, nobody heard, and what it answers to the repetition says nothing
// of that: it would be made twice.
func TestARefundThatMayHaveBeenMadeIsNotAskedForAnew(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		_, intent, refunds := paidShop(t, app, standIn)
		deafen(t, standIn, 1)
		ask := func() harness.Response {
			return app.Post(t, harness.AdminKey, refunds, `{"amount":3000}`, "Idempotency-Key", "r1")
		}
		lose(t, standIn, 100)
		ask().WantProblem(t, http.StatusServiceUnavailable, "stripe_unavailable")
		clearFaults(t, standIn)
		if err := standIn.AddFault(sandbox.Fault{Status: http.StatusUnauthorized, Count: 100, PathPrefix: "/v1/refunds"}); err != nil { // our key is rolled
			t.Fatal(err)
		}
		ask().WantProblem(t, http.StatusServiceUnavailable, "stripe_unavailable")
		age(t, app, 25)
		clearFaults(t, standIn)
		ask().WantProblem(t, http.StatusUnprocessableEntity, "stripe_refused") // Stripe may have forgotten the key
		wantRefunded(t, standIn, intent, 3000)
	})
}

// Of two payments, the first is disputed, of which no event told yet.
func TestWhereStripeRefusesOneOfTwoRefundsTheOtherStays(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		purchase, first, refunds := paidShop(t, app, standIn)
		second := anotherPayment(t, standIn, app.Get(t, purchase).Get("id").String(), 2000).ID
		standIn.Settle(t)
		deafen(t, standIn, 1)
		if _, err := standIn.Do(first, "dispute", sandbox.Options{}); err != nil {
			t.Fatal(err)
		}
		answer := app.Post(t, harness.AdminKey, refunds, `{"amount":6000}`, "Idempotency-Key", "r1").Want(t, http.StatusCreated)
		one, other := "0", "1" // within a second, either may be the newer
		if answer.Get("refunds.0.payment").String() == first {
			one, other = "1", "0"
		}
		answer.WantFields(t, fields{"refunds.#": "2", "refunds." + one + ".payment": second, "refunds." + one + ".status": "succeeded",
			"refunds." + other + ".status": "refused", "refunds." + other + ".id": "", "id": answer.Get("refunds." + one + ".id").String(),
			"amount": answer.Get("refunds." + one + ".amount").String()})
		wantRefunded(t, standIn, second, answer.Get("amount").Int())
		wantRefunded(t, standIn, first, 0)
		again := app.Post(t, harness.AdminKey, refunds, `{"amount":6000}`, "Idempotency-Key", "r1").Want(t, http.StatusCreated)
		if again.Body != answer.Body {
			t.Errorf("answered %s, then %s", answer.Body, again.Body)
		}
	})
}

// Who may write the database can't have Stripe refund: neither with a row of their own,
// nor with one that staff asked for and that they change. An entry of the audit log is no
// proof.
func TestARefundThatNobodyAskedForIsNotMade(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		purchase, intent, refunds := paidShop(t, app, standIn)
		app.Post(t, harness.AdminKey, refunds, `{"amount":1000}`).Want(t, http.StatusCreated)
		standIn.Settle(t)
		age(t, app, 1)
		id := app.Get(t, purchase).Get("id").String()
		app.Exec(t, "INSERT INTO audit_log (id, actor, action, subject, note, created_at) VALUES ('x', 'boss', 'refund', $1, '€20.00: ill', $2)", id, ago(time.Hour))
		forge := func(values, signedAs string) {
			t.Helper()
			app.Exec(t, "INSERT INTO refund_requests (id, payment, amount, transaction_id, currency, reason, actor, status, requested_at, mac) SELECT "+
				values+", transaction_id, currency, reason, actor, 'written', requested_at, "+signedAs+" FROM refund_requests WHERE status = 'succeeded'")
		}
		forge("'forged', payment, 2000", "''")
		forge("'foreign', 'pi_of_another_program', 2000", "'AAAA'")
		forge("'again', payment, amount", "mac")
		forge("id || '_001', payment, amount", "mac")
		app.Exec(t, "UPDATE refund_requests SET amount = 1001 WHERE id LIKE '%_001'")
		// Stripe forgets a key after a day, and would make the same refund once more.
		app.Exec(t, "UPDATE refund_requests SET requested_at = $1 WHERE status = 'succeeded'", ago(30*time.Minute))
		app.Exec(t, "UPDATE refund_requests SET status = 'asked', refund_id = NULL") // all at once
		harness.Eventually(t, "every request is refused", func() bool {
			return app.Count(t, "SELECT count(*) FROM refund_requests WHERE status = 'asked'") == 0
		})
		if n := app.Count(t, "SELECT count(*) FROM refund_requests WHERE status = 'refused' AND message LIKE '%not signed%'"); n != 5 {
			t.Errorf("%d of 5 requests are refused", n)
		}
		wantRefunded(t, standIn, intent, 1000)
		harness.Eventually(t, "a warning names what was refused", func() bool {
			return strings.Contains(app.Log.String(), "refund request forged of 2000 eur of payment "+intent)
		})
		app.Post(t, harness.AdminKey, refunds, `{"amount":4000}`).Want(t, http.StatusCreated) // staff still can
		wantRefunded(t, standIn, intent, 5000)
	})
}

// A secret that is rolled stands beside the new one for a day; where it doesn't, what
// has no answer is asked for anew.
func TestARefundWithoutAnAnswerOutlivesARolledSecret(t *testing.T) {
	const rolled = "STRIPE_WEBHOOK_SECRET=whsec_a_rolled_secret_of_the_tests"
	for settings, want := range map[string]struct {
		status   string
		refunded int64
	}{rolled + "," + harness.WebhookSecret: {"succeeded", 1000}, rolled: {"refused", 0}} {
		t.Run(want.status, func(t *testing.T) {
			harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
				standIn := harness.NewStripe(t)
				app := db.Serve(t, standIn.Settings()...)
				standIn.SendTo(t, app)
				purchase, intent, refunds := paidShop(t, app, standIn)
				if err := standIn.AddFault(sandbox.Fault{Status: http.StatusInternalServerError, Count: 100, PathPrefix: "/v1/refunds"}); err != nil {
					t.Fatal(err)
				}
				app.Post(t, harness.AdminKey, refunds, `{"amount":1000}`).WantProblem(t, http.StatusServiceUnavailable, "stripe_unavailable")
				app.Stop(t)
				clearFaults(t, standIn)
				age(t, app, 1)
				app = db.Serve(t, append(standIn.Settings(), settings)...)
				harness.Eventually(t, "the refund has its answer", func() bool {
					return app.Get(t, purchase).Get("refunds.0.status").String() != "asked"
				})
				refund := app.Get(t, purchase).WantFields(t, fields{"refunds.0.status": want.status})
				wantRefunded(t, standIn, intent, want.refunded)
				if want.refunded == 0 {
					wantAll(t, refund.Get("refunds.0.message").String(), "STRIPE_WEBHOOK_SECRET", "ask for it anew")
				}
			})
		})
	}
}
