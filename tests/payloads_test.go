package tests

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"hourbank/database"
	"hourbank/tests/harness"
)

// serveUnpruned serves, and prunes nothing before the test is ready for it.
func serveUnpruned(t *testing.T, db *harness.Database, settings ...string) *harness.App {
	t.Helper()
	db.Exec(t, "INSERT INTO scheduled_jobs (name, next_run_at) VALUES ('prune', $1)", daysAgo(-1))
	return db.Serve(t, settings...)
}

// prune starts another replica, which prunes as it starts, and waits until so many payloads
// lie apart.
func prune(t *testing.T, db *harness.Database, apart int64, settings ...string) *harness.App {
	t.Helper()
	db.Exec(t, "UPDATE scheduled_jobs SET next_run_at = $1 WHERE name = 'prune'", daysAgo(1))
	app := db.Serve(t, settings...)
	harness.Eventually(t, fmt.Sprintf("%d payloads lie apart", apart), func() bool { return countApart(t, db) == apart })
	return app
}

func countApart(t *testing.T, db *harness.Database) int64 {
	t.Helper()
	return db.Count(t, "SELECT count(*) FROM event_payloads")
}

// makeOld makes a purchase's events, or one event, so many days old.
func makeOld(t *testing.T, db *harness.Database, id string, days int) {
	t.Helper()
	db.Exec(t, "UPDATE webhook_events SET received_at = $1 WHERE transaction_id = $2 OR id = $2", daysAgo(days), id)
}

// formTokens are other ones each time a page is shown.
var formTokens = regexp.MustCompile(`name="(csrf_token|once)" value="[^"]+"`)

// After three days payloads lie apart, and all that reads one finds it there.
func TestPayloadsMoveApartAndAreReadThere(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := serveUnpruned(t, db, "PARK_FOR=99999h")
		p, unowned, fresh := harness.NewPurchase(t).Create(db), harness.NewPurchase(t).Create(db), harness.NewPurchase(t).Create(db)
		paid, refunded, rejected := p.Succeeded(), p.Refund("refund.created", "re_"+p.ID, 2500, "succeeded", 1), p.Intent(failed).Set("id", nil).Set("metadata.student", "ada_0")
		ignored := unowned.Succeeded()
		app.MustProcess(t, paid, refunded, ignored, fresh.Succeeded())
		app.Deliver(t, rejected).Want(t, http.StatusOK).WantFields(t, fields{"status": "rejected"})
		_, parked := park(t, app)
		v := visit(t, app, harness.AdminKey)
		read := func() string {
			t.Helper()
			shown := app.Get(t, api+"/events/"+paid.ID+"/").Body + app.MustRun(t, "events", "show", refunded.ID) + app.MustRun(t, "purchases", "timeline", p.ID, "--json") +
				fmt.Sprint(v.search(t, "ada_0")) + v.open(t, "/console/events/"+paid.ID+"/").Body + v.open(t, purchasePage(p.ID)).Body
			return formTokens.ReplaceAllString(shown, "")
		}
		for id, days := range map[string]int{p.ID: 4, ignored.ID: 5, rejected.ID: 40, parked.ID: 40, fresh.ID: 2} {
			makeOld(t, db, id, days)
		}
		before := read()
		wantContains(t, before, "10.00 hours credited", rejected.ID)
		prune(t, db, 4)
		if n := db.Count(t, "SELECT count(*) FROM webhook_events WHERE payload = ''"); n != 4 {
			t.Errorf("%d payloads are empty", n)
		}
		if after := read(); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		app.As(t, harness.AdminKey, http.MethodPost, api+"/events/"+paid.ID+"/replay/").Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "reason": "stale"})
		wantJSON(t, db.MustRun(t, "rebuild", "--json"), fields{"rebuilt.#": "0", "purchases": "3", "eventless": "0"})

		// As if nobody had known what to do with a type.
		db.Exec(t, "UPDATE webhook_events SET status = 'ignored', reason = 'unsupported_type', transaction_id = NULL WHERE id = $1", ignored.ID)
		wantJSON(t, db.MustRun(t, "rebuild", "--json"), fields{"rebuilt.#": "0", "events.#.id": `["` + ignored.ID + `"]`})
		if n := countApart(t, db); n != 4 {
			t.Errorf("%d payloads lie apart after replays", n)
		}
		makeOld(t, db, fresh.ID, 3)
		prune(t, db, 5) // which goes on where it ended
		db.MustAudit(t)
	})
}

