package harness

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Freeze stops every process of the server where it stands: its kernel goes on
// to accept connections, and nobody answers. It thaws when the test ends.
func (c *Cluster) Freeze(tb testing.TB) {
	tb.Helper()
	postmaster := c.server.Process.Pid
	signal := func(how syscall.Signal) {
		_ = syscall.Kill(postmaster, how) // it forks nobody while it stands
		for _, backend := range children(postmaster) {
			_ = syscall.Kill(backend, how)
		}
	}
	tb.Cleanup(func() { signal(syscall.SIGCONT) })
	signal(syscall.SIGSTOP)
}

// children are the processes that another one started.
func children(of int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is a good one
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		pid, _, _ := strings.Cut(string(stat), " ")
		_, rest, _ := strings.Cut(string(stat), ") ") // the name before it may hold anything
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(of) {
			if n, err := strconv.Atoi(pid); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}
