package tests

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hourbank/database"
	"hourbank/tests/harness"
)

const exportsPath = api + "/exports/"

// csvOf asks the API for an export with the read key.
func csvOf(t *testing.T, app *harness.App, address string) []map[string]string {
	t.Helper()
	answer := app.Get(t, exportsPath+address)
	if got := answer.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/csv; charset=utf-8") {
		t.Errorf("%s is %s", address, got)
	}
	if !strings.Contains(answer.Header.Get("Content-Disposition"), "attachment; filename=") || !strings.Contains(answer.Body, "\r\n") {
		t.Errorf("%s: %s\n%q", address, answer.Header.Get("Content-Disposition"), answer.Body)
	}
	return readCSV(t, answer.Body)
}

func TestListsAreExportedAsCSV(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded(), p.ChargeRefunded(1000).At(5), p.Dispute("charge.dispute.created", "dp", 2000, "needs_response").At(9))
		grant := func(student, reason string) {
			app.Post(t, harness.AdminKey, api+"/students/"+student+"/grants/", `{"hours":"1.00","reason":"`+reason+`","reference":"-1+1"}`).Want(t, http.StatusCreated)
		}
		grant(p.Student, `=HYPERLINK(\"http://x\")`)
		grant("%40SUM(1)", "a, \\\"quoted\\\" gift; =1+1")

		rows := csvOf(t, app, "ledger.csv?student_id="+p.Student)
		var shown []string
		for _, row := range rows {
			shown = append(shown, fmt.Sprint(row["kind"], " ", row["hours"], " ", row["amount"], " ", row["amount_decimal"], " ", row["amount_refunded_decimal"], " ", row["amount_disputed"], " ", row["reason"], " ", row["reference"]))
		}
		want := []string{
			"credit 10.00 5000 50.00 0.00 0  ", "reversal -2.00 -1000 -10.00 10.00 0  ", "reversal -4.00 -2000 -20.00 0.00 2000  ",
			`grant 1.00 0 0.00 0.00 0 '=HYPERLINK("http://x") '-1+1`,
		}
		wantSame(t, "the ledger's export", shown, want)
		if at, err := time.Parse(time.RFC3339, rows[0]["occurred_at"]); err != nil || at.Location() != time.UTC || rows[0]["transaction_id"] != p.ID || rows[0]["test"] != "false" {
			t.Errorf("%v %v", err, rows[0])
		}
		if gift := csvOf(t, app, "ledger.csv?student_id=%40SUM(1)"); len(gift) != 1 || gift[0]["reason"] != `a, "quoted" gift;' =1+1` {
			t.Errorf("what some spreadsheets take for a cell of its own: %v", gift)
		}
		if students := csvOf(t, app, "students.csv"); len(students) != 2 || students[0]["student_id"] != "'@SUM(1)" || students[0]["hours_granted"] != "1.00" || students[0]["currency"] != "" {
			t.Errorf("students: %v", students)
		}
		if made := csvOf(t, app, "purchases.csv?payment_status=disputed&student_id="+p.Student); len(made) != 1 || made[0]["amount_received"] != "5000" || made[0]["amount_refunded_decimal"] != "10.00" || made[0]["stripe_payment_intent_id"] != p.PaymentIntent {
			t.Errorf("purchases: %v", made)
		}
		if events := csvOf(t, app, "events.csv?type=charge.refunded"); len(events) != 1 || events[0]["transaction_id"] != p.ID || events[0]["payload"] != "" {
			t.Errorf("events: %v", events)
		}
		if cases := csvOf(t, app, "cases.csv?status=open&kind=dispute"); len(cases) != 1 || cases[0]["student_id"] != p.Student || cases[0]["amount_decimal"] != "20.00" {
			t.Errorf("cases: %v", cases)
		}
		if none := csvOf(t, app, "purchases.csv?to=1999-12-31"); len(none) != 0 {
			t.Errorf("purchases of the last century: %v", none)
		}
	})
}

// Some spreadsheets cut a line at semicolons or tabs, whatever its quotes say, and trim
// and unquote the parts.
func TestNoPartOfACellIsAFormula(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for id, want := range map[string]string{
			`x;=cmd|' /C calc'!A0;y`: `x;'=cmd|' /C calc'!A0;y`,
			"=1;+2;-3|@4":            "'=1;'+2;'-3|'@4",
			`x;"=1"`:                 `x;'"=1"`,
			"x; ＝1;y":                "x;' ＝1;y",
			"a=1;b-2":                "a=1;b-2",
		} {
			app.Post(t, harness.AdminKey, api+"/students/"+url.PathEscape(id)+"/grants/", `{"hours":"1.00","reason":"r","reference":"r"}`).Want(t, http.StatusCreated)
			rows := csvOf(t, app, "ledger.csv?student_id="+url.QueryEscape(id))
			if len(rows) != 1 || rows[0]["student_id"] != want {
				t.Errorf("%s is written as %v", id, rows)
			}
		}
	})
}

