// Package measure measures on a machine of one's own and writes what it found
// into docs/performance.md. Nothing here passes or fails by a time; "make
// bench", "make bench-lists", "make bench-growth" and the like run it.
package measure

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"hourbank/database"
	"hourbank/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// asked skips a measurement that nobody asked for.
func asked(t *testing.T, name string) {
	t.Helper()
	if os.Getenv("HOURBANK_MEASURE") != name {
		t.Skipf("a measurement: HOURBANK_MEASURE=%s asks for it, as make does", name)
	}
}

// record replaces a section of docs/performance.md, between its two markers.
func record(t *testing.T, section, text string) {
	t.Helper()
	path := filepath.Join(harness.ModuleRoot(t), "docs", "performance.md")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- begin "+section+" -->", "<!-- end "+section+" -->"
	before, rest, found := strings.Cut(string(content), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no section %q", path, section)
	}
	if err := os.WriteFile(path, []byte(before+begin+"\n"+machine(t)+"\n"+text+end+after), 0o600); err != nil {
		t.Fatal(err)
	}
}

// machine says on what, with what and when it was measured.
func machine(t *testing.T) string {
	t.Helper()
	processor, memory, load := field("/proc/cpuinfo", "model name"), field("/proc/meminfo", "MemTotal"), field("/proc/loadavg", "")
	commit := run(t, "git", "rev-parse", "--short", "HEAD")
	version := ""
	if programs, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(programs) > 0 {
		version = run(t, programs[len(programs)-1], "--version")
	}
	return fmt.Sprintf("Measured on %s at commit %s (or just after it): %d cores (%s), %s of memory, load %s when it ended; %s, %s.\n",
		time.Now().UTC().Format(time.DateOnly), commit, runtime.NumCPU(), processor, memory, strings.Join(strings.Fields(load)[:1], ""), runtime.Version(), version)
}

// field is a value of a file of /proc, or its first line.
func field(path, name string) string {
	content, _ := os.ReadFile(path) // elsewhere than on Linux there is none
	match := regexp.MustCompile(`(?m)^` + name + `\s*:?\s*(.*)$`).FindSubmatch(content)
	if match == nil {
		return "unknown"
	}
	return string(match[1])
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	output, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return strings.TrimSpace(string(output))
}

// TestBench runs hourbank bench on both engines, as a program of its own.
func TestBench(t *testing.T) {
	asked(t, "bench")
	databases := map[string]*harness.Database{
		"bench postgres": harness.NewDurableCluster(t).NewDatabase(t),
		"bench sqlite":   harness.NewDatabase(t, database.SQLite),
	}
	for section, db := range databases {
		t.Log(section)
		result := db.RunBinary(t, "bench")
		if result.Code != 0 {
			t.Fatalf("exit code %d\n%s", result.Code, result.Stderr)
		}
		record(t, section, "```\n"+result.Stdout+"```\n")
	}
}
