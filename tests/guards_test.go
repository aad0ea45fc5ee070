package tests

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"hourbank/database"
	"hourbank/tests/harness"
)

// ledgerEntry is an INSERT past all code.
func ledgerEntry(p *harness.Purchase, id, kind string, hours, amount int64, transaction, reference string) string {
	return fmt.Sprintf(`INSERT INTO hour_ledger_entries (id, student_id, transaction_id, kind, hours, amount, currency, reference, created_at)
		VALUES ('%s', '%s', %s, '%s', %d, %d, '%s', %s, '2026-01-01 00:00:00+00:00')`,
		id, p.Student, transaction, kind, hours, amount, p.Currency, reference)
}

// What the database itself refuses, whatever the code above it does.
func TestDatabaseRefuses(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded(), p.ChargeRefunded(1000).At(5)) // 10.00 hours, 2.00 of them reversed
		other := app.NewPurchase(t)                                     // paid with nothing yet
		own := "'" + p.ID + "'"
		purchases := "UPDATE purchase_transactions SET %s WHERE id = " + own
		refused := map[string]string{
			"a second credit":                          ledgerEntry(p, "x", "credit", 1000, 5000, own, "NULL"),
			"a reversal beyond the credit by INSERT":   ledgerEntry(p, "x", "reversal", -801, -4005, own, "NULL"),
			"a reinstatement beyond the reversal":      ledgerEntry(p, "x", "reinstatement", 201, 1005, own, "NULL"),
			"a reversal beyond the credit by UPDATE":   fmt.Sprintf(purchases, "hours_reversed = 1001"),
			"a negative reversal by UPDATE":            fmt.Sprintf(purchases, "hours_reversed = -1"),
			"a credit of other than all hours":         fmt.Sprintf(purchases, "hours_credited = 999"),
			"a credit without a success":               fmt.Sprintf(purchases, "payment_status = 'pending'"),
			"more money back than was paid":            fmt.Sprintf(purchases, "amount_refunded = 3000, amount_disputed = 2001"),
			"negative money":                           fmt.Sprintf(purchases, "amount_disputed = -1"),
			"an unknown payment_status":                fmt.Sprintf(purchases, "payment_status = 'fine'"),
			"an unknown transaction_type":              fmt.Sprintf(purchases, "transaction_type = 'gift'"),
			"a purchase of nobody":                     fmt.Sprintf(purchases, "student_id = 'nobody'"),
			"an unknown event status":                  "UPDATE webhook_events SET status = 'fine'",
			"a parked event that is never tried again": "UPDATE webhook_events SET status = 'parked'",
			"a ledger entry of an unknown kind":        ledgerEntry(p, "x", "gift", 100, 0, "NULL", "'r'"),
			"a credit of no purchase":                  ledgerEntry(p, "x", "credit", 100, 100, "NULL", "NULL"),
			"a reversal with the wrong sign":           ledgerEntry(p, "x", "reversal", 100, 100, own, "NULL"),
			"a consumption without a reference":        ledgerEntry(p, "x", "consumption", -100, 0, "NULL", "NULL"),
			"an entry of nobody":                       strings.Replace(ledgerEntry(p, "x", "adjustment", 100, 0, "NULL", "'r'"), "'"+p.Student+"'", "'nobody'", 1),
			"a reversal of no purchase":                ledgerEntry(p, "x", "reversal", -1, -5, "'none'", "NULL"),
			"a reversal for another student":           strings.Replace(ledgerEntry(p, "x", "reversal", -1, -5, own, "NULL"), "'"+p.Student+"'", "'"+other.Student+"'", 1),
			"a purchase given to another student":      fmt.Sprintf(purchases, "student_id = '"+other.Student+"'"),
			"a purchase under another id":              fmt.Sprintf(purchases, "id = 'another'"),
			"an account given to another student":      "UPDATE student_account_balances SET student_id = 'another' WHERE student_id = '" + p.Student + "'",
			"a changed ledger entry":                   "UPDATE hour_ledger_entries SET hours = hours + 1",
			"a ledger entry changed to the same":       "UPDATE hour_ledger_entries SET hours = hours",
			"a deleted ledger entry":                   "DELETE FROM hour_ledger_entries",
			"a deleted purchase":                       "DELETE FROM purchase_transactions",
			"a deleted account":                        "DELETE FROM student_account_balances",
			"another total of hours":                   "UPDATE student_account_balances SET hours_purchased = hours_purchased + 1",
			"an entry's worth of hours once more":      "UPDATE student_account_balances SET hours_purchased = hours_purchased + 1000, balance_amount = balance_amount + 5000 WHERE student_id = '" + p.Student + "'",
			"another balance":                          "UPDATE student_account_balances SET balance_amount = balance_amount - 1",
			"an account that opens with hours":         "INSERT INTO student_account_balances (student_id, currency, hours_granted, updated_at) VALUES ('rich', 'eur', 100, '2026-01-01 00:00:00+00:00')",
			"a credit of a purchase that is not paid":  ledgerEntry(other, "x", "credit", 1000, 5000, "'"+other.ID+"'", "NULL"),
			"a credit of other hours than were bought": ledgerEntry(other, "x", "credit", 999, 5000, "'"+other.ID+"'", "NULL"),
			"other hours of a purchase that is paid":   fmt.Sprintf(purchases, "hours = 80000, hours_credited = 80000, amount = 1"),
			"another currency of one":                  fmt.Sprintf(purchases, "currency = 'jpy'"),
			"hours that no sum can hold":               ledgerEntry(p, "x", "grant", 9223372036854775807, 0, "NULL", "'r'"),
			"a second account of a student":            fmt.Sprintf("INSERT INTO student_account_balances (student_id, currency, updated_at) VALUES ('%s', 'usd', '2026-01-01 00:00:00+00:00')", p.Student),
		}
		if app.Engine == database.Postgres {
			refused["a truncated ledger"] = "TRUNCATE hour_ledger_entries"
			refused["totals moved by an upsert"] = "INSERT INTO student_account_balances (student_id, updated_at) VALUES ('" + p.Student + "', now()) ON CONFLICT (student_id) DO UPDATE SET hours_purchased = 1"
			refused["truncated accounts"] = "TRUNCATE student_account_balances, purchase_transactions"
			refused["a ledger truncated with what hangs on it"] = "TRUNCATE purchase_transactions CASCADE"
		} else {
			replace := `INSERT OR REPLACE INTO hour_ledger_entries (id, student_id, transaction_id, kind, hours, amount, currency, event_id, created_at)
				SELECT id, student_id, transaction_id, kind, hours + 1, amount, currency, event_id, created_at FROM hour_ledger_entries WHERE kind = '%s'`
			refused["a replaced credit"] = fmt.Sprintf(replace, "credit")
			refused["a replaced reversal"] = fmt.Sprintf(replace, "reversal")
			refused["a second credit that replaces the first"] = strings.Replace(refused["a second credit"], "INSERT", "INSERT OR REPLACE", 1)
			maps.Copy(refused, replacements(p, other))
			refused["an entry that makes all others replacements"] = strings.Replace(strings.Replace(ledgerEntry(p, "x", "adjustment", 1, 0, "NULL", "'r'"), "(id", "(rowid, id", 1), "('x'", "(-1, 'x'", 1)
			refused["a line of the audit log that does"] = "INSERT INTO audit_log (rowid, id, actor, action, subject, created_at) VALUES (-1, 'x', 'a', 'refund', 's', '2026-01-01')"
			refused["an entry that leaves its account behind"] = strings.Replace(ledgerEntry(p, "x", "restoration", 999900, 0, "NULL", "'r'"), "INSERT", "INSERT OR IGNORE", 1)
			refused["a second credit that is ignored loudly"] = strings.Replace(refused["a second credit"], "INSERT", "INSERT OR FAIL", 1)
		}
		before := snapshot(t, app.Database)
		session := shell(t, app)
		for what, statement := range refused {
			if _, err := session.ExecContext(t.Context(), statement); err == nil {
				t.Errorf("the database took %s: %s", what, statement)
			}
		}
		wantSame(t, "rows", snapshot(t, app.Database), before)
		app.MustAudit(t)
	})
}

