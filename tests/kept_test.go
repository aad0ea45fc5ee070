package tests

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"hourbank/database"
	"hourbank/tests/harness"
)

// personal is what an event shows of a customer, and nobody here needs.
var personal = map[string]any{
	"client_secret": "pi_1_secret_kept", "receipt_email": "ada@example.org", "next_action": map[string]any{"redirect_to_url": map[string]any{"url": "https://hooks.example.org"}},
	"shipping": map[string]any{"name": "Ada Lovelace", "address": map[string]any{"line1": "12 St James's Square"}},
	"latest_charge": map[string]any{
		"id": "ch_kept", "object": "charge", "amount": 5000, "receipt_url": "https://pay.example.org/receipt",
		"billing_details": map[string]any{"email": "ada@example.org", "phone": "+44 20"}, "payment_method_details": map[string]any{"type": "card", "card": map[string]any{"last4": "4242"}},
	},
}

var personalWords = []string{"_secret_", "ada@", "Lovelace", "St James", "4242", "+44", "hooks.example", "pay.example"}

func TestPayloadsAreKeptWithoutSecretsCardsAndContacts(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		event := p.Succeeded()
		for field, value := range personal {
			event.Set(field, value)
		}
		app.MustProcess(t, event)
		sum := sha256.Sum256([]byte(event.Body()))
		shown := app.Get(t, api+"/events/"+event.ID+"/").WantFields(t, fields{
			"payload_sha256": hex.EncodeToString(sum[:]), "payload.data.object.id": p.PaymentIntent, "payload.data.object.latest_charge.id": "ch_kept",
			"payload.data.object.latest_charge.payment_method_details.type": "card",
		})
		wantNone(t, shown.Body+app.MustRun(t, "events", "show", event.ID), personalWords...)
		for _, word := range personalWords {
			if n := app.Count(t, "SELECT count(*) FROM webhook_events WHERE payload LIKE '%"+strings.ReplaceAll(word, "'", "''")+"%'"); n != 0 {
				t.Errorf("%q is stored", word)
			}
		}
		// One that was stored before payloads were scrubbed shows no more.
		app.Exec(t, `UPDATE webhook_events SET payload_sha256 = NULL, payload = replace(payload, '"amount_received"', '"client_secret":"pi_1_secret_kept","amount_received"')`)
		wantNone(t, app.Get(t, api+"/events/"+event.ID+"/").WantFields(t, fields{"payload_sha256": ""}).Body, personalWords...)
		wantJSON(t, app.MustRun(t, "rebuild", "--json"), fields{"rebuilt.#": "0", "purchases": "1", "eventless": "0"})
		app.MustAudit(t)
	})
}

// daysAgo is a time that a prune comes after.
func daysAgo(n int) time.Time { return time.Now().UTC().AddDate(0, 0, -n) }

func TestAnswersGoAfterADay(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		sell := func() harness.Response {
			return app.Post(t, harness.WriteKey, api+"/purchases/", order, "Idempotency-Key", "kept").Want(t, http.StatusCreated)
		}
		first := sell()
		pay(t, standIn, first.Get("stripe_payment_intent_id").String())
		standIn.Settle(t)
		refunds := api + "/purchases/" + first.Get("id").String() + "/refunds/"
		refunded := app.Post(t, harness.AdminKey, refunds, `{"hours":"4.00"}`, "Idempotency-Key", "back").Want(t, http.StatusCreated)
		standIn.Settle(t)
		for _, table := range []string{"idempotency_keys", "purchase_transactions"} {
			app.Exec(t, "UPDATE "+table+" SET created_at = $1", daysAgo(2))
		}
		app.Exec(t, "DELETE FROM scheduled_jobs WHERE name = 'prune'")
		app.Serve(t) // another replica, which prunes as it starts
		harness.Eventually(t, "the answer is gone", func() bool {
			return app.Count(t, "SELECT count(*) FROM idempotency_keys WHERE response LIKE '%secret%'") == 0
		})
		second := sell()
		if second.Get("id").String() == first.Get("id").String() || second.Get("client_secret").String() == first.Get("client_secret").String() {
			t.Errorf("a day later the key still makes %s", second.Body)
		}
		if again := sell(); again.Body != second.Body {
			t.Errorf("and then not the same: %s", again.Body)
		}
		again := app.Post(t, harness.AdminKey, refunds, `{"hours":"4.00"}`, "Idempotency-Key", "back").Want(t, http.StatusCreated)
		if again.Get("id").String() != refunded.Get("id").String() {
			t.Errorf("asked again, Stripe refunded %s, after %s", again.Body, refunded.Body)
		}
		app.Post(t, harness.AdminKey, refunds, `{"hours":"1.00"}`, "Idempotency-Key", "back").WantProblem(t, http.StatusUnprocessableEntity, "idempotency_mismatch")
		standIn.Settle(t)
		app.WantBalance(t, "student_1", fields{"hours_available": "6.00"})
		app.MustAudit(t)
	})
}