// What was fetched for an event moves with its payload, and is no second time asked for.
func TestSnapshotsMoveWithTheirPayloads(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		standIn := harness.NewStripe(t)
		app := serveUnpruned(t, db, standIn.Settings()...)
		sold := app.PostPatiently(t, harness.WriteKey, api+"/purchases/", `{"student_id":"thin_student","hours":"10.00","amount":5000,"currency":"eur"}`)
		intent := sold.Get("stripe_payment_intent_id").String()
		pay(t, standIn, intent)
		app.Send(t, fmt.Sprintf(`{"id":"evt_thin_%s","object":"v2.core.event","type":"v1.payment_intent.succeeded","created":%q,"livemode":false,
			"related_object":{"id":%q,"type":"payment_intent","url":"/v1/payment_intents/%[3]s"},"snapshot_event":"evt_snapshot"}`,
			intent, time.Now().UTC().Format(time.RFC3339Nano), intent)).Want(t, http.StatusOK)
		events := db.Count(t, "SELECT count(*) FROM webhook_events")
		db.Exec(t, "UPDATE webhook_events SET received_at = $1", daysAgo(40))
		prune(t, db, events)
		if n := db.Count(t, "SELECT count(*) FROM webhook_events WHERE snapshot IS NOT NULL"); n != 0 {
			t.Errorf("%d snapshots stayed", n)
		}
		if n := db.Count(t, "SELECT count(*) FROM event_payloads WHERE snapshot IS NOT NULL"); n != 1 {
			t.Errorf("%d snapshots moved", n)
		}
		db.MustRun(t, "events", "replay", "evt_thin_"+intent) // of no Stripe
		wantJSON(t, db.MustRun(t, "rebuild", "--json"), fields{"rebuilt.#": "0", "purchases": "1", "eventless": "0"})
		app.WantBalance(t, "thin_student", fields{"hours_available": "10.00"})

		file := filepath.Join(t.TempDir(), "all.jsonl")
		wantJSON(t, db.MustRun(t, "events", "archive", "--before", daysAgo(10).Format(time.DateOnly), "--output", file, "--json"),
			fields{"archived": fmt.Sprint(events), "emptied": fmt.Sprint(events)})
		if n := db.Count(t, "SELECT count(*) FROM webhook_events WHERE snapshot IS NOT NULL OR payload <> ''") + countApart(t, db); n != 0 {
			t.Errorf("%d events are not empty", n)
		}
		wantJSON(t, db.MustRun(t, "rebuild", "--archive", file, "--json"), fields{"rebuilt.#": "0", "purchases": "1", "eventless": "0"})
		db.MustAudit(t)
	})
}

// A replay can make an event wait whose payload lies apart. It is tried again as any other,
// and nothing takes its payload away meanwhile.
func TestAnEventThatWaitsAgainKeepsItsPayload(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := serveUnpruned(t, db, "PARK_FOR=99999h")
		old := harness.NewPurchase(t).Create(db)
		app.MustProcess(t, old.Succeeded())
		p, woken := park(t, app)
		db.Exec(t, "UPDATE webhook_events SET status = 'ignored', reason = 'unsupported_type', next_attempt_at = NULL WHERE id = $1", woken.ID)
		db.Exec(t, "UPDATE webhook_events SET received_at = $1", daysAgo(80))
		prune(t, db, 2, "PARK_FOR=99999h")
		app.As(t, harness.AdminKey, http.MethodPost, api+"/events/"+woken.ID+"/replay/").Want(t, http.StatusOK).WantFields(t, fields{"status": "parked"})

		file := filepath.Join(t.TempDir(), "old.jsonl")
		moveEvents(t, db, 60, file)
		if line := mustRead(t, file); strings.Contains(line, woken.ID) || countApart(t, db) != 1 {
			t.Errorf("archived %s, and %d payloads lie apart", line, countApart(t, db))
		}
		prune(t, db, 1, "PARK_FOR=99999h", "RETAIN_PAYLOADS_FOR=1200h")
		app.Get(t, api+"/events/"+woken.ID+"/").WantFields(t, fields{"status": "parked", "payload.id": woken.ID})
		p.Create(db)
		waitForHours(t, app, p.Student, "10.00")
		prune(t, db, 0, "RETAIN_PAYLOADS_FOR=1200h") // now it may go
		db.MustAudit(t)
	})
}

