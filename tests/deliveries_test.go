package tests

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"hourbank/database"
	"hourbank/tests/harness"
)

func TestThePlatformIsToldSignedEvents(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		one, other := harness.NewReceiver(t, nil), harness.NewReceiver(t, nil)
		settings := one.Settings()
		settings[0] += "," + strings.TrimPrefix(other.Settings()[0], "EVENTS_URLS=")
		app := db.Serve(t, settings...)

		p := harness.NewPurchase(t).For("student_1").Create(db)
		app.MustProcess(t, p.Succeeded())
		app.Post(t, harness.WriteKey, student(p)+"/consumptions/", `{"hours":"4.50","reference":"lesson"}`).Want(t, http.StatusCreated)
		app.Post(t, harness.AdminKey, student(p)+"/grants/", `{"hours":"0.50","reason":"gift","reference":"gift"}`).Want(t, http.StatusCreated)
		app.MustProcess(t, p.ChargeRefunded(5000).At(now())) // all of it, though hours are used
		app.Post(t, harness.AdminKey, student(p)+"/adjustments/", `{"hours":"4.00","reason":"goodwill","reference":"good"}`).Want(t, http.StatusCreated)
		told := []string{"purchase.completed", "hours.credited", "hours.credited", "purchase.reversed", "hours.reversed", "hours.credited"}
		expiring(t, app, "student_2", time.Now().Add(-time.Second))
		for _, r := range []*harness.Receiver{one, other} {
			r.WantTold(t, "student_1", told...)
			r.WantTold(t, "student_2", "purchase.completed", "hours.credited", "hours.expired")
		}
		for _, received := range one.Took() {
			if at, err := time.Parse(time.RFC3339Nano, received.Get("timestamp")); err != nil || time.Since(at) > time.Hour {
				t.Errorf("of when is %s? (%v)", received.Body, err)
			}
		}
		entry := app.Get(t, student(p)+"/ledger/").Get("data.@reverse.0")
		first := one.Took()[slices.IndexFunc(one.Took(), func(r harness.Received) bool { return r.Get("data.student_id") == "student_1" })]
		wantJSON(t, first.Body, fields{
			"type": "purchase.completed", "data.id": entry.Get("id").String(), "data.transaction_id": p.ID, "data.kind": "credit", "data.hours": "10.00",
			"data.amount": "5000", "data.currency": "eur", "data.occurred_at": gjson.Parse(first.Body).Get("data.occurred_at").String(),
		})
		for _, received := range one.Took() {
			switch received.Get("type") {
			case "hours.reversed":
				wantJSON(t, received.Body, fields{"data.hours": "-10.00", "data.amount": "-5000", "data.kind": "reversal"})
			case "hours.expired":
				wantJSON(t, received.Body, fields{"data.hours": "-10.00", "data.kind": "expiration"})
			}
		}
		app.MustAudit(t)
		harness.Eventually(t, "all is noted", func() bool {
			return strings.Contains(app.Request(t, http.MethodGet, "/metrics", "").Body, `hourbank_delivery_attempts_total{result="delivered"} 18`)
		})
		wantContains(t, app.Request(t, http.MethodGet, "/metrics", "").Body, `hourbank_deliveries{status="due"} 0`, `hourbank_deliveries{status="failed"} 0`)
		wantJSON(t, db.MustRun(t, "deliveries", "list", "--status", "delivered", "--limit", "100", "--json"), fields{"data.#": "18"})
		wantNone(t, app.Log.String(), harness.EventsSecret, harness.EventsOldSecret)
	})
}

func TestNothingIsWrittenWhereNobodyIsTold(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		r := harness.NewReceiver(t, nil)
		db.Serve(t, r.Settings()...).Stop(t)
		app := db.Serve(t)
		app.MustProcess(t, app.NewPurchase(t).Succeeded())
		if n := db.Count(t, "SELECT count(*) FROM event_deliveries"); n > 0 || len(r.Took()) > 0 {
			t.Errorf("%d deliveries were written, %d sent", n, len(r.Took()))
		}
	})
}

