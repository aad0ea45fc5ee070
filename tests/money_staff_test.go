package tests

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/tests/harness"
)

// anotherPayment pays money for a purchase in the stand-in, by a PaymentIntent
// that the platform made.
func anotherPayment(t *testing.T, standIn *harness.Stripe, purchase string, amount int64) *stripe.PaymentIntent {
	t.Helper()
	intent, err := standIn.API.PaymentIntents.New(&stripe.PaymentIntentParams{
		Amount: &amount, Currency: stripe.String("eur"), PaymentMethod: stripe.String("pm_card_visa"), Confirm: stripe.Bool(true),
		PaymentMethodTypes: []*string{stripe.String("card")}, Metadata: map[string]string{"purchase_transaction_id": purchase},
	})
	if err != nil {
		t.Fatal(err)
	}
	return intent
}

// wantRefunded wants that Stripe refunded so much of a PaymentIntent.
func wantRefunded(t *testing.T, standIn *harness.Stripe, intent string, want int64) {
	t.Helper()
	var sum int64
	list := standIn.API.Refunds.List(&stripe.RefundListParams{PaymentIntent: &intent})
	for list.Next() {
		sum += list.Refund().Amount
	}
	if err := list.Err(); err != nil || sum != want {
		t.Errorf("%d of %s are refunded, want %d (%v)", sum, intent, want, err)
	}
}

// granted wants a 2xx.
func granted(t *testing.T, answer harness.Response) harness.Response {
	t.Helper()
	if answer.Status/100 != 2 {
		t.Fatalf("answered %d: %s", answer.Status, answer.Body)
	}
	return answer
}

func openKinds(t *testing.T, app *harness.App, student string) string {
	t.Helper()
	return kinds(app.Get(t, api+"/cases/?status=open&student_id="+student).Get("data").Array())
}

func TestStaffsRefundOfASecondPaymentGoesToThePaymentThatHoldsTheMoney(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		sold := app.Post(t, harness.WriteKey, api+"/purchases/", order).Want(t, http.StatusCreated)
		id, first := sold.Get("id").String(), sold.Get("stripe_payment_intent_id").String()
		pay(t, standIn, first)
		second := anotherPayment(t, standIn, id, 5000).ID
		standIn.Settle(t)
		if got := openKinds(t, app, "student_1"); got != "overpaid" {
			t.Errorf("paid twice, and the open cases are %q", got)
		}
		if _, err := standIn.API.Refunds.New(&stripe.RefundParams{PaymentIntent: &first}); err != nil {
			t.Fatal(err)
		}
		standIn.Settle(t)
		app.WantBalance(t, "student_1", fields{"hours_available": "10.00", "balance_amount": "5000"})

		refunds := api + "/purchases/" + id + "/refunds/"
		app.Post(t, harness.AdminKey, refunds, `{"hours":"4.00"}`, "Idempotency-Key", "r1").Want(t, http.StatusCreated)
		standIn.Settle(t)
		wantRefunded(t, standIn, first, 5000)
		wantRefunded(t, standIn, second, 2000)
		app.WantBalance(t, "student_1", fields{"hours_available": "6.00", "balance_amount": "3000"})
		app.Post(t, harness.AdminKey, refunds, `{"amount":3001}`, "Idempotency-Key", "r2").WantProblem(t, http.StatusBadRequest, "invalid_request")
		app.Post(t, harness.AdminKey, refunds, `{"amount":3000}`, "Idempotency-Key", "r3").Want(t, http.StatusCreated)
		standIn.Settle(t)
		wantRefunded(t, standIn, second, 5000)
		app.WantBalance(t, "student_1", fields{"hours_available": "0.00", "balance_amount": "0"})
		if got := openKinds(t, app, "student_1"); got != "" {
			t.Errorf("all is given back, and the open cases are %q", got)
		}
		app.MustAudit(t)
	})
}

