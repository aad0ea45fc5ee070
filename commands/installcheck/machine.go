package installcheck

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"os"
	"runtime/debug"
	"syscall"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/dustin/go-humanize"

	"hourbank/config"
)

const (
	// Two thousand strangers with a body of 1 MiB each took 123 MiB in all (tests/faults).
	leastMemory  = 128 << 20
	enoughMemory = 256 << 20

	// A thousand connections of strangers, the proxy's, and the database's.
	leastFiles  = 1024
	enoughFiles = 4096
)

// checkSecretFiles looks who else on the machine may read or change a secret.
func (i *installation) checkSecretFiles() {
	for _, name := range config.SecretNames() {
		path := i.Environ[name+"_FILE"]
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			continue // a mistake of the configuration, told as that
		}
		seen := fmt.Sprintf("%s, %04o", path, info.Mode().Perm())
		if info.Mode().Perm()&(othersRead|othersWrite|groupWrites) != 0 {
			i.add(name+"_FILE", fail, seen, "Others may read or change it: chmod 0400 it (0440 where the group is the program's alone).")
			continue
		}
		i.add(name+"_FILE", pass, seen, "")
	}
}

const (
	othersRead  fs.FileMode = 0o004
	othersWrite fs.FileMode = 0o002
	groupWrites fs.FileMode = 0o020
)

// checkPorts takes each address for a moment.
func (i *installation) checkPorts(ctx context.Context) {
	for _, address := range []struct{ name, value string }{{"LISTEN_ADDR", i.cfg.ListenAddr}, {"ADMIN_LISTEN_ADDR", i.cfg.AdminListenAddr}} {
		switch {
		case i.mistakes[address.name]:
			continue // told already
		case address.value == "":
			i.add(address.name, skipped, "not set", "")
			continue
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address.value)
		if err == nil {
			err = listener.Close()
		}
		switch {
		case err == nil:
			i.add(address.name, pass, address.value+" is free", "")
		case errors.Is(err, syscall.EADDRINUSE):
			i.add(address.name, fail, address.value+" is taken", "Stop what listens there (\"ss -ltnp\" names it; a Hourbank that is served already, too), or set "+address.name+".")
		case errors.Is(err, syscall.EACCES):
			i.add(address.name, fail, address.value+" may not be taken", "Set a port above 1023, and let a proxy have the other.")
		default:
			i.add(address.name, fail, err.Error(), "Set "+address.name+" to an address of this machine.")
		}
	}
}

// checkMemory looks at the least of what the machine has, what the container may
// have, and what GOMEMLIMIT says.
func (i *installation) checkMemory() {
	limit := uint64(math.MaxUint64)
	if soft := debug.SetMemoryLimit(-1); soft < math.MaxInt64 {
		limit = uint64(soft)
	}
	for _, provider := range []memlimit.Provider{memlimit.FromCgroup, memlimit.FromSystem} {
		if most, err := provider(); err == nil && most > 0 { // an error is no limit, or another system than Linux
			limit = min(limit, most)
		}
	}
	if limit == math.MaxUint64 {
		i.add("memory", skipped, "this system doesn't say how much there is", "")
		return
	}
	i.compare("memory", limit, leastMemory, enoughMemory, humanize.IBytes(limit),
		fmt.Sprintf("Give it %s: fewer make it slow, or end it, when many send large bodies.", humanize.IBytes(enoughMemory)))
}

// checkOpenFiles looks at "ulimit -n", which Go has raised as far as it may.
func (i *installation) checkOpenFiles() {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		i.add("open files", skipped, err.Error(), "")
		return
	}
	i.compare("open files", limit.Cur, leastFiles, enoughFiles, fmt.Sprint(limit.Cur),
		fmt.Sprintf("Each connection is one: allow %d (\"ulimit -n\", LimitNOFILE= of systemd).", enoughFiles))
}

// checkDisk looks at what is left where a folder lies.
func (i *installation) checkDisk(folder string) {
	var system syscall.Statfs_t
	if err := syscall.Statfs(folder, &system); err != nil {
		i.add("disk", skipped, err.Error(), "")
		return
	}
	free := system.Bavail * uint64(system.Bsize)
	i.compare("disk", free, leastDisk, enoughDisk, humanize.IBytes(free)+" free at "+folder,
		"An event takes about 2 kB, and a full disk stops them all: make room.")
}

// compare fails below the least, and warns below enough.
func (i *installation) compare(name string, have, least, enough uint64, seen, do string) {
	switch {
	case have < least:
		i.add(name, fail, seen, do)
	case have < enough:
		i.add(name, warning, seen, do)
	default:
		i.add(name, pass, seen, "")
	}
}

// isShared says whether others may put files of theirs in the place of a folder's.
func isShared(mode fs.FileMode) bool {
	return mode.Perm()&(othersWrite|groupWrites) != 0 && mode&fs.ModeSticky == 0
}