// Nor does a move take one that is being woken: it passes it by, and waits for nobody.
func TestAnEventThatIsWokenMeanwhileStays(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.Postgres)
	app := serveUnpruned(t, db)
	p, woken := harness.NewPurchase(t).Create(db), harness.NewPurchase(t).Create(db)
	event := woken.Succeeded()
	app.MustProcess(t, p.Succeeded(), event)
	db.Exec(t, "UPDATE webhook_events SET received_at = $1", daysAgo(40))
	waking, err := db.SQL(t).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer waking.Rollback() //nolint:errcheck // it is committed
	if _, err := waking.ExecContext(t.Context(), "UPDATE webhook_events SET status = 'parked', next_attempt_at = now() + interval '1 hour' WHERE id = $1", event.ID); err != nil {
		t.Fatal(err)
	}
	prune(t, db, 1)
	if err := waking.Commit(); err != nil {
		t.Fatal(err)
	}
	if n := db.Count(t, "SELECT count(*) FROM webhook_events WHERE status = 'parked' AND payload <> ''"); n != 1 {
		t.Errorf("%d events wait with their payload", n)
	}
}

// monthsApart are the months that PostgreSQL keeps payloads of.
func monthsApart(t *testing.T, db *harness.Database) int64 {
	t.Helper()
	return db.Count(t, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'event_payloads'::regclass")
}

// A month goes at once where the archive has all of it, and else what it has.
func TestArchivedMonthsGo(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := serveUnpruned(t, db)
		purchases := make([]*harness.Purchase, 3)
		for i := range purchases {
			purchases[i] = harness.NewPurchase(t).Create(db)
			app.MustProcess(t, purchases[i].Succeeded(), purchases[i].Refund("refund.created", "re_"+purchases[i].ID, 2500, "succeeded", 1))
			makeOld(t, db, purchases[i].ID, 100*(i+1))
		}
		prune(t, db, 6)
		// One that settled late lies where it came.
		late := harness.NewPurchase(t).Create(db)
		app.MustProcess(t, late.Succeeded())
		makeOld(t, db, late.ID, 350)

		file := filepath.Join(t.TempDir(), "archive.jsonl")
		wantJSON(t, db.MustRun(t, "events", "archive", "--before", daysAgo(150).Format(time.DateOnly), "--output", file, "--json"), fields{"archived": "5", "emptied": "5"})
		if n := countApart(t, db); n != 2 {
			t.Errorf("%d payloads lie apart", n)
		}
		if db.Engine == database.Postgres && monthsApart(t, db) != 1 {
			t.Errorf("%d months are there", monthsApart(t, db))
		}
		wantContains(t, db.MustRun(t, "purchases", "timeline", purchases[1].ID), "not known any more")
		told := db.MustRun(t, "purchases", "timeline", purchases[1].ID, "--archive", file)
		wantContains(t, told, "pending → completed", "0.00 → 10.00", "completed → partially_refunded", "0.00 → 5.00")
		wantJSON(t, db.MustRun(t, "purchases", "timeline", purchases[1].ID, "--archive", file, "--json"),
			fields{"#": "2", "0.event.type": "payment_intent.succeeded", "0.change.hours_credited_after": "10.00", "1.change.status_after": "partially_refunded"})
		wantRefused(t, db, 1, "no such purchase", "purchases", "timeline", "pi_none")
		wantJSON(t, db.MustRun(t, "rebuild", "--archive", file, "--json"), fields{"rebuilt.#": "0", "purchases": "4", "eventless": "0"})

		// Half a month: its other half stays.
		halves := daysAgo(100).AddDate(0, 0, 1-daysAgo(100).Day()).Add(12 * time.Hour)
		db.Exec(t, "UPDATE event_payloads SET received_at = $1", halves)
		db.Exec(t, "UPDATE webhook_events SET received_at = $1 WHERE transaction_id = $2", halves, purchases[0].ID)
		app.MustProcess(t, purchases[0].Refund("refund.created", "re_2"+purchases[0].ID, 1000, "succeeded", 2))
		db.Exec(t, "UPDATE webhook_events SET received_at = $1 WHERE transaction_id = $2 AND payload <> ''", halves.AddDate(0, 0, 5), purchases[0].ID)
		prune(t, db, 3)
		second := filepath.Join(t.TempDir(), "second.jsonl")
		wantJSON(t, db.MustRun(t, "events", "archive", "--before", halves.AddDate(0, 0, 2).Format(time.DateOnly), "--output", second, "--json"), fields{"archived": "2", "emptied": "2"})
		if n := countApart(t, db); n != 1 {
			t.Errorf("%d payloads lie apart", n)
		}
		db.MustAudit(t)
	})
}