// A purchase can't be taken back for a moment, to be sold for other hours.
func TestWhatWasSoldStaysInTwoStepsToo(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded())
		session := shell(t, app)
		for n, set := range []string{"hours_credited = 0, payment_status = 'pending'", "hours = 80000, amount = 1"} {
			_, err := session.ExecContext(t.Context(), "UPDATE purchase_transactions SET "+set+" WHERE id = '"+p.ID+"'")
			if n > 0 && err == nil {
				t.Errorf("the database took %s", set)
			}
		}
	})
}

// An account without lots lets nothing expire, and no entry says so.
func TestAnAccountKeepsItsLots(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := harness.NewPurchase(t).ValidFor(30).Create(app.Database)
		app.MustProcess(t, p.Succeeded().At(now()))
		if _, err := shell(t, app).ExecContext(t.Context(), "UPDATE student_account_balances SET lots_settled = NULL"); err == nil {
			t.Error("the database took it")
		}
	})
}

// A role without any permission hangs the ledger's own function on a table of its own.
func TestNobodyElseRunsWhatMovesAccounts(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		if app.Engine != database.Postgres {
			t.Skip("SQLite has no functions and no roles")
		}
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded())
		open := app.Count(t, `SELECT count(*) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype
			AND (has_function_privilege('public', p.oid, 'EXECUTE') OR NOT coalesce(array_to_string(proconfig, ','), '') LIKE '%search_path=public, pg_temp%')`)
		if open > 0 {
			t.Errorf("anybody may hang %d functions on a table", open)
		}
		session := shell(t, app)
		role := "attacker_" + harness.RandomName()
		for n, statement := range []string{
			"CREATE ROLE " + role, "SET ROLE " + role,
			"CREATE TEMP TABLE x (id text, student_id text, transaction_id text, kind text, hours bigint, amount bigint, created_at timestamptz)",
			"CREATE TRIGGER t AFTER INSERT ON x REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION public.book_entries()",
			"DROP TABLE x", "RESET ROLE", "DROP ROLE " + role,
		} {
			if _, err := session.ExecContext(t.Context(), statement); (err == nil) == (n == 3) {
				t.Errorf("%s: %v", statement, err)
			}
		}
	})
}

