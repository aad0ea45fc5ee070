package faults

import (
	"database/sql"
	"fmt"
	"net/http"
	"testing"

	"hourbank/database"
	"hourbank/tests/harness"
)

const api = "/api/finances"

// contender is a request that writes, and how another session gets in its
// way.
type contender struct {
	name   string
	status int // of a success
	send   func(t *testing.T, app *harness.App) harness.Response

	hold string // takes what the request needs

	// A deadlock: the other session holds what the request needs second, and
	// asks for what it took first.
	second, first string
}

// contention is a service on PostgreSQL whose sessions have the settings, and
// the requests that write.
func contention(t *testing.T, settings ...string) (*harness.App, []contender) {
	t.Helper()
	db, standIn := harness.NewDatabase(t, database.Postgres), harness.NewStripe(t)
	app := db.With(settings...).Serve(t, standIn.Settings()...)
	p := db.NewPurchase(t)
	app.MustProcess(t, p.Succeeded())
	n := 0
	next := func() int { n++; return n }
	account := "SELECT FROM student_account_balances WHERE student_id = '" + p.Student + "' FOR UPDATE"
	opened := "INSERT INTO student_account_balances (student_id, currency, updated_at) VALUES ('student_new', 'eur', now())"
	return app, []contender{{
		name: "webhook", status: http.StatusOK,
		send: func(t *testing.T, app *harness.App) harness.Response {
			return app.Deliver(t, p.ChargeRefunded(int64(100*next())).At(int64(n)))
		},
		hold:   "UPDATE student_account_balances SET updated_at = now() WHERE student_id = '" + p.Student + "'",
		second: account, first: "SELECT FROM purchase_transactions WHERE id = '" + p.ID + "' FOR UPDATE",
	}, {
		name: "lesson", status: http.StatusCreated,
		send: func(t *testing.T, app *harness.App) harness.Response {
			return app.Post(t, harness.WriteKey, api+"/students/"+p.Student+"/consumptions/",
				fmt.Sprintf(`{"hours":"0.10","reference":"lesson_%d"}`, next()))
		},
		hold:   "UPDATE student_account_balances SET updated_at = now() WHERE student_id = '" + p.Student + "'",
		second: "LOCK TABLE hour_ledger_entries IN SHARE ROW EXCLUSIVE MODE", first: account,
	}, {
		name: "sale", status: http.StatusCreated,
		send: func(t *testing.T, app *harness.App) harness.Response {
			return app.Post(t, harness.WriteKey, api+"/purchases/",
				`{"student_id":"student_new","hours":"10.00","amount":5000,"currency":"eur"}`, "Idempotency-Key", fmt.Sprint("key_", next()))
		},
		hold:   opened,
		second: "LOCK TABLE purchase_transactions IN SHARE ROW EXCLUSIVE MODE", first: opened,
	}}
}

// another is a session that is in the way of others.
func another(t *testing.T, app *harness.App) *sql.Tx {
	t.Helper()
	tx, err := app.SQL(t).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })             // it is committed or rolled back by then
	execute(t, tx, "SET LOCAL deadlock_timeout = '1h'") // a deadlock is the service's to break
	return tx
}

func execute(t *testing.T, tx *sql.Tx, statement string) {
	t.Helper()
	if _, err := tx.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// sendBlocked sends the request and waits until it waits for a lock.
func (c contender) sendBlocked(t *testing.T, app *harness.App) <-chan harness.Response {
	t.Helper()
	answer := make(chan harness.Response, 1)
	go func() { answer <- c.send(t, app) }()
	harness.Eventually(t, "the request waits for a lock", func() bool {
		return app.Count(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0
	})
	return answer
}

// The service is the victim of a deadlock, and tries again by itself.
func TestDeadlocks(t *testing.T) {
	t.Parallel()
	app, contenders := contention(t)
	for _, c := range contenders {
		t.Run(c.name, func(t *testing.T) {
			tx := another(t, app)
			execute(t, tx, c.second)
			answer := c.sendBlocked(t, app)
			execute(t, tx, c.first)
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			(<-answer).Want(t, c.status)
		})
	}
	harness.Eventually(t, "the server counts a deadlock each", func() bool {
		return app.Count(t, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") >= int64(len(contenders))
	})
	app.MustAudit(t)
}

// Under a stricter isolation another session changes what the service has
// read: it tries again by itself.
func TestSerializationFailures(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"repeatable%20read", "serializable"} {
		app, contenders := contention(t, "default_transaction_isolation="+level)
		for _, c := range contenders {
			t.Run(level+"/"+c.name, func(t *testing.T) {
				tx := another(t, app)
				execute(t, tx, c.hold)
				answer := c.sendBlocked(t, app)
				if err := tx.Commit(); err != nil {
					t.Fatal(err)
				}
				(<-answer).Want(t, c.status)
			})
		}
		app.MustAudit(t)
	}
}

// A lock that is not had in time is 503, and nothing is half done.
func TestLockTimeouts(t *testing.T) {
	t.Parallel()
	app, contenders := contention(t, "lock_timeout=50ms")
	wantRefusedWhileHeld(t, app, contenders)
}

// So is one that is held for ever.
func TestLocksHeldForEver(t *testing.T) {
	t.Parallel()
	app, contenders := contention(t)
	wantRefusedWhileHeld(t, app, contenders)
}

func wantRefusedWhileHeld(t *testing.T, app *harness.App, contenders []contender) {
	t.Helper()
	for _, c := range contenders {
		t.Run(c.name, func(t *testing.T) {
			tx := another(t, app)
			execute(t, tx, c.hold)
			refused := c.send(t, app).WantProblem(t, http.StatusServiceUnavailable, "unavailable")
			if refused.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			app.MustAudit(t)
			c.send(t, app).Want(t, c.status)
		})
	}
	app.MustAudit(t)
}