// The stand-in tells nothing by itself: the test says in which second each
// payment was made.
func TestStaffsRefundTakesTheNewestPaymentFirstAndSeveralIfNeedBe(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		standIn := harness.NewStripe(t)
		app := db.Serve(t, standIn.Settings()...)
		p := harness.NewPurchase(t).WithoutIntent().Create(db)
		s := harness.NewTeller(harness.V2026)
		s.Student, s.Purchase = p.Student, p.ID
		older, newer := anotherPayment(t, standIn, p.ID, 2500), anotherPayment(t, standIn, p.ID, 2500)
		for _, intent := range []*stripe.PaymentIntent{older, newer} { // the second one happens later
			told := s.Paid("pi_"+intent.ID, 2500).With("id", intent.ID).With("latest_charge", intent.LatestCharge.ID)
			if answer, err := app.Tell(told); err != nil || answer.Status != http.StatusOK {
				t.Fatalf("answered %d (%v): %s", answer.Status, err, answer.Body)
			}
		}
		app.WantBalance(t, p.Student, fields{"hours_available": "10.00", "balance_amount": "5000"})
		refunds := api + "/purchases/" + p.ID + "/refunds/"
		made := app.Post(t, harness.AdminKey, refunds, `{"amount":1000}`, "Idempotency-Key", "r1").Want(t, http.StatusCreated).Get("id").String()
		wantRefunded(t, standIn, newer.ID, 1000)
		wantRefunded(t, standIn, older.ID, 0)
		told := s.Refund("refund.created", "re_1", "pi_"+newer.ID, 1000, "succeeded").With("id", made).With("payment_intent", newer.ID).With("charge", newer.LatestCharge.ID)
		if _, err := app.Tell(told); err != nil {
			t.Fatal(err)
		}
		app.Post(t, harness.AdminKey, refunds, `{"amount":3000}`, "Idempotency-Key", "r2").Want(t, http.StatusCreated)
		wantRefunded(t, standIn, newer.ID, 2500)
		wantRefunded(t, standIn, older.ID, 1500)
	})
}

func TestAPurchaseShowsItsPaymentsAndOpenCases(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		s := soldTo(t, app)
		tell(t, app, s.Paid("pi_1", 5000), s.Paid("pi_2", 6000), s.Refunded("pi_2", 6000, 500))
		shown := app.Get(t, api+"/purchases/"+s.Purchase+"/").WantFields(t, fields{
			"amount": "5000", "amount_due": "5000", "payments.#": "2", "cases.#.kind": `["overpaid"]`,
			fmt.Sprintf("payments.#(id==%q).received", s.ID("pi_1")): "5000", fmt.Sprintf("payments.#(id==%q).received", s.ID("pi_2")): "6000",
			fmt.Sprintf("payments.#(id==%q).refunded", s.ID("pi_2")): "500", fmt.Sprintf("payments.#(id==%q).disputed", s.ID("pi_2")): "0",
			fmt.Sprintf("payments.#(id==%q).currency", s.ID("pi_2")): "eur",
		})
		app.Get(t, api+"/cases/?status=open&kind=overpaid").WantFields(t, fields{
			"data.#": "1", "data.0.id": shown.Get("cases.0.id").String(), "data.0.transaction_id": s.Purchase, "data.0.student_id": s.Student,
			"data.0.status": "open", "data.0.amount": "5500", "data.0.currency": "eur", "data.0.closed_at": "", "data.0.note": "",
		})
		app.MustAudit(t)
	})
}

// soldTo sells the usual purchase to the student of a new story.
func soldTo(t *testing.T, app *harness.App) *harness.Teller {
	t.Helper()
	s := harness.NewTeller(harness.V2026)
	s.Purchase = harness.NewPurchase(t).For(s.Student).WithIntent(s.ID("pi_1")).Create(app.Database).ID
	return s
}

// tell sends events, each of which must be applied at once.
func tell(t *testing.T, app *harness.App, told ...*harness.Told) {
	t.Helper()
	for _, e := range told {
		if answer, err := app.Tell(e); err != nil || answer.Status != http.StatusOK || answer.Get("status").String() != "processed" {
			t.Fatalf("%s was answered %d (%v): %s", e.Type, answer.Status, err, answer.Body)
		}
	}
}