// SQLite lets a session switch its constraints off, but not its triggers.
func TestDatabaseRefusesWhatItsConstraintsWouldEvenWithoutThem(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		if app.Engine != database.SQLite {
			t.Skip("PostgreSQL's constraints can't be switched off")
		}
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded())
		session := shell(t, app)
		if _, err := session.ExecContext(t.Context(), "PRAGMA ignore_check_constraints = 1"); err != nil {
			t.Fatal(err)
		}
		for what, statement := range map[string]string{
			"a lesson that gives hours":   ledgerEntry(p, "x", "consumption", 50000, 0, "NULL", "'r'"),
			"a kind that there is not":    ledgerEntry(p, "x", "evil", 100, 0, "NULL", "'r'"),
			"hours that are no number":    strings.Replace(ledgerEntry(p, "x", "adjustment", 7, 0, "NULL", "'r'"), " 7,", " 'many',", 1),
			"a reversal that gives hours": ledgerEntry(p, "x", "reversal", 100, 0, "'"+p.ID+"'", "NULL"),
		} {
			if _, err := session.ExecContext(t.Context(), statement); err == nil {
				t.Errorf("the database took %s: %s", what, statement)
			}
		}
		app.MustAudit(t)
	})
}

// replacements are what SQLite would take away without a DELETE.
func replacements(p, other *harness.Purchase) map[string]string {
	const opened = "(student_id, currency, updated_at) VALUES "
	of := func(id string) string { return " FROM purchase_transactions WHERE id = '" + id + "'" }
	sale := "(id, student_id, transaction_type, payment_status, amount, currency, hours, created_at, updated_at) SELECT "
	return map[string]string{
		"a replaced account":                         "REPLACE INTO student_account_balances " + opened + "('" + p.Student + "', 'usd', '2026-01-01')",
		"a replaced account that has bought nothing": "REPLACE INTO student_account_balances " + opened + "('" + other.Student + "', 'usd', '2026-01-01')",
		"an account in another's place":              "REPLACE INTO student_account_balances (rowid, student_id, updated_at) SELECT rowid, 'x', updated_at FROM student_account_balances",
		"an account moved to another's place":        "UPDATE OR REPLACE student_account_balances SET rowid = 1 WHERE rowid = 2",
		"an account given another's name":            "UPDATE OR REPLACE student_account_balances SET student_id = '" + p.Student + "' WHERE student_id = '" + other.Student + "'",
		"a purchase that is replaced by another's":   "REPLACE INTO purchase_transactions " + sale + "id, '" + other.Student + "', transaction_type, 'pending', amount, currency, hours, created_at, updated_at" + of(p.ID),
		"a pending purchase replaced by another's":   "INSERT OR REPLACE INTO purchase_transactions " + sale + "id, '" + p.Student + "', transaction_type, 'pending', amount, currency, hours, created_at, updated_at" + of(other.ID),
		"a purchase in another's place":              "REPLACE INTO purchase_transactions (rowid, " + sale[1:] + "rowid, 'x', student_id, transaction_type, 'pending', amount, currency, hours, created_at, updated_at" + of(p.ID),
		"a purchase moved to another's place":        "UPDATE OR REPLACE purchase_transactions SET rowid = 1 WHERE rowid = 2",
		"an entry in another's place":                "REPLACE INTO hour_ledger_entries (rowid, id, student_id, kind, hours, amount, reference, created_at) VALUES (1, 'x', '" + p.Student + "', 'adjustment', 1, 0, 'r', '2026-01-01')",
		"an entry before the last one":               "INSERT INTO hour_ledger_entries (rowid, id, student_id, kind, hours, amount, reference, created_at) VALUES (-7, 'x', '" + p.Student + "', 'adjustment', 1, 0, 'r', '2026-01-01')",
		"totals moved by an entry that is booked":    "UPDATE student_account_balances SET hours_purchased = 0, last_entry_id = (SELECT id FROM hour_ledger_entries ORDER BY rowid DESC LIMIT 1)",
		"an account that forgets its last entry":     "UPDATE student_account_balances SET last_entry_id = NULL",
	}
}

