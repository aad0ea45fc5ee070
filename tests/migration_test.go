package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"hourbank/database"
	"hourbank/tests/harness"
)

// A database that served the first version goes on as it was: its rows are
// kept, its keys find them, and its ledger still adds up.
func TestMigrationsKeepWhatIsThere(t *testing.T) {
	for _, engine := range harness.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			db := harness.NewEmptyDatabase(t, engine)
			migrateTo(t, db, 1)
			for _, statement := range []string{
				`INSERT INTO student_account_balances (student_id, currency, hours_purchased, hours_reversed, balance_amount, updated_at)
					VALUES ('Ähnlich', 'eur', 1000, 200, 4000, '2026-02-02 00:00:00+00:00'), ('Empty', 'eur', 0, 0, 0, '2026-03-03 00:00:00+00:00')`,
				`INSERT INTO purchase_transactions (id, student_id, transaction_type, payment_status, amount, currency, hours, hours_credited,
					hours_reversed, amount_received, amount_refunded, stripe_payment_intent_id, stripe_customer_id, evidence, completed_at, created_at, updated_at)
					VALUES ('p', 'Ähnlich', 'package', 'partially_refunded', 5000, 'eur', 1000, 1000, 200, 5000, 1000, 'pi_old', 'cus_old',
					'{"paid": {"amount": 5000, "currency": "eur", "at": 5}, "refund_total": {"amount": 1000, "at": 6}}',
					'1970-01-01 00:00:05+00:00', '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')`,
				`INSERT INTO webhook_events (id, type, livemode, status, attempts, deliveries, payload, transaction_id, received_at, processed_at)
					VALUES ('evt_old', 'payment_intent.succeeded', false, 'processed', 1, 1, '{}', 'p', '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')`,
				`INSERT INTO hour_ledger_entries (id, student_id, transaction_id, kind, hours, amount, currency, event_id, created_at) VALUES
					('l1', 'Ähnlich', 'p', 'credit', 1000, 5000, 'eur', 'evt_old', '2026-01-01 00:00:00+00:00'),
					('l2', 'Ähnlich', 'p', 'reversal', -200, -1000, 'eur', 'evt_refund', '2026-01-01 00:00:00+00:00')`,
			} {
				db.Exec(t, statement)
			}
			app := db.Serve(t)                                                          // which migrates
			app.WantBalance(t, "Ähnlich", fields{"created_at": "2026-01-01T00:00:00Z"}) // its first purchase opened it
			app.WantBalance(t, "Empty", fields{"created_at": "2026-03-03T00:00:00Z"})
			wantSame(t, "a customer", visit(t, app, harness.ReadKey).search(t, "cus_old"), []string{purchasePage("p")})
			p := harness.NewPurchase(t)
			p.ID, p.Student, p.PaymentIntent = "p", "Ähnlich", "pi_old"
			again := p.Succeeded()
			again.ID = "evt_old"
			app.Deliver(t, again).WantFields(t, fields{"duplicate": "true", "transaction_id": "p"})
			app.MustProcess(t, p.ChargeRefunded(5000).At(9))
			app.WantBalance(t, p.Student, fields{"hours_purchased": "10.00", "hours_reversed": "10.00", "balance_amount": "0"})
			if refunded := db.Count(t, "SELECT sum(amount_refunded) FROM hour_ledger_entries"); refunded != 5000 {
				t.Errorf("entries say that %d was refunded", refunded)
			}
			app.MustAudit(t)
		})
	}
}

func migrateTo(t *testing.T, db *harness.Database, version int64) {
	t.Helper()
	dialect := map[database.Engine]goose.Dialect{database.Postgres: goose.DialectPostgres, database.SQLite: goose.DialectSQLite3}
	provider, err := goose.NewProvider(dialect[db.Engine], db.SQL(t), os.DirFS("../database/migrations/"+string(db.Engine)))
	if err == nil {
		_, err = provider.UpTo(t.Context(), version)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A migration that waits for a table, behind a dump, say, keeps nobody else waiting for long.
func TestAMigrationThatWaitsLetsOthersPass(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.Postgres)
	for _, statement := range []string{"DROP FUNCTION keep_lots() CASCADE", "ALTER TABLE refund_requests DROP COLUMN for_hours", "DELETE FROM goose_db_version WHERE version_id >= 28", "DELETE FROM older_programs WHERE migration >= 28"} {
		db.Exec(t, statement)
	}
	dump, err := db.SQL(t).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dump.ExecContext(t.Context(), "LOCK TABLE refund_requests IN ACCESS SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan harness.Result, 1)
	go func() { migrated <- db.Run(t, "migrate", "up") }()
	for range 2 { // it waits, gives up, and waits again
		harness.Eventually(t, "the migration waits", func() bool {
			return db.Count(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'ALTER%'") > 0
		})
		db.Count(t, "SELECT count(*) FROM refund_requests") // behind it
	}
	if err := dump.Rollback(); err != nil {
		t.Fatal(err)
	}
	if r := <-migrated; r.Code != 0 {
		t.Errorf("exit %d: %s", r.Code, r.Stderr)
	}
}

func TestMigrationsGiveUpLocksThatTheyDontGet(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(harness.ModuleRoot(t), "database/migrations/postgres/*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(path) >= "00027" && !strings.Contains(string(content), "-- +goose Up\nSET LOCAL lock_timeout = '2s';\n") {
			t.Errorf("%s doesn't begin with a limit for locks", filepath.Base(path))
		}
	}
}
