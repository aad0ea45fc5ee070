package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// PgBouncer pools connections to a database's server by the transaction.
type PgBouncer struct {
	program, config, probe, port string
	owner                        *syscall.SysProcAttr
	command                      *exec.Cmd
	exited                       chan struct{}
}

// NewPgBouncer starts one in front of the database's server, or skips the
// test where there is none on this machine.
func NewPgBouncer(tb testing.TB, db *Database) *PgBouncer {
	tb.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // Debian's place, which is off a user's PATH
	}
	if _, err := os.Stat(program); err != nil {
		tb.Skip("no pgbouncer on this machine: apt-get install pgbouncer")
	}
	folder, err := os.MkdirTemp("", "hourbank-pgbouncer-") // not tb.TempDir, which its user may not enter
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(folder) })
	b := &PgBouncer{program: program, config: filepath.Join(folder, "pgbouncer.ini")}
	if b.owner, err = notRoot(folder); err != nil { // it refuses root like PostgreSQL does
		tb.Fatal(err)
	}
	if b.port, err = freePort(); err != nil {
		tb.Fatal(err)
	}
	server, err := pgx.ParseConfig(db.URL)
	if err != nil {
		tb.Fatal(err)
	}
	password := ""
	if server.Password != "" {
		password = " password='" + strings.ReplaceAll(server.Password, "'", "''") + "'"
	}
	config := fmt.Sprintf(`[databases]
* = host=%s port=%d user=%s%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 8
max_client_conn = 200
`, server.Host, server.Port, server.User, password, b.port)
	if err := os.WriteFile(b.config, []byte(config), 0o644); err != nil {
		tb.Fatal(err)
	}
	b.probe = db.Via(b.Address()).URL
	b.Start(tb)
	tb.Cleanup(b.Kill)
	return b
}

// Address is where it listens.
func (b *PgBouncer) Address() string { return "127.0.0.1:" + b.port }

// Start runs it and waits until it answers.
func (b *PgBouncer) Start(tb testing.TB) {
	tb.Helper()
	output := &Output{}
	b.command = exec.Command(b.program, b.config)
	b.command.SysProcAttr, b.command.Stderr = b.owner, output
	if err := b.command.Start(); err != nil {
		tb.Fatal(err)
	}
	command, exited := b.command, make(chan struct{})
	b.exited = exited
	go func() {
		_ = command.Wait() // its output says why
		close(exited)
	}()
	if err := waitFor(b.probe, exited); err != nil {
		tb.Fatalf("start PgBouncer: %v: %s", err, output)
	}
}

// Kill ends it in the middle of whatever it does.
func (b *PgBouncer) Kill() {
	_ = b.command.Process.Signal(syscall.SIGKILL) // it may be gone already
	<-b.exited
}