// An archive is believed as far as it is what was written.
func TestAnAlteredArchiveIsRefused(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := serveUnpruned(t, db)
		p := harness.NewPurchase(t).Create(db)
		event := p.Succeeded()
		app.MustProcess(t, event)
		makeOld(t, db, p.ID, 401)
		file := filepath.Join(t.TempDir(), "a.jsonl")
		moveEvents(t, db, 300, file)
		whole := mustRead(t, file)
		altered := strings.Replace(whole, `\"amount_received\":5000`, `\"amount_received\":6000`, 1)
		if altered == whole {
			altered = strings.Replace(whole, `\"amount_received\": 5000`, `\"amount_received\": 6000`, 1)
		}
		for _, content := range []string{altered, strings.Replace(whole, `"payload":`, `"snapshot":"{}","payload":`, 1)} {
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil || content == whole {
				t.Fatalf("%v: %s", err, content)
			}
			for _, args := range [][]string{{"rebuild"}, {"purchases", "timeline", p.ID}} {
				args = append(args, "--archive", file)
				wantRefused(t, db, 1, strings.Join(args, " "), args...)
				wantContains(t, db.Run(t, args...).Stderr, file, "event "+event.ID+" is not as it was archived")
			}
		}
		// What was archived before hashes were kept is believed.
		db.Exec(t, "UPDATE webhook_events SET archived_sha256 = NULL")
		wantJSON(t, db.MustRun(t, "rebuild", "--archive", file, "--dry-run", "--json"), fields{"purchases": "1", "eventless": "0"})
		db.MustAudit(t)
	})
}

func TestPayloadsThatLieApartAreNotKeptForLonger(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := serveUnpruned(t, db)
		old, newer, ignored := harness.NewPurchase(t).Create(db), harness.NewPurchase(t).Create(db), harness.NewEvent(t, "customer.created", "payment_intent")
		event := old.Succeeded()
		app.MustProcess(t, event, newer.Succeeded())
		app.Deliver(t, ignored).Want(t, http.StatusOK).WantFields(t, fields{"status": "ignored"})
		makeOld(t, db, old.ID, 401)
		makeOld(t, db, newer.ID, 40)
		makeOld(t, db, ignored.ID, 50)
		prune(t, db, 3)
		// Events that moved nothing go after ninety days, wherever their payload lies.
		db.Exec(t, "UPDATE event_payloads SET received_at = (SELECT received_at FROM webhook_events WHERE id = $1) WHERE event_id = $2", event.ID, ignored.ID)
		db.Exec(t, "UPDATE webhook_events SET received_at = (SELECT received_at FROM event_payloads WHERE event_id = $1) WHERE id = $1", ignored.ID)
		prune(t, db, 2)
		harness.Eventually(t, "the ignored event is gone", func() bool {
			return db.Count(t, "SELECT count(*) FROM webhook_events WHERE status = 'ignored'") == 0
		})
		prune(t, db, 1, "RETAIN_PAYLOADS_FOR=9600h")
		if db.Engine == database.Postgres && monthsApart(t, db) > 2 { // its own, and the ignored event's first
			t.Errorf("%d months are there", monthsApart(t, db))
		}
		app.Get(t, api+"/events/"+event.ID+"/").WantFields(t, fields{"status": "processed", "payload": "", "transaction_id": old.ID})
		app.As(t, harness.AdminKey, http.MethodPost, api+"/events/"+event.ID+"/replay/").WantProblem(t, http.StatusConflict, "payload_removed")
		wantJSON(t, db.MustRun(t, "rebuild", "--json"), fields{"rebuilt.#": "0", "purchases": "1", "eventless": "1"})
		db.MustAudit(t)
	})
}

// Who is forgotten is forgotten there, too, also where events of no purchase name them.
func TestAStudentIsForgottenInPayloadsThatLieApart(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := serveUnpruned(t, db)
		db.MustRun(t, "plans", "add", "--id", "pack8", "--name", "8 hours", "--hours", "8.00", "--amount", "12000", "--currency", "eur")
		s, other := alive(t, app), alive(t, app)
		all := db.Count(t, "SELECT count(*) FROM webhook_events")
		db.Exec(t, "UPDATE webhook_events SET received_at = $1", daysAgo(40))
		prune(t, db, all)
		of := func(student string) int64 {
			return db.Count(t, "SELECT count(*) FROM event_payloads WHERE payload LIKE '%"+student+"%'")
		}
		kept := of(other.Student)
		if of(s.Student) == 0 || kept == 0 {
			t.Fatalf("no payloads lie apart that name %s", s.Student)
		}
		app.MustRun(t, "forget-student", s.Student, "--yes")
		if found := mentions(t, db, s.Student); len(found) != 0 {
			t.Errorf("%s is still in %v", s.Student, found)
		}
		if n := of(other.Student); n != kept {
			t.Errorf("%d payloads of another are left of %d", n, kept)
		}
		db.MustAudit(t)
	})
}