func TestEventsOfAStudentAreSentInOrder(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		var refuse atomic.Bool
		refuse.Store(true)
		r := harness.NewReceiver(t, func(r harness.Received) int {
			if refuse.Load() && r.Get("data.student_id") == "student_1" {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		})
		app := db.Serve(t, r.Settings()...)
		first, second := harness.NewPurchase(t).For("student_1").Create(db), harness.NewPurchase(t).For("student_2").Create(db)
		app.MustProcess(t, first.Succeeded())
		app.MustProcess(t, first.ChargeRefunded(5000).At(now()))
		app.MustProcess(t, second.Succeeded())
		r.WantTold(t, "student_2", "purchase.completed", "hours.credited")
		harness.Eventually(t, "the first was tried twice", func() bool {
			return db.Count(t, "SELECT count(*) FROM event_deliveries WHERE attempts > 1 AND last_error = 'answered 500'") == 1
		})
		refuse.Store(false)
		r.WantTold(t, "student_1", "purchase.completed", "hours.credited", "purchase.reversed", "hours.reversed")
		ids, bodies := map[string]bool{}, map[string]bool{}
		for _, received := range r.Took() {
			if received.Get("data.student_id") == "student_1" && received.Get("type") == "purchase.completed" {
				ids[received.ID], bodies[received.Body] = true, true
			} else if received.Status != http.StatusOK {
				t.Errorf("%s was sent before the one before was taken", received.Body)
			}
		}
		if len(ids) != 1 || len(bodies) != 1 {
			t.Errorf("one event was sent as %v with %v", ids, bodies)
		}
	})
}

// An endpoint that is slow with one student's event takes those of others meanwhile.
func TestASlowAnswerHoldsUpNobodyElse(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		asked, mayAnswer := make(chan struct{}), make(chan struct{})
		var once sync.Once
		r := harness.NewReceiver(t, func(r harness.Received) int {
			if r.Get("data.student_id") == "slow" {
				once.Do(func() { close(asked) })
				<-mayAnswer
			}
			return http.StatusOK
		})
		app := db.Serve(t, r.Settings()...)
		app.MustProcess(t, harness.NewPurchase(t).For("slow").Create(db).Succeeded())
		<-asked
		app.MustProcess(t, harness.NewPurchase(t).For("quick").Create(db).Succeeded())
		r.WantTold(t, "quick", "purchase.completed", "hours.credited")
		close(mayAnswer)
		r.WantTold(t, "slow", "purchase.completed", "hours.credited")
		harness.Eventually(t, "all is noted", func() bool {
			return db.Count(t, "SELECT count(*) FROM event_deliveries WHERE delivered_at IS NOT NULL") == 4
		})
		if again := db.Count(t, "SELECT count(*) FROM event_deliveries WHERE attempts > 1"); again > 0 {
			t.Errorf("%d events had to be sent again", again)
		}
	})
}

// What was written is sent by whichever program comes next; what was on its way when
// one was killed, too.
func TestNoEventIsLostWithAProgram(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		var mended atomic.Bool
		r := harness.NewReceiver(t, func(harness.Received) int {
			if mended.Load() {
				return http.StatusOK
			}
			return http.StatusServiceUnavailable
		})
		app := db.Serve(t, r.Settings()...)
		const many = 20
		for range many {
			app.MustProcess(t, app.NewPurchase(t).Succeeded())
		}
		harness.Eventually(t, "one was tried", func() bool { return len(r.Took()) > 0 })
		app.Stop(t)
		// As a killed one leaves it: claimed, and its lease over.
		db.Exec(t, "UPDATE event_deliveries SET next_attempt_at = created_at, attempts = attempts + 1")
		mended.Store(true)
		db.Serve(t, r.Settings()...)
		taken := func() (ids []string) {
			for _, received := range r.Took() {
				if received.Status == http.StatusOK {
					ids = append(ids, received.ID)
				}
			}
			return ids
		}
		harness.Eventually(t, "all are taken", func() bool { return len(taken()) >= 2*many })
		ids := taken()
		slices.Sort(ids)
		if n := len(slices.Compact(ids)); n != 2*many {
			t.Errorf("%d events were taken, want %d", n, 2*many)
		}
	})
}

func TestEventsOfManyProgramsAreSentOnce(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		r := harness.NewReceiver(t, nil)
		app := db.Serve(t, r.Settings()...)
		db.Serve(t, r.Settings()...)
		const many = 20
		for range many {
			app.MustProcess(t, app.NewPurchase(t).Succeeded())
		}
		harness.Eventually(t, "all are delivered", func() bool {
			return db.Count(t, "SELECT count(*) FROM event_deliveries WHERE delivered_at IS NOT NULL") == 2*many
		})
		if n := len(r.Took()); n != 2*many {
			t.Errorf("%d attempts for %d events", n, 2*many)
		}
	})
}

