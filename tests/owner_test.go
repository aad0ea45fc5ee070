package tests

import (
	"net/http"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// Money of two modes, or of two Stripe accounts, never meets in one database.

func TestADatabaseKeepsTheModeOfItsFirstEvent(t *testing.T) {
	for first, live := range map[string]bool{"live": true, "test": false} {
		t.Run(first, func(t *testing.T) {
			harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
				p := app.NewPurchase(t)
				right, wrong := p.Succeeded(), p.Succeeded()
				if live {
					right = right.Live()
				} else {
					wrong = wrong.Live()
				}
				app.MustProcess(t, right)
				app.Deliver(t, wrong).Want(t, http.StatusOK).WantFields(t, fields{"status": "ignored", "reason": "livemode_mismatch"})
				if status := app.MustRun(t, "status"); !strings.Contains(status, first+" mode") {
					t.Errorf("status: %s", status)
				}
			})
		})
	}
}

// wantRefusedDatabase starts a program that must not start, and must say why.
func wantRefusedDatabase(t *testing.T, db *harness.Database, words []string, args []string, settings ...string) {
	t.Helper()
	result := db.RunSet(t, settings, args...)
	if result.Code != 2 || strings.Count(result.Stderr, "\n") != 1 {
		t.Errorf("%v with %v: exit code %d\n%s", args, settings, result.Code, result.Stderr)
	}
	for _, word := range words {
		if !strings.Contains(result.Stderr, word) {
			t.Errorf("%v with %v: no %q in %s", args, settings, word, result.Stderr)
		}
	}
}

func TestAnotherModeIsRefusedADatabase(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t, "STRIPE_MODE=live")
		app.MustProcess(t, db.NewPurchase(t).Succeeded().Live())
		app.Stop(t)
		for _, args := range [][]string{{"serve"}, {"reconcile"}, {"events", "replay", "evt_1"}} {
			wantRefusedDatabase(t, db, []string{"DATABASE_URL", "live mode", "test mode"}, args, "STRIPE_SECRET_KEY=sk_test_of_the_tests", "STRIPE_API_BASE=http://127.0.0.1:9")
		}
		wantRefusedDatabase(t, db, []string{"live mode", "sandbox mode"}, []string{"serve", "--sandbox"}, "SANDBOX_ADDR=127.0.0.1:0")
		db.Serve(t) // without a key or mode it takes the database's
	})
}

func TestASandboxesDatabaseIsNobodyElses(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.ServeSandbox(t) // it sells a first purchase
		harness.Eventually(t, "the database is stamped", func() bool {
			return db.Count(t, "SELECT count(*) FROM database_owner") == 1
		})
		app.Stop(t)
		for _, settings := range [][]string{{"STRIPE_MODE=test"}, {"STRIPE_MODE=live"}, {"STRIPE_SECRET_KEY=sk_live_of_the_tests", "STRIPE_API_BASE=http://127.0.0.1:9"}} {
			wantRefusedDatabase(t, db, []string{"sandbox mode"}, []string{"serve"}, settings...)
		}
		wantRefusedDatabase(t, db, []string{"sandbox"}, []string{"serve"})                                                                                              // nothing says that it is one
		db.Serve(t, "STRIPE_SECRET_KEY=sk_test_of_the_tests", "STRIPE_API_BASE=http://127.0.0.1:9").Stop(t)                                                             // speaks to a stand-in
		wantRefusedDatabase(t, db, []string{"sandbox mode"}, []string{"serve"}, "STRIPE_SECRET_KEY=sk_test_of_the_tests", "STRIPE_API_BASE=https://stripe.example.org") // it is not this machine's
		wantRefusedDatabase(t, db, []string{"sandbox mode"}, []string{"serve"}, "STRIPE_SECRET_KEY=sk_test_of_the_tests")
		db.ServeSandbox(t)
	})
}

func TestASandboxTakesNoDatabaseThatHoldsHoursOfNoMode(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.Post(t, harness.AdminKey, api+"/students/s/grants/", `{"hours":"1.00","reason":"a gift","reference":"r"}`).Want(t, http.StatusCreated)
		app.Stop(t)
		wantRefusedDatabase(t, app.Database, []string{"DATABASE_URL", "--sandbox"}, []string{"serve", "--sandbox"}, "SANDBOX_ADDR=127.0.0.1:0")
		if n := app.Count(t, "SELECT count(*) FROM database_owner"); n != 0 {
			t.Error("the database was stamped all the same")
		}
		app.Serve(t, "STRIPE_MODE=live") // who knows better may say it
	})
}

// Real money that is ignored is not only a line of a list.
func TestRealMoneyOnATestDatabaseIsWarnedOf(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t, "STRIPE_MODE=test")
		p := app.NewPurchase(t)
		test, live := p.Succeeded(), p.Succeeded().Live()
		app.MustProcess(t, test)
		app.Deliver(t, live).Want(t, http.StatusOK).WantFields(t, fields{"status": "ignored", "reason": "livemode_mismatch"})
		warned := app.Log.Lines("level", "warn")
		if len(warned) != 1 || warned[0].Get("event_id").String() != live.ID || !strings.Contains(warned[0].Get("warning").String(), "real money came") {
			t.Errorf("warned of %v", warned)
		}
	})
}

func TestAnotherStripeAccountIsRefusedADatabase(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t, "STRIPE_MODE=test")
		app.MustProcess(t, db.NewPurchase(t).Succeeded())
		app.Stop(t)
		app = db.Serve(t, "STRIPE_MODE=test", "STRIPE_ACCOUNT=acct_ours") // it was not known at first
		app.MustProcess(t, db.NewPurchase(t).Succeeded())
		app.Stop(t)
		wantRefusedDatabase(t, db, []string{"acct_ours", "acct_other"}, []string{"serve"}, "STRIPE_MODE=test", "STRIPE_ACCOUNT=acct_other")
	})
}

func TestTheDatabaseItselfKeepsItsOwner(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t, "STRIPE_MODE=live", "STRIPE_ACCOUNT=acct_ours")
		app.MustProcess(t, db.NewPurchase(t).Succeeded().Live())
		for _, statement := range []string{
			"UPDATE database_owner SET mode = 'test'",
			"UPDATE database_owner SET stripe_account = 'acct_other'",
			"DELETE FROM database_owner",
		} {
			if _, err := db.SQL(t).ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s: not refused", statement)
			}
		}
		if db.Engine == "sqlite" {
			db.Exec(t, "INSERT OR REPLACE INTO database_owner VALUES (1, 'test', NULL, '2026-01-01 00:00:00+00:00')")
		}
		if db.Count(t, "SELECT count(*) FROM database_owner WHERE mode = 'live' AND stripe_account = 'acct_ours'") != 1 {
			t.Error("the owner was changed")
		}
	})
}
