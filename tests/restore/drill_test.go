package restore

import (
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// A database is lost or spoilt, and the runbook brings it back as it was: to a moment,
// and from there with what Stripe and the platform know.
func TestRestoredToYesterday(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: not on PostgreSQL")
	}
	rounds, students, asked := 1, 8, os.Getenv("HOURBANK_RESTORE_ROUNDS")
	if asked != "" {
		var err error
		if rounds, err = strconv.Atoi(asked); err != nil {
			t.Fatal("HOURBANK_RESTORE_ROUNDS: ", err)
		}
		students = 400
	}
	harness.Binary(t) // which takes a while to build
	for round := range rounds {
		for _, how := range []string{"spoilt", "lost with its disk"} {
			t.Run(fmt.Sprintf("%s, round %d", how, round+1), func(t *testing.T) {
				if asked == "" { // the long form takes the time
					t.Parallel()
				}
				newDrill(t).run(students, how == "spoilt")
			})
		}
	}
}

// drill is one story, whose database goes.
type drill struct {
	*story
	server  *harness.Cluster
	machine map[string]string // the environment there
	book    []string          // the runbook's scripts
	start   time.Time         // of the step
}

// The runbook's scripts, in its order.
const (
	archive = iota
	backUp
	putBack
	letStripeTell
	sendLessons
	look
)

func newDrill(t *testing.T) *drill {
	t.Helper()
	server := harness.NewCluster(t)
	d := &drill{server: server, machine: server.Machine(t), book: harness.Runbook(t, "Restored to yesterday"), start: time.Now()}
	d.there(t, archive)
	d.story = newStory(t, server.NewDatabase(t))
	return d
}

// there runs a script on the database's machine.
func (d *drill) there(t *testing.T, script int) string {
	t.Helper()
	return d.server.RunSh(t, d.machine, d.book[script])
}

// took says how long a step took.
func (d *drill) took(step string) {
	d.t.Helper()
	d.t.Logf("%7.2f s  %s", time.Since(d.start).Seconds(), step)
	d.start = time.Now()
}

func (d *drill) run(students int, spoilt bool) {
	d.before(students)
	d.took("plan, sales and lessons")
	d.there(d.t, backUp)
	d.took("base backup")
	backed := time.Now().Unix()
	pending := d.since(students)
	harness.Eventually(d.t, "the backup is older than this second", func() bool { return time.Now().Unix() > backed+1 })
	d.safe(spoilt)
	d.after(students, pending)
	d.took("sales, refunds and lessons")

	unpaid := d.sell("late", `"hours":"10.00","amount":5000,"currency":"eur"`)
	d.stripe.Settle(d.t)
	want := d.books(d.app)
	d.lose(spoilt)
	d.pay(unpaid)

	d.start = time.Now()
	d.there(d.t, putBack)
	d.took("put back")
	restored := d.bringBack()
	got := d.books(restored)
	for _, books := range []map[string]string{want, got} {
		maps.DeleteFunc(books, func(name, row string) bool {
			return name == "students late" || strings.Contains(row, "student_id=late ")
		})
	}
	wantSame(d.t, want, got)
	restored.WantBalance(d.t, "late", map[string]string{"hours_available": "10.00", "balance_amount": "5000"})
}

func student(n int) string { return fmt.Sprint("student_", n) }

// before is what the base backup has.
func (d *drill) before(students int) {
	d.db.MustRun(d.t, "plans", "add", "--id", "pack8", "--name", "8 hours in 30 days", "--hours", "8.00", "--amount", "12000", "--currency", "eur", "--valid-days", "30")
	for n := range students {
		d.pay(d.sell(student(n), `"plan":"pack8"`))
	}
	d.stripe.Settle(d.t)
	for n := range students {
		d.lesson(student(n), "1.50")
	}
}

// since is what the archive has; it gives sales that nobody paid yet.
func (d *drill) since(students int) (pending []string) {
	for n := range students {
		intent := d.sell(student(n), `"hours":"10.00","amount":5000,"currency":"eur"`)
		if n%3 == 0 {
			pending = append(pending, intent)
			continue
		}
		d.pay(intent)
		if n%2 == 0 {
			d.refund(intent, 2500)
		}
		d.lesson(student(n), "0.50")
	}
	d.stripe.Settle(d.t)
	return pending
}

