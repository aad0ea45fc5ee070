package tests

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/tidwall/gjson"

	"hourbank/database"
	"hourbank/tests/harness"
)

// All that is done day by day is done as a role that can't rewrite the books.
func TestTheServingRoleServes(t *testing.T) {
	t.Parallel()
	owner, standIn := harness.NewDatabase(t, database.Postgres), harness.NewStripe(t)
	db := owner.ServingRole(t)
	receiver := harness.NewReceiver(t, nil)
	app := db.Serve(t, append(standIn.Settings(), receiver.Settings()...)...)
	standIn.SendTo(t, app)
	db.MustRun(t, "plans", "add", "--id", "pack8", "--name", "8 hours", "--hours", "8.00", "--amount", "12000", "--currency", "eur")
	purchase, intent, refunds := paidShop(t, app, standIn)
	app.Post(t, harness.AdminKey, refunds, `{"hours":"2.00","reason":"the teacher fell ill"}`).Want(t, http.StatusCreated)
	standIn.Settle(t)
	app.Get(t, purchase).WantFields(t, fields{"payment_status": "partially_refunded", "hours_reversed": "2.00"})
	student := api + "/students/student_1/"
	app.Post(t, harness.WriteKey, student+"consumptions/", `{"hours":"1.50","reference":"lesson_1"}`).Want(t, http.StatusCreated)
	app.As(t, harness.WriteKey, http.MethodDelete, student+"consumptions/lesson_1/").Want(t, http.StatusOK)
	app.Post(t, harness.AdminKey, student+"grants/", `{"hours":"1.00","reference":"gift_1","reason":"a gift"}`).Want(t, http.StatusCreated)
	app.Post(t, harness.AdminKey, api+"/students/student_2/grants/", `{"hours":"1.00","reference":"gift_1","reason":"a gift"}`).Want(t, http.StatusCreated)
	app.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"student_2","hours":"10.00","amount":5000,"currency":"eur"}`).Want(t, http.StatusCreated)
	gift := app.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"student_3","beneficiary_id":"student_2","plan":"pack8"}`).Want(t, http.StatusCreated)
	pay(t, standIn, gift.Get("stripe_payment_intent_id").String())
	standIn.Settle(t)
	app.WantBalance(t, "student_2", fields{"hours_available": "9.00"})
	app.WantBalance(t, "student_1", fields{"hours_available": "9.00"})
	receiver.WantTold(t, "student_1", "purchase.completed", "hours.credited", "purchase.reversed", "hours.reversed", "hours.credited")

	p := harness.NewPurchase(t) // which nothing is known of yet
	app.Deliver(t, p.Succeeded()).Want(t, http.StatusAccepted)
	p.Create(db)
	app.MustProcess(t, p.ChargeRefunded(1000).At(5))
	v := visit(t, app, harness.AdminKey)
	for _, page := range []string{"/console/", "/console/overview/", "/console/statement/", "/console/audit-log/", studentPage("student_1"), purchasePage(intent)} {
		v.open(t, page)
	}
	for _, args := range [][]string{{"events", "list"}, {"cases", "list"}, {"audit-log"}, {"reconcile", "--since", "72h"}, {"rebuild"}, {"audit"}, {"migrate", "status"}, {"migrate", "up"}} {
		if result := standIn.RunOn(t, db, args...); result.Code != 0 {
			t.Errorf("%v: %+v", args, result)
		}
	}
	app.Request(t, http.MethodGet, "/readyz", "").Want(t, http.StatusOK)
	for _, line := range app.Log.Lines("level", "error") {
		t.Errorf("logged %s", line)
	}
}

