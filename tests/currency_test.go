package tests

import (
	"net/http"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// linkFor lets a session be a Payment Link's, whose reference a customer wrote.
func linkFor(s *harness.Teller, student, plan string, told *harness.Told) *harness.Told {
	return told.With("payment_link", s.ID("plink_1")).With("client_reference_id", student).With("metadata", object{"plan": plan})
}

// wantParked tells an event that finds nothing to do yet.
func wantParked(t *testing.T, app *harness.App, told *harness.Told, reason string) {
	t.Helper()
	answer, err := app.Tell(told)
	if err != nil {
		t.Fatal(err)
	}
	answer.Want(t, http.StatusAccepted).WantFields(t, fields{"status": "parked", "reason": reason})
}

// Whoever opens a Payment Link writes its reference: as long as nobody paid, it is a word.
func TestAPaymentLinkThatNobodyPaidOpensNoAccount(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.MustRun(t, "plans", "add", "--id", "dollars10", "--name", "10 hours", "--hours", "10.00", "--amount", "5000", "--currency", "usd")
		stranger, p := harness.NewTeller(harness.V2026).In("usd"), harness.NewPurchase(t)
		for _, kind := range []string{"completed", "expired"} {
			wantParked(t, app, linkFor(stranger, p.Student, "dollars10", stranger.Session(kind, "cs_"+kind, "", asked{Subtotal: 5000}, "unpaid")), "")
		}
		app.As(t, harness.ReadKey, http.MethodGet, student(p)+"/balance/").WantProblem(t, http.StatusNotFound, "not_found")
		p.Create(app.Database)
		app.MustProcess(t, p.Succeeded())
		app.WantBalance(t, p.Student, fields{"currency": "eur", "hours_available": "10.00"})
		app.MustAudit(t)
	})
}

// Only what may still be paid, or was, keeps an account in its currency.
func TestWhatWasNeverPaidKeepsNoAccountInItsCurrency(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		addPlan(t, app)
		const dollars = `{"student_id":"student_1","hours":"1.00","amount":5000,"currency":"usd"}`
		sold := app.Post(t, harness.WriteKey, api+"/purchases/", dollars).Want(t, http.StatusCreated)
		intent := sold.Get("stripe_payment_intent_id").String()
		app.Post(t, harness.WriteKey, api+"/purchases/", order).WantProblem(t, http.StatusUnprocessableEntity, "currency_mismatch")
		paid := harness.NewPurchase(t).For("student_1")
		link := harness.NewTeller(harness.V2026)
		wantParked(t, app, linkFor(link, "student_1", "pack8", link.Session("completed", "cs_1", "pi_1", asked{Subtotal: 12000}, "paid")), "other_currency")
		app.Post(t, harness.AdminKey, api+"/students/student_1/grants/", `{"hours":"1.00","reason":"a gift","reference":"gift"}`).Want(t, http.StatusCreated)

		if _, err := standIn.API.PaymentIntents.Cancel(intent, nil); err != nil {
			t.Fatal(err)
		}
		standIn.Settle(t)
		app.WantPurchase(t, &harness.Purchase{ID: sold.Get("id").String()}, fields{"payment_status": "cancelled"})
		app.Post(t, harness.WriteKey, api+"/purchases/", order).Want(t, http.StatusCreated)
		harness.Eventually(t, "the link's payment is tried again", func() bool {
			return app.Get(t, api+"/students/student_1/balance/").Get("hours_available").String() == "9.00"
		})
		paid.Create(app.Database)
		app.MustProcess(t, paid.Succeeded())
		app.WantBalance(t, "student_1", fields{"currency": "eur", "hours_available": "19.00"})
		app.Post(t, harness.WriteKey, api+"/purchases/", dollars).WantProblem(t, http.StatusUnprocessableEntity, "currency_mismatch")

		// What was cancelled is paid after all: no dollars are added to euros.
		late := harness.NewPurchase(t).In("usd")
		late.ID, late.Student, late.PaymentIntent = sold.Get("id").String(), "student_1", intent
		app.Deliver(t, late.Succeeded()).Want(t, http.StatusAccepted).WantFields(t, fields{"reason": "other_currency"})
		app.WantBalance(t, "student_1", fields{"currency": "eur", "hours_available": "19.00", "balance_amount": "17000"})
		app.MustAudit(t)
	})
}

