package tests

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/database"
	"hourbank/tests/harness"
)

// mentions lists the tables that hold a word anywhere.
func mentions(t *testing.T, db *harness.Database, word string) (found []string) {
	t.Helper()
	query := `SELECT c.relname, c.relname || '::text' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'r'`
	if db.Engine == database.SQLite {
		query = `SELECT m.name, group_concat('coalesce(' || c.name || ', '''')', ' || ''|'' || ') FROM sqlite_schema m, pragma_table_xinfo(m.name) c WHERE m.type = 'table' GROUP BY m.name`
	}
	rows, err := db.SQL(t).QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // all of it is read
	tables := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		tables[name] = text
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for name, text := range tables {
		if n := db.Count(t, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s LIKE '%%%s%%'", name, text, word)); n > 0 {
			found = append(found, name)
		}
	}
	return found
}

// alive is a student of whom every table knows something, with nothing open.
func alive(t *testing.T, app *harness.App) *harness.Teller {
	t.Helper()
	s := soldTo(t, app)
	tell(t, app, s.Paid("pi_1", 4000), s.Paid("pi_2", 12000).With("metadata", s.Buys("pack8")), s.Refund("refund.created", "re_1", "pi_2", 3000, "succeeded"),
		s.Subscription("created", s.Buys("pack8")))
	student := api + "/students/" + s.Student
	app.Post(t, harness.AdminKey, api+"/purchases/"+s.Purchase+"/acceptance/", `{"payment":"`+s.ID("pi_1")+`","note":"Ada is a friend"}`).Want(t, http.StatusCreated)
	app.Post(t, harness.AdminKey, student+"/adjustments/", `{"hours":"-0.50","reason":"Ada was ill","reference":"ada_0"}`).Want(t, http.StatusCreated)
	app.Post(t, harness.WriteKey, student+"/consumptions/", `{"hours":"1.50","reference":"ada_1"}`).Want(t, http.StatusCreated)
	app.As(t, harness.WriteKey, http.MethodDelete, student+"/consumptions/ada_1/").Want(t, http.StatusOK)
	app.Post(t, harness.WriteKey, student+"/consumptions/", `{"hours":"2.00","reference":"ada_2"}`).Want(t, http.StatusCreated)
	return s
}

func TestForgettingAStudentKeepsTheSums(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		addPlan(t, app)
		s, other := alive(t, app), alive(t, app)
		before := statements(t, app)
		balance := app.Get(t, api+"/students/"+s.Student+"/balance/")

		wantRefused(t, app.Database, 2, "give --yes", "forget-student", s.Student)
		wantRefused(t, app.Database, 1, "There is no such student", "forget-student", "nobody", "--yes")
		wantJSON(t, app.MustRun(t, "forget-student", s.Student, "--dry-run", "--json"), fields{"dry_run": "true", "pseudonym": "", "purchases": "2"})
		app.WantBalance(t, s.Student, fields{"hours_available": balance.Get("hours_available").String()})
		report := app.MustRun(t, "forget-student", s.Student, "--yes", "--json")
		pseudonym := gjson.Get(report, "pseudonym").String()
		wantJSON(t, report, fields{"dry_run": "false", "purchases": "2"})

		wantForgotten := func() {
			t.Helper()
			for _, word := range []string{s.Student, s.ID("cus_1")} {
				if found := mentions(t, app.Database, word); len(found) > 0 {
					t.Errorf("%s is still in %v", word, found)
				}
			}
			app.As(t, harness.ReadKey, http.MethodGet, api+"/students/"+s.Student+"/balance/").WantProblem(t, http.StatusNotFound, "not_found")
			wantJSON(t, app.MustRun(t, "rebuild", "--dry-run", "--json"), fields{"rebuilt.#": "0", "events.#": "0"})
			app.MustAudit(t)
		}
		wantForgotten()
		if found := mentions(t, app.Database, other.Student); len(found) < 5 {
			t.Errorf("of somebody else only %v are left", found)
		}
		for _, word := range []string{"Ada is a friend", "Ada was ill"} {
			if n := app.Count(t, "SELECT count(*) FROM audit_log WHERE note LIKE $1", "%"+word+"%"); n != 1 {
				t.Errorf("the audit log says %q %d times", word, n)
			}
		}
		if after := statements(t, app); after != before {
			t.Errorf("the sums were\n%s\nand are\n%s", before, after)
		}
		app.WantBalance(t, pseudonym, fields{"hours_available": balance.Get("hours_available").String(), "balance_amount": balance.Get("balance_amount").String()})
		wantJSON(t, app.MustRun(t, "audit-log", "--action", "student_forgotten", "--json"), fields{"data.#": "1", "data.0.subject": pseudonym})

		// What Stripe tells of the payments later finds them, and not the person.
		tell(t, app, s.Refund("refund.created", "re_2", "pi_2", 3000, "succeeded").With("metadata", s.Buys("pack8")),
			s.Session("completed", "cs_2", "pi_2", harness.Asked{Subtotal: 12000}, "paid").With("metadata", s.Buys("pack8")).With("client_reference_id", s.Student),
			s.Charge("updated", "pi_2", 12000, 12000, 6000).With("metadata", s.Buys("pack8")), s.Subscription("deleted", s.Buys("pack8")))
		app.WantBalance(t, pseudonym, fields{"balance_amount": fmt.Sprint(balance.Get("balance_amount").Int() - 3000)})
		wantForgotten()
		gone := app.Get(t, api+"/purchases/"+s.ID("pi_2")+"/").WantFields(t, fields{"student_id": pseudonym, "stripe_customer_id": ""})
		wantNone(t, gone.Body, s.Student)
		event := app.Get(t, api+"/events/?type=payment_intent.succeeded").Get("data.3.id").String()
		app.As(t, harness.AdminKey, http.MethodPost, api+"/events/"+event+"/replay/").WantProblem(t, http.StatusConflict, "payload_removed")
		wantGuarded(t, app.Database, other.Student)
	})
}