// refusing is a receiver that takes nothing until it is told to.
func refusing(t *testing.T) (*harness.Receiver, *atomic.Bool) {
	t.Helper()
	refuse := new(atomic.Bool)
	refuse.Store(true)
	return harness.NewReceiver(t, func(harness.Received) int {
		if refuse.Load() {
			return http.StatusTeapot
		}
		return http.StatusOK
	}), refuse
}

func TestAnEventThatNobodyTakesIsGivenUpAndSentAgain(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		r, refuse := refusing(t)
		app := db.Serve(t, r.Settings()...)
		app.MustProcess(t, harness.NewPurchase(t).For("student_1").Create(db).Succeeded())
		harness.Eventually(t, "it was tried", func() bool { return len(r.Took()) > 0 })
		// One row a statement, which waits for whoever notes a failure and holds up nobody.
		db.Exec(t, "UPDATE event_deliveries SET tried_since = '"+ago(time.Hour)+"' WHERE type = 'purchase.completed'")
		wantContains(t, app.Request(t, http.MethodGet, "/metrics", "").Body,
			`hourbank_oldest_delivery_seconds{status="due"} 36`, `hourbank_oldest_delivery_seconds{status="failed"} 0`)
		// Three days have passed.
		for _, of := range []string{"purchase.completed", "hours.credited"} {
			db.Exec(t, "UPDATE event_deliveries SET tried_since = '"+ago(72*time.Hour)+"' WHERE type = '"+of+"'")
		}
		harness.Eventually(t, "both are given up", func() bool {
			return gjson.Get(db.MustRun(t, "deliveries", "list", "--status", "failed", "--json"), "data.#").Int() == 2
		})
		cases := db.MustRun(t, "cases", "list", "--json")
		wantJSON(t, cases, fields{"data.#": "1", "data.0.kind": "undelivered_event"})
		app.Get(t, api+"/cases/?kind=undelivered_event").WantFields(t, fields{"data.#": "1", "data.0.student_id": ""})
		v := visit(t, app, harness.AdminKey)
		for _, page := range []string{"/console/", "/console/cases/", "/console/cases/" + gjson.Get(cases, "data.0.id").String() + "/"} {
			wantContains(t, v.open(t, page).Body, "undelivered event")
		}
		wantJSON(t, db.MustRun(t, "deliveries", "list", "--status", "due", "--json"), fields{"data.#": "0"})
		wantContains(t, db.MustRun(t, "deliveries", "list"), "answered 418", "purchase.completed", r.URL)
		wantContains(t, app.Request(t, http.MethodGet, "/metrics", "").Body, `hourbank_deliveries{status="failed"} 2`, `hourbank_oldest_delivery_seconds{status="due"} 0`)

		refuse.Store(false)
		var ids []string
		for _, d := range gjson.Get(db.MustRun(t, "deliveries", "list", "--json"), "data").Array() {
			ids = append(ids, d.Get("id").String())
		}
		wantRefused(t, db, 1, "no such delivery", "deliveries", "retry", ids[0], "nothing")
		wantJSON(t, db.MustRun(t, "deliveries", "list", "--status", "due", "--json"), fields{"data.#": "0"})
		wantRefused(t, db, 1, "no such status", "deliveries", "list", "--status", "odd")
		wantRefused(t, db, 2, "no id", "deliveries", "retry")
		db.MustRun(t, append([]string{"deliveries", "retry"}, ids...)...)
		r.WantTold(t, "student_1", "purchase.completed", "hours.credited")
		harness.Eventually(t, "it is noted", func() bool {
			return db.Count(t, "SELECT count(*) FROM event_deliveries WHERE status = 'delivered' AND last_error IS NULL") == 2
		})
	})
}

