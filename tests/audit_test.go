package tests

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/database"
	"hourbank/tests/harness"
)

// Rows are altered behind the program's back, one at a time.
func TestAuditNamesWhatWasAltered(t *testing.T) {
	rows := []struct{ alter, table, id, kind, field string }{
		{"hours_purchased = hours_purchased + 1", "student_account_balances", "student_id", "account", "hours_purchased"},
		{"hours_reversed = hours_reversed + 1", "student_account_balances", "student_id", "account", "hours_reversed"},
		{"hours_consumed = hours_consumed + 1", "student_account_balances", "student_id", "account", "hours_consumed"},
		{"balance_amount = balance_amount - 1", "student_account_balances", "student_id", "account", "balance_amount"},
		{"hours_reversed = hours_reversed - 1", "purchase_transactions", "id", "purchase", "hours_reversed"},
		{"amount_received = amount_received + 1", "purchase_transactions", "id", "purchase", "amount_received"},
		{"amount_refunded = amount_refunded - 1", "purchase_transactions", "id", "purchase", "amount_refunded"},
		{"payment_status = 'completed'", "purchase_transactions", "id", "purchase", "payment_status"},
		{"hours = 2000, hours_credited = 2000", "purchase_transactions", "id", "purchase", "hours_credited"},
		{"amount = 6000", "purchase_transactions", "id", "purchase", "payment_status"},
		{"evidence = '{}'", "purchase_transactions", "id", "purchase", "payment_status"},
		{"amount_due = 4999", "purchase_transactions", "id", "purchase", "amount_due"},
		{"completed_at = NULL", "purchase_transactions", "id", "purchase", "completed_at (Unix time)"},
	}
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.MustProcess(t, app.NewPurchase(t).Succeeded()) // one that stays as it is
		for _, row := range rows {
			p := app.NewPurchase(t)
			app.MustProcess(t, p.Succeeded(), p.ChargeRefunded(2500).At(5))
			app.MustAudit(t)
			id := map[string]string{"account": p.Student, "purchase": p.ID}[row.kind]
			where := fmt.Sprintf(" WHERE %s = '%s'", row.id, id)
			before := keep(t, app, row.table, row.id, id)
			app.Exec(t, "UPDATE "+row.table+" SET "+row.alter+where)
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
		app.Exec(t, fmt.Sprintf("UPDATE %s SET %s WHERE %s = '%s'", table, strings.Join(assignments, ", "), idColumn, id), values...)
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
		wantContains(t, result.Stdout, "account "+p.Student+": hours_purchased is 10.00, should be 11.00",
			"account "+p.Student+": balance_amount is 5000, should be 4999",
			"purchase "+p.ID+": amount_received - amount_refunded - amount_disputed is 5000, should be 4999")
	})
}

// Somebody got past the database's own guards, as SQLite's command line does
// and a superuser of PostgreSQL can.
func TestAuditNamesLedgerEntriesOfNobody(t *testing.T) {
	unguarded := map[database.Engine]string{database.SQLite: "PRAGMA foreign_keys = off", database.Postgres: "SET session_replication_role = replica"}
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		connection, err := app.SQL(t).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close() //nolint:errcheck // the database goes with the test
		var entries []string
		for range 2 {
			p := app.NewPurchase(t)
			app.MustProcess(t, p.Succeeded())
			entries = append(entries, app.Get(t, "/api/finances/students/"+p.Student+"/ledger/").Get("data.0.id").String())
			statements := []string{unguarded[app.Engine], "DELETE FROM student_account_balances WHERE student_id = '" + p.Student + "'"}
			if len(entries) == 2 {
				statements[1] = "DELETE FROM purchase_transactions WHERE id = '" + p.ID + "'"
			}
			for _, statement := range statements {
				if _, err := connection.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
		}
		result := app.Run(t, "audit")
		if result.Code != 1 {
			t.Errorf("exit code %d", result.Code)
		}
		wantContains(t, result.Stdout, "entry "+entries[0]+": student_id is ", "entry "+entries[1]+": transaction_id is ", "2 ledger entries: 2 differences")
	})
}
