package tests

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"hourbank/database"
	"hourbank/tests/harness"
)

// settle makes an event that waits one without a purchase, as if nobody had known what to do
// with its type, that came so many days ago. A replay makes it wait again.
func settle(t *testing.T, app *harness.App, event *harness.Event, days int) {
	t.Helper()
	app.Exec(t, "UPDATE webhook_events SET status = 'ignored', reason = 'unsupported_type', next_attempt_at = NULL WHERE id = $1", event.ID)
	makeOld(t, app.Database, event.ID, days)
}

// hold keeps an event's row locked.
func hold(t *testing.T, db *harness.Database, id string) (release func()) {
	t.Helper()
	held, err := db.SQL(t).BeginTx(t.Context(), nil)
	if err == nil {
		_, err = held.ExecContext(t.Context(), "SELECT 1 FROM webhook_events WHERE id = $1 FOR UPDATE", id)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := held.Rollback(); err != nil {
			t.Error(err)
		}
	}
}

// waitForLocks waits until so many sessions wait for a lock.
func waitForLocks(t *testing.T, db *harness.Database, sessions int64) {
	t.Helper()
	harness.Eventually(t, "sessions wait for a lock", func() bool {
		return db.Count(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") >= sessions
	})
}

// A replay that read its payload before the archive took it away gives it back, and the
// event is tried as any other that waits.
func TestAReplayKeepsThePayloadThatIsArchivedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, apart := range []int64{0, 1} {
		db := harness.NewDatabase(t, database.Postgres)
		app := serveUnpruned(t, db, "PARK_FOR=99999h")
		p, woken := park(t, app)
		settle(t, app, woken, 80)
		if apart > 0 {
			prune(t, db, apart)
		}
		release := hold(t, db, woken.ID)
		archived, answer := make(chan harness.Result, 1), make(chan harness.Response, 1)
		go func() {
			archived <- db.Run(t, "events", "archive", "--before", daysAgo(60).Format(time.DateOnly), "--output", filepath.Join(t.TempDir(), "a.jsonl"), "--json")
		}()
		waitForLocks(t, db, 1)
		go func() {
			answer <- app.As(t, harness.AdminKey, http.MethodPost, api+"/events/"+woken.ID+"/replay/")
		}()
		waitForLocks(t, db, 2)
		release()
		(<-answer).Want(t, http.StatusOK).WantFields(t, fields{"status": "parked"})
		wantJSON(t, (<-archived).Stdout, fields{"archived": "1", "emptied": "1"})
		app.Get(t, api+"/events/"+woken.ID+"/").WantFields(t, fields{"status": "parked", "payload.id": woken.ID})
		p.Create(db)
		waitForHours(t, app, p.Student, "10.00")

		// Once it is settled, it moves and goes as any other does.
		prune(t, db, 1)
		harness.Eventually(t, "it has moved", func() bool { return db.Count(t, "SELECT count(*) FROM webhook_events WHERE payload <> ''") == 0 })
		app.Get(t, api+"/events/"+woken.ID+"/").WantFields(t, fields{"status": "processed", "payload.id": woken.ID})
		prune(t, db, 0, "RETAIN_PAYLOADS_FOR=1200h")
		db.MustAudit(t)
	}
}

// It doesn't bring back a student who is forgotten meanwhile.
func TestAReplayBringsNobodyBackWhoIsForgottenMeanwhile(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.Postgres)
	app := serveUnpruned(t, db, "PARK_FOR=99999h")
	p := harness.NewPurchase(t)
	woken := p.Succeeded().Set("metadata.student_id", p.Student)
	app.Deliver(t, woken).Want(t, http.StatusAccepted)
	settle(t, app, woken, 80)
	app.Post(t, harness.AdminKey, api+"/students/"+p.Student+"/grants/", `{"hours":"1.00","reference":"gift_1","reason":"a gift"}`).Want(t, http.StatusCreated)
	release := hold(t, db, woken.ID)
	forgotten, answer := make(chan harness.Result, 1), make(chan harness.Response, 1)
	go func() { forgotten <- db.Run(t, "forget-student", p.Student, "--yes") }()
	waitForLocks(t, db, 1)
	go func() {
		answer <- app.As(t, harness.AdminKey, http.MethodPost, api+"/events/"+woken.ID+"/replay/")
	}()
	waitForLocks(t, db, 2)
	release()
	if r := <-forgotten; r.Code != 0 {
		t.Errorf("%+v", r)
	}
	<-answer
	if found := mentions(t, db, p.Student); len(found) != 0 {
		t.Errorf("%s is in %v", p.Student, found)
	}
	db.MustAudit(t)
}

