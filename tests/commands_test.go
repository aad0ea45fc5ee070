package tests

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/database"
	"hourbank/tests/harness"
)

func TestPlansCommand(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		wantContains(t, db.MustRun(t, "plans", "list"), "no plans yet")
		added := db.MustRun(t, "plans", "add", "--id", "pack8", "--name", "8 hours", "--hours", "8.00", "--amount", "12000", "--currency", "eur", "--json")
		wantJSON(t, added, fields{"id": "pack8", "hours": "8.00", "amount": "12000", "transaction_type": "package", "active": "true"})
		wantContains(t, db.MustRun(t, "plans", "list"), "pack8", "8 hours", "8.00", "€120.00", "on sale")
		wantJSON(t, db.MustRun(t, "plans", "retire", "pack8", "--json"), fields{"id": "pack8", "active": "false"})
		wantJSON(t, db.MustRun(t, "plans", "list", "--json"), fields{"#": "1", "0.id": "pack8", "0.active": "false"})
		wantContains(t, db.MustRun(t, "plans"), "add", "list", "retire")
	})
}

func TestPlansCommandRefusesWhatCannotBeSold(t *testing.T) {
	add := func(more ...string) []string {
		return append([]string{"plans", "add", "--id", "p", "--name", "P", "--hours", "8.00", "--amount", "12000", "--currency", "eur"}, more...)
	}
	rows := []struct {
		name string
		args []string
		code int
	}{
		{"no flags", []string{"plans", "add"}, 2},
		{"hours with three places", add("--hours", "1.234"), 2},
		{"hours of words", add("--hours", "many"), 2},
		{"negative hours", add("--hours=-1"), 2},
		{"no hours", add("--hours", "0"), 1},
		{"no amount", add("--amount", "0"), 1},
		{"a negative amount", add("--amount=-5"), 1},
		{"a currency in capitals", add("--currency", "EUR"), 1},
		{"another type", add("--type", "gift"), 1},
		{"no days", add("--valid-days", "0"), 1},
		{"an empty name", add("--name", " "), 1},
		{"an empty id", add("--id", ""), 1},
		{"an unknown flag", add("--nonsense"), 2},
		{"a retired plan that never was", []string{"plans", "retire", "nothing"}, 1},
		{"a retirement of nothing", []string{"plans", "retire"}, 2},
		{"an unknown subcommand", []string{"plans", "nonsense"}, 2},
	}
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		for _, row := range rows {
			wantRefused(t, db, row.code, row.name, row.args...)
		}
		db.MustRun(t, add("--stripe-price-id", "price_1")...)
		wantRefused(t, db, 1, "an id that is taken", add()...)
		wantRefused(t, db, 1, "a price that is taken", add("--id", "q", "--stripe-price-id", "price_1")...)
		wantJSON(t, db.MustRun(t, "plans", "list", "--json"), fields{"#": "1"})
	})
}

// wantRefused wants an exit code, nothing on stdout, and words on stderr.
func wantRefused(t *testing.T, db *harness.Database, code int, name string, args ...string) {
	t.Helper()
	result := db.Run(t, args...)
	if result.Code != code || result.Stdout != "" || !strings.HasPrefix(result.Stderr, "hourbank: ") {
		t.Errorf("%s: got %+v, want exit code %d", name, result, code)
	}
}