// statements are the accounts of all time, as the bookkeeper has them.
func statements(t *testing.T, app *harness.App) string {
	t.Helper()
	var all strings.Builder
	for _, list := range []string{"statement", "sales"} {
		all.WriteString(app.MustRun(t, "export", list, "--from", "2020-01-01", "--to", "2035-12-31"))
	}
	return all.String()
}

// wantGuarded wants the guards as they were: nothing else can rename a student,
// or write a pseudonym to more than its name.
func wantGuarded(t *testing.T, db *harness.Database, student string) {
	t.Helper()
	updates := []string{
		"UPDATE hour_ledger_entries SET student_id = 'x' WHERE student_id = '" + student + "'",
		"UPDATE hour_ledger_entries SET reason = NULL WHERE student_id = '" + student + "'",
		"UPDATE purchase_transactions SET student_id = 'x' WHERE student_id = '" + student + "'",
		"UPDATE student_account_balances SET student_id = 'x' WHERE student_id = '" + student + "'",
		"UPDATE audit_log SET note = NULL", "DELETE FROM audit_log", "DELETE FROM hour_ledger_entries",
		"DELETE FROM purchase_transactions", "DELETE FROM student_account_balances",
	}
	for _, update := range updates {
		if _, err := db.SQL(t).ExecContext(t.Context(), update); err == nil {
			t.Errorf("the database allows %s", update)
		}
	}
	if db.Engine == database.SQLite {
		return
	}
	session, err := db.SQL(t).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close() //nolint:errcheck // nothing of it is committed
	for update, allowed := range map[string]bool{
		"UPDATE hour_ledger_entries SET student_id = 'forgotten_1', reason = NULL":                                              true,
		"UPDATE hour_ledger_entries SET student_id = 'forgotten_1', hours = hours":                                              true,
		"UPDATE hour_ledger_entries SET student_id = 'forgotten_1', hours = hours + 1":                                          false,
		"UPDATE hour_ledger_entries SET student_id = 'forgotten_2'":                                                             false,
		"UPDATE hour_ledger_entries SET reason = 'another'":                                                                     false,
		"UPDATE purchase_transactions SET student_id = 'forgotten_1', amount = 1":                                               false,
		"UPDATE student_account_balances SET student_id = 'forgotten_1', currency = 'usd' WHERE student_id = '" + student + "'": false,
		"UPDATE audit_log SET actor = 'x', note = NULL":                                                                         false,
		"UPDATE audit_log SET note = 'x'":                                                                                       false,
		"DELETE FROM hour_ledger_entries":                                                                                       false,
	} {
		_, err := session.ExecContext(t.Context(), "BEGIN; SET LOCAL hourbank.forgotten_as = 'forgotten_1'; "+update)
		if (err == nil) != allowed {
			t.Errorf("to whoever forgets, %s is %v", update, err)
		}
		if _, err := session.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNobodyIsForgottenWhileSomethingIsOpen(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		refused := func(s *harness.Teller, why string) {
			t.Helper()
			wantRefused(t, app.Database, 1, why, "forget-student", s.Student, "--yes")
			wantRefused(t, app.Database, 1, why, "forget-student", s.Student, "--dry-run")
		}
		underpaid := soldTo(t, app)
		tell(t, app, underpaid.Paid("pi_1", 4000))
		refused(underpaid, "1 cases of this student are open")
		tell(t, app, underpaid.Paid("pi_2", 1000))
		app.MustRun(t, "forget-student", underpaid.Student, "--yes")

		authorised := soldTo(t, app)
		tell(t, app, authorised.Intent("amount_capturable_updated", "pi_1", 5000, 0))
		refused(authorised, "is under way")

		refunding := soldTo(t, app)
		tell(t, app, refunding.Paid("pi_1", 5000), refunding.Refund("refund.created", "re_1", "pi_1", 1000, "pending"))
		refused(refunding, "is under way")
		tell(t, app, refunding.Refund("refund.updated", "re_1", "pi_1", 1000, "succeeded"))
		app.MustRun(t, "forget-student", refunding.Student, "--yes")

		waiting := soldTo(t, app)
		tell(t, app, waiting.Paid("pi_1", 5000))
		if answer, err := app.Tell(waiting.Paid("pi_2", 5000).With("metadata", waiting.Buys("unheard_of"))); err != nil || answer.Status != http.StatusAccepted {
			t.Fatalf("%v: %s", err, answer.Body)
		}
		refused(waiting, "wait for their purchase")
		app.MustAudit(t)
	})
}