// A paid event sets the currency of an account that nothing keeps in another one, and
// a payment in a currency that is kept out can be given to somebody else.
func TestAPaymentInAnotherCurrencyFindsItsStudent(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		addPlan(t, app)
		cancelled := harness.NewPurchase(t).In("usd").Create(app.Database)
		app.MustProcess(t, cancelled.Intent(canceled))
		s := harness.NewTeller(harness.V2026)
		s.Student = cancelled.Student
		tell(t, app, s.Paid("pi_1", 12000).With("metadata", s.Buys("pack8")))
		app.WantBalance(t, s.Student, fields{"currency": "eur", "hours_available": "8.00"})

		kept := harness.NewPurchase(t).In("usd").Create(app.Database)
		app.MustProcess(t, kept.Succeeded())
		other := harness.NewTeller(harness.V2026)
		other.Student = kept.Student
		wantParked(t, app, other.Paid("pi_2", 12000).With("metadata", other.Buys("pack8")), "other_currency")
		id := app.Get(t, api+"/cases/?kind=other_currency&status=open").Get("data.0.id").String()
		give := api + "/cases/" + id + "/purchase/"
		app.Post(t, harness.AdminKey, give, `{"student_id":"`+kept.Student+`","plan":"pack8"}`).WantProblem(t, http.StatusUnprocessableEntity, "currency_mismatch")
		app.Post(t, harness.AdminKey, give, `{"student_id":"sibling","plan":"pack8"}`).Want(t, http.StatusCreated)
		app.WantBalance(t, "sibling", fields{"currency": "eur", "hours_available": "8.00", "balance_amount": "12000"})
		app.Get(t, api+"/cases/?kind=other_currency&status=open").WantFields(t, fields{"data.#": "0"})
		app.MustAudit(t)
	})
}

