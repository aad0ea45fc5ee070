package tests

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/database"
	"hourbank/tests/harness"
)

// A served SQLite database is copied while it is written, again and again; each copy is
// of one moment and adds up. One is put back once nobody has the database open, and what
// was there is kept.
func TestBackupOfAServedDatabaseAndRestore(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.SQLite)
	process := db.ServeProcess(t)
	p := harness.NewPurchase(t).Create(db)
	process.MustProcess(t, p.Succeeded())
	stop := keepPaying(t, db, process.App)
	folder := t.TempDir()
	for _, name := range []string{"one.db", "two 50%?.db", "three.db"} {
		copied := filepath.Join(folder, name)
		before := db.Count(t, "SELECT count(*) FROM webhook_events")
		report := db.MustRun(t, "backup", copied, "--json")
		after := db.Count(t, "SELECT count(*) FROM webhook_events")
		kept := &harness.Database{Engine: database.SQLite, URL: "sqlite:" + copied}
		if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 || gjson.Get(report, "bytes").Int() != info.Size() {
			t.Errorf("%v, %v: %s", info, err, report)
		}
		if strings.Contains(name, "?") { // which no URL of ours can name
			continue
		}
		if n := kept.Count(t, "SELECT count(*) FROM webhook_events"); n < before || n > after {
			t.Errorf("%d events were copied, of %d to %d", n, before, after)
		}
		kept.MustAudit(t)
	}
	stop()

	first := filepath.Join(folder, "one.db")
	wantRefused(t, db, 1, "a file that is there", "backup", first)
	wantContains(t, db.Run(t, "restore", first).Stderr, "stop Hourbank first")
	wantContains(t, db.RunBinary(t, "restore", first).Stderr, "stop Hourbank first")
	process.MustProcess(t, p.ChargeRefunded(5000).At(9)) // which the copy doesn't know
	if code := process.Terminate(); code != 0 {
		t.Errorf("ended with %d", code)
	}
	events := db.Count(t, "SELECT count(*) FROM webhook_events")
	closeAll(t, db)
	kept := &harness.Database{Engine: database.SQLite, URL: "sqlite:" + gjson.Get(db.MustRun(t, "restore", first, "--json"), "kept").String()}
	if n := kept.Count(t, "SELECT count(*) FROM webhook_events"); n != events {
		t.Errorf("%d events were kept, of %d", n, events)
	}
	restored := &harness.Database{Engine: database.SQLite, URL: db.URL}
	restored.Serve(t).WantBalance(t, p.Student, fields{"hours_available": "10.00"})
	restored.MustAudit(t)
	if leftovers, _ := filepath.Glob(filepath.Join(folder, "*.part*")); len(leftovers) > 0 {
		t.Errorf("left behind: %v", leftovers)
	}
}

// keepPaying has students pay until it is stopped.
func keepPaying(t *testing.T, db *harness.Database, app *harness.App) (stop func()) {
	t.Helper()
	stopping := make(chan struct{})
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for {
				select {
				case <-stopping:
					return
				default:
				}
				paid := harness.NewPurchase(t).Create(db).Succeeded()
				if answer, err := harness.Patiently(func() (harness.Response, error) { return app.TryDeliver(paid) }); err != nil || answer.Status != 200 {
					t.Errorf("beside a backup: %d %s (%v)", answer.Status, answer.Body, err)
				}
			}
		})
	}
	stop = sync.OnceFunc(func() { close(stopping); group.Wait() })
	t.Cleanup(stop)
	return stop
}

// closeAll ends the test's own connections.
func closeAll(t *testing.T, db *harness.Database) {
	t.Helper()
	for _, closer := range []interface{ Close() error }{db.Models(t), db.SQL(t)} {
		if err := closer.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Nothing is put in the place of a database but a whole one of Hourbank's, and one that
// is broken doesn't stop that.
func TestRestoreTakesWholeDatabasesAlone(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	good, db := filepath.Join(folder, "good.db"), harness.NewDatabase(t, database.SQLite)
	db.MustRun(t, "backup", good)
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{"text": []byte("no database"), "half": content[:len(content)/2], "empty": nil} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		wantRefused(t, db, 1, name, "restore", path)
	}
	wantRefused(t, db, 1, "nothing", "restore", filepath.Join(folder, "nothing"))
	wantRefused(t, db, 1, "no folder", "backup", filepath.Join(folder, "nothing", "copy.db"))
	db.MustAudit(t)

	path, _ := database.SQLitePath(db.URL)
	for _, broken := range [][]byte{[]byte("torn"), content[:len(content)/2]} {
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		db.MustRun(t, "restore", good)
		db.MustAudit(t)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	left := []string{path + "-wal", path + "-shm", path + "-journal"} // by the file that is gone
	for _, journal := range left {
		if err := os.WriteFile(journal, []byte("of another"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wantContains(t, db.MustRun(t, "restore", good), path)
	for _, journal := range left {
		if content, _ := os.ReadFile(journal); string(content) == "of another" {
			t.Errorf("%s is still there", journal)
		}
	}
	db.MustAudit(t)

	link := filepath.Join(folder, "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	linked := &harness.Database{Engine: database.SQLite, URL: "sqlite:" + link}
	wantContains(t, linked.MustRun(t, "restore", good), path+".before-")
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link to the database became %v (%v)", info, err)
	}
	db.MustAudit(t)
}

func TestBackupsOfPostgreSQLAreItsOwn(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.Postgres)
	for _, command := range []string{"backup", "restore"} {
		wantRefused(t, db, 2, command, command, "copy.db")
		wantContains(t, db.Run(t, command, "copy.db").Stderr, "pg_basebackup", "Restored to yesterday")
	}
}