// A month is made and dropped by who serves, who owns no table, and by nobody else.
func TestTheServingRoleMovesAndDropsPayloads(t *testing.T) {
	t.Parallel()
	owner := harness.NewDatabase(t, database.Postgres)
	db := owner.ServingRole(t)
	app := serveUnpruned(t, db)
	p := harness.NewPurchase(t).Create(owner)
	app.MustProcess(t, p.Succeeded())
	owner.Exec(t, "UPDATE webhook_events SET received_at = $1", daysAgo(400))
	app = prune(t, db, 1)
	if months := monthsApart(t, owner); months != 1 {
		t.Errorf("%d months are there", months)
	}
	moveEvents(t, db, 300, filepath.Join(t.TempDir(), "old.jsonl"))
	if months := monthsApart(t, owner); months != 0 {
		t.Errorf("%d months are there", months)
	}
	for _, level := range []string{"warn", "error"} {
		for _, line := range app.Log.Lines("level", level) {
			t.Errorf("logged %s", line)
		}
	}

	wantCode := func(db *harness.Database, statement, code string) {
		t.Helper()
		_, err := db.SQL(t).ExecContext(t.Context(), statement)
		if refused, ok := errors.AsType[*pgconn.PgError](err); !ok || refused.Code != code {
			t.Errorf("%s: %v, want %s", statement, err, code)
		}
	}
	const noPrivilege, outOfBounds = "42501", "23514"
	wantCode(db, "SELECT make_payload_month(now() + interval '1 month')", outOfBounds)
	wantCode(db, "SELECT make_payload_month('infinity')", outOfBounds)
	// Names tell no era: they would be months' of our time.
	for _, month := range []string{time.Now().AddDate(0, 1, 0).Format("2006-01") + "-15 BC", "2010-12-31 23:59:59+00", "-infinity"} {
		wantCode(db, "SELECT make_payload_month('"+month+"')", outOfBounds)
	}
	owner.Exec(t, "SELECT make_payload_month('2020-02-01')")
	db.Exec(t, "SELECT drop_payload_month('2020-02-15 BC')")
	if months := monthsApart(t, owner); months != 1 {
		t.Errorf("%d months are there", months)
	}
	db.Exec(t, "SELECT drop_payload_month('2020-02-15')")
	// Nor is a table that only has a month's name one.
	owner.Exec(t, "CREATE TABLE event_payloads_2020_03 (at timestamptz)")
	wantCode(db, "SELECT make_payload_month('2020-03-01')", "42P07") // duplicate_table
	db.Exec(t, "SELECT drop_payload_month('2020-03-01')")
	owner.Exec(t, "DROP TABLE event_payloads_2020_03")
	wantCode(db, "CREATE TABLE mine PARTITION OF event_payloads DEFAULT", noPrivilege)
	name := "stranger_" + harness.RandomName()
	owner.Finally(t, "DROP OWNED BY "+name+"; DROP ROLE "+name)
	owner.Exec(t, "CREATE ROLE "+name+" LOGIN PASSWORD '"+name+"'; GRANT USAGE ON SCHEMA public TO "+name)
	for _, function := range []string{"make_payload_month", "drop_payload_month"} {
		wantCode(owner.As(name, name), "SELECT "+function+"(now())", noPrivilege)
	}
	// Nothing of the session's own is taken for a month.
	session, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // it goes with the test
	month := "event_payloads_" + time.Now().UTC().Format("2006_01")
	for _, statement := range []string{
		"CREATE TEMP TABLE " + month + " (at timestamptz)", "SET timezone = 'Pacific/Auckland'", "SELECT make_payload_month(now())",
		"SELECT make_payload_month(now())", "TABLE public." + month, "SELECT drop_payload_month(now())", "TABLE pg_temp." + month,
	} {
		if _, err := session.Exec(t.Context(), statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

func mustRead(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
