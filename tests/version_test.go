package tests

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"hourbank/tests/harness"
)

func TestVersionSaysWhatTheProgramWasBuiltFrom(t *testing.T) {
	t.Parallel()
	release := filepath.Join(t.TempDir(), "hourbank")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags",
		"-X hourbank/version.number=v9.8.7 -X hourbank/version.commit=abc -X hourbank/version.date=2026-11-26T00:00:00Z", "-o", release, ".")
	build.Dir = harness.ModuleRoot(t)
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	run := func(args ...string) string {
		output, err := exec.Command(release, args...).Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return string(output)
	}
	line := "hourbank v9.8.7 (commit abc, 2026-11-26T00:00:00Z, " + runtime.Version() + ")\n"
	if got := run("version"); got != line {
		t.Errorf("version: %q, want %q", got, line)
	}
	if got := run("--version"); got != line {
		t.Errorf("--version: %q, want %q", got, line)
	}
	wantJSON(t, run("version", "--json"), fields{"version": "v9.8.7", "commit": "abc", "date": "2026-11-26T00:00:00Z", "go": runtime.Version()})
}
