package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hourbank/database"
	"hourbank/tests/harness"
)

const unit = "deploy/systemd/hourbank.service"

// mostExposed is how exposed the service may be, of 100, by what systemd says.
const mostExposed = "15"

func TestSystemdTakesTheUnit(t *testing.T) {
	t.Parallel()
	analyze := installed(t, "systemd-analyze")
	look := func(t *testing.T, content string) (f findings) {
		file := filepath.Join(t.TempDir(), "hourbank.service")
		content = strings.Replace(content, "/usr/bin/hourbank", "/bin/true", 1) // it is not installed here
		content = strings.Replace(content, "man:hourbank(1)", "https://example.org", 1)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := exec.Command(analyze, "verify", file).CombinedOutput()
		f.want(err == nil && !strings.Contains(string(said), "hourbank.service"), "%v: %s", err, said)
		said, err = exec.Command(analyze, "security", "--offline=true", "--threshold="+mostExposed, file).CombinedOutput()
		f.want(err == nil, "%v: %s", err, said)
		return f
	}
	wantSound(t, read(t, unit), look, map[string]string{
		"NoNewPrivileges=yes": "NoNewPrivilege=yes", "ExecStart=": "ExecStart=relative/", "SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources": "",
		"CapabilityBoundingSet=\n": "",
	})
}

func TestTheUnitsSettings(t *testing.T) {
	t.Parallel()
	look := func(t *testing.T, content string) (f findings) {
		environ, credentials := map[string]string{}, map[string]bool{}
		set := func(assignment string) (name, value string) {
			name, value, _ = strings.Cut(assignment, "=")
			environ[name] = value
			return name, value
		}
		for line := range strings.Lines(content) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch name {
			case "LoadCredential":
				credential, _, _ := strings.Cut(value, ":")
				credentials[credential] = true
			case "Environment":
				for _, assignment := range strings.Fields(value) {
					variable, file := set(assignment)
					f.want(credentials[strings.TrimPrefix(file, "%d/")], "%s: %s is no credential", variable, file)
				}
			case "TimeoutStopSec":
				f.want(value == "30", "it is killed after %s", value)
			}
		}
		for line := range strings.Lines(read(t, "deploy/systemd/environment.example")) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				set(line)
			}
		}
		f.checkEnvironment(t, environ)
		f.want(strings.Contains(read(t, "deploy/systemd/hourbank.sysusers"), "u hourbank ") && strings.Contains(content, "\nUser=hourbank\n"), "nobody makes its user")
		return f
	}
	wantSound(t, read(t, unit), look, map[string]string{
		"API_KEYS_FILE": "API_KEY_FILE", "LoadCredential=stripe_key": "LoadCredential=stripe", "TimeoutStopSec=30": "TimeoutStopSec=10", "User=hourbank": "User=nobody",
	})
}

// The command line and the settings are tried, with secrets that nobody else reads; what
// systemd then keeps from it is not.
func TestTheUnitsCommandLineServes(t *testing.T) {
	t.Parallel()
	if !strings.Contains(read(t, unit), "\nExecStart=/usr/bin/hourbank serve\n") {
		t.Error("the unit runs something else")
	}
	folder := t.TempDir()
	settings := []string{}
	for variable, content := range map[string]string{"STRIPE_SECRET_KEY": "sk_test_123", "STRIPE_WEBHOOK_SECRET": harness.WebhookSecret, "API_KEYS": examples["API_KEYS"]} {
		path := filepath.Join(folder, variable)
		if err := os.WriteFile(path, []byte(content), 0o400); err != nil {
			t.Fatal(err)
		}
		settings = append(settings, variable+"=", variable+"_FILE="+path)
	}
	process := harness.NewEmptyDatabase(t, database.SQLite).ServeProcess(t, append(settings, "STRIPE_API_BASE=http://127.0.0.1:9", "RECONCILE_EVERY=0", "ADMIN_LISTEN_ADDR=127.0.0.1:0")...)
	if got := process.Request(t, "GET", "/readyz", ""); got.Status != 200 {
		t.Errorf("answered %d: %s", got.Status, got.Body)
	}
	if code := process.Terminate(); code != 0 {
		t.Errorf("SIGTERM: exit code %d", code)
	}
}