// An event that waits and of which nothing is kept can't be tried: it is given up, and not
// claimed again for ever.
func TestAnEventThatWaitsWithoutAPayloadIsGivenUp(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		_, event := park(t, app)
		app.Exec(t, "UPDATE webhook_events SET payload = '', next_attempt_at = received_at WHERE id = $1", event.ID)
		harness.Eventually(t, "it is given up", func() bool {
			return app.Get(t, api+"/events/"+event.ID+"/").Get("status").String() == "ignored"
		})
		app.Get(t, api+"/events/"+event.ID+"/").WantFields(t, fields{"reason": "unmatched", "next_attempt_at": "", "payload": ""})
		if lines := app.Log.Lines("event_id", event.ID); len(lines) == 0 {
			t.Error("nothing tells of it")
		}
		app.MustAudit(t)
	})
}

// Who reads all the while that old payloads go, such as a dump, keeps no month from losing
// them, nor newer ones from moving.
func TestADumpKeepsNoPayloads(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.Postgres)
	app := serveUnpruned(t, db)
	purchases := make([]*harness.Purchase, 3)
	for i := range purchases {
		purchases[i] = harness.NewPurchase(t).Create(db)
		app.MustProcess(t, purchases[i].Succeeded())
		makeOld(t, db, purchases[i].ID, 100*(i+1))
	}
	prune(t, db, 3)
	fresh := harness.NewPurchase(t).Create(db)
	app.MustProcess(t, fresh.Succeeded())
	makeOld(t, db, fresh.ID, 10)
	waitForPrune(t, db)
	dump, err := db.SQL(t).BeginTx(t.Context(), nil)
	if err == nil {
		_, err = dump.ExecContext(t.Context(), "LOCK TABLE event_payloads IN ACCESS SHARE MODE")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer dump.Rollback() //nolint:errcheck // the test is over
	app = prune(t, db, 1, "RETAIN_PAYLOADS_FOR=720h")
	waitForPrune(t, db)
	if n := db.Count(t, "SELECT count(*) FROM webhook_events WHERE payload <> ''"); n != 0 {
		t.Errorf("%d payloads did not move", n)
	}
	if warned := app.Log.Lines("level", "warn"); len(warned) != 0 {
		t.Errorf("warned of %v", warned)
	}
	db.MustAudit(t)
}

// waitForPrune waits until pruning has succeeded, and forgets that it has.
func waitForPrune(t *testing.T, db *harness.Database) {
	t.Helper()
	harness.Eventually(t, "pruning has succeeded", func() bool {
		return db.Count(t, "SELECT count(*) FROM scheduled_jobs WHERE name = 'prune' AND last_success_at IS NOT NULL") == 1
	})
	db.Exec(t, "UPDATE scheduled_jobs SET last_success_at = NULL WHERE name = 'prune'")
}

// What can't be removed keeps nothing else from being removed or moved; it is tried again
// soon, and is no success.
func TestPruningThatFailsIsTriedAgainSoon(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := serveUnpruned(t, db)
		p := harness.NewPurchase(t).Create(db)
		app.MustProcess(t, p.Succeeded())
		makeOld(t, db, p.ID, 10)
		db.Exec(t, "ALTER TABLE idempotency_keys RENAME TO hidden")
		app = prune(t, db, 1)
		harness.Eventually(t, "it has failed", func() bool { return len(app.Log.Lines("msg", "pruning failed")) == 1 })
		soon := time.Now().UTC().Add(11 * time.Minute).Format("2006-01-02 15:04:05+00:00")
		if n := db.Count(t, "SELECT count(*) FROM scheduled_jobs WHERE name = 'prune' AND last_success_at IS NULL AND next_run_at < '"+soon+"'"); n != 1 {
			t.Error("it is not tried again soon, or noted a success")
		}
		db.Exec(t, "ALTER TABLE hidden RENAME TO idempotency_keys")
		app = prune(t, db, 1)
		waitForPrune(t, db)
		if n := db.Count(t, "SELECT count(*) FROM scheduled_jobs WHERE name = 'prune' AND next_run_at > '"+soon+"'"); n != 1 {
			t.Error("it is tried again before a day is over")
		}
		db.MustAudit(t)
	})
}

// A program that knows nothing of payloads that lie apart removes events as it always did:
// theirs go with them.
func TestPayloadsGoWithTheirEvents(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, owner *harness.Database) {
		db := owner
		if owner.Engine == database.Postgres {
			db = owner.ServingRole(t)
		}
		app := serveUnpruned(t, db)
		p, ignored := harness.NewPurchase(t).Create(owner), harness.NewEvent(t, "customer.created", "payment_intent")
		app.MustProcess(t, p.Succeeded())
		app.Deliver(t, ignored).Want(t, http.StatusOK)
		makeOld(t, db, p.ID, 40)
		makeOld(t, db, ignored.ID, 40)
		prune(t, db, 2)
		db.Exec(t, "DELETE FROM webhook_events WHERE id IN (SELECT id FROM webhook_events WHERE status = 'ignored' ORDER BY received_at LIMIT 1000)")
		if n := db.Count(t, "SELECT count(*) FROM event_payloads WHERE event_id = '"+ignored.ID+"'"); n != 0 || countApart(t, db) != 1 {
			t.Errorf("%d payloads of it lie apart, of %d", n, countApart(t, db))
		}
		db.MustAudit(t)
	})
}
