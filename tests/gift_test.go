package tests

import (
	"database/sql"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"hourbank/database"
	"hourbank/sandbox"
	"hourbank/tests/harness"
)

const (
	giftOfPlan  = `{"student_id":"buyer","beneficiary_id":"friend","plan":"pack8"}`
	giftOfHours = `{"student_id":"buyer","beneficiary_id":"friend","hours":"10.00","amount":5000,"currency":"eur"}`
)

// wantBooksRight wants nothing to differ from what is booked and told.
func wantBooksRight(t *testing.T, db *harness.Database) {
	t.Helper()
	db.MustAudit(t)
	wantJSON(t, db.MustRun(t, "rebuild", "--dry-run", "--json"), fields{"rebuilt.#": "0", "events.#": "0"})
}

func TestAGiftIsOnItsBeneficiarysAccountAlone(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		addPlan(t, app)
		sold := app.Post(t, harness.WriteKey, api+"/purchases/", giftOfPlan).Want(t, http.StatusCreated).
			WantFields(t, fields{"student_id": "buyer", "beneficiary_id": "friend", "plan_id": "pack8", "hours": "8.00"})
		purchase, intent := api+"/purchases/"+sold.Get("id").String()+"/", sold.Get("stripe_payment_intent_id").String()
		pay(t, standIn, intent)
		standIn.Settle(t)
		app.WantBalance(t, "friend", fields{"hours_available": "8.00", "balance_amount": "12000", "currency": "eur"})
		app.Post(t, harness.WriteKey, api+"/students/friend/consumptions/", `{"hours":"2.00","reference":"lesson_1"}`).Want(t, http.StatusCreated)
		app.Post(t, harness.WriteKey, api+"/students/buyer/consumptions/", `{"hours":"0.25","reference":"lesson_1"}`).WantProblem(t, http.StatusConflict, "insufficient_hours")

		app.Post(t, harness.AdminKey, purchase+"refunds/", `{"hours":"1.00","reason":"the teacher fell ill"}`).Want(t, http.StatusCreated)
		standIn.Settle(t)
		app.WantBalance(t, "friend", fields{"hours_available": "5.00", "hours_reversed": "1.00", "balance_amount": "10500"})
		v := visit(t, app, harness.AdminKey)
		if page := v.open(t, purchasePage(sold.Get("id").String())); !strings.Contains(page.Body, `for <a href="/console/students/friend/">friend</a>`) {
			t.Errorf("the page doesn't say for whom it is: %s", page.Body)
		}
		asked := v.open(t, purchasePage(sold.Get("id").String())+"refunds/?by=unused&reason=done")
		if !strings.Contains(asked.Body, "The balance of friend becomes 0.00 hours; it is 5.00 now.") {
			t.Errorf("the refund is asked for as %s", asked.Body)
		}
		app.Post(t, harness.AdminKey, purchase+"refunds/", `{"unused":true,"reason":"friend moves away"}`).Want(t, http.StatusCreated)
		standIn.Settle(t)
		app.WantBalance(t, "friend", fields{"hours_available": "0.00", "hours_reversed": "6.00", "hours_consumed": "2.00", "balance_amount": "3000"})
		app.Get(t, api+"/students/friend/ledger/").WantFields(t, fields{"data.#": "4", "data.3.kind": "credit", "data.3.transaction_id": sold.Get("id").String()})

		app.WantBalance(t, "buyer", fields{"hours_purchased": "0.00", "hours_reversed": "0.00", "balance_amount": "0", "currency": ""})
		app.Get(t, api+"/students/buyer/ledger/").WantFields(t, fields{"data.#": "0"})
		for _, student := range []string{"buyer", "friend"} {
			app.Get(t, api+"/purchases/?student_id="+student).WantFields(t, fields{"data.#": "1", "data.0.beneficiary_id": "friend"})
			if rows := csvOf(t, app, "purchases.csv?student_id="+student); len(rows) != 1 || rows[0]["student_id"] != "buyer" || rows[0]["beneficiary_id"] != "friend" {
				t.Errorf("purchases.csv of %s: %v", student, rows)
			}
			if page := v.open(t, studentPage(student)); !strings.Contains(page.Body, "a gift") {
				t.Errorf("the page of %s doesn't show the gift", student)
			}
		}
		app.Get(t, api+"/purchases/?student_id=nobody").WantFields(t, fields{"data.#": "0"})
		wantBooksRight(t, app.Database)
	})
}