// tellAny tells what may be processed, or wait.
func tellAny(t *testing.T, app *harness.App, told ...*harness.Told) {
	t.Helper()
	for _, e := range told {
		if answer, err := app.Tell(e); err != nil || answer.Status/100 != 2 {
			t.Fatalf("%s was answered %d (%v): %s", e.Type, answer.Status, err, answer.Body)
		}
	}
}

// Of an invoice that was for something else, too, an order for hours takes these and
// nothing else; an order of an amount counts by their share.
func TestStaffRefundTheHoursOfAnInvoiceAndNothingElse(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		standIn := harness.NewStripe(t)
		app := db.Serve(t, standIn.Settings()...)
		standIn.SendTo(t, app)
		sellPlans(t, db)
		intent := anotherPayment(t, standIn, "", 24_000)
		s := harness.NewTeller(harness.V2026)
		tell(t, app, s.Invoice("paid", "in_1", eight, line{Amount: 12_000}), s.InvoicePayment("in_1", "pi_1", 24_000).With("payment.payment_intent", intent.ID))
		standIn.Settle(t)
		refunds := api + "/purchases/" + app.Get(t, api+"/purchases/?student_id="+s.Student).Get("data.0.id").String() + "/refunds/"
		for i, step := range []struct{ order, available, balance string }{
			{`{"hours":"2.00"}`, "6.00", "9000"},
			{`{"amount":3000}`, "5.00", "7500"},
			{`{"unused":true}`, "0.00", "0"},
		} {
			granted(t, app.Post(t, harness.AdminKey, refunds, step.order, "Idempotency-Key", fmt.Sprint("r", i)))
			standIn.Settle(t)
			app.WantBalance(t, s.Student, fields{"hours_available": step.available, "balance_amount": step.balance})
		}
		wantRefunded(t, standIn, intent.ID, 3000+3000+7500)
		app.Post(t, harness.AdminKey, refunds, `{"unused":true}`, "Idempotency-Key", "r9").WantProblem(t, http.StatusConflict, "conflict")
		db.MustAudit(t)
	})
}