func TestEventsCommand(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		wantContains(t, app.MustRun(t, "events", "list"), "No events")
		p := app.NewPurchase(t)
		good, bad := p.Succeeded().Set("amount_received", 1), p.Intent(failed).Set("id", nil)
		app.Deliver(t, good)
		app.Deliver(t, bad)
		wantContains(t, app.MustRun(t, "events", "list", "--limit", "1"), bad.ID, "--cursor")
		listed := app.MustRun(t, "events", "list", "--json", "--limit", "1")
		wantJSON(t, listed, fields{"data.#": "1", "data.0.id": bad.ID})
		wantJSON(t, app.MustRun(t, "events", "list", "--json", "--cursor", gjson.Get(listed, "next_cursor").String()),
			fields{"data.#": "1", "data.0.id": good.ID, "next_cursor": ""})
		wantJSON(t, app.MustRun(t, "events", "list", "--json", "--status", "rejected"), fields{"data.#": "1", "data.0.id": bad.ID})
		wantJSON(t, app.MustRun(t, "events", "list", "--json", "--type", failed), fields{"data.#": "1", "data.0.id": bad.ID})
		wantContains(t, app.MustRun(t, "events", "show", good.ID), good.ID, "underpaid", p.ID, `"amount_received": 1`)
		wantJSON(t, app.MustRun(t, "events", "show", good.ID, "--json"), fields{"id": good.ID, "payload.data.object.id": p.PaymentIntent})
		app.Exec(t, "UPDATE purchase_transactions SET amount = 1")
		wantJSON(t, app.MustRun(t, "events", "replay", good.ID, bad.ID, "--json"),
			fields{"#": "2", "0.event_id": good.ID, "0.status": "processed", "1.event_id": bad.ID})
		app.WantBalance(t, p.Student, fields{"hours_available": "10.00"})
		for _, args := range [][]string{{"events", "show", "nothing"}, {"events", "replay", "nothing"}, {"events", "list", "--status", "x"}, {"events", "list", "--cursor", "x"}} {
			wantRefused(t, app.Database, 1, strings.Join(args, " "), args...)
		}
		for _, args := range [][]string{{"events", "show"}, {"events", "replay"}, {"events", "list", "--limit", "0"}, {"events", "nonsense"}} {
			wantRefused(t, app.Database, 2, strings.Join(args, " "), args...)
		}
	})
}

func TestMigrateCommand(t *testing.T) {
	for _, engine := range harness.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			db := harness.NewEmptyDatabase(t, engine)
			wantJSON(t, db.MustRun(t, "migrate", "status", "--json"), fields{"0.version": "1", "0.applied_at": "", "1.version": "2"})
			wantContains(t, db.MustRun(t, "migrate", "status"), "pending")
			wantJSON(t, db.MustRun(t, "migrate", "up", "--json"), fields{"0.version": "1", "1.version": "2"})
			wantContains(t, db.MustRun(t, "migrate", "up"), "nothing to do")
			status := db.MustRun(t, "migrate", "status")
			wantContains(t, status, "applied")
			if strings.Contains(status, "pending") {
				t.Errorf("still pending: %s", status)
			}
		})
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	help := harness.RunWith(t, nil)
	wantContains(t, help.Stdout, "serve", "migrate", "plans", "events", "audit", "reconcile", "bench")
	if help.Code != 0 {
		t.Errorf("exit code %d", help.Code)
	}
	for _, args := range [][]string{{"nonsense"}, {"serve", "now"}, {"audit", "--nonsense"}, {"--nonsense"}} {
		if result := harness.RunWith(t, nil, args...); result.Code != 2 || result.Stdout != "" || result.Stderr == "" {
			t.Errorf("%v: got %+v", args, result)
		}
	}
}

func wantContains(t *testing.T, output string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(output, part) {
			t.Errorf("no %q in:\n%s", part, output)
		}
	}
}

func wantJSON(t *testing.T, output string, want fields) {
	t.Helper()
	if !gjson.Valid(output) {
		t.Errorf("not JSON and nothing else: %s", output)
	}
	harness.Response{Body: output}.WantFields(t, want)
}

func TestProgramExits2OnAMistake(t *testing.T) {
	t.Parallel()
	result := harness.NewDatabase(t, database.SQLite).RunBinary(t, "serve", "--nonsense")
	if result.Code != 2 || result.Stdout != "" || result.Stderr == "" {
		t.Errorf("got %+v", result)
	}
}
