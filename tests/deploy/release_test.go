package deploy

import (
	"bytes"
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/tests/harness"
)

func TestGoreleaserTakesTheFile(t *testing.T) {
	t.Parallel()
	look := func(t *testing.T, content string) (f findings) {
		if _, err := validated(t, content, nil, "goreleaser"); err != nil {
			return findings{err.Error()}
		}
		release := parsed(t, content)
		for _, one := range release.Get("nfpms.0.contents.#.src").Array() {
			pattern := filepath.Join(harness.ModuleRoot(t), one.String())
			found, err := filepath.Glob(pattern)
			generated := strings.HasPrefix(one.String(), "dist-generated/")
			f.want(err == nil && (generated || len(found) > 0), "there is no %s", one)
		}
		for _, script := range []string{release.Get("nfpms.0.scripts.postinstall").String(), release.Get("dockers_v2.0.dockerfile").String()} {
			_, err := os.Stat(filepath.Join(harness.ModuleRoot(t), script))
			f.want(script != "" && err == nil, "%s: %v", script, err)
		}
		flags := release.Get("builds.0.flags").String() + release.Get("builds.0.ldflags").String()
		for _, variable := range []string{"version.number=", "version.commit=", "version.date=", "-trimpath"} {
			f.want(strings.Contains(flags, variable), "builds don't say %s", variable)
		}
		return f
	}
	wantSound(t, read(t, ".goreleaser.yaml"), look, map[string]string{
		"checksum:": "checksums:", "formats: [deb, rpm]": "format: deb", "deploy/systemd/hourbank.sysusers": "deploy/systemd/hourbank.sysuser",
		"version.commit": "version.commits", "postinstall.sh": "postinstalls.sh", "deploy/packages/Dockerfile": "deploy/Dockerfile",
	})
}

// What packages are made with: each command has its page, and completion knows it.
func TestPagesForManAndCompletion(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	run := func(args ...string) string {
		result := harness.RunWith(t, nil, args...)
		if result.Code != 0 {
			t.Fatalf("%v: %+v", args, result)
		}
		return result.Stdout
	}
	run("man", folder)
	for _, name := range []string{"hourbank", "hourbank-serve", "hourbank-migrate-roles", "hourbank-install-check", "hourbank-reconcile"} {
		page, err := os.ReadFile(filepath.Join(folder, name+".1"))
		if err != nil || !bytes.Contains(page, []byte(".SH SYNOPSIS")) {
			t.Errorf("%s: %v: %s", name, err, page)
		}
	}
	if result := harness.RunWith(t, nil, "man", filepath.Join(folder, "none")); result.Code == 0 {
		t.Error("a folder that isn't there was written")
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if script := run("completion", shell); !strings.Contains(script, "hourbank") {
			t.Errorf("%s: %s", shell, script)
		}
	}
	if words := run("__complete", "inst"); !strings.Contains(words, "install-check") {
		t.Errorf("completes to %s", words)
	}
}

// The packages are made as goreleaser makes them, and looked into.
func TestPackages(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	generate(t, folder)
	for format, look := range map[string][]string{"deb": {"dpkg-deb", "--contents"}, "rpm": {"rpm", "-qlvp"}} {
		t.Run(format, func(t *testing.T) {
			made, err := packed(t, folder, format)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "hourbank."+format)
			if err := os.WriteFile(file, []byte(made), 0o600); err != nil {
				t.Fatal(err)
			}
			listed, err := ran(exec.Command(installed(t, look[0]), look[1], file))
			if err != nil {
				t.Fatal(err)
			}
			for path, mode := range inPackages {
				if !regexp.MustCompile(`(?m)^-` + mode + `.* \.?` + regexp.QuoteMeta(path) + `$`).MatchString(listed) {
					t.Errorf("no %s, %s, in:\n%s", path, mode, listed)
				}
			}
			if format == "deb" {
				unpacked(t, file)
			}
		})
	}
}

var inPackages = map[string]string{
	"/usr/bin/hourbank": "rwxr-xr-x", "/usr/lib/systemd/system/hourbank.service": "rw-r--r--", "/usr/lib/sysusers.d/hourbank.conf": "rw-r--r--",
	"/etc/hourbank/environment": "rw-r-----", "/usr/share/man/man1/hourbank-serve.1": "rw-r--r--",
	"/usr/share/bash-completion/completions/hourbank": "rw-r--r--", "/usr/share/zsh/vendor-completions/_hourbank": "rw-r--r--",
	"/usr/share/fish/vendor_completions.d/hourbank.fish": "rw-r--r--",
}

