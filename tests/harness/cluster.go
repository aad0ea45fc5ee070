package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"hourbank/database"
)

// startTimeout is how long a server may take to answer.
const startTimeout = 2 * time.Minute

// serverPrograms finds the folder of initdb and postgres; Debian keeps it off
// the PATH.
func serverPrograms() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is a good one
	if onPath, err := exec.LookPath("initdb"); err == nil {
		found = append(found, onPath)
	}
	for _, initdb := range slices.Backward(found) {
		if real, err := filepath.EvalSymlinks(initdb); err == nil {
			initdb = real // the others are beside the real one
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(initdb), "postgres")); err == nil {
			return filepath.Dir(initdb)
		}
	}
	return ""
}

// Cluster is a throwaway PostgreSQL server in a temporary folder. The user's
// own PostgreSQL, if any, is not touched.
type Cluster struct {
	bin, folder, data, port string
	settings                []string // of the server, such as fsync=off
	owner                   *syscall.SysProcAttr
	server                  *exec.Cmd
	exited                  chan struct{} // closed once the server is gone
	remove                  func()        // stops whatever runs in the folder, and removes it
}

// NewCluster runs a server of the test's own, which it may crash.
func NewCluster(tb testing.TB) *Cluster {
	tb.Helper()
	return newCluster(tb, hasty)
}

// NewDurableCluster is NewCluster on a server that syncs what it commits, as
// one in production does.
func NewDurableCluster(tb testing.TB) *Cluster {
	tb.Helper()
	return newCluster(tb, []string{"shared_buffers=1GB", "max_wal_size=4GB"})
}

// hasty is a server that survives its own crash, but no power cut.
var hasty = []string{"fsync=off", "full_page_writes=off", "shared_buffers=128MB"}

func newCluster(tb testing.TB, settings []string) *Cluster {
	tb.Helper()
	if testing.Short() {
		tb.Skip("-short: not on PostgreSQL")
	}
	bin := serverPrograms()
	if bin == "" {
		tb.Skip("this test stops PostgreSQL, and found no server programs of its own to start: apt-get install postgresql")
	}
	c, err := startCluster(bin, settings)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.remove)
	return c
}

// NewDatabase makes a migrated database in the cluster.
func (c *Cluster) NewDatabase(tb testing.TB) *Database {
	tb.Helper()
	server, name := &postgresServer{url: c.url()}, "hourbank_test_"+RandomName()
	if err := server.makeDatabase(name); err != nil {
		tb.Fatal(err)
	}
	return &Database{Engine: database.Postgres, URL: server.databaseURL(name)}
}

// Exec runs a statement that belongs to no database.
func (c *Cluster) Exec(tb testing.TB, statement string) {
	tb.Helper()
	if err := (&postgresServer{url: c.url()}).exec(statement); err != nil {
		tb.Fatal(err)
	}
}

// Address is the server's host and port.
func (c *Cluster) Address() string { return "127.0.0.1:" + c.port }

// Crash ends the server as pg_ctl stop -m immediate does: nobody says
// goodbye, and it has to recover when it is started again.
func (c *Cluster) Crash() {
	_ = c.server.Process.Signal(syscall.SIGQUIT) // it may be gone already
	<-c.exited
}

// Start runs a crashed server again and waits until it answers.
func (c *Cluster) Start(tb testing.TB) {
	tb.Helper()
	if err := c.run(); err != nil {
		tb.Fatal(err)
	}
}

// Own gives a file or folder to the user that the server runs as.
func (c *Cluster) Own(tb testing.TB, path string) {
	tb.Helper()
	if c.owner.Credential == nil {
		return
	}
	if err := os.Chown(path, int(c.owner.Credential.Uid), int(c.owner.Credential.Gid)); err != nil {
		tb.Fatal(err)
	}
}

func (c *Cluster) url() string { return "postgres://postgres@" + c.Address() + "/postgres" }

