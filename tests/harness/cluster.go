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
	"time"

	"github.com/jackc/pgx/v5"
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
		if _, err := os.Stat(filepath.Join(filepath.Dir(initdb), "postgres")); err == nil {
			return filepath.Dir(initdb)
		}
	}
	return ""
}

// startCluster runs a throwaway PostgreSQL in a temporary folder. The user's
// own PostgreSQL, if any, is not touched.
func startCluster(bin string) (*postgresServer, error) {
	folder, err := os.MkdirTemp("", "hourbank-pg-")
	if err != nil {
		return nil, fmt.Errorf("a folder for PostgreSQL: %w", err)
	}
	owner, err := notRoot(folder)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(folder, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = owner, folder
	if output, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, output)
	}
	for range 3 { // somebody may take the port between the asking and the starting
		var server *postgresServer
		if server, err = runCluster(bin, folder, data, owner); err == nil {
			return server, nil
		}
	}
	return nil, err
}

func runCluster(bin, folder, data string, owner *syscall.SysProcAttr) (*postgresServer, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL's log: %w", err)
	}
	defer log.Close() //nolint:errcheck // the server has its own handle
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+folder, "-c", "max_connections=500",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=128MB")
	server.SysProcAttr, server.Stdout, server.Stderr = owner, log, log
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = server.Wait() // its log says why
		close(exited)
	}()
	stop, err := watchOver(folder, strconv.Itoa(server.Process.Pid), owner)
	if err != nil {
		return nil, errors.Join(err, server.Process.Kill())
	}
	address := "postgres://postgres@127.0.0.1:" + port + "/postgres"
	if err := waitFor(address, exited); err != nil {
		said, _ := os.ReadFile(log.Name()) // it is only more detail
		return nil, fmt.Errorf("start PostgreSQL: %w: %s", err, said)
	}
	return &postgresServer{url: address, stop: func() { stop(); <-exited }}, nil
}

// watchOver stops the server and removes its folder when the tests end,
// however they end: the watcher reads from a pipe that only this process
// holds open.
func watchOver(folder, pid string, owner *syscall.SysProcAttr) (stop func(), err error) {
	const script = `cat >/dev/null; kill -QUIT "$1" 2>/dev/null; while kill -0 "$1" 2>/dev/null; do sleep 0.05; done; rm -rf "$2"`
	watcher := exec.Command("sh", "-c", script, "sh", pid, folder)
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