// generate lays what packages are made of into a folder.
func generate(t *testing.T, folder string) {
	t.Helper()
	for _, made := range []string{"dist-generated/man", "dist-generated/completion"} {
		if err := os.MkdirAll(filepath.Join(folder, made), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	harness.RunWith(t, nil, "man", filepath.Join(folder, "dist-generated/man"))
	files := map[string]string{"CHANGELOG.md": read(t, "CHANGELOG.md")}
	for shell, name := range map[string]string{"bash": "hourbank.bash", "zsh": "_hourbank", "fish": "hourbank.fish"} {
		files["dist-generated/completion/"+name] = harness.RunWith(t, nil, "completion", shell).Stdout
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(folder, "deploy"), os.DirFS(filepath.Join(harness.ModuleRoot(t), "deploy"))); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{"deploy/systemd": 0o644, "dist-generated/man": 0o644, "dist-generated/completion": 0o644} {
		entries, err := filepath.Glob(filepath.Join(folder, path, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if err := os.Chmod(entry, mode); err != nil { // whatever this machine's umask is
				t.Fatal(err)
			}
		}
	}
}

// packed makes a package of what is in the folder.
func packed(t *testing.T, folder, format string) (string, error) {
	t.Helper()
	validated(t, "", nil)    //nolint:errcheck // it builds the validators, or skips
	binary := "CHANGELOG.md" // only a Debian package's is run
	if format == "deb" {
		binary = harness.Binary(t)
	}
	command := exec.Command(validators.path, "package", format, binary)
	command.Dir, command.Stdin = folder, strings.NewReader(read(t, ".goreleaser.yaml"))
	return ran(command)
}

// unpacked runs what a Debian package installs, and says whether a page for man reads.
func unpacked(t *testing.T, file string) {
	t.Helper()
	root := t.TempDir()
	if _, err := ran(exec.Command("dpkg-deb", "--extract", file, root)); err != nil {
		t.Fatal(err)
	}
	if said, err := ran(exec.Command(filepath.Join(root, "usr/bin/hourbank"), "version")); err != nil || !strings.HasPrefix(said, "hourbank ") {
		t.Errorf("says %s, %v", said, err)
	}
	if script, err := ran(exec.Command("dpkg-deb", "--info", file, "postinst")); err != nil || !strings.Contains(script, "systemd-sysusers hourbank.conf") {
		t.Errorf("postinst: %s, %v", script, err)
	}
	if fields, err := ran(exec.Command("dpkg-deb", "--field", file, "Package", "Version", "Conffiles")); err != nil {
		t.Errorf("%s, %v", fields, err)
	}
}

// Two people who build the same commit get the same bytes, wherever they do. It builds
// everything anew, which takes a minute, so that it is asked for: make reproducible.
func TestTwoBuildsAreTheSame(t *testing.T) {
	if os.Getenv("HOURBANK_REPRODUCIBLE") == "" {
		t.Skip("make reproducible does it")
	}
	head := commit(t)
	var sums [2][sha256.Size]byte
	for i := range sums {
		folder := filepath.Join(t.TempDir(), strings.Repeat("elsewhere", i+1))
		if _, err := ran(exec.Command("git", "clone", "--quiet", "--no-hardlinks", harness.ModuleRoot(t), folder)); err != nil {
			t.Fatal(err)
		}
		binary := filepath.Join(folder, "hourbank")
		build := exec.Command("go", "build", "-trimpath", "-buildvcs=true", "-o", binary, ".")
		build.Dir, build.Env = folder, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if _, err := ran(build); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = sha256.Sum256(content)
		said, err := ran(exec.Command(binary, "version", "--json"))
		if got := gjson.Get(said, "commit").String(); err != nil || got != head || gjson.Get(said, "date").String() == "unknown" {
			t.Errorf("built from %s, says %s: %v", head, said, err)
		}
	}
	if t.Logf("%x", sums[0]); sums[0] != sums[1] {
		t.Errorf("%x and %x", sums[0], sums[1])
	}
}

func commit(t *testing.T) string {
	t.Helper()
	command := exec.Command("git", "rev-parse", "HEAD")
	command.Dir = harness.ModuleRoot(t)
	head, err := ran(command)
	if err != nil {
		t.Skipf("there is no repository here: %v", err)
	}
	return strings.TrimSpace(head)
}
