package tests

import (
	"net/http"
	"os/user"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/tests/harness"
)

func TestCasesCommand(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		wantContains(t, app.MustRun(t, "cases", "list"), "No such cases")
		s := soldTo(t, app)
		tell(t, app, s.Paid("pi_1", 5000), s.Paid("pi_2", 6000), s.Dispute("created", "dp_1", "pi_1", 1000, "needs_response"))
		listed := app.MustRun(t, "cases", "list")
		wantContains(t, listed, "ID ", "KIND", "AMOUNT", "dispute", "€10.00", "overpaid", "€50.00", s.Student, s.Purchase, s.ID("pi_1"), "answer by ")
		for line := range strings.Lines(listed) {
			if len([]rune(strings.TrimSuffix(line, "\n"))) > 80 {
				t.Errorf("wider than a screen: %s", line)
			}
		}
		open := app.MustRun(t, "cases", "list", "--kind", "overpaid", "--student", s.Student, "--json")
		wantJSON(t, open, fields{"data.#": "1", "data.0.kind": "overpaid", "data.0.status": "open"})
		wantJSON(t, app.MustRun(t, "cases", "list", "--student", "nobody", "--json"), fields{"data.#": "0"})
		first := app.MustRun(t, "cases", "list", "--limit", "1", "--json")
		second := app.MustRun(t, "cases", "list", "--limit", "1", "--json", "--cursor", gjson.Get(first, "next_cursor").String())
		if a, b := gjson.Get(first, "data.0.kind").String(), gjson.Get(second, "data.0.kind").String(); a == b || a == "" || b == "" {
			t.Errorf("the pages show %q and %q", a, b)
		}

		me, err := user.Current()
		if err != nil {
			t.Fatal(err)
		}
		id := gjson.Get(open, "data.0.id").String()
		wantContains(t, app.MustRun(t, "cases", "close", id, "--note", "a gift"), id, "closed ", "cli:"+me.Username, "a gift")
		wantJSON(t, app.MustRun(t, "cases", "close", id, "--note", "another word", "--json"), fields{"id": id, "note": "a gift", "closed_by": "cli:" + me.Username})
		wantJSON(t, app.MustRun(t, "cases", "list", "--status", "closed", "--json"), fields{"data.#": "1", "data.0.id": id})
		wantJSON(t, app.MustRun(t, "cases", "list", "--status", "all", "--json"), fields{"data.#": "2"})
		wantContains(t, app.MustRun(t, "cases"), "list", "close", "--note")

		for _, args := range [][]string{{"cases", "list", "--status", "x"}, {"cases", "list", "--kind", "x"}, {"cases", "list", "--cursor", "x"}, {"cases", "close", "nothing", "--note", "n"}, {"cases", "close", id, "--note", ""}} {
			wantRefused(t, app.Database, 1, strings.Join(args, " "), args...)
		}
		for _, args := range [][]string{{"cases", "close", id}, {"cases", "close", "--note", "n"}, {"cases", "list", "--limit", "0"}, {"cases", "nonsense"}} {
			wantRefused(t, app.Database, 2, strings.Join(args, " "), args...)
		}
	})
}

func TestMetricsCountOpenCasesByKind(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		wanted := func(lines ...string) {
			t.Helper()
			wantContains(t, app.Request(t, http.MethodGet, "/metrics", "").Want(t, http.StatusOK).Body, lines...)
		}
		wanted(`hourbank_open_cases{kind="overpaid"} 0`, `hourbank_open_cases{kind="dispute"} 0`)
		s := soldTo(t, app)
		tell(t, app, s.Paid("pi_1", 5000), s.Paid("pi_2", 6000))
		wanted(`hourbank_open_cases{kind="overpaid"} 1`, `hourbank_open_cases{kind="dispute"} 0`)
		app.Exec(t, "ALTER TABLE cases RENAME TO cases_elsewhere")
		answer := app.Request(t, http.MethodGet, "/metrics", "").Want(t, http.StatusOK)
		if strings.Contains(answer.Body, "hourbank_open_cases") || !strings.Contains(answer.Body, "hourbank_last_event_timestamp_seconds") {
			t.Error("cases that can't be counted, and the metrics are not all others")
		}
	})
}