// What the serving role has no business doing, its permissions refuse.
func TestTheServingRoleCannotRewriteTheBooks(t *testing.T) {
	t.Parallel()
	owner := harness.NewDatabase(t, database.Postgres)
	db := owner.ServingRole(t)
	p := harness.NewPurchase(t).Create(owner)
	owner.Serve(t).MustProcess(t, p.Succeeded())
	for _, statement := range []string{
		"UPDATE hour_ledger_entries SET hours = 0", "DELETE FROM hour_ledger_entries", "TRUNCATE hour_ledger_entries",
		"UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log", "TRUNCATE audit_log",
		"DELETE FROM purchase_transactions", "TRUNCATE purchase_transactions", "DELETE FROM cases",
		"DELETE FROM student_account_balances", "UPDATE student_account_balances SET hours_purchased = 0",
		"ALTER TABLE hour_ledger_entries DISABLE TRIGGER ALL", "DROP TABLE audit_log", "SET session_replication_role = replica",
		"CREATE TRIGGER mine BEFORE INSERT ON hour_ledger_entries EXECUTE FUNCTION refuse_ledger_change()",
		"CREATE OR REPLACE FUNCTION book_entries() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)", "INSERT INTO older_programs (migration, oldest) VALUES (99, 1)",
		"INSERT INTO event_deliveries (id, endpoint, ordered_by, type, payload, created_at, tried_since, next_attempt_at) VALUES ('x', 'x', 'x', 'hours.credited', '{}', now(), '2026-01-01', now())",
		"UPDATE event_deliveries SET payload = '{}'",
	} {
		_, err := db.SQL(t).ExecContext(t.Context(), statement)
		if refused, ok := errors.AsType[*pgconn.PgError](err); !ok || refused.Code != "42501" { // insufficient_privilege
			t.Errorf("%s: %v", statement, err)
		}
	}
	// Nor does an entry move something else that has the account's name.
	session, err := db.SQL(t).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close() //nolint:errcheck // the database goes with the test
	for _, statement := range []string{"CREATE TEMP TABLE student_account_balances AS TABLE student_account_balances", ledgerEntry(p, "x", "adjustment", 100, 0, "NULL", "'r'")} {
		if _, err := session.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	// Nor do totals follow from entries that lie somewhere else.
	for _, statement := range []string{"CREATE TEMP TABLE hour_ledger_entries AS TABLE public.hour_ledger_entries", "UPDATE hour_ledger_entries SET hours = hours + 100"} {
		if _, err := session.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	_, err = session.ExecContext(t.Context(), `UPDATE public.student_account_balances a SET hours_purchased =
		(SELECT sum(hours) FROM hour_ledger_entries l WHERE l.student_id = a.student_id AND kind IN ('credit', 'adjustment')) WHERE student_id = $1`, p.Student)
	if err == nil {
		t.Errorf("other totals: %v", err)
	}
	owner.MustAudit(t)
	if hours := owner.Count(t, "SELECT sum(hours_purchased) FROM student_account_balances"); hours != 1100 {
		t.Errorf("the account has %d", hours)
	}
}

func TestTheServingRoleCannotMigrate(t *testing.T) {
	t.Parallel()
	owner := harness.NewDatabase(t, database.Postgres)
	db := owner.ServingRole(t)
	owner.Exec(t, "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
	for _, command := range []string{"serve", "audit"} {
		wantRefused(t, db, 1, command, command)
		wantContains(t, db.Run(t, command).Stderr, "migrations are pending", "hourbank migrate up", "this one only serves")
	}
}

func TestMigrateRolesRefusesWhatWouldBindNobody(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db := harness.NewDatabase(t, database.Postgres)
	wantRefused(t, db, 1, "a superuser", "migrate", "roles", "--name", "postgres")
	wantRefused(t, db, 2, "an empty password", "migrate", "roles", "--password-file", empty)
	wantRefused(t, db, 2, "no such file", "migrate", "roles", "--password-file", empty+"x")
	wantRefused(t, harness.NewDatabase(t, database.SQLite), 1, "SQLite", "migrate", "roles")
}

// A program that is older than the schema would write what the newer one can't
// read: it does not start, and one that runs is not ready.
func TestAProgramOlderThanTheSchemaRefusesToWork(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		known := gjson.Get(app.MustRun(t, "migrate", "status", "--json"), "@reverse.0.version").String()
		app.Exec(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
		for _, args := range [][]string{{"serve"}, {"migrate", "up"}, {"audit"}} {
			result := app.Run(t, args...)
			if result.Code != 1 || strings.Count(result.Stderr, "\n") != 1 {
				t.Errorf("%v: %+v", args, result)
			}
			wantContains(t, result.Stderr, "version 9999", "knows only "+known)
		}
		app.Request(t, http.MethodGet, "/readyz", "").WantProblem(t, http.StatusServiceUnavailable, "unavailable")
		app.Exec(t, "DELETE FROM goose_db_version WHERE version_id = 9999")
		app.Request(t, http.MethodGet, "/readyz", "").Want(t, http.StatusOK)
	})
}

// Unless each migration that it doesn't know says that it may.
func TestAProgramServesANewerSchemaThatSaysItMay(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		known := gjson.Get(app.MustRun(t, "migrate", "status", "--json"), "@reverse.0.version").Int()
		migrate := func(version int, says string, args ...any) {
			t.Helper()
			app.Exec(t, fmt.Sprintf("INSERT INTO goose_db_version (version_id, is_applied) VALUES (%d, true)", version))
			app.Exec(t, says, args...)
		}
		const maybe = "INSERT INTO older_programs (migration, oldest) VALUES ($1, $2)"
		app.MustProcess(t, app.NewPurchase(t).Succeeded())
		migrate(9001, maybe, 9001, known) // it only adds
		app.Exec(t, "ALTER TABLE purchase_transactions ADD COLUMN added text")
		app.Exec(t, "ALTER TABLE webhook_events ADD COLUMN added text NOT NULL DEFAULT ''")
		migrate(9002, maybe, 9002, known-1) // it takes away what programs of then don't use
		app.Request(t, http.MethodGet, "/readyz", "").Want(t, http.StatusOK)
		another := app.Serve(t)
		for _, serving := range []*harness.App{app, another} {
			serving.MustProcess(t, app.NewPurchase(t).Succeeded())
		}
		app.MustAudit(t)

		migrate(9003, maybe, 9003, 9001) // it takes away what this program uses
		app.Request(t, http.MethodGet, "/readyz", "").WantProblem(t, http.StatusServiceUnavailable, "unavailable")
		wantRefused(t, app.Database, 1, "a schema that leaves it behind", "serve")
	})
}