func TestExportsRefuseWhatTheyDontKnow(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, address := range []string{
			"ledger.csv?from=2026-13-01", "ledger.csv?from=2026-02-01&to=2026-01-01", "ledger.csv?status=open", "ledger.csv?kind=gift", "ledger.csv?from=2026-01-01&from=2026-01-02",
			"students.csv?from=2026-01-01", "statement.csv?by=week", "statement.csv?by=month", "statement.csv?by=month&from=1990-01-01&to=2026-01-01", "cases.csv?status=parked",
		} {
			answer := app.As(t, harness.ReadKey, http.MethodGet, exportsPath+address).WantProblem(t, http.StatusBadRequest, "invalid_request")
			if answer.Header.Get("Content-Disposition") != "" {
				t.Errorf("%s: the refusal is a file", address)
			}
		}
		app.As(t, harness.ReadKey, http.MethodGet, exportsPath+"payloads.csv").WantProblem(t, http.StatusNotFound, "not_found")
		app.As(t, harness.ReadKey, http.MethodGet, exportsPath+"ledger").WantProblem(t, http.StatusNotFound, "not_found")
		app.As(t, "no key", http.MethodGet, exportsPath+"ledger.csv").WantProblem(t, http.StatusUnauthorized, "unauthorized")
		if head := app.As(t, harness.ReadKey, http.MethodHead, exportsPath+"ledger.csv?to=2026-10-31").Want(t, http.StatusOK); head.Header.Get("Content-Disposition") != "attachment; filename=ledger_2026-10-31.csv" {
			t.Errorf("%v", head.Header)
		}
		for _, args := range [][]string{{"export"}, {"export", "payloads"}, {"export", "ledger", "--from", "yesterday"}, {"export", "students", "--plan", "pack8"}} {
			if result := app.Run(t, args...); result.Code != 2 || result.Stderr == "" || result.Stdout != "" {
				t.Errorf("%v: %+v", args, result)
			}
		}
	})
}

// insertPurchases makes so many past all code, and one that can't be read.
func insertPurchases(t *testing.T, db *harness.Database, purchases int) {
	t.Helper()
	p := db.NewPurchase(t)
	series := "generate_series(1, %d) AS made(n)"
	if db.Engine == database.SQLite {
		series = "(WITH RECURSIVE made(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM made WHERE n < %d) SELECT n FROM made) AS made"
	}
	db.Exec(t, fmt.Sprintf(`INSERT INTO purchase_transactions (id, student_id, transaction_type, payment_status, amount, currency, hours, metadata, created_at, updated_at)
		SELECT 'p_' || (100000 + n), '`+p.Student+`', 'package', 'pending', 5000, 'eur', 1000, '{}', '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00' FROM `+series, purchases))
}

// More rows than a chunk has: none is left out, none comes twice, and a file is
// there only once it is whole.
func TestAnExportOfManyChunksIsWhole(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		const purchases = 2500
		insertPurchases(t, app.Database, purchases)
		var ids []string
		for _, row := range csvOf(t, app, "purchases.csv?to=2026-01-01") {
			ids = append(ids, row["id"])
		}
		if len(ids) != purchases || !slices.IsSorted(ids) || len(slices.Compact(ids)) != purchases {
			t.Errorf("%d rows of %d", len(ids), purchases)
		}
		file := filepath.Join(t.TempDir(), "purchases.csv")
		app.MustRun(t, "export", "purchases", "--to", "2026-01-01", "--output", file)
		written, err := os.ReadFile(file)
		if err != nil || string(written) != app.Get(t, exportsPath+"purchases.csv?to=2026-01-01").Body {
			t.Errorf("the file is not what the API answers: %v", err)
		}

		app.Exec(t, "UPDATE purchase_transactions SET metadata = '[]' WHERE id = 'p_102400'") // a row of the third chunk that can't be read
		if _, err := app.Try(http.MethodGet, exportsPath+"purchases.csv?to=2026-01-01", "", "Authorization", "Bearer "+harness.ReadKey); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("an export that failed on the way ends with %v", err)
		}
		failed := filepath.Join(t.TempDir(), "failed.csv")
		if result := app.Run(t, "export", "purchases", "--to", "2026-01-01", "-o", failed); result.Code != 1 || result.Stderr == "" {
			t.Errorf("%+v", result)
		}
		if left, _ := filepath.Glob(failed + "*"); len(left) > 0 {
			t.Errorf("a failed export left %v", left)
		}
	})
}

// What test-stripe-webhook makes is in no sum.
func TestTestDataIsInNoSum(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		toolOn(t, db, "--all")
		if rows := append(exported(t, db, "sales"), exported(t, db, "statement")...); len(rows) > 0 {
			t.Errorf("sums of test data: %v", rows)
		}
		rows := exported(t, db, "ledger")
		if len(rows) == 0 || slices.ContainsFunc(rows, func(row map[string]string) bool { return row["test"] != "true" }) {
			t.Errorf("entries of test data: %v", rows)
		}
	})
}