func TestACaseThatStaffClosedOpensAgainOnlyWhenItsAmountGrows(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		s := soldTo(t, app)
		tell(t, app, s.Paid("pi_1", 5000), s.Paid("pi_2", 5000))
		overpaid := api + "/cases/" + app.Get(t, api+"/cases/?status=open&student_id="+s.Student).Get("data.0.id").String() + "/close/"
		app.Post(t, harness.WriteKey, overpaid, `{"note":"a gift"}`).WantProblem(t, http.StatusForbidden, "forbidden")
		app.Post(t, harness.AdminKey, overpaid, `{}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
		granted(t, app.Post(t, harness.AdminKey, overpaid, `{"note":"a gift"}`))
		app.Get(t, api+"/cases/?status=closed&student_id="+s.Student).WantFields(t, fields{
			"data.#": "1", "data.0.kind": "overpaid", "data.0.closed_by": "boss", "data.0.note": "a gift",
		})
		tell(t, app, s.Charge("updated", "pi_2", 5000, 5000, 0), s.Refunded("pi_2", 5000, 1000))
		if got := openKinds(t, app, s.Student); got != "" {
			t.Errorf("%q opened again though less is overpaid than before", got)
		}
		tell(t, app, s.Paid("pi_3", 2000))
		if got := openKinds(t, app, s.Student); got != "overpaid" {
			t.Errorf("more is overpaid than before, and the open cases are %q", got)
		}
		app.MustAudit(t)
	})
}

func TestStaffAcceptAPaymentOfTooLittleAsPaidInFull(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		s := soldTo(t, app)
		tell(t, app, s.Paid("pi_1", 4000))
		acceptance := api + "/purchases/" + s.Purchase + "/acceptance/"
		body := fmt.Sprintf(`{"payment":%q,"note":"a friend of the house"}`, s.ID("pi_1"))
		app.Post(t, harness.WriteKey, acceptance, body).WantProblem(t, http.StatusForbidden, "forbidden")
		granted(t, app.Post(t, harness.AdminKey, acceptance, body))
		granted(t, app.Post(t, harness.AdminKey, acceptance, body)) // the same word twice
		app.Get(t, api+"/purchases/"+s.Purchase+"/").WantFields(t, fields{"payment_status": "completed", "hours_credited": "10.00", "hours_reversed": "0.00", "amount_received": "4000"})
		app.WantBalance(t, s.Student, fields{"hours_available": "10.00", "balance_amount": "4000"})
		if got := openKinds(t, app, s.Student); got != "" {
			t.Errorf("accepted, and the open cases are %q", got)
		}
		app.MustAudit(t)
	})
}

// Of an invoice with other lines and credit notes, too: what staff accept is what
// was paid of it for hours, and that follows the money as ever.
func TestStaffAcceptAPaymentOfTooLittleOfAnInvoice(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		sellPlans(t, db)
		s := harness.NewTeller(harness.V2026)
		paid := s.Invoice("paid", "in_1", eight, line{Amount: 12_000}).With("pre_payment_credit_notes_amount", 4000)
		tell(t, app, s.PaidBy("pi_1", 20_000, "in_1", paid)[2], s.InvoicePayment("in_1", "pi_1", 20_000), s.Bare().Paid("pi_1", 20_000))
		wantCase := func(want string) {
			t.Helper()
			if got := openKinds(t, app, s.Student); got != want {
				t.Errorf("the open cases are %q, want %q", got, want)
			}
		}
		app.WantBalance(t, s.Student, fields{"hours_available": "0.00", "balance_amount": "10000"})
		wantCase("underpaid")
		acceptance := api + "/purchases/" + app.Get(t, api+"/purchases/?student_id="+s.Student).Get("data.0.id").String() + "/acceptance/"
		granted(t, app.Post(t, harness.AdminKey, acceptance, fmt.Sprintf(`{"payment":%q,"note":"the fee was wrong"}`, s.ID("pi_1"))))
		app.WantBalance(t, s.Student, fields{"hours_available": "8.00", "balance_amount": "10000"})
		wantCase("")
		tell(t, app, s.Refunded("pi_1", 20_000, 10_000))
		app.WantBalance(t, s.Student, fields{"hours_available": "4.00", "balance_amount": "5000"})
		tell(t, app, s.CreditNote("created", "cn_1", "in_1", 10_000))
		app.WantBalance(t, s.Student, fields{"hours_available": "0.00", "balance_amount": "0"})
		wantCase("")
		app.MustAudit(t)
	})
}

func TestHoursThatWereUsedAndAreNoLongerPaidAreACaseUntilTheyAre(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		s := soldTo(t, app)
		tell(t, app, s.Paid("pi_1", 5000))
		granted(t, app.Post(t, harness.WriteKey, api+"/students/"+s.Student+"/consumptions/", `{"hours":"6.00","reference":"lesson_1"}`))
		tell(t, app, s.Refunded("pi_1", 5000, 5000))
		app.WantBalance(t, s.Student, fields{"hours_available": "-6.00", "balance_amount": "0", "overdrawn": "true"})
		if got := openKinds(t, app, s.Student); got != "overdrawn" {
			t.Errorf("overdrawn, and the open cases are %q", got)
		}
		tell(t, app, s.Paid("pi_2", 5000))
		app.WantBalance(t, s.Student, fields{"hours_available": "4.00", "overdrawn": "false"})
		if got := openKinds(t, app, s.Student); got != "" {
			t.Errorf("paid again, and the open cases are %q", got)
		}
		app.MustAudit(t)
	})
}

func TestAnEventThatNamesOurOwnAccountCounts(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		s := soldTo(t, app)
		tell(t, app, s.Paid("pi_1", 5000).Beside("account", "acct_of_the_tests"))
		foreign, err := app.Tell(s.Refunded("pi_1", 5000, 5000).Beside("account", "acct_other"))
		if err != nil {
			t.Fatal(err)
		}
		foreign.Want(t, http.StatusOK).WantFields(t, fields{"status": "ignored", "reason": "foreign_account"})
		app.WantBalance(t, s.Student, fields{"hours_available": "10.00", "balance_amount": "5000"})
	}, "STRIPE_ACCOUNT=acct_of_the_tests")
}