// Anybody can begin a gift for anybody. As long as it is not paid it names no currency
// for the account, and keeps it in none.
func TestAGiftThatNobodyPaidKeepsNoAccountInItsCurrency(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, _ *harness.Stripe) {
		addPlan(t, app)
		gift := func(friend string) *harness.Purchase {
			sold := app.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"buyer","beneficiary_id":"`+friend+`","hours":"1.00","amount":5000,"currency":"usd"}`).Want(t, http.StatusCreated)
			late := harness.NewPurchase(t).In("usd")
			late.ID, late.Student, late.PaymentIntent = sold.Get("id").String(), friend, sold.Get("stripe_payment_intent_id").String()
			return late
		}
		grant := api + "/students/trial/grants/"
		app.Post(t, harness.AdminKey, grant, `{"hours":"1.00","reason":"a trial","reference":"trial"}`).Want(t, http.StatusCreated)
		late, ofTrial, ofLink, refused, gone := gift("friend"), gift("trial"), gift("linked"), gift("linked"), gift("friend")
		app.MustProcess(t, gone.Intent(canceled))
		for _, student := range []string{"friend", "trial", "linked", "buyer"} {
			app.WantBalance(t, student, fields{"currency": ""})
		}
		// Each pays something of their own, in another currency.
		app.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"friend","plan":"pack8"}`).Want(t, http.StatusCreated)
		link := harness.NewTeller(harness.V2026)
		tell(t, app, linkFor(link, "linked", "pack8", link.Session("completed", "cs_1", "pi_1", asked{Subtotal: 12000}, "paid")))
		app.WantBalance(t, "linked", fields{"currency": "eur", "hours_available": "8.00"})

		for student, p := range map[string]*harness.Purchase{"friend": late, "linked": ofLink} {
			app.Deliver(t, p.Succeeded()).Want(t, http.StatusAccepted).WantFields(t, fields{"status": "parked", "reason": "other_currency"})
			app.Get(t, api+"/cases/?status=open&student_id="+student).WantFields(t, fields{
				"data.#": "1", "data.0.kind": "other_currency", "data.0.transaction_id": p.ID, "data.0.amount": "5000", "data.0.currency": "usd",
			})
			app.WantBalance(t, student, fields{"currency": "eur"})
		}
		// What only says that it won't be paid is no case.
		app.MustProcess(t, refused.Intent(failed), refused.Intent(canceled).At(5))

		app.MustProcess(t, ofTrial.Succeeded(), ofTrial.ChargeRefunded(1000).At(5))
		app.WantBalance(t, "trial", fields{"currency": "usd", "balance_amount": "4000"})
		app.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"trial","plan":"pack8"}`).WantProblem(t, http.StatusUnprocessableEntity, "currency_mismatch")
		app.WantBalance(t, "buyer", fields{"currency": "", "balance_amount": "0"})
		wantBooksRight(t, app.Database)
	})
}

// A platform makes its own PaymentIntents: one that fails names no currency, either.
func TestMetadataOfAGiftThatFailsKeepNoAccountInItsCurrency(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		addPlan(t, app)
		s := harness.NewTeller(harness.V2026)
		metadata := s.Buys("pack8")
		metadata["beneficiary_id"] = "friend"
		tell(t, app, s.Intent("payment_failed", "pi_1", 12_000, 0).With("metadata", metadata))
		app.WantBalance(t, "friend", fields{"currency": ""})
		tell(t, app, s.Paid("pi_1", 12_000).With("metadata", metadata))
		app.WantBalance(t, "friend", fields{"currency": "eur", "hours_available": "8.00"})
		wantBooksRight(t, app.Database)
	})
}

// A subscription's session is not what its money is booked by, but says that it is paid:
// whoever opens the link may let it pay a gift.
func TestASubscriptionPaysNoGiftInAnotherCurrency(t *testing.T) {
	for _, first := range []string{"session", "invoice"} {
		t.Run(first+" first", func(t *testing.T) {
			harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
				monthly(t, app)
				gift := harness.NewPurchase(t).For("buyer").To("friend").Create(app.Database)
				own := harness.NewPurchase(t).For("friend").In("usd").Create(app.Database)
				app.MustProcess(t, own.Succeeded())
				s := harness.NewTeller(harness.V2023)
				told := linkFor(s, gift.ID, "monthly4", s.Session("completed", "cs_1", "", asked{Subtotal: 5600}, "paid")).With("mode", "subscription").
					With("metadata", object{}).With("invoice", s.ID("in_1")).With("subscription", s.ID("sub_1"))
				paid := s.Invoice("paid", "in_1", harness.Line{Price: "price_1Q0shape", Unit: 5600, Amount: 5600})
				if first == "invoice" {
					tell(t, app, paid)
				}
				wantParked(t, app, told, "")
				if first == "session" {
					tell(t, app, paid)
				}
				app.WantBalance(t, s.Student, fields{"currency": "eur", "balance_amount": "5600"})
				app.WantBalance(t, "friend", fields{"currency": "usd", "balance_amount": "5000"})
				app.WantPurchase(t, gift, fields{"payment_status": "pending", "amount_received": "0"})
				app.MustAudit(t)
			})
		})
	}
}

// Whoever opens a Payment Link of a subscription with a trial says whose it is: as long as
// nobody paid, its invoices keep no account in their currency.
func TestASubscriptionThatNobodyPaidKeepsNoAccountInItsCurrency(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, _ *harness.Stripe) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		month := harness.Line{Price: "price_1Q0shape", Unit: 5600, Amount: 5600}
		tell(t, app, s.Invoice("payment_failed", "in_1", month))
		app.WantBalance(t, s.Student, fields{"currency": ""})
		app.Get(t, api+"/purchases/?student_id="+s.Student).WantFields(t, fields{"data.#": "1", "data.0.payment_status": "failed"})
		app.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"`+s.Student+`","hours":"1.00","amount":5000,"currency":"usd"}`).Want(t, http.StatusCreated)

		// Paid after all, it waits; where nothing keeps the account, it sets its currency.
		wantParked(t, app, s.Invoice("paid", "in_1", month), "other_currency")
		app.WantBalance(t, s.Student, fields{"currency": "usd", "balance_amount": "0"})
		app.Get(t, api+"/cases/?status=open&student_id="+s.Student).WantFields(t, fields{
			"data.#": "1", "data.0.kind": "other_currency", "data.0.amount": "5600", "data.0.currency": "eur",
			"data.0.transaction_id": app.Get(t, api+"/purchases/"+s.ID("in_1")).Get("id").String(),
		})
		late := harness.NewTeller(harness.V2026)
		tell(t, app, late.Invoice("payment_failed", "in_1", month), late.Invoice("paid", "in_1", month))
		app.WantBalance(t, late.Student, fields{"currency": "eur", "hours_available": "4.00", "balance_amount": "5600"})
		wantBooksRight(t, app.Database)
	})
}

