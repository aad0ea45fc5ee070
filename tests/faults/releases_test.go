package faults

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/database"
	"hourbank/tests/harness"
)

// ownRule is the migration from which on a program asks the schema whether it may serve
// though it doesn't know all of it.
const ownRule = 25

// The release before this one serves, this one is started beside it and migrates under
// load, both serve, and the older one is stopped: no event fails, and the books add up.
// Where a migration rules that out, the older one is stopped first, and refuses to start
// again.
func TestTwoReleasesSideBySide(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: not on PostgreSQL")
	}
	older, name := buildOlder(t)
	for range rounds(t, 1, 40) {
		t.Run("round", func(t *testing.T) { upgrade(t, older, name) })
	}
}

func upgrade(t *testing.T, older, name string) {
	db := harness.NewEmptyDatabase(t, database.Postgres)
	before := db.ServeProgram(t, older)
	add := db.RunProgram(t, older, "plans", "add", "--id", "pack10", "--name", "10 hours", "--hours", "10.00", "--amount", "5000", "--currency", "eur")
	if add.Code != 0 {
		t.Fatal(add.Stderr)
	}
	p := newPlatform(t, before.App)
	p.more(100)
	if mayServe(t, db, older) {
		after := db.ServeProcess(t)
		p.to(before.App, after.App)
		p.more(300)
		for _, serving := range []*harness.App{before.App, after.App} {
			serving.Request(t, http.MethodGet, "/readyz", "").Want(t, http.StatusOK)
		}
		p.to(after.App)
		p.more(100)
		wantEnded(t, before)
		p.stop()
		p.check(db)
		t.Logf("%s and this one served side by side: %s", name, p)
	} else {
		p.stop()
		wantEnded(t, before)
		after := db.ServeProcess(t)
		if refused := db.RunProgram(t, older, "serve"); refused.Code != 1 {
			t.Errorf("%s serves beside a schema that leaves it behind: %+v", name, refused)
		}
		p.to(after.App)
		p.start()
		p.more(100)
		p.stop()
		p.check(db)
		t.Logf("%s was stopped first: a migration since rules out that it serves beside it: %s", name, p)
	}
	db.MustAudit(t)
}

// buildOlder builds the last tagged release before this commit, or the commit before it.
func buildOlder(t *testing.T) (program, name string) {
	t.Helper()
	git := func(args ...string) (string, error) {
		command := exec.Command("git", args...)
		command.Dir = harness.ModuleRoot(t)
		output, err := command.Output()
		return strings.TrimSpace(string(output)), err
	}
	if _, err := git("rev-parse", "HEAD~1"); err != nil {
		t.Skip("there is no commit before this one here (no git, or a shallow clone): no other release to serve beside it")
	}
	name, err := git("describe", "--tags", "--abbrev=0", "HEAD~1")
	if err != nil {
		if name, err = git("rev-parse", "--short", "HEAD~1"); err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	tree := filepath.Join(folder, "source.tar")
	if _, err := git("archive", "--output", tree, name); err != nil {
		t.Fatalf("take %s: %v", name, err)
	}
	for _, args := range [][]string{{"tar", "-xf", tree}, {"go", "build", "-buildvcs=false", "-o", "hourbank-older", "."}} {
		command := exec.Command(args[0], args[1:]...)
		command.Dir = folder
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v of %s: %v\n%s", args, name, err, output)
		}
	}
	return filepath.Join(folder, "hourbank-older"), name
}

// mayServe says whether the older program may serve beside this one, as the migrations
// since say.
func mayServe(t *testing.T, db *harness.Database, older string) bool {
	t.Helper()
	known := gjson.Get(db.RunProgram(t, older, "migrate", "status", "--json").Stdout, "@reverse.0.version").Int()
	migrated := harness.NewDatabase(t, database.Postgres)
	if migrated.Count(t, "SELECT max(version_id) FROM goose_db_version") == known {
		return true
	}
	return known >= ownRule && migrated.Count(t, `SELECT count(*) FROM goose_db_version WHERE version_id > $1
		AND version_id NOT IN (SELECT migration FROM older_programs WHERE oldest <= $1)`, known) == 0
}

func wantEnded(t *testing.T, p *harness.Process) {
	t.Helper()
	if code := p.Terminate(); code != 0 {
		t.Errorf("the older program ended with %d:\n%s", code, p.Log)
	}
}

