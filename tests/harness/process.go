package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Process is the built program in a process of its own, which can be killed.
type Process struct {
	*App
	command *exec.Cmd
	ended   chan struct{}
}

// Binary builds the program once.
func Binary(tb testing.TB) string {
	tb.Helper()
	path, err := binary(ModuleRoot(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

var built struct {
	once   sync.Once
	folder string
	err    error
}

func binary(root string) (string, error) {
	built.once.Do(func() {
		if built.folder, built.err = os.MkdirTemp("", "hourbank-bin-"); built.err != nil {
			return
		}
		build := exec.Command("go", "build", "-o", filepath.Join(built.folder, "hourbank"), ".")
		build.Dir = root
		if output, err := build.CombinedOutput(); err != nil {
			built.err = errors.Join(err, errors.New(string(output)))
		}
	})
	return filepath.Join(built.folder, "hourbank"), built.err
}

// ServeProcess starts the built program on the database and waits until it
// listens.
func (db *Database) ServeProcess(tb testing.TB, settings ...string) *Process {
	tb.Helper()
	return db.ServeProgram(tb, Binary(tb), settings...)
}

// ServeProgram is ServeProcess of a program that was built otherwise, such as an older
// one.
func (db *Database) ServeProgram(tb testing.TB, program string, settings ...string) *Process {
	tb.Helper()
	app := &App{Database: db, Log: &Output{}, client: newClient(), cancel: func() {}, exited: make(chan int, 1)}
	command := exec.Command(program, "serve")
	command.Env, command.Stderr = db.environ(settings...), app.Log
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	p := &Process{App: app, command: command, ended: make(chan struct{})}
	go func() {
		_ = command.Wait() // the state tells
		app.exited <- command.ProcessState.ExitCode()
		close(p.ended)
	}()
	tb.Cleanup(p.Kill)
	app.WaitUntilListening(tb)
	return p
}

// Kill ends the process in the middle of whatever it does.
func (p *Process) Kill() {
	_ = p.command.Process.Signal(syscall.SIGKILL) // it may be gone already
	<-p.ended
	p.client.CloseIdleConnections()
}

// Terminate sends SIGTERM and gives the exit code.
func (p *Process) Terminate() int {
	_ = p.command.Process.Signal(syscall.SIGTERM) // it may be gone already
	<-p.ended
	return p.command.ProcessState.ExitCode()
}

// PID is the process's id.
func (p *Process) PID() int { return p.command.Process.Pid }

// MaxResident is the most memory that the process had so far, in bytes.
func (p *Process) MaxResident(tb testing.TB) int64 {
	tb.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	return kibibytes(tb, strings.Fields(rest)[0])
}

// RunMeasured is RunBinary with the most memory that the program had, in bytes.
// It goes through time(1), because Linux counts what a program was before it was
// that program.
func (db *Database) RunMeasured(tb testing.TB, args ...string) (Result, int64) {
	tb.Helper()
	result := db.RunProgram(tb, "/usr/bin/time", append([]string{"-f", "%M", Binary(tb)}, args...)...)
	told := strings.Fields(result.Stderr)
	return result, kibibytes(tb, told[len(told)-1])
}

func kibibytes(tb testing.TB, number string) int64 {
	tb.Helper()
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return n << 10
}

// RunBinary runs one command of the built program to its end.
func (db *Database) RunBinary(tb testing.TB, args ...string) Result {
	tb.Helper()
	return db.RunProgram(tb, Binary(tb), args...)
}

// RunProgram is RunBinary of any program.
func (db *Database) RunProgram(tb testing.TB, program string, args ...string) Result {
	tb.Helper()
	var stdout, stderr Output
	command := exec.CommandContext(tb.Context(), program, args...)
	command.Env = db.environ("PATH=" + os.Getenv("PATH")) // bench looks for pgbench
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); command.ProcessState == nil {
		tb.Fatal(err)
	}
	return Result{Code: command.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
}