func TestAGiftByCheckout(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		sold := app.Post(t, harness.WriteKey, api+"/purchases/",
			strings.TrimSuffix(giftOfHours, "}")+`,"checkout":{"success_url":"https://a.example/s","cancel_url":"https://a.example/c"}}`).Want(t, http.StatusCreated)
		if _, err := standIn.Do(sold.Get("stripe_checkout_session_id").String(), "pay", sandbox.Options{}); err != nil {
			t.Fatal(err)
		}
		standIn.Settle(t)
		app.WantBalance(t, "friend", fields{"hours_available": "10.00", "balance_amount": "5000"})
		app.WantBalance(t, "buyer", fields{"hours_available": "0.00", "balance_amount": "0"})
		wantBooksRight(t, app.Database)
	})
}

func TestAGiftIsInTheCurrencyOfItsBeneficiarysAccount(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, _ *harness.Stripe) {
		in := func(student, beneficiary, currency string) string {
			return `{"student_id":"` + student + `","beneficiary_id":"` + beneficiary + `","hours":"1.00","amount":500,"currency":"` + currency + `"}`
		}
		buy := func(order string) harness.Response { return app.Post(t, harness.WriteKey, api+"/purchases/", order) }
		// The own id is no gift.
		buy(in("american", "american", "usd")).Want(t, http.StatusCreated).WantFields(t, fields{"beneficiary_id": ""})
		paid := harness.NewPurchase(t).For("american").To("friend").Create(app.Database)
		app.MustProcess(t, paid.Succeeded())
		buy(in("american", "friend", "eur")).Want(t, http.StatusCreated)
		buy(in("american", "friend", "usd")).WantProblem(t, http.StatusUnprocessableEntity, "currency_mismatch")
		buy(in("buyer", "friend", "eur")).Want(t, http.StatusCreated)
		app.WantBalance(t, "buyer", fields{"currency": ""})
		buy(in("buyer", "buyer", "jpy")).Want(t, http.StatusCreated)
		app.WantBalance(t, "buyer", fields{"currency": "jpy"})
		for _, beneficiary := range []string{`""`, `null`, `" friend"`, `7`} {
			buy(strings.Replace(giftOfHours, `"friend"`, beneficiary, 1)).WantProblem(t, http.StatusBadRequest, "invalid_request")
		}
		app.MustAudit(t)
	})
}

func TestADisputedGiftTakesTheBeneficiarysHours(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		s := harness.NewTeller(harness.V2026)
		s.Purchase = harness.NewPurchase(t).For(s.Student).To("friend").WithIntent(s.ID("pi_1")).Create(app.Database).ID
		tell(t, app, s.Paid("pi_1", 5000), s.Dispute("created", "dp_1", "pi_1", 5000, "needs_response", -5000))
		app.WantBalance(t, "friend", fields{"hours_available": "0.00", "hours_reversed": "10.00", "balance_amount": "0"})
		app.Get(t, api+"/cases/?status=open&student_id=friend").WantFields(t, fields{"data.#": "1", "data.0.kind": "dispute", "data.0.transaction_id": s.Purchase})
		wantRefused(t, app.Database, 1, "are open", "forget-student", s.Student, "--yes")
		wantRefused(t, app.Database, 1, "are open", "forget-student", "friend", "--yes")
		tell(t, app, s.Dispute("closed", "dp_1", "pi_1", 5000, "won", -5000, 5000))
		app.WantBalance(t, "friend", fields{"hours_available": "10.00", "balance_amount": "5000"})
		app.WantBalance(t, s.Student, fields{"hours_available": "0.00", "balance_amount": "0"})
		app.MustRun(t, "forget-student", s.Student, "--yes")
		app.Get(t, api+"/cases/?status=closed&student_id=friend").WantFields(t, fields{"data.#": "1"})
		wantBooksRight(t, app.Database)
	})
}