// A trial that ends is nothing that was paid.
func TestATrialThatExpiresKeepsNoAccountInItsCurrency(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.ServeSandbox(t)
		end := time.Now().AddDate(0, 0, 1).UTC().Format(time.RFC3339)
		app.Post(t, harness.AdminKey, api+"/students/student_1/grants/", `{"hours":"1.00","reason":"a trial","reference":"trial","expires_at":"`+end+`"}`).Want(t, http.StatusCreated)
		intent := app.Post(t, harness.WriteKey, api+"/purchases/", order).Want(t, http.StatusCreated).Get("stripe_payment_intent_id").String()
		app.StandIn(t, http.MethodPost, "/sandbox/test_clock/advance", `{"days":2}`).Want(t, http.StatusOK)
		app.WantBalance(t, "student_1", fields{"currency": "eur", "hours_expired": "1.00"})
		app.StandIn(t, http.MethodPost, "/v1/payment_intents/"+intent+"/cancel", "", "Content-Type", "application/x-www-form-urlencoded").Want(t, http.StatusOK)
		harness.Eventually(t, "the sale is cancelled", func() bool {
			return app.Get(t, api+"/purchases/"+intent).Get("payment_status").String() == "cancelled"
		})
		app.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"student_1","hours":"1.00","amount":5000,"currency":"usd"}`).Want(t, http.StatusCreated)
		app.MustAudit(t)
	})
}

// Money in another currency for a sale stays a case, also where the event that tells of it
// waited, and was tried again, for the session that says whose it is.
func TestMoneyInAnotherCurrencyThatWaitedForItsSaleStaysACase(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		s := harness.NewTeller(harness.V2026).In("usd")
		sold := harness.NewPurchase(t).For(s.Student).Create(app.Database)
		paid := s.Paid("pi_1", 13_000).Without("metadata")
		wantParked(t, app, paid, "")
		tell(t, app, linkFor(s, sold.ID, "", s.Session("completed", "cs_1", "pi_1", asked{Subtotal: 13_000}, "paid")))
		harness.Eventually(t, "the payment is tried again", func() bool {
			return app.Get(t, api+"/events/"+paid.ID+"/").Get("status").String() == "processed"
		})
		app.Get(t, api+"/purchases/"+sold.ID+"/").WantFields(t, fields{
			"payment_status": "pending", "hours_credited": "0.00", "cases.#": "1", "cases.0.kind": "other_currency", "cases.0.amount": "13000", "cases.0.currency": "usd",
		})
		// Somebody accepts it, and that ends the case.
		app.Post(t, harness.AdminKey, api+"/purchases/"+sold.ID+"/acceptance/", `{"payment":"`+s.ID("pi_1")+`","note":"worth it"}`).Want(t, http.StatusCreated)
		app.Get(t, api+"/purchases/"+sold.ID+"/").WantFields(t, fields{"payment_status": "completed", "cases.#": "0"})
		app.MustAudit(t)
	})
}

// What can't be booked can't be accepted.
func TestAPaymentOfAGiftInAnotherCurrencyThanItsAccountCannotBeAccepted(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		gift := harness.NewPurchase(t).For("buyer").To("friend").In("usd").Create(app.Database)
		own := harness.NewPurchase(t).For("friend").Create(app.Database)
		app.MustProcess(t, own.Succeeded())
		s := harness.NewTeller(harness.V2026)
		tell(t, app, s.Paid("pi_1", 5000).With("metadata", object{"purchase_transaction_id": gift.ID}))
		accept := `{"payment":"` + s.ID("pi_1") + `","note":"worth it"}`
		app.Post(t, harness.AdminKey, api+"/purchases/"+gift.ID+"/acceptance/", accept).WantProblem(t, http.StatusUnprocessableEntity, "currency_mismatch")
		app.WantBalance(t, "friend", fields{"currency": "eur", "hours_available": "10.00"})
		app.As(t, harness.AdminKey, http.MethodGet, api+"/audit-log/").Want(t, http.StatusOK).WantFields(t, fields{"data.#": "0"})
		app.MustAudit(t)
	})
}
