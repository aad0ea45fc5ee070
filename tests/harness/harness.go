// Package harness runs Hourbank for tests: the real program, in process,
// behind HTTP, on an SQLite file or a PostgreSQL database of the test's own.
// Its helpers fail the test themselves and clean up after it.
package harness

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"hourbank/database"
)

// parallelTests is more than there are cores: many tests wait for a retry or
// a server.
const parallelTests = 8

// Main runs a package's tests and takes down what they shared. TestMain calls
// it and nothing else.
func Main(m *testing.M) {
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		_ = flag.Set("test.parallel", strconv.Itoa(parallelTests)) // a number is a number
	}
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	defer shared.close()
	defer chromium.stop()
	defer func() { _ = os.RemoveAll(built.folder) }() // "" where nothing was built
	return m.Run()
}

// Engines are what every behaviour is tested on.
var Engines = []database.Engine{database.SQLite, database.Postgres}

// ForEachEngine runs the test on a serving program for each engine, all in
// parallel. Settings are of the form NAME=value and go before the harness's.
func ForEachEngine(t *testing.T, test func(t *testing.T, app *App), settings ...string) {
	ForEachDatabase(t, func(t *testing.T, db *Database) { test(t, db.Serve(t, settings...)) })
}

// ForEachDatabase runs the test on a migrated database for each engine.
func ForEachDatabase(t *testing.T, test func(t *testing.T, db *Database)) {
	t.Parallel()
	for _, engine := range Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(t, NewDatabase(t, engine))
		})
	}
}

// patience is how long a condition may take on a machine that is busy with
// other things; no test passes or fails by being faster than that.
const patience = time.Minute

// Eventually waits until the condition holds.
func Eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	Within(tb, patience, what, condition)
}

// Within waits until the condition holds, for as long as a promise allows,
// and gives how long it took.
func Within(tb testing.TB, limit time.Duration, what string, condition func() bool) time.Duration {
	tb.Helper()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for start := time.Now(); ; <-poll.C {
		if condition() {
			return time.Since(start)
		}
		if time.Since(start) > limit {
			tb.Fatalf("waited %s in vain until %s", limit, what)
		}
	}
}

// ModuleRoot is the folder of go.mod.
func ModuleRoot(tb testing.TB) string {
	tb.Helper()
	folder, err := os.Getwd()
	for ; err == nil; folder = filepath.Dir(folder) {
		if _, missing := os.Stat(filepath.Join(folder, "go.mod")); missing == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			break
		}
	}
	tb.Fatalf("no go.mod above the tests (%v)", err)
	return ""
}