// shell is a session past all code: on SQLite as its command line opens one, where
// foreign keys and recursive triggers are off.
func shell(t *testing.T, app *harness.App) *sql.Conn {
	t.Helper()
	session, err := app.SQL(t).Conn(t.Context())
	if err == nil && app.Engine == database.SQLite {
		_, err = session.ExecContext(t.Context(), "PRAGMA foreign_keys = off")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

func snapshot(t *testing.T, db *harness.Database) []string {
	t.Helper()
	return []string{
		fmt.Sprint(db.Count(t, "SELECT count(*) FROM hour_ledger_entries")),
		fmt.Sprint(db.Count(t, "SELECT sum(hours) FROM hour_ledger_entries")),
		fmt.Sprint(db.Count(t, "SELECT sum(hours_credited - hours_reversed) FROM purchase_transactions")),
		fmt.Sprint(db.Count(t, "SELECT count(*) FROM webhook_events")),
		fmt.Sprint(db.Count(t, "SELECT count(*) FROM purchase_transactions")),
		fmt.Sprint(db.Count(t, "SELECT sum(hours_purchased - hours_reversed + balance_amount) FROM student_account_balances")),
	}
}

// What the database must still take: the guards don't stand in the way.
func TestDatabaseTakesWhatIsRight(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded())
		own := "'" + p.ID + "'"
		app.Exec(t, ledgerEntry(p, "a", "reversal", -1000, -5000, own, "NULL"))
		app.Exec(t, ledgerEntry(p, "b", "reinstatement", 1000, 5000, own, "NULL"))
		app.Exec(t, ledgerEntry(p, "c", "consumption", -150, 0, "NULL", "'lesson_1'"))
		if _, err := app.SQL(t).ExecContext(t.Context(), ledgerEntry(p, "d", "consumption", -150, 0, "NULL", "'lesson_1'")); err == nil {
			t.Error("one lesson was booked twice")
		}
		// Entries move their account, whoever inserts them.
		app.WantBalance(t, p.Student, fields{"hours_available": "8.50", "hours_reversed": "0.00", "hours_consumed": "1.50", "balance_amount": "5000"})
	})
}

// The contract's tables with the API's fields as columns, the same on both
// engines.
func TestBothEnginesHaveTheSameTablesAndColumns(t *testing.T) {
	t.Parallel()
	queries := map[database.Engine]string{
		database.Postgres: `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'`,
		database.SQLite: `SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c
			WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`,
	}
	columns := map[database.Engine][]string{}
	for _, engine := range harness.Engines {
		columns[engine] = queryStrings(t, harness.NewDatabase(t, engine), queries[engine])
	}
	// By it SQLite tells an entry that moves its account from anybody else: see migration 11.
	columns[database.SQLite] = slices.DeleteFunc(columns[database.SQLite], func(column string) bool { return column == "student_account_balances.last_entry_id" })
	wantSame(t, "columns of SQLite", columns[database.SQLite], columns[database.Postgres])
	for _, column := range []string{
		"purchase_transactions.amount_disputed", "student_account_balances.hours_available", "hour_ledger_entries.reference",
		"webhook_events.payload", "webhook_events.next_attempt_at", "pricing_plans.valid_days",
	} {
		if !slices.Contains(columns[database.Postgres], column) {
			t.Errorf("no column %s", column)
		}
	}
}

// queryStrings gives the query's strings, sorted, without the migrations' own.
func queryStrings(t *testing.T, db *harness.Database, query string) []string {
	t.Helper()
	rows, err := db.SQL(t).QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // read to its end
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(s, "goose_") {
			all = append(all, s)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}