// platform lets students pay, one after another, books a lesson for each, and lets half
// of them have half of their money back, at any program that serves. It needs nothing
// of the database but what the programs know.
type platform struct {
	t      *testing.T
	next   atomic.Int64 // student
	done   atomic.Int64 // requests that were answered as they must be
	busy   atomic.Int64 // answers 503, which Stripe tries again
	stop   func()
	prefix string

	asking  sync.RWMutex
	targets []*harness.App

	mu       sync.Mutex
	students []int64
}

func newPlatform(t *testing.T, app *harness.App) *platform {
	p := &platform{t: t, prefix: harness.RandomName()}
	p.to(app)
	p.start()
	return p
}

func (p *platform) String() string {
	return fmt.Sprintf("%d events and lessons of %d students, %d times 503", p.done.Load(), len(p.students), p.busy.Load())
}

// to says who is asked from now on, once all who were asked have answered.
func (p *platform) to(apps ...*harness.App) {
	p.asking.Lock()
	defer p.asking.Unlock()
	p.targets = apps
}

func (p *platform) start() {
	stopping := make(chan struct{})
	var group sync.WaitGroup
	for range senders {
		group.Go(func() {
			for {
				select {
				case <-stopping:
					return
				default:
					p.live(p.next.Add(1))
				}
			}
		})
	}
	p.stop = sync.OnceFunc(func() { close(stopping); group.Wait() })
	p.t.Cleanup(p.stop)
}

func (p *platform) student(n int64) string { return fmt.Sprintf("student_%s_%d", p.prefix, n) }

// live is what a student does.
func (p *platform) live(n int64) {
	intent := fmt.Sprintf("pi_%s_%d", p.prefix, n)
	paid := harness.NewEvent(p.t, "payment_intent.succeeded", "payment_intent").Set("id", intent).Set("amount", 5000).Set("amount_received", 5000).
		Set("metadata", map[string]any{"student_id": p.student(n), "plan": "pack10"})
	p.tell(paid)
	p.ask(func(app *harness.App) (harness.Response, error) {
		return app.Try(http.MethodPost, api+"/students/"+p.student(n)+"/consumptions/", `{"hours":"1.00","reference":"lesson"}`, "Authorization", "Bearer "+harness.WriteKey)
	}, http.StatusCreated)
	if n%2 == 0 {
		p.tell(harness.NewEvent(p.t, "charge.refunded", "charge").At(60).Set("id", "ch_"+intent).Set("payment_intent", intent).Set("metadata", map[string]any{}).
			Set("amount", 5000).Set("amount_captured", 5000).Set("amount_refunded", 2500))
	}
	p.tell(paid) // Stripe repeats itself
	p.mu.Lock()
	defer p.mu.Unlock()
	p.students = append(p.students, n)
}

func (p *platform) tell(event *harness.Event) {
	p.ask(func(app *harness.App) (harness.Response, error) { return app.TryDeliver(event) }, http.StatusOK)
}

// ask asks any of the programs, again where it is busy.
func (p *platform) ask(request func(*harness.App) (harness.Response, error), want int) {
	p.asking.RLock()
	defer p.asking.RUnlock()
	app := p.targets[rand.IntN(len(p.targets))]
	answer, err := harness.Patiently(func() (harness.Response, error) {
		answer, err := request(app)
		if answer.Status == http.StatusServiceUnavailable {
			p.busy.Add(1)
		}
		return answer, err
	})
	if err != nil || answer.Status != want {
		p.t.Errorf("answered %d: %s (%v)", answer.Status, answer.Body, err)
		return
	}
	p.done.Add(1)
}

// more waits until so many more were answered.
func (p *platform) more(requests int64) {
	p.t.Helper()
	before := p.done.Load()
	harness.Eventually(p.t, "more requests are answered", func() bool { return p.done.Load() >= before+requests })
}

// check compares each student's hours.
func (p *platform) check(db *harness.Database) {
	p.t.Helper()
	want, got := map[string]int64{}, map[string]int64{}
	for _, n := range p.students {
		want[p.student(n)] = 900
		if n%2 == 0 {
			want[p.student(n)] = 400
		}
	}
	each(p.t, db, "SELECT student_id, hours_available FROM student_account_balances", func(scan func(...any)) {
		var student string
		var hours int64
		scan(&student, &hours)
		got[student] = hours
	})
	if len(want) == 0 || !maps.Equal(got, want) {
		p.t.Errorf("the students hold %v hundredths of an hour, want %v", got, want)
	}
}
