package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Runbook gives the commands that docs/operation.md has under "### heading": its
// blocks of sh, in order.
func Runbook(t *testing.T, heading string) []string {
	t.Helper()
	return Commands(t, "operation.md", heading)
}

// Commands is Runbook of any page of docs/.
func Commands(t *testing.T, name, heading string) []string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(ModuleRoot(t), "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	inside, fence, block := false, "", ""
	for line := range strings.Lines(string(page)) {
		switch text := strings.TrimSpace(line); {
		case fence == "" && strings.HasPrefix(text, "```"):
			fence, block = text, ""
		case text == "```":
			if inside && fence == "```sh" {
				blocks = append(blocks, block)
			}
			fence = ""
		case fence != "":
			block += line
		case strings.HasPrefix(line, "#"):
			level, name, _ := strings.Cut(text, " ")
			inside = name == heading || inside && len(level) > len("###")
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("docs/%s has no commands under %q", name, heading)
	}
	return blocks
}

// shPatience is how long a script may take.
const shPatience = 5 * time.Minute

// RunSh runs a script as a person at a shell would, with hourbank first in PATH,
// this environment alone and a folder of its own, and gives what it printed, errors too.
// It must exit 0.
func RunSh(t *testing.T, env map[string]string, script string) (output string) {
	t.Helper()
	command := exec.Command("bash", "-euo", "pipefail", "-c", script)
	command.Dir, command.SysProcAttr = t.TempDir(), &syscall.SysProcAttr{Setpgid: true}
	return runSh(t, command, env, filepath.Dir(Binary(t)))
}

// Machine makes the server's folder one that pg_ctl can start with nothing else, as in
// production, and gives what scripts on its machine are told.
func (c *Cluster) Machine(t *testing.T) map[string]string {
	t.Helper()
	conf, err := os.OpenFile(filepath.Join(c.data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range append([]string{"listen_addresses=127.0.0.1", "unix_socket_directories=" + c.folder, "max_connections=500", "port=" + c.port}, c.settings...) {
		name, value, _ := strings.Cut(setting, "=")
		if _, err := fmt.Fprintf(conf, "%s = '%s'\n", name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := conf.Close(); err != nil {
		t.Fatal(err)
	}
	c.Own(t, c.data+".log")
	return map[string]string{"PGDATA": c.data, "ARCHIVE": c.folder + "/archive", "ADMIN_URL": c.url()}
}

// RunSh runs a script on the server's machine: as its user, with PostgreSQL's own
// programs first in PATH and this environment alone. It must exit 0.
func (c *Cluster) RunSh(t *testing.T, env map[string]string, script string) (output string) {
	t.Helper()
	command := exec.Command("bash", "-euo", "pipefail", "-c", script)
	command.Dir, command.SysProcAttr = c.folder, c.owner
	return runSh(t, command, env, c.bin)
}

func runSh(t *testing.T, command *exec.Cmd, env map[string]string, programs string) string {
	t.Helper()
	var output Output
	command.Stdout, command.Stderr, command.WaitDelay = &output, &output, time.Second
	command.Env = []string{"PATH=" + programs + ":" + os.Getenv("PATH")}
	for name, value := range env {
		command.Env = append(command.Env, name+"="+value)
	}
	err := command.Start()
	if err == nil {
		late := time.AfterFunc(shPatience, func() { _ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }) // and what it started
		err = command.Wait()
		late.Stop()
	}
	if err != nil {
		t.Fatalf("%s\n%v:\n%s", command.Args[len(command.Args)-1], err, &output)
	}
	return output.String()
}
