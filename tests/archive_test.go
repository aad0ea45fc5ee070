package tests

import (
	"bufio"
	"compress/gzip"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"hourbank/tests/harness"
)

// Payloads of old events go into files, which a rebuild reads as if they were still
// there.
func TestOldPayloadsAreArchivedAndRebuildReadsThem(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t, "PARK_FOR=99999h")
		old, fresh := harness.NewPurchase(t).Create(db), harness.NewPurchase(t).Create(db)
		event := old.Succeeded()
		app.MustProcess(t, event, old.Refund("refund.created", "re_"+old.ID, 2500, "succeeded", 1), fresh.Succeeded())
		payload := app.Get(t, api+"/events/"+event.ID+"/").Get("payload").String()
		_, parked := park(t, app)
		db.Exec(t, "UPDATE webhook_events SET received_at = $1 WHERE id = $2 OR status = 'parked'", daysAgo(401), event.ID)
		db.Exec(t, "UPDATE webhook_events SET received_at = $1 WHERE transaction_id = $2 AND id <> $3", daysAgo(340), old.ID, event.ID)

		first, second := filepath.Join(t.TempDir(), "first.jsonl.gz"), filepath.Join(t.TempDir(), "second.jsonl")
		moveEvents(t, db, 360, first)
		moveEvents(t, db, 300, second)
		wantRefused(t, db, 1, "a file that is there", "events", "archive", "--before", "2020-01-01", "--output", first)
		for _, args := range [][]string{{"--before", "2020-01-01"}, {"--output", first}, {"--before", "2999-01-01", "--output", first}} {
			wantRefused(t, db, 2, strings.Join(args, " "), append([]string{"events", "archive"}, args...)...)
		}
		if line := firstLine(t, first); gjson.Get(line, "id").String() != event.ID || gjson.Get(line, "payload").String() != payload {
			t.Errorf("archived %s, want the payload %s", line, payload)
		}
		app.Get(t, api+"/events/"+event.ID+"/").WantFields(t, fields{"status": "processed", "payload": "", "transaction_id": old.ID})
		app.Get(t, api+"/events/"+parked.ID+"/").WantFields(t, fields{"status": "parked", "payload.id": parked.ID})

		// As if older rules had taken the refund for all of it.
		db.Exec(t, "UPDATE purchase_transactions SET payment_status = 'refunded', amount_refunded = 5000, hours_reversed = 1000 WHERE id = $1", old.ID)
		db.Exec(t, `INSERT INTO hour_ledger_entries (id, student_id, transaction_id, kind, hours, amount, currency, created_at)
			SELECT 'wrong_'||id, student_id, id, 'reversal', -500, -2500, currency, created_at FROM purchase_transactions WHERE id = $1`, old.ID)
		wantJSON(t, db.MustRun(t, "rebuild", "--json"), fields{"rebuilt.#": "0", "purchases": "1", "eventless": "1"})
		wantJSON(t, db.MustRun(t, "rebuild", "--archive", first, "--json"), fields{"rebuilt.#": "0", "purchases": "1", "eventless": "1"})
		both := []string{"rebuild", "--archive", first, "--archive", second, "--json"}
		wantJSON(t, db.MustRun(t, both...), fields{"rebuilt.#": "1", "purchases": "2", "eventless": "0"})
		app.WantPurchase(t, old, fields{"payment_status": "partially_refunded", "hours_reversed": "5.00"})
		db.MustAudit(t)

		// Who was forgotten doesn't come back from an archive.
		db.MustRun(t, "forget-student", old.Student, "--yes")
		wantJSON(t, db.MustRun(t, both...), fields{"rebuilt.#": "0", "purchases": "1", "eventless": "1"})
	})
}

// moveEvents archives one event of so many days ago.
func moveEvents(t *testing.T, db *harness.Database, days int, file string) {
	t.Helper()
	wantJSON(t, db.MustRun(t, "events", "archive", "--before", daysAgo(days).Format(time.DateOnly), "--output", file, "--json"),
		fields{"file": file, "archived": "1", "emptied": "1"})
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v", file, info, err)
	}
}

func firstLine(t *testing.T, compressed string) string {
	t.Helper()
	file, err := os.Open(compressed)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it is only read
	content, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(content).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// Events that found no purchase are tried again from archives, too; but for those of whom a
// student was forgotten. Without their archive, the report counts them.
func TestRebuildReadsArchivedEventsWithoutAPurchase(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := serveUnpruned(t, db, "PARK_FOR=99999h")
		p, event := park(t, app)
		forgotten := harness.NewPurchase(t)
		theirs := forgotten.Succeeded().Set("metadata.student_id", forgotten.Student)
		app.Deliver(t, theirs).Want(t, http.StatusAccepted)
		for _, one := range []string{event.ID, theirs.ID} {
			db.Exec(t, "UPDATE webhook_events SET status = 'ignored', reason = 'unsupported_type', next_attempt_at = NULL, received_at = $2 WHERE id = $1", one, daysAgo(401))
		}
		db.Exec(t, "DELETE FROM waiting_events")
		file := filepath.Join(t.TempDir(), "a.jsonl")
		wantJSON(t, db.MustRun(t, "events", "archive", "--before", daysAgo(360).Format(time.DateOnly), "--output", file, "--json"), fields{"archived": "2", "emptied": "2"})
		// As if it had been forgotten between the archive's being written and emptied.
		db.Exec(t, "UPDATE webhook_events SET archived_sha256 = '' WHERE id = $1", theirs.ID)
		p.Create(db)
		forgotten.Create(db)

		wantJSON(t, db.MustRun(t, "rebuild", "--json"), fields{"events.#": "0", "events_without_payload": "2"})
		wantContains(t, db.MustRun(t, "rebuild"), "2 events without a purchase were not tried")
		want := fields{"events.#.id": `["` + event.ID + `"]`, "events_without_payload": "1"}
		wantJSON(t, db.MustRun(t, "rebuild", "--archive", file, "--dry-run", "--json"), want)
		wantJSON(t, db.MustRun(t, "rebuild", "--archive", file, "--json"), want)
		app.WantBalance(t, p.Student, fields{"hours_available": "10.00"})
		app.WantPurchase(t, forgotten, fields{"payment_status": "pending"})
		want["events.#.id"] = "[]"
		wantJSON(t, db.MustRun(t, "rebuild", "--archive", file, "--json"), want)
		db.MustAudit(t)
	})
}

// An archive that is torn is refused before anything is done.
func TestATornArchiveIsRefused(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		p := harness.NewPurchase(t).Create(db)
		app.MustProcess(t, p.Succeeded())
		db.Exec(t, "UPDATE webhook_events SET received_at = $1", daysAgo(401))
		for _, name := range []string{"a.jsonl.gz", "a.jsonl"} {
			file := filepath.Join(t.TempDir(), name)
			if name == "a.jsonl.gz" {
				moveEvents(t, db, 300, file)
			} else if err := os.WriteFile(file, []byte(`{"id":"evt_1","payload":"{}"}`+"\n"+`{"id":"evt_`), 0o600); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(file)
			if err == nil {
				err = os.Truncate(file, info.Size()-5)
			}
			if err != nil {
				t.Fatal(err)
			}
			wantRefused(t, db, 1, name, "rebuild", "--archive", file)
		}
		wantRefused(t, db, 1, "no file", "rebuild", "--archive", filepath.Join(t.TempDir(), "none"))
		db.MustAudit(t)
	})
}