func TestOldPayloadsGoAndFactsStay(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		old, fresh := harness.NewPurchase(t).Create(db), harness.NewPurchase(t).Create(db)
		event := old.Succeeded()
		app.MustProcess(t, event, fresh.Succeeded())
		_, parked := park(t, app)
		app.Stop(t)
		db.Exec(t, "UPDATE webhook_events SET received_at = $1 WHERE transaction_id = $2 OR status = 'parked'", daysAgo(401), old.ID)
		db.Exec(t, "DELETE FROM scheduled_jobs WHERE name = 'prune'")
		app = db.Serve(t, "RETAIN_PAYLOADS_FOR=9600h", "PARK_FOR=99999h")
		harness.Eventually(t, "the payload is gone", func() bool {
			return db.Count(t, "SELECT count(*) FROM webhook_events WHERE payload = ''") == 1
		})
		app.Get(t, api+"/events/"+event.ID+"/").WantFields(t, fields{"status": "processed", "payload": "", "transaction_id": old.ID})
		if sum := app.Get(t, api+"/events/"+event.ID+"/").Get("payload_sha256").String(); len(sum) != 64 {
			t.Errorf("the hash is %q", sum)
		}
		app.Get(t, api+"/events/"+parked.ID+"/").WantFields(t, fields{"status": "parked", "payload.id": parked.ID})
		app.As(t, harness.AdminKey, http.MethodPost, api+"/events/"+event.ID+"/replay/").WantProblem(t, http.StatusConflict, "payload_removed")
		wantRefused(t, db, 1, "The payload of this event was removed", "events", "replay", event.ID)
		wantContains(t, db.MustRun(t, "events", "show", event.ID), "not kept any more")
		wantJSON(t, db.MustRun(t, "rebuild", "--json"), fields{"rebuilt.#": "0", "purchases": "1", "eventless": "1"})

		// What Stripe tells from now on is added to what is known.
		app.MustProcess(t, old.Refund("refund.created", "re_"+old.ID, 2500, "succeeded", 1))
		app.Deliver(t, event).Want(t, http.StatusOK).WantFields(t, fields{"duplicate": "true", "status": "processed"})
		app.WantPurchase(t, old, fields{"payment_status": "partially_refunded", "hours_reversed": "5.00"})
		wantJSON(t, db.MustRun(t, "rebuild", "--json"), fields{"rebuilt.#": "0", "purchases": "1", "eventless": "1"})
		db.MustAudit(t)
	})
}

func TestRetentionIsChecked(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		if refused := db.RunSet(t, []string{"RETAIN_PAYLOADS_FOR=-1h"}, "serve"); refused.Code != 2 || !strings.Contains(refused.Stderr, "RETAIN_PAYLOADS_FOR: ") {
			t.Errorf("got %+v", refused)
		}
	})
}

func TestNobodyElseReadsTheFilesOfSQLite(t *testing.T) {
	t.Parallel()
	wantPrivate := func(path string) {
		t.Helper()
		for _, name := range []string{path, path + "-wal", path + "-shm"} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s is %v (%v)", name, info, err)
			}
		}
	}
	fresh := harness.NewEmptyDatabase(t, database.SQLite)
	fresh.Serve(t)
	path, _ := database.SQLitePath(fresh.URL)
	wantPrivate(path)

	wide := harness.NewDatabase(t, database.SQLite)
	path, _ = database.SQLitePath(wide.URL)
	if err := os.WriteFile(path+"-wal", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal"} { // as an older program left them
		if err := os.Chmod(name, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	wide.Serve(t)
	wantPrivate(path)
}

// What settles an open case is kept as long as the case is open, however old.
func TestWhatAnOpenCaseIsAboutIsKept(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t, "PARK_FOR=0s")
		monthly(t, app)
		app.MustRun(t, "plans", "add", "--id", "ten", "--name", "10 hours", "--hours", "10.00", "--amount", "5000", "--currency", "eur")
		s := harness.NewTeller(harness.V2026)
		paid := s.Bare().Paid("pi_1", 5000)
		tellAny(t, app, paid, s.Bare().Invoice("paid", "in_1", month).With("parent", nil))
		closed := s.Bare().Paid("pi_2", 5000)
		tellAny(t, app, closed)
		for _, c := range app.Get(t, api+"/cases/?status=open").Get("data").Array() {
			if c.Get("payment").String() == s.ID("pi_2") {
				app.Post(t, harness.AdminKey, api+"/cases/"+c.Get("id").String()+"/close/", `{"note":"known"}`).Want(t, http.StatusOK)
			}
		}
		app.Stop(t)
		db.Exec(t, "UPDATE webhook_events SET received_at = $1", daysAgo(91))
		db.Exec(t, "DELETE FROM scheduled_jobs WHERE name = 'prune'")
		app = db.Serve(t, "PARK_FOR=0s")
		harness.Eventually(t, "what no open case is about is gone", func() bool {
			return db.Count(t, "SELECT count(*) FROM webhook_events WHERE id = '"+closed.ID+"'")+db.Count(t, "SELECT count(*) FROM waiting_events WHERE event_id = '"+closed.ID+"'") == 0
		})
		for _, c := range app.Get(t, api+"/cases/?status=open").WantFields(t, fields{"data.#": "2"}).Get("data").Array() {
			plan := map[bool]string{true: "monthly4", false: "ten"}[strings.HasPrefix(c.Get("payment").String(), "in_")]
			app.Post(t, harness.AdminKey, api+"/cases/"+c.Get("id").String()+"/purchase/", `{"student_id":"student_1","plan":"`+plan+`"}`).Want(t, http.StatusCreated)
		}
		app.WantBalance(t, "student_1", fields{"hours_available": "14.00"})
		app.Get(t, api+"/cases/?status=open").WantFields(t, fields{"data.#": "0"})
		db.MustAudit(t)
	})
}
