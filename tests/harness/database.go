package harness

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"; SQLite's comes with models

	"hourbank/commands"
	"hourbank/database"
)

// Database is a test's own, migrated and empty.
type Database struct {
	Engine database.Engine
	URL    string
	direct *sql.DB      // past the program's back
	models *database.DB // for making purchases
}

// NewDatabase copies the migrated template, and drops the copy in the end.
func NewDatabase(tb testing.TB, engine database.Engine) *Database {
	tb.Helper()
	if engine == database.SQLite {
		return newSQLite(tb)
	}
	server := shared.postgres(tb)
	name := "hourbank_test_" + RandomName()
	if err := server.exec("CREATE DATABASE " + name + " TEMPLATE " + server.template); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			tb.Error(err)
		}
	})
	return &Database{Engine: engine, URL: server.databaseURL(name)}
}

// NewEmptyDatabase has no tables.
func NewEmptyDatabase(tb testing.TB, engine database.Engine) *Database {
	tb.Helper()
	if engine == database.SQLite {
		return &Database{Engine: engine, URL: "sqlite:" + filepath.Join(tb.TempDir(), "hourbank.db")}
	}
	db := NewDatabase(tb, engine)
	for _, statement := range []string{"DROP SCHEMA public CASCADE", "CREATE SCHEMA public"} {
		db.Exec(tb, statement)
	}
	return db
}

// sqliteTemplate is a migrated file, read into memory once.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "hourbank-sqlite-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is in the temporary folder
	path := filepath.Join(folder, "template.db")
	commands.Execute(context.Background(), []string{"migrate", "up"}, []string{"DATABASE_URL=sqlite:" + path}, io.Discard, os.Stderr)
	return os.ReadFile(path)
})

func newSQLite(tb testing.TB) *Database {
	tb.Helper()
	template, err := sqliteTemplate()
	path := filepath.Join(tb.TempDir(), "hourbank.db")
	if err == nil {
		err = os.WriteFile(path, template, 0o600)
	}
	if err != nil {
		tb.Fatal("migrate the template: ", err)
	}
	return &Database{Engine: database.SQLite, URL: "sqlite:" + path}
}

// SQL opens the database past the program's back.
func (db *Database) SQL(tb testing.TB) *sql.DB {
	tb.Helper()
	if db.direct != nil {
		return db.direct
	}
	driver, source := "pgx", db.URL
	if path, ok := database.SQLitePath(db.URL); ok {
		driver, source = "sqlite", path+"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)"
	}
	var err error
	if db.direct, err = sql.Open(driver, source); err != nil {
		tb.Fatal(err)
	}
	db.direct.SetMaxOpenConns(2)
	tb.Cleanup(func() { _ = db.direct.Close(); db.direct = nil })
	return db.direct
}

// Exec runs a statement that must succeed.
func (db *Database) Exec(tb testing.TB, statement string, args ...any) {
	tb.Helper()
	if _, err := db.SQL(tb).ExecContext(tb.Context(), statement, args...); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}

// Force runs a statement past the database's own guards, as who may change its schema
// can.
func (db *Database) Force(tb testing.TB, statement string, args ...any) {
	tb.Helper()
	session, err := db.SQL(tb).Conn(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	defer session.Close() //nolint:errcheck // the statement is committed
	statements := []string{"SET session_replication_role = replica", statement, "SET session_replication_role = origin"}
	if db.Engine == database.SQLite {
		statements = withoutTriggers(tb, session, statement)
	}
	for _, s := range statements {
		var given []any
		if s == statement {
			given = args
		}
		if _, err := session.ExecContext(tb.Context(), s, given...); err != nil {
			tb.Fatalf("%s: %v", s, err)
		}
	}
}

// HoldUp keeps every writer of a table waiting (on SQLite, every writer) until release is
// called.
func (db *Database) HoldUp(tb testing.TB, table string) (release func()) {
	tb.Helper()
	statement := "LOCK TABLE " + table + " IN EXCLUSIVE MODE"
	if db.Engine == database.SQLite {
		statement = "UPDATE purchase_transactions SET updated_at = updated_at" // it has one writer
	}
	tx, err := db.SQL(tb).BeginTx(tb.Context(), nil)
	if err == nil {
		_, err = tx.ExecContext(tb.Context(), statement)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			tb.Fatal(err)
		}
	}
}