// Whoever may make something in the schema could have it run as the tables' owner.
func TestASchemaInWhichEverybodyMayCreateIsRefused(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.Postgres)
	// What is there already is not taken for PostgreSQL's own.
	db.Exec(t, `CREATE FUNCTION json_build_object(a text, b text, c text, d text, e text, f json) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'taken'; END $$;
		CREATE FUNCTION divided(bigint, numeric) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'taken'; END $$;
		CREATE OPERATOR / (FUNCTION = divided, LEFTARG = bigint, RIGHTARG = numeric);
		GRANT CREATE ON SCHEMA public TO PUBLIC`)
	receiver := harness.NewReceiver(t, nil)
	app := db.Serve(t, receiver.Settings()...)
	p := harness.NewPurchase(t).Create(db)
	app.MustProcess(t, p.Succeeded())
	receiver.WantTold(t, p.Student, "purchase.completed", "hours.credited")
	if warned := app.Log.Lines("level", "warn"); len(warned) != 1 || !strings.Contains(warned[0].Raw, "REVOKE CREATE ON SCHEMA public FROM PUBLIC") {
		t.Errorf("warned of %v", warned)
	}
	wantRefused(t, db, 1, "an open schema", "migrate", "roles")
	db.Exec(t, "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
	for _, args := range [][]string{{"migrate", "up"}, {"audit"}} {
		wantRefused(t, db, 1, "an open schema", args...)
		wantContains(t, db.Run(t, args...).Stderr, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	}
}