func TestAGiftThatExpiresIsTheBeneficiarysLot(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		end := time.Now().AddDate(0, 0, 5).Truncate(time.Second)
		gone := harness.NewPurchase(t).For("buyer").To("friend").ValidFor(10).Create(app.Database)
		app.MustProcess(t, gone.Succeeded().At(time.Now().AddDate(0, 0, -11).Unix()-harness.Epoch))
		p := harness.NewPurchase(t).For("buyer").To("friend").ValidFor(10).Create(app.Database)
		app.MustProcess(t, p.Succeeded().At(end.AddDate(0, 0, -10).Unix()-harness.Epoch))
		own := harness.NewPurchase(t).For("buyer").Create(app.Database)
		app.MustProcess(t, own.Succeeded())
		app.WantBalance(t, "friend", fields{"hours_purchased": "20.00", "hours_expired": "10.00", "hours_available": "10.00", "next_expiry": inForce(end)})
		app.Get(t, api+"/students/friend/lots/").WantFields(t, fields{"data.1.id": p.ID, "data.1.student_id": "friend", "data.1.expires_at": inForce(end)})
		app.WantBalance(t, "buyer", fields{"hours_available": "10.00", "next_expiry": ""})
		app.Get(t, api+"/students/buyer/lots/").WantFields(t, fields{"data.#": "0"})
		app.Post(t, harness.WriteKey, api+"/students/friend/consumptions/", `{"hours":"4.00","reference":"lesson"}`).Want(t, http.StatusCreated)
		app.MustProcess(t, p.ChargeRefunded(2500).At(now()))
		app.WantBalance(t, "friend", fields{"hours_available": "1.00", "hours_reversed": "5.00"})
		wantBooksRight(t, app.Database)
	})
}

func TestGiftsThatWereLostAreMadeAgainOfStripesEvents(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, yesterday *harness.Database) {
		standIn := harness.NewStripe(t)
		app := yesterday.Serve(t, standIn.Settings()...)
		restored := harness.NewDatabase(t, yesterday.Engine) // knows nothing of the sales
		for _, db := range []*harness.Database{yesterday, restored} {
			db.MustRun(t, "plans", "add", "--id", "pack8", "--name", "8 hours", "--hours", "8.00", "--amount", "12000", "--currency", "eur")
		}
		var sold []harness.Response
		for _, order := range []string{giftOfPlan, giftOfHours} {
			sold = append(sold, app.PostPatiently(t, harness.WriteKey, api+"/purchases/", order))
		}
		again := restored.Serve(t, standIn.Settings()...)
		standIn.SendTo(t, again)
		for _, s := range sold {
			pay(t, standIn, s.Get("stripe_payment_intent_id").String())
		}
		standIn.Settle(t)
		for _, s := range sold {
			again.Get(t, api+"/purchases/"+s.Get("id").String()+"/").WantFields(t, fields{
				"payment_status": "completed", "student_id": "buyer", "beneficiary_id": "friend", "hours": s.Get("hours").String(),
			})
		}
		again.WantBalance(t, "friend", fields{"hours_available": "18.00", "balance_amount": "17000"})
		again.WantBalance(t, "buyer", fields{"hours_available": "0.00", "balance_amount": "0", "currency": ""})
		wantBooksRight(t, restored)
	})
}

// A platform that makes its own PaymentIntents and sessions names the beneficiary in
// their metadata; a subscription is its student's.
func TestMetadataMakeAGift(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		addPlan(t, app)
		s := harness.NewTeller(harness.V2026)
		gift := func() object {
			metadata := s.Buys("pack8")
			metadata["beneficiary_id"] = "friend"
			return metadata
		}
		tell(t, app, s.Paid("pi_1", 12_000).With("metadata", gift()),
			s.Session("completed", "cs_1", "pi_1", asked{Subtotal: 12_000}, "paid").With("metadata", gift()).With("client_reference_id", nil))
		app.WantBalance(t, "friend", fields{"hours_available": "8.00", "balance_amount": "12000"})
		app.WantBalance(t, s.Student, fields{"hours_available": "0.00", "currency": ""})
		app.Get(t, api+"/purchases/").WantFields(t, fields{"data.#": "1", "data.0.student_id": s.Student, "data.0.beneficiary_id": "friend"})

		// Another says otherwise of whom it is for, and counts more: the hours move.
		moved := harness.NewTeller(harness.V2026)
		tell(t, app, moved.Paid("pi_1", 12_000).With("metadata", moved.Buys("pack8")))
		other := moved.Buys("pack8")
		other["beneficiary_id"] = "friend"
		tell(t, app, moved.Session("completed", "cs_1", "pi_1", asked{Subtotal: 12_000}, "paid").With("metadata", other).With("client_reference_id", nil))
		app.WantBalance(t, "friend", fields{"hours_available": "16.00", "balance_amount": "24000"})
		app.WantBalance(t, moved.Student, fields{"hours_available": "0.00", "balance_amount": "0"})
		wantBooksRight(t, app.Database)
	})
}