// WithoutGuards takes the database's own guards away for good.
func (db *Database) WithoutGuards(tb testing.TB) {
	tb.Helper()
	if db.Engine == database.Postgres {
		for _, table := range []string{"hour_ledger_entries", "purchase_transactions", "student_account_balances"} {
			db.Exec(tb, "ALTER TABLE "+table+" DISABLE TRIGGER ALL")
		}
		return
	}
	var drop string
	if err := db.SQL(tb).QueryRowContext(tb.Context(), "SELECT group_concat('DROP TRIGGER ' || name, ';') FROM sqlite_schema WHERE type = 'trigger'").Scan(&drop); err != nil {
		tb.Fatal(err)
	}
	db.Exec(tb, drop)
}

// withoutTriggers drops SQLite's triggers and foreign keys for a statement.
func withoutTriggers(tb testing.TB, session *sql.Conn, statement string) []string {
	tb.Helper()
	var drop, create string
	err := session.QueryRowContext(tb.Context(), `SELECT group_concat('DROP TRIGGER ' || name, ';'), group_concat(sql, ';')
		FROM sqlite_schema WHERE type = 'trigger'`).Scan(&drop, &create)
	if err != nil {
		tb.Fatal(err)
	}
	return []string{"PRAGMA foreign_keys = off", "BEGIN IMMEDIATE", drop, statement, create, "COMMIT", "PRAGMA foreign_keys = on"}
}

// Count gives the one number that a query answers.
func (db *Database) Count(tb testing.TB, query string, args ...any) (n int64) {
	tb.Helper()
	if err := db.SQL(tb).QueryRowContext(tb.Context(), query, args...).Scan(&n); err != nil {
		tb.Fatalf("%s: %v", query, err)
	}
	return n
}

// Models opens the database as the program does.
func (db *Database) Models(tb testing.TB) *database.DB {
	tb.Helper()
	if db.models == nil {
		var err error
		if db.models, err = database.Open(tb.Context(), db.URL); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = db.models.Close(); db.models = nil })
	}
	return db.models
}

// Via is the same database reached at another address, such as a proxy's, or
// at several with commas.
func (db *Database) Via(address string) *Database {
	return db.reached(func(u *url.URL) { u.Host = address })
}

// Address is the server's host and port.
func (db *Database) Address(tb testing.TB) string {
	tb.Helper()
	config, err := pgx.ParseConfig(db.URL)
	if err != nil {
		tb.Fatal(err)
	}
	return net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
}

// With is the same database reached with options of the connection URL, such
// as a setting of every session.
func (db *Database) With(options ...string) *Database {
	return db.reached(func(u *url.URL) { u.RawQuery = strings.Join(options, "&") })
}

func (db *Database) reached(change func(u *url.URL)) *Database {
	u, err := url.Parse(db.URL)
	if err != nil {
		panic(fmt.Sprintf("parse our own URL: %v", err))
	}
	change(u)
	return &Database{Engine: db.Engine, URL: u.String()}
}

// Refuse makes the PostgreSQL server cut and refuse the database's
// connections, or take them again.
func (db *Database) Refuse(tb testing.TB, refuse bool) {
	tb.Helper()
	if err := shared.postgres(tb).exec(fmt.Sprintf("ALTER DATABASE %s WITH ALLOW_CONNECTIONS %t", databaseName(db.URL), !refuse)); err != nil {
		tb.Fatal(err)
	}
	if refuse {
		db.Cut(tb)
	}
}

// Cut makes the PostgreSQL server end the database's connections, and waits
// until they are gone.
func (db *Database) Cut(tb testing.TB) {
	tb.Helper()
	// With a timeout it waits for each backend's end.
	cut := "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '" + databaseName(db.URL) + "'"
	if err := shared.postgres(tb).exec(cut); err != nil {
		tb.Fatal(err)
	}
}
