package harness

import (
	"context"
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
	page, err := os.ReadFile(filepath.Join(ModuleRoot(t), "docs", "operation.md"))
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
		t.Fatalf("docs/operation.md has no commands under %q", heading)
	}
	return blocks
}

// shPatience is how long a script may take.
const shPatience = 5 * time.Minute

// RunSh runs a script as a person at a shell would, with hourbank first in PATH and
// this environment alone, and gives what it printed, errors too. It must exit 0.
func RunSh(t *testing.T, env map[string]string, script string) (output string) {
	t.Helper()
	return runSh(t, &syscall.SysProcAttr{Setpgid: true}, env, "PATH="+filepath.Dir(Binary(t))+":"+os.Getenv("PATH"), script)
}

// RunSh runs a script on the server's machine: as its user, with PostgreSQL's own
// programs first in PATH and this environment alone. It must exit 0.
func (c *Cluster) RunSh(t *testing.T, env map[string]string, script string) (output string) {
	t.Helper()
	return runSh(t, c.owner, env, "PATH="+c.bin+":"+os.Getenv("PATH"), script)
}

func runSh(t *testing.T, user *syscall.SysProcAttr, env map[string]string, path, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), shPatience)
	defer cancel()
	var output Output
	command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	command.SysProcAttr, command.Dir, command.WaitDelay = user, os.TempDir(), time.Second
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) } // and what it started
	command.Stdout, command.Stderr = &output, &output
	command.Env = []string{path}
	for name, value := range env {
		command.Env = append(command.Env, name+"="+value)
	}
	if err := command.Run(); err != nil {
		t.Fatalf("%s\n%v:\n%s", script, err, &output)
	}
	return output.String()
}