// Hours run low for whom they are: the gift's plan is the friend's newest, not the buyer's.
func TestLowHoursOfAGiftAreTheBeneficiarys(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		r := harness.NewReceiver(t, nil)
		app := db.Serve(t, r.Settings()...)
		app.MustRun(t, "plans", "add", "--id", "low3", "--name", "ten", "--hours", "10.00", "--amount", "5000", "--currency", "eur", "--low-hours", "3.00")
		app.MustProcess(t, harness.NewPurchase(t).For("buyer").Create(db).Succeeded())
		app.MustProcess(t, harness.NewPurchase(t).For("buyer").To("friend").ByPlan("low3").Create(db).Succeeded().At(5))
		for _, student := range []string{"buyer", "friend"} {
			app.Post(t, harness.WriteKey, api+"/students/"+student+"/consumptions/", `{"hours":"8.00","reference":"lesson"}`).Want(t, http.StatusCreated)
		}
		r.WantTold(t, "friend", "purchase.completed", "hours.credited", "hours.low")
		r.WantTold(t, "buyer", "purchase.completed", "hours.credited")
	})
}

// Forgetting one of two keeps what is the other's.
func TestForgettingWhoBoughtOrGotAGift(t *testing.T) {
	for _, forgotten := range []string{"buyer", "friend"} {
		t.Run(forgotten, func(t *testing.T) {
			selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
				addPlan(t, app)
				sold := app.Post(t, harness.WriteKey, api+"/purchases/", giftOfPlan, "Idempotency-Key", "key-1").Want(t, http.StatusCreated)
				pay(t, standIn, sold.Get("stripe_payment_intent_id").String())
				standIn.Settle(t)
				purchase := api + "/purchases/" + sold.Get("id").String() + "/"
				app.Post(t, harness.WriteKey, api+"/students/friend/consumptions/", `{"hours":"1.00","reference":"lesson"}`).Want(t, http.StatusCreated)
				before := statements(t, app)

				pseudonym := gjson.Get(app.MustRun(t, "forget-student", forgotten, "--yes", "--json"), "pseudonym").String()
				now := map[string]string{"buyer": "buyer", "friend": "friend"}
				now[forgotten] = pseudonym
				wantForgotten := func() {
					t.Helper()
					if found := mentions(t, app.Database, forgotten); len(found) > 0 {
						t.Errorf("%s is still in %v", forgotten, found)
					}
					app.Get(t, purchase).WantFields(t, fields{"student_id": now["buyer"], "beneficiary_id": now["friend"]})
					wantBooksRight(t, app.Database)
				}
				wantForgotten()
				app.WantBalance(t, now["friend"], fields{"hours_available": "7.00", "hours_consumed": "1.00", "balance_amount": "12000"})
				app.WantBalance(t, now["buyer"], fields{"hours_available": "0.00", "balance_amount": "0"})
				if after := statements(t, app); after != before {
					t.Errorf("the sums were\n%s\nand are\n%s", before, after)
				}
				// What Stripe tells of it later, with both names in its metadata.
				app.Post(t, harness.AdminKey, purchase+"refunds/", `{"hours":"2.00","reason":"requested_by_customer"}`).Want(t, http.StatusCreated)
				standIn.Settle(t)
				app.WantBalance(t, now["friend"], fields{"hours_available": "5.00", "balance_amount": "9000"})
				wantForgotten()

				app.MustRun(t, "forget-student", now[map[string]string{"buyer": "friend", "friend": "buyer"}[forgotten]], "--yes")
				if found := append(mentions(t, app.Database, "buyer"), mentions(t, app.Database, "friend")...); len(found) > 0 {
					t.Errorf("somebody is still in %v", found)
				}
				wantBooksRight(t, app.Database)
			})
		})
	}
}

// Who would get what the buyer still may pay?
func TestNobodyIsForgottenWhileAGiftIsNotPaid(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		addPlan(t, app)
		sold := app.Post(t, harness.WriteKey, api+"/purchases/", giftOfPlan).Want(t, http.StatusCreated)
		for _, student := range []string{"friend", "buyer"} {
			wantRefused(t, app.Database, 1, "is not paid", "forget-student", student, "--yes")
		}
		if _, err := standIn.API.PaymentIntents.Cancel(sold.Get("stripe_payment_intent_id").String(), nil); err != nil {
			t.Fatal(err)
		}
		standIn.Settle(t)
		for _, student := range []string{"friend", "buyer"} {
			app.MustRun(t, "forget-student", student, "--yes")
		}
		wantBooksRight(t, app.Database)
	})
}