func TestEventsGoNowhereElse(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		answer  http.HandlerFunc
		private bool
		want    string
	}{
		"a redirect is not followed": {
			answer: func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/elsewhere") {
					t.Error("the redirect was followed")
				}
				http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			}, private: true, want: "answered 307",
		},
		"no answer fills the memory": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadGateway)
				for range 100_000 {
					if _, err := w.Write(make([]byte, 1<<10)); err != nil {
						return // the reader has had enough
					}
				}
				t.Error("100 MB of an answer were read")
			}, private: true, want: "answered 502",
		},
		"no other protocol is waited for": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				connection, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				t.Cleanup(func() { _ = connection.Close() })
				if _, err := io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n"); err != nil {
					t.Error(err)
				}
			}, private: true, want: "answered 101",
		},
		"a private address is refused": {
			answer: func(http.ResponseWriter, *http.Request) { t.Error("a private address was asked") },
			want:   "is a private address",
		},
	} {
		t.Run(name, func(t *testing.T) {
			harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
				server := httptest.NewServer(row.answer)
				if !row.private {
					server = httptest.NewTLSServer(row.answer) // only https:// is taken then
				}
				t.Cleanup(server.Close)
				// By a name, which could lead anywhere.
				settings := []string{"EVENTS_URLS=" + strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + " " + harness.EventsSecret}
				if row.private {
					settings = append(settings, "EVENTS_ALLOW_PRIVATE=true")
				}
				app := db.Serve(t, settings...)
				app.MustProcess(t, app.NewPurchase(t).Succeeded())
				harness.Eventually(t, "it was tried", func() bool {
					return db.Count(t, "SELECT count(*) FROM event_deliveries WHERE last_error LIKE '%"+row.want+"%'") == 1
				})
			})
		})
	}
}

func TestAForgottenStudentIsInNoDelivery(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		r := harness.NewReceiver(t, nil)
		app := db.Serve(t, r.Settings()...)
		for _, student := range []string{"student_1", "student_2"} {
			app.MustProcess(t, harness.NewPurchase(t).For(student).Create(db).Succeeded())
			r.WantTold(t, student, "purchase.completed", "hours.credited")
		}
		app.Stop(t)
		db.MustRun(t, "forget-student", "student_1", "--yes")
		if found := mentions(t, db, "student_1"); len(found) > 0 {
			t.Errorf("student_1 is still in %v", found)
		}
		wantJSON(t, db.MustRun(t, "deliveries", "list", "--json"), fields{"data.#": "2"})
	})
}

// What waits for an endpoint that is set no more is given up, and can be sent once it
// is set again.
func TestAnEndpointIsTakenAwayAndComesBack(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		var mended atomic.Bool
		r := harness.NewReceiver(t, func(harness.Received) int {
			if mended.Load() {
				return http.StatusOK
			}
			return http.StatusBadGateway
		})
		app := db.Serve(t, r.Settings()...)
		app.MustProcess(t, harness.NewPurchase(t).For("student_1").Create(db).Succeeded())
		app.Stop(t)
		db.Serve(t).Stop(t)
		mended.Store(true)
		failed := gjson.Get(db.MustRun(t, "deliveries", "list", "--status", "failed", "--json"), "data.#.id").Array()
		if len(failed) != 2 {
			t.Fatalf("given up are %v", failed)
		}
		retry := []string{"deliveries", "retry", failed[0].String(), failed[1].String()}
		wantRefused(t, db, 1, "to nowhere", retry...)
		db.Serve(t, r.Settings()...)
		db.MustRun(t, retry...)
		r.WantTold(t, "student_1", "purchase.completed", "hours.credited")
	})
}

func TestDeliveriesAreKeptForAMonth(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		r := harness.NewReceiver(t, nil)
		app := db.Serve(t, r.Settings()...)
		for _, student := range []string{"student_1", "student_2"} {
			app.MustProcess(t, harness.NewPurchase(t).For(student).Create(db).Succeeded())
		}
		harness.Eventually(t, "all are delivered", func() bool {
			return db.Count(t, "SELECT count(*) FROM event_deliveries WHERE delivered_at IS NOT NULL") == 4
		})
		app.Stop(t)
		long, lately := "now() - interval '721 hours'", "now() - interval '719 hours'"
		if db.Engine == database.SQLite {
			long, lately = "strftime('%Y-%m-%d %H:%M:%f+00:00', 'now', '-721 hours')", "strftime('%Y-%m-%d %H:%M:%f+00:00', 'now', '-719 hours')"
		}
		db.Exec(t, "UPDATE event_deliveries SET delivered_at = CASE WHEN ordered_by = 'student_1' THEN "+long+" ELSE "+lately+" END")
		db.Exec(t, "UPDATE event_deliveries SET delivered_at = NULL, failed_at = "+long+" WHERE ordered_by = 'student_1' AND type = 'hours.credited'")
		db.Exec(t, "DELETE FROM scheduled_jobs WHERE name = 'prune'")
		db.Serve(t, r.Settings()...)
		harness.Eventually(t, "the old one is gone", func() bool { return db.Count(t, "SELECT count(*) FROM event_deliveries") == 3 })
		wantJSON(t, db.MustRun(t, "deliveries", "list", "--status", "failed", "--json"), fields{"data.#": "1"})
	})
}
