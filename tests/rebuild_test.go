package tests

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/database"
	"hourbank/tests/harness"
)

// A purchase that older rules got wrong is derived again from its events, and
// the difference is posted; what is right is left alone.
func TestRebuildCuresWhatOlderRulesGotWrong(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		wrong, right := harness.NewPurchase(t).Create(db), harness.NewPurchase(t).Create(db)
		app.MustProcess(t, wrong.Succeeded(), right.Succeeded(), right.Refund("refund.created", "re_"+right.ID, 2500, "succeeded", 1))
		// As if a dispute had been read as holding all of it.
		db.Exec(t, `UPDATE purchase_transactions SET payment_status = 'disputed', hours_reversed = 1000, amount_disputed = 5000
			WHERE id = '`+wrong.ID+`'`)
		db.Exec(t, `INSERT INTO hour_ledger_entries (id, student_id, transaction_id, kind, hours, amount, currency, created_at)
			SELECT 'wrong_'||id, student_id, id, 'reversal', -1000, -5000, currency, created_at FROM purchase_transactions WHERE id = '`+wrong.ID+`'`)

		dry := db.MustRun(t, "rebuild", "--dry-run", "--json")
		if ids := gjson.Get(dry, "rebuilt.#.transaction_id").String(); ids != `["`+wrong.ID+`"]` {
			t.Errorf("would rebuild %s: %s", ids, dry)
		}
		app.WantPurchase(t, wrong, fields{"payment_status": "disputed"})
		if said := db.MustRun(t, "rebuild"); !strings.Contains(said, "payment_status: disputed → completed") {
			t.Errorf("it said %s", said)
		}
		app.WantPurchase(t, wrong, fields{"payment_status": "completed", "hours_reversed": "0.00"})
		app.WantBalance(t, wrong.Student, fields{"hours_available": "10.00", "balance_amount": "5000"})
		app.WantBalance(t, right.Student, fields{"hours_available": "5.00", "balance_amount": "2500"})
		db.MustAudit(t)
		if again := gjson.Get(db.MustRun(t, "rebuild", "--json"), "rebuilt.#").Int(); again != 0 {
			t.Errorf("a second rebuild changed %d purchases", again)
		}
	})
}

// Events of a type that nobody listened to before find their purchase.
// A PaymentIntent that paid two invoices is one purchase's evidence: a rebuild of the
// other one's leaves it there.
func TestRebuildOfASharedPaymentChangesNothing(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		sellPlans(t, db)
		s := harness.NewTeller(harness.V2026)
		tell(t, app, s.Invoice("paid", "in_1", eight), s.Invoice("paid", "in_2", sixteen),
			s.InvoicePayment("in_1", "pi_1", 12_000), s.InvoicePayment("in_2", "pi_1", 22_000), s.Bare().Paid("pi_1", 34_000))
		for _, how := range []string{"--dry-run", "--json", "--json"} {
			if got := db.MustRun(t, "rebuild", how); strings.Contains(got, s.ID("pi_1")) || strings.Contains(got, "evidence") {
				t.Errorf("rebuild %s changed: %s", how, got)
			}
			db.MustAudit(t)
		}
		app.WantBalance(t, s.Student, fields{"hours_available": "24.00", "balance_amount": "34000"})
	})
}

func TestRebuildAppliesWhatWasIgnored(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		p := harness.NewPurchase(t).Create(db)
		event := p.Succeeded()
		app.MustProcess(t, event)
		db.Exec(t, `UPDATE webhook_events SET status = 'ignored', reason = 'unsupported_type', transaction_id = NULL WHERE id = '`+event.ID+`'`)
		if found := gjson.Get(db.MustRun(t, "rebuild", "--json"), "events.#.id").String(); found != `["`+event.ID+`"]` {
			t.Errorf("found %s", found)
		}
		app.WantPurchase(t, p, fields{"payment_status": "completed", "hours_credited": "10.00"})
		db.MustAudit(t)
	})
}

// A refund that is applied while a rebuild waits for its purchase is not undone: events are
// read under the lock.
func TestARebuildUndoesNothingThatComesMeanwhile(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.Postgres)
	app, p := db.Serve(t), harness.NewPurchase(t).Create(db)
	app.MustProcess(t, p.Succeeded())
	held, err := db.SQL(t).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.ExecContext(t.Context(), "SELECT 1 FROM purchase_transactions WHERE id = $1 FOR UPDATE", p.ID); err != nil {
		t.Fatal(err)
	}
	waiting := func(sessions int64) {
		harness.Eventually(t, "the purchase is waited for", func() bool {
			return db.Count(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") >= sessions
		})
	}
	answer, rebuilt := make(chan harness.Response, 1), make(chan harness.Result, 1)
	go func() { answer <- app.Deliver(t, p.ChargeRefunded(2500).At(5)) }()
	waiting(1)
	go func() { rebuilt <- db.Run(t, "rebuild", "--json") }()
	waiting(2)
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	(<-answer).Want(t, http.StatusOK)
	if r := <-rebuilt; r.Code != 0 || gjson.Get(r.Stdout, "rebuilt.#").Int() != 0 {
		t.Errorf("exit %d: %s %s", r.Code, r.Stdout, r.Stderr)
	}
	app.WantBalance(t, p.Student, fields{"hours_available": "5.00"})
	db.MustAudit(t)
}
