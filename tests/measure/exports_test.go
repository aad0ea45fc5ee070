package measure

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hourbank/database"
	"hourbank/tests/harness"
)

// TestExports writes a million ledger entries as CSV, by the command and over
// HTTP, and adds up a month and a statement of them: how long it takes, and how
// much memory the program had at most.
func TestExports(t *testing.T) {
	asked(t, "exports")
	databases := map[database.Engine]*harness.Database{
		database.Postgres: harness.NewDurableCluster(t).NewDatabase(t), database.SQLite: harness.NewDatabase(t, database.SQLite),
	}
	var table strings.Builder
	fmt.Fprintf(&table, "| engine | what | took | rows | resident at most |\n|---|---|---|---|---|\n")
	for engine, db := range databases {
		if engine == database.Postgres {
			fill(t, db, 350_000)
		} else {
			fillSQLite(t, db, 350_000)
		}
		row := func(what string, took time.Duration, rows int, peak int64) {
			fmt.Fprintf(&table, "| %s | %s | %.1f s | %d | %d MiB |\n", engine, what, took.Seconds(), rows, peak>>20)
		}
		for _, args := range [][]string{{"ledger"}, {"sales", "--from", "2025-10-01", "--to", "2025-10-31"}, {"statement", "--from", "2025-10-01", "--to", "2025-10-31"}} {
			file := filepath.Join(t.TempDir(), "export.csv")
			start := time.Now()
			result, peak := db.RunMeasured(t, append([]string{"export", "--output", file}, args...)...)
			took := time.Since(start)
			if result.Code != 0 {
				t.Fatal(result.Stderr)
			}
			row("`export "+strings.Join(args, " ")+"`", took, lines(t, file), peak)
		}
		app := db.ServeProcess(t)
		start := time.Now()
		rows := readAll(t, app.BaseURL+api+"/exports/ledger.csv")
		row("`GET /exports/ledger.csv`", time.Since(start), rows, app.MaxResident(t))
		app.Terminate()
	}
	record(t, "exports", table.String())
}

func lines(t *testing.T, file string) int {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(content), "\n") - 1
}

// readAll reads an answer without keeping it, and counts its rows.
func readAll(t *testing.T, address string) (rows int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+harness.ReadKey)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it is read to its end
	buffer := make([]byte, 64<<10)
	for {
		n, err := answer.Body.Read(buffer)
		rows += strings.Count(string(buffer[:n]), "\n")
		if err == io.EOF {
			return rows - 1
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// fillSQLite makes what fill makes, as far as exports read it.
func fillSQLite(t *testing.T, db *harness.Database, purchases int) {
	t.Helper()
	series := func(n int) string {
		return fmt.Sprintf("(WITH RECURSIVE made(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM made WHERE n < %d) SELECT n FROM made)", n)
	}
	at := fmt.Sprintf("strftime('%%Y-%%m-%%d %%H:%%M:%%S+00:00', '2024-01-01', '+' || (n * 63115200 / %d) || ' seconds')", purchases)
	student := fmt.Sprintf("printf('student_%%08d', 1 + n %% %d)", purchases/10)
	for _, statement := range []string{
		fmt.Sprintf("INSERT INTO student_account_balances (student_id, currency, updated_at) SELECT printf('student_%%08d', n), 'eur', '2026-01-01 00:00:00+00:00' FROM %s", series(purchases/10)),
		`INSERT INTO purchase_transactions (id, student_id, transaction_type, payment_status, amount, currency, hours, hours_credited, amount_received, completed_at, created_at, updated_at)
			SELECT printf('%012d', n), ` + student + `, 'package', 'completed', 5000, 'eur', 1000, 1000, 5000, ` + at + `, ` + at + `, ` + at + ` FROM ` + series(purchases),
		`INSERT INTO hour_ledger_entries (id, student_id, transaction_id, kind, hours, amount, currency, event_id, occurred_at, created_at)
			SELECT '2' || id, student_id, id, 'credit', hours, amount, currency, 'evt_' || id, created_at, created_at FROM purchase_transactions`,
		`INSERT INTO hour_ledger_entries (id, student_id, kind, hours, amount, currency, reference, occurred_at, created_at)
			SELECT printf('3%012d_%d', n, lesson.n2), ` + student + `, 'consumption', -100, 0, 'eur', 'lesson_' || n || '_' || lesson.n2, ` + at + `, ` + at + `
			FROM ` + series(purchases) + `, (SELECT 1 AS n2 UNION ALL SELECT 2) AS lesson`,
		"ANALYZE",
	} {
		db.Exec(t, regexp.MustCompile(`\s+`).ReplaceAllString(statement, " "))
	}
}
