package tests

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"hourbank/database"
	"hourbank/tests/harness"
)

// A time that no JSON or database holds would be booked, and then nothing that shows
// it could be read.
func TestTimesThatNobodyCouldReadAgainAreRefused(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded())
		for _, at := range []string{
			"0000-01-01T00:00:00+01:00", "0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2000-01-01T00:00:00+00:01",
			"2200-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2199-12-31T23:59:59-00:01",
		} {
			lesson := `{"hours":"1.00","reference":"lesson_` + at + `","lesson_at":"` + at + `"}`
			for path, body := range map[string]string{
				"/consumptions/": lesson, "/holds/": lesson,
				"/grants/": `{"hours":"1.00","reason":"a gift","reference":"gift_` + at + `","expires_at":"` + at + `"}`,
			} {
				key := harness.AdminKey
				app.Post(t, key, student(p)+path, body).WantProblem(t, http.StatusBadRequest, "invalid_request")
			}
		}
		for _, at := range []string{"2000-01-01T00:00:00Z", "2200-01-01T00:59:59+01:00"} {
			app.Post(t, harness.WriteKey, student(p)+"/consumptions/", `{"hours":"1.00","reference":"lesson_`+at+`","lesson_at":"`+at+`"}`).Want(t, http.StatusCreated)
		}
		app.Post(t, harness.AdminKey, student(p)+"/grants/", `{"hours":"1.00","reason":"a gift","reference":"gift","expires_at":"2199-12-31T23:59:59Z"}`).Want(t, http.StatusCreated)
		app.Get(t, student(p)+"/ledger/").WantFields(t, fields{"data.#": "4"})
		for _, column := range []string{"lesson_at", "expires_at"} {
			for _, at := range []string{"1999-12-31 23:59:59+00:00", "2200-01-01 00:00:00+00:00"} {
				entry := strings.NewReplacer("(id", "("+column+", id", "('x'", "('"+at+"', 'x'").Replace(ledgerEntry(p, "x", "adjustment", 1, 0, "NULL", "'r'"))
				if _, err := app.SQL(t).ExecContext(t.Context(), entry); err == nil {
					t.Errorf("the database took %s", entry)
				}
			}
		}
		app.MustAudit(t)
	})
}

// A purchase's end is as far away as its plan says.
func TestPlansLiveForAHundredYearsAtMost(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		plan := []string{"plans", "add", "--id", "pack8", "--name", "8 hours", "--hours", "8.00", "--amount", "12000", "--currency", "eur", "--valid-days"}
		for _, days := range []string{"0", "-1", "36501", "2147483647"} {
			wantRefused(t, app.Database, 1, days, append(plan, days)...)
		}
		app.MustRun(t, append(plan, "36500")...)
		p := harness.NewPurchase(t).ValidFor(2147483647).Create(app.Database) // of a plan that was made before
		app.MustProcess(t, p.Succeeded())
		app.Get(t, api+"/purchases/?student_id="+p.Student).WantFields(t, fields{"data.0.id": p.ID})
		app.Get(t, student(p)+"/lots/").WantFields(t, fields{"data.#": "1"})
		app.MustAudit(t)
	})
}

// refuseExpirations lets the database refuse to enter what expires of bad students' hours.
func refuseExpirations(t *testing.T, db *harness.Database) {
	t.Helper()
	refuse := `CREATE TRIGGER refused BEFORE INSERT ON hour_ledger_entries WHEN NEW.kind = 'expiration' AND NEW.student_id LIKE 'bad%'
		BEGIN SELECT RAISE(ABORT, 'no'); END`
	if db.Engine == database.Postgres {
		db.Exec(t, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$")
		refuse = `CREATE TRIGGER refused BEFORE INSERT ON hour_ledger_entries FOR EACH ROW
			WHEN (NEW.kind = 'expiration' AND NEW.student_id LIKE 'bad%') EXECUTE FUNCTION refuse()`
	}
	db.Exec(t, refuse)
}

// An account that can't be settled, whatever the reason, is no other's trouble.
func TestAnAccountThatCannotBeSettledKeepsNobodyWaiting(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		refuseExpirations(t, db)
		app := db.Serve(t)
		for _, name := range []string{"bad_1", "bad_2", "good_1", "bad_3", "good_2", "bad_4"} {
			expiring(t, app, name, time.Now().Add(-time.Hour))
		}
		harness.Eventually(t, "what can expire did", func() bool {
			return db.Count(t, "SELECT count(*) FROM hour_ledger_entries WHERE kind = 'expiration' AND student_id LIKE 'good%'") == 2
		})
	})
}
