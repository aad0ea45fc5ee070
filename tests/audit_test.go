package tests

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"hourbank/tests/harness"
)

// alterations are what somebody may do to a row behind the program's back.
var alterations = []struct{ alter, table, id, kind, field string }{
	{"hours_purchased = hours_purchased + 1", "student_account_balances", "student_id", "account", "hours_purchased"},
	{"hours_reversed = hours_reversed + 1", "student_account_balances", "student_id", "account", "hours_reversed"},
	{"hours_consumed = hours_consumed + 1", "student_account_balances", "student_id", "account", "hours_consumed"},
	{"balance_amount = balance_amount - 1", "student_account_balances", "student_id", "account", "balance_amount"},
	{"hours_reversed = hours_reversed - 1", "purchase_transactions", "id", "purchase", "hours_credited - hours_reversed"},
	{"hours_reversed = hours_reversed - 1", "purchase_transactions", "id", "purchase", "hours_reversed"},
	{"amount_due = amount_due - 1", "purchase_transactions", "id", "purchase", "amount_due"},
	{"amount_received = amount_received + 1", "purchase_transactions", "id", "purchase", "amount_received"},
	{"amount_refunded = amount_refunded - 1", "purchase_transactions", "id", "purchase", "amount_refunded"},
	{"payment_status = 'completed'", "purchase_transactions", "id", "purchase", "payment_status"},
	{"hours = 2000, hours_credited = 2000", "purchase_transactions", "id", "purchase", "hours_credited"},
	{"amount = 6000", "purchase_transactions", "id", "purchase", "hours_credited - hours_reversed"},
	{"amount = 4000", "purchase_transactions", "id", "purchase", "amount_due"},
	{"evidence = '{}'", "purchase_transactions", "id", "purchase", "payment_status"},
	{"completed_at = NULL", "purchase_transactions", "id", "purchase", "completed_at (Unix time)"},
}

// Rows are altered, one at a time.
func TestAuditNamesWhatWasAltered(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.MustProcess(t, app.NewPurchase(t).Succeeded()) // one that stays as it is
		for _, row := range alterations {
			p := app.NewPurchase(t)
			app.MustProcess(t, p.Succeeded(), p.ChargeRefunded(2500).At(5))
			app.MustAudit(t)
			id := map[string]string{"account": p.Student, "purchase": p.ID}[row.kind]
			where := fmt.Sprintf(" WHERE %s = '%s'", row.id, id)
			before := keep(t, app, row.table, row.id, id)
			app.Force(t, "UPDATE "+row.table+" SET "+row.alter+where)
			result := app.Run(t, "audit")
			if result.Code != 1 || !strings.Contains(result.Stdout, row.kind+" "+id+": "+row.field+" is ") {
				t.Errorf("%s: got %+v", row.alter, result)
			}
			asJSON := app.Run(t, "audit", "--json")
			if asJSON.Code != 1 || gjson.Get(asJSON.Stdout, "differences.0.id").String() != id {
				t.Errorf("%s: got %+v", row.alter, asJSON)
			}
			before()
		}
		wantContains(t, app.MustRun(t, "audit"), "0 differences")
		wantJSON(t, app.MustRun(t, "audit", "--json"), fields{"differences.#": "0"})
	})
}

// What was altered is put right by what the events and the ledger say.
func TestRebuildPutsRightWhatWasAltered(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.MustProcess(t, app.NewPurchase(t).Succeeded())
		for _, row := range alterations {
			if strings.HasPrefix(row.alter, "hours = ") || strings.HasPrefix(row.alter, "amount = ") {
				continue // what was sold is told by nobody else
			}
			p := app.NewPurchase(t)
			app.MustProcess(t, p.Succeeded(), p.ChargeRefunded(2500).At(5))
			id := map[string]string{"account": p.Student, "purchase": p.ID}[row.kind]
			app.Force(t, fmt.Sprintf("UPDATE %s SET %s WHERE %s = '%s'", row.table, row.alter, row.id, id))
			if dry := app.MustRun(t, "rebuild", "--dry-run"); !strings.Contains(dry, id) {
				t.Errorf("%s: it would mend %s", row.alter, dry)
			}
			if result := app.Run(t, "audit"); result.Code != 1 {
				t.Errorf("%s: a dry run changed it: %+v", row.alter, result)
			}
			app.MustRun(t, "rebuild")
			app.MustAudit(t)
			app.WantBalance(t, p.Student, fields{"hours_available": "5.00", "balance_amount": "2500"})
			app.WantPurchase(t, p, fields{"payment_status": "partially_refunded", "hours_reversed": "5.00", "amount_received": "5000", "amount_refunded": "2500"})
			if again := app.MustRun(t, "rebuild", "--json"); gjson.Get(again, "rebuilt.#").Int()+gjson.Get(again, "accounts.#").Int() != 0 {
				t.Errorf("%s: a second rebuild changed %s", row.alter, again)
			}
		}
	})
}