func TestTheDatabaseKeepsWhoseAGiftIs(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		gift := harness.NewPurchase(t).For("buyer").To("friend").Create(app.Database)
		app.MustProcess(t, gift.Succeeded(), gift.ChargeRefunded(1000).At(5))
		plain := harness.NewPurchase(t).For("buyer").Create(app.Database)
		set := func(p *harness.Purchase, what string) string {
			return "UPDATE purchase_transactions SET " + what + " WHERE id = '" + p.ID + "'"
		}
		refused := []string{
			set(gift, "beneficiary_id = NULL"), set(gift, "beneficiary_id = 'buyer'"), set(gift, "student_id = 'friend'"),
			set(gift, "student_id = 'friend', beneficiary_id = 'buyer'"), set(plain, "beneficiary_id = 'friend'"), set(plain, "beneficiary_id = 'buyer'"),
			ledgerEntry(gift, "x", "reversal", -100, -500, "'"+gift.ID+"'", "NULL"), // on the buyer's account
			ledgerEntry(gift, "x", "payment", 0, 500, "'"+gift.ID+"'", "NULL"),
			"DELETE FROM student_account_balances WHERE student_id = 'friend'",
			`INSERT INTO purchase_transactions (id, student_id, beneficiary_id, transaction_type, payment_status, amount, currency, hours, created_at, updated_at)
				SELECT 'x', 'buyer', 'buyer', transaction_type, 'pending', amount, currency, hours, created_at, updated_at FROM purchase_transactions WHERE id = '` + gift.ID + "'",
		}
		session := shell(t, app)
		if app.Engine == database.SQLite {
			harness.NewPurchase(t).For("buyer").To("waiting").Create(app.Database)
			refused = append(refused, "REPLACE INTO student_account_balances (student_id, currency, updated_at) VALUES ('waiting', 'usd', '2026-01-01 00:00:00+00:00')")
		}
		before := snapshot(t, app.Database)
		for _, statement := range refused {
			if _, err := session.ExecContext(t.Context(), statement); err == nil {
				t.Errorf("the database took %s", statement)
			}
		}
		wantSame(t, "rows", snapshot(t, app.Database), before)
		app.MustAudit(t)
		if app.Engine == database.Postgres {
			wantForgettingGuarded(t, session, gift, plain)
			wantFunctionsGuarded(t, app.Database)
		}
	})
}

// wantForgettingGuarded wants whoever forgets to give one place of a purchase to the
// pseudonym, and change nothing else.
func wantForgettingGuarded(t *testing.T, session *sql.Conn, gift, plain *harness.Purchase) {
	t.Helper()
	forget := func(p *harness.Purchase, set string) error {
		_, err := session.ExecContext(t.Context(), `BEGIN; SET CONSTRAINTS purchase_transactions_student_id_fkey, purchase_transactions_beneficiary_id_fkey DEFERRED;
			SET LOCAL hourbank.forgotten_as = 'forgotten_1'; UPDATE purchase_transactions SET `+set+" WHERE id = '"+p.ID+"'")
		if _, err := session.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		return err
	}
	for set, allowed := range map[string]bool{
		"student_id = 'forgotten_1'":                                  true,
		"student_id = 'forgotten_1', beneficiary_id = beneficiary_id": true,
		"beneficiary_id = 'forgotten_1', metadata = '{}'":             true,
		"beneficiary_id = 'forgotten_2'":                              false,
		"beneficiary_id = 'forgotten_1', student_id = 'friend'":       false,
		"beneficiary_id = 'forgotten_1', amount = 1":                  false,
		"student_id = 'forgotten_1', beneficiary_id = NULL":           false,
		"student_id = 'forgotten_1', beneficiary_id = 'buyer'":        false,
		"student_id = student_id, beneficiary_id = beneficiary_id":    false,
		"beneficiary_id = NULL":                                       false,
	} {
		if err := forget(gift, set); (err == nil) != allowed {
			t.Errorf("to whoever forgets, %s is %v", set, err)
		}
	}
	if forget(plain, "beneficiary_id = 'forgotten_1'") == nil {
		t.Error("a purchase becomes a gift to the pseudonym")
	}
}

// wantFunctionsGuarded wants functions that were replaced to be as earlier migrations
// left them: nobody else's to run, and nowhere else.
func wantFunctionsGuarded(t *testing.T, db *harness.Database) {
	t.Helper()
	for _, function := range []string{"book_entries", "refuse_other_student"} {
		if n := db.Count(t, `SELECT count(*) FROM pg_proc WHERE proname = $1::text AND 'search_path=public, pg_temp' = ANY (proconfig)
			AND NOT has_function_privilege('public', oid, 'EXECUTE') AND prosecdef = (proname = 'book_entries')`, function); n != 1 {
			t.Errorf("%s may be run by anybody, or elsewhere", function)
		}
	}
}