// An event that waited turns out to be of a student who was forgotten meanwhile: nothing of
// it is kept.
func TestWhatWaitedForAForgottenStudentIsEmptied(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app, p := db.Serve(t, "PARK_FOR=1h"), db.NewPurchase(t)
		waits := p.Refund("refund.created", "re_late", 2500, "succeeded", 9).Set("payment_intent", nil).Set("charge", "ch_late_"+p.Student)
		app.MustProcess(t, p.Succeeded())
		app.Deliver(t, waits).Want(t, http.StatusAccepted)
		db.MustRun(t, "forget-student", p.Student, "--yes")
		app.MustProcess(t, p.ChargeRefunded(2500).Set("id", "ch_late_"+p.Student))
		harness.Eventually(t, "the event has found its purchase", func() bool {
			return db.Count(t, "SELECT count(*) FROM webhook_events WHERE id = $1 AND status = 'processed'", waits.ID) == 1
		})
		if kept := db.Count(t, "SELECT count(*) FROM webhook_events WHERE id = $1 AND (payload <> '' OR snapshot IS NOT NULL)", waits.ID); kept != 0 {
			t.Error("its payload is kept")
		}
		db.MustAudit(t)
	})
}

// Test data stay out of all sums, also once their student is forgotten.
func TestForgottenTestDataStayOutOfTheSums(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := harness.NewPurchase(t).Create(app.Database)
		app.Exec(t, "UPDATE purchase_transactions SET metadata = $1 WHERE id = $2", `{"made_by":"test-stripe-webhook","note":"Ada Lovelace"}`, p.ID)
		app.MustProcess(t, p.Succeeded())
		before := statements(t, app)
		app.MustRun(t, "forget-student", p.Student, "--yes")
		if after := statements(t, app); after != before {
			t.Errorf("the sums were\n%s\nand are\n%s", before, after)
		}
		if found := mentions(t, app.Database, "Ada Lovelace"); len(found) > 0 {
			t.Errorf("Ada Lovelace is in %v", found)
		}
	})
}

// A sale that is repeated after its student, or who got the hours, was forgotten is a new one.
func TestASaleOfWhoWasForgottenIsNotRepeated(t *testing.T) {
	for name, order := range map[string]string{"a student's": order, "a gift": giftOfPlan} {
		t.Run(name, func(t *testing.T) {
			selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
				addPlan(t, app)
				sell := func() harness.Response {
					return app.Post(t, harness.WriteKey, api+"/purchases/", order, "Idempotency-Key", "k1").Want(t, http.StatusCreated)
				}
				first := sell()
				pay(t, standIn, first.Get("stripe_payment_intent_id").String())
				standIn.Settle(t)
				account := cmp.Or(first.Get("beneficiary_id").String(), first.Get("student_id").String())
				app.MustRun(t, "forget-student", account, "--yes")
				if again := sell(); again.Get("id").String() == first.Get("id").String() || again.Get("student_id").String() != first.Get("student_id").String() {
					t.Errorf("answered %s", again.Body)
				}
			})
		})
	}
}