func startCluster(bin string, settings []string) (*Cluster, error) {
	folder, err := os.MkdirTemp("", "hourbank-pg-")
	if err != nil {
		return nil, fmt.Errorf("a folder for PostgreSQL: %w", err)
	}
	owner, err := notRoot(folder)
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, folder: folder, data: filepath.Join(folder, "data"), owner: owner, settings: settings}
	err = c.program("initdb", "-D", c.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if err != nil {
		return nil, err
	}
	if c.remove, err = watchOver(folder, owner); err != nil {
		return nil, err
	}
	for range 3 { // somebody may take the port between the asking and the starting
		if c.port, err = freePort(); err != nil {
			break
		}
		if err = c.run(); err == nil {
			return c, nil
		}
	}
	c.remove()
	return nil, err
}

// program runs one of PostgreSQL's programs to its end.
func (c *Cluster) program(name string, args ...string) error {
	command := exec.Command(filepath.Join(c.bin, name), args...)
	command.SysProcAttr, command.Dir = c.owner, c.folder
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, output)
	}
	return nil
}

// run starts the server on its folder and port, and waits until it answers.
func (c *Cluster) run() error {
	log, err := os.OpenFile(c.data+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("PostgreSQL's log: %w", err)
	}
	defer log.Close() //nolint:errcheck // the server has its own handle
	args := []string{"-D", c.data, "-p", c.port}
	for _, setting := range append([]string{"listen_addresses=127.0.0.1", "unix_socket_directories=" + c.folder, "max_connections=500"}, c.settings...) {
		args = append(args, "-c", setting)
	}
	c.server = exec.Command(filepath.Join(c.bin, "postgres"), args...)
	c.server.SysProcAttr, c.server.Stdout, c.server.Stderr = c.owner, log, log
	if err := c.server.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	server, exited := c.server, make(chan struct{})
	c.exited = exited
	go func() {
		_ = server.Wait() // its log says why
		close(exited)
	}()
	if err := waitFor(c.url(), exited); err != nil {
		said, _ := os.ReadFile(log.Name()) // it is only more detail
		return fmt.Errorf("start PostgreSQL: %w: %s", err, said)
	}
	return nil
}

// watchOver stops the servers in a folder and removes it when the tests end,
// however they end: the watcher reads from a pipe that only this process
// holds open.
func watchOver(folder string, owner *syscall.SysProcAttr) (stop func(), err error) {
	//nolint:dupword // sh needs its done twice
	const script = `cat >/dev/null
		for file in "$1"/*.pid; do # of who would start them again
			pid=$(cat "$file" 2>/dev/null) && kill -KILL "$pid" 2>/dev/null
		done
		for file in "$1"/*/postmaster.pid; do
			pid=$(head -n 1 "$file" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null && kill -CONT "$pid" 2>/dev/null
			while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
		done
		rm -rf "$1"`
	watcher := exec.Command("sh", "-c", script, "sh", folder)
	watcher.SysProcAttr = owner
	alive, err := watcher.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("watch PostgreSQL: %w", err)
	}
	if err := watcher.Start(); err != nil {
		return nil, fmt.Errorf("watch PostgreSQL: %w", err)
	}
	return func() {
		_ = alive.Close() // it is what the watcher waits for
		_ = watcher.Wait()
	}, nil
}

// notRoot gives the folder to a user that PostgreSQL agrees to run as: it
// refuses root. The process group of its own keeps a Ctrl-C from the watcher.
func notRoot(folder string) (*syscall.SysProcAttr, error) {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() != 0 {
		return attributes, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(account.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(account.Gid, 10, 32)
		if err := errors.Join(err1, err2, os.Chown(folder, int(uid), int(gid))); err != nil {
			return nil, fmt.Errorf("run PostgreSQL as %s: %w", name, err)
		}
		attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return attributes, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close() //nolint:errcheck // it is wanted free again
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// waitFor waits until the server answers or is gone.
func waitFor(address string, exited <-chan struct{}) error {
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, address)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-exited:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return err
		case <-poll.C:
		}
	}
}