// safe is the moment to which the database will be put back.
func (d *drill) safe(spoilt bool) {
	db := &harness.Database{Engine: d.db.Engine, URL: d.db.URL}
	if spoilt {
		d.machine["RESTORE_TO"] = time.Now().UTC().Format("2006-01-02 15:04:05.000000-07")
	} else {
		var full string // archive_timeout would end it, too
		if err := db.SQL(d.t).QueryRowContext(d.t.Context(), "SELECT pg_walfile_name(pg_switch_wal())").Scan(&full); err != nil {
			d.t.Fatal(err)
		}
		harness.Eventually(d.t, "the archive has it", func() bool {
			return db.Count(d.t, "SELECT count(*) FROM pg_stat_archiver WHERE last_archived_wal >= $1", full) == 1
		})
	}
	d.lessons = nil
}

// after is what will be lost.
func (d *drill) after(students int, pending []string) {
	d.db.MustRun(d.t, "plans", "add", "--id", "pack3", "--name", "3 hours", "--hours", "3.00", "--amount", "5400", "--currency", "eur")
	for _, intent := range pending {
		d.pay(intent)
	}
	for n := range students {
		intent := d.sell(student(n*2), `"plan":"pack3"`) // half of them are new
		switch n % 4 {
		case 0:
			d.sell(student(n), `"plan":"pack8","beneficiary_id":"friend"`) // which nobody pays
		case 1:
			d.pay(intent)
			d.dispute(intent)
		case 2:
			d.pay(intent)
			d.refund(intent, 1800)
		default:
			d.pay(intent)
		}
	}
	d.stripe.Settle(d.t)
	for n := range students {
		d.lesson(student(n), "1.00")
	}
}

// lose is what nobody wants.
func (d *drill) lose(spoilt bool) {
	if spoilt {
		d.db.Exec(d.t, "DROP TABLE purchase_transactions CASCADE")
		d.app.Stop(d.t)
		return
	}
	d.app.Stop(d.t)
	d.server.RunSh(d.t, d.machine, `pg_ctl stop -D "$PGDATA" -m immediate; rm -r "$PGDATA"`)
}

// bringBack follows the runbook where Hourbank is, and gives it, serving.
func (d *drill) bringBack() *harness.App {
	env := map[string]string{"RESTORE_TO": d.machine["RESTORE_TO"], "LESSONS": d.lines(), "API_KEY": harness.WriteKey}
	for _, setting := range d.app.Environ {
		name, value, _ := strings.Cut(setting, "=")
		env[name] = value
	}
	db := &harness.Database{Engine: d.db.Engine, URL: d.db.URL}
	db.MustRun(d.t, "plans", "add", "--id", "pack3", "--name", "3 hours", "--hours", "3.00", "--amount", "5400", "--currency", "eur")
	d.start = time.Now()
	said := harness.RunSh(d.t, env, d.book[letStripeTell])
	d.took("Stripe told")
	d.t.Log(said)
	if !strings.Contains(said, "0 differences") || strings.Contains(said, ": 0 corrected") {
		d.t.Error("the books didn't add up, or nothing was lost")
	}
	restored := db.Serve(d.t, d.stripe.Settings()...)
	env["HOURBANK"] = restored.BaseURL
	d.start = time.Now()
	harness.RunSh(d.t, env, d.book[sendLessons])
	d.took(fmt.Sprint("lessons sent again: ", len(d.lessons)))
	harness.RunSh(d.t, env, d.book[sendLessons]) // which changes nothing
	d.start = time.Now()
	said = harness.RunSh(d.t, env, d.book[look])
	d.took("looked")
	if !strings.Contains(said, ": 0 would be rebuilt (dry run); 0 events found a purchase; 0 totals re-added; 0 purchases whose events are not all stored") {
		d.t.Errorf("something differs, or is left to rebuild:\n%s", said)
	}
	return restored
}