// Lots are made anew where they don't follow from what was booked, and what expired stays.
func TestRebuildMakesLotsAnewThatWereAltered(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		gone, still := expiring(t, app, "gone", time.Now().Add(-time.Hour)), expiring(t, app, "still", time.Now().AddDate(0, 0, 5))
		used := `{"hours":"4.00","reference":"lesson","lesson_at":"` + inForce(time.Now().Add(-2*time.Hour)) + `"}`
		for _, p := range []*harness.Purchase{gone, still} {
			app.Post(t, harness.WriteKey, student(p)+"/consumptions/", used).Want(t, http.StatusCreated)
			app.WantBalance(t, p.Student, fields{"hours_consumed": "4.00"})
		}
		app.Stop(t) // a lot that looks as if it had not expired yet would expire once more
		for _, alter := range []string{
			"UPDATE hour_lots SET drawn = 0, expired = 0", "UPDATE hour_lots SET expired = hours, drawn = 0", "DELETE FROM hour_lots",
			"UPDATE student_account_balances SET hours_expired = hours_expired + 100",
		} {
			db.MustAudit(t)
			db.Force(t, alter)
			if result := db.Run(t, "audit"); result.Code != 1 {
				t.Errorf("%s: %+v", alter, result)
			}
			db.MustRun(t, "rebuild")
			db.MustAudit(t)
		}
		if entries := db.Count(t, "SELECT count(*) FROM hour_ledger_entries WHERE kind = 'expiration'"); entries != 2 {
			t.Errorf("%d expirations: the one of 10.00 h, and what the lesson took of it", entries)
		}
		app = db.Serve(t)
		app.WantBalance(t, "gone", fields{"hours_available": "0.00", "hours_expired": "6.00"})
		app.WantBalance(t, "still", fields{"hours_available": "6.00", "hours_expired": "0.00"})
	})
}

// keep remembers a row's columns and gives what puts them back.
func keep(t *testing.T, app *harness.App, table, idColumn, id string) (restore func()) {
	t.Helper()
	columns := []string{"hours_purchased", "hours_reversed", "hours_consumed", "balance_amount"}
	if table == "purchase_transactions" {
		columns = []string{
			"payment_status", "amount", "amount_due", "hours", "hours_credited", "hours_reversed", "amount_received", "amount_refunded", "evidence", "completed_at",
		}
	}
	values, pointers := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		pointers[i] = &values[i]
	}
	query := fmt.Sprintf("SELECT %s FROM %s WHERE %s = '%s'", strings.Join(columns, ", "), table, idColumn, id)
	if err := app.SQL(t).QueryRowContext(t.Context(), query).Scan(pointers...); err != nil {
		t.Fatal(err)
	}
	return func() {
		assignments := make([]string, len(columns))
		for i, column := range columns {
			if text, ok := values[i].([]byte); ok {
				values[i] = string(text)
			}
			assignments[i] = fmt.Sprintf("%s = $%d", column, i+1)
		}
		app.Force(t, fmt.Sprintf("UPDATE %s SET %s WHERE %s = '%s'", table, strings.Join(assignments, ", "), idColumn, id), values...)
	}
}

// Ledger entries that came from nowhere, on purchases that agree with their
// evidence.
func TestAuditNamesLedgerEntriesTooMany(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded())
		app.Exec(t, ledgerEntry(p, "forged", "adjustment", 100, 0, "NULL", "'by hand'"))
		app.Exec(t, ledgerEntry(p, "money", "reversal", 0, -1, "'"+p.ID+"'", "NULL"))
		result := app.Run(t, "audit")
		if result.Code != 1 {
			t.Errorf("exit code %d", result.Code)
		}
		// The account went with them: it is 1.00 hours and a cent off what the events told.
		wantContains(t, result.Stdout, ": 1 differences",
			"purchase "+p.ID+": amount_received - amount_refunded - amount_disputed is 5000, should be 4999")
		wantContains(t, app.MustRun(t, "rebuild"), "amount_received: 4999 → 5000")
		app.MustAudit(t)
	})
}

// An event finds its purchase by the ids that it names.
func TestAuditNamesEvidenceThatNoEventFinds(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p, other := app.NewPurchase(t), app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded(), other.Succeeded())
		app.MustAudit(t)
		app.Exec(t, "UPDATE purchase_keys SET purchase_id = $1 WHERE key = $2", other.ID, p.PaymentIntent)
		result := app.Run(t, "audit")
		if result.Code != 1 {
			t.Errorf("exit code %d", result.Code)
		}
		wantContains(t, result.Stdout, "purchase "+p.ID+": purchase_keys is without "+p.PaymentIntent, ": 1 differences")
	})
}

// Two purchases that turn out to be one leave the other with nothing, and that
// is as it should be.
func TestAuditOfPurchasesThatBecameOne(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.MustRun(t, "plans", "add", "--id", "pack_10", "--name", "10 hours", "--hours", "10.00", "--amount", "5000", "--currency", "eur")
		s := harness.NewTeller(harness.V2026)
		tell(t, app, s.Paid("pi_1", 5000).With("metadata", s.Buys("pack_10")), s.Session("completed", "cs_1", "pi_1", harness.Asked{Subtotal: 5000}, "paid").
			With("metadata", s.Buys("pack_10")).With("client_reference_id", nil))
		app.WantBalance(t, s.Student, fields{"hours_available": "10.00", "balance_amount": "5000"})
		app.MustAudit(t)
	})
}

// Somebody got past the database's own guards, as who may change its schema can.
func TestAuditNamesLedgerEntriesOfNobody(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		var entries []string
		for range 2 {
			p := app.NewPurchase(t)
			app.MustProcess(t, p.Succeeded())
			entries = append(entries, app.Get(t, "/api/finances/students/"+p.Student+"/ledger/").Get("data.0.id").String())
			gone := "DELETE FROM student_account_balances WHERE student_id = '" + p.Student + "'"
			if len(entries) == 2 {
				gone = "DELETE FROM purchase_transactions WHERE id = '" + p.ID + "'"
			}
			app.Force(t, gone)
		}
		result := app.Run(t, "audit")
		if result.Code != 1 {
			t.Errorf("exit code %d", result.Code)
		}
		wantContains(t, result.Stdout, "entry "+entries[0]+": student_id is ", "entry "+entries[1]+": transaction_id is ", "2 ledger entries and 0 lots: 2 differences")
	})
}
