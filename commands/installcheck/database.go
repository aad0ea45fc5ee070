package installcheck

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"

	"hourbank/database"
)

const (
	patience = 10 * time.Second // for a database, or Stripe, to answer

	leastPostgres = 150000 // the oldest that the tests run on

	leastDisk  = 1 << 30
	enoughDisk = 10 << 30
)

func (i *installation) checkDatabase(ctx context.Context) {
	url := string(i.cfg.DatabaseURL)
	if i.mistakes["DATABASE_URL"] {
		i.add("database", skipped, "DATABASE_URL is wrong", "")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if path, ok := database.SQLitePath(url); ok {
		i.checkSQLite(ctx, path)
		return
	}
	db, err := database.Open(ctx, url)
	if err != nil {
		i.add("database", fail, err.Error(), "See that it runs, that DATABASE_URL is right, and that its pg_hba.conf lets this machine in.")
		return
	}
	defer db.Close() //nolint:errcheck // it was only read
	i.checkPostgres(ctx, db)
}

// checkSQLite tries a file of its own beside the database's, which is left alone.
func (i *installation) checkSQLite(ctx context.Context, path string) {
	folder := filepath.Dir(path)
	scratch, err := os.MkdirTemp(folder, ".install-check-*")
	if err != nil {
		i.add("database folder", fail, err.Error(), "Make the folder, and let this user write it: SQLite keeps files beside the database.")
		return
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // it is empty, or says nothing
	i.add("database folder", pass, folder+" can be written", "")
	i.checkModes(path, folder)
	i.checkWAL(ctx, filepath.Join(scratch, "try.db"))
	i.checkDisk(folder)
}

// checkModes looks who else may read the database, or put another in its place.
func (i *installation) checkModes(path, folder string) {
	const name = "file modes"
	info, err := os.Stat(folder)
	if err != nil {
		i.add(name, fail, err.Error(), "")
		return
	}
	if isShared(info.Mode()) {
		i.add(name, fail, fmt.Sprintf("%s, %04o", folder, info.Mode().Perm()), "Others may put files of theirs in the database's place: chmod 0700 the folder.")
		return
	}
	file, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		i.add(name, pass, "the first start makes the file, for this user alone", "")
	case err != nil:
		i.add(name, fail, err.Error(), "Let this user read and write it.")
	case file.Mode().Perm()&0o077 != 0:
		i.add(name, warning, fmt.Sprintf("%s, %04o", path, file.Mode().Perm()), "Others may read it until the next start narrows it: chmod 0600 it.")
	default:
		i.add(name, pass, fmt.Sprintf("%s, %04o", path, file.Mode().Perm()), "")
	}
}

func (i *installation) checkWAL(ctx context.Context, path string) {
	const name, do = "write-ahead log", "Put the database on a disk of this machine: network file systems can't share memory, as the log needs."
	db, err := database.Open(ctx, "sqlite:"+path)
	if err != nil {
		i.add(name, fail, err.Error(), do)
		return
	}
	defer db.Close() //nolint:errcheck // it is removed
	var mode string
	err = db.WithContext(ctx).Raw("PRAGMA journal_mode").Row().Scan(&mode)
	if err == nil {
		err = db.WithContext(ctx).Exec("CREATE TABLE try (x INTEGER)").Error
	}
	switch {
	case err != nil:
		i.add(name, fail, err.Error(), do)
	case mode != "wal":
		i.add(name, fail, "the journal is "+mode, do)
	default:
		i.add(name, pass, "works", "")
	}
}

// checkPostgres holds the server's settings to what a 2xx promises.
func (i *installation) checkPostgres(ctx context.Context, db *database.DB) {
	settings, err := readSettings(ctx, db)
	if err != nil {
		i.add("database", fail, err.Error(), "")
		return
	}
	i.add("database", pass, "PostgreSQL "+settings["server_version"], "")
	i.checkServer(settings)
	for _, name := range []string{"fsync", "full_page_writes"} {
		i.want(name, settings[name], settings[name] == "on", "Events that were acknowledged are lost in a crash of the machine: set it on.")
	}
	i.want("synchronous_commit", settings["synchronous_commit"], settings["synchronous_commit"] != "off",
		"Events are acknowledged before they are on disk: set it on (for the role, the database or the server).")
	i.checkConnections(settings)
	i.checkTLS(ctx, db)
	if err := db.CheckSchemaIsClosed(ctx); err != nil {
		i.add("schema", fail, "open to every role", err.Error())
	} else {
		i.add("schema", pass, "closed to other roles", "")
	}
	i.checkSize(ctx, db)
	i.checkDatabasesClock(ctx, db)
}

func readSettings(ctx context.Context, db *database.DB) (map[string]string, error) {
	var rows []struct{ Name, Setting string }
	err := db.WithContext(ctx).Raw(`SELECT name, setting FROM pg_settings WHERE name IN ('server_version', 'server_version_num', 'fsync', 'full_page_writes',
		'synchronous_commit', 'max_connections', 'superuser_reserved_connections', 'transaction_read_only')`).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read the server's settings: %w", err)
	}
	settings := map[string]string{}
	for _, row := range rows {
		settings[row.Name] = row.Setting
	}
	return settings, nil
}

func (i *installation) checkServer(settings map[string]string) {
	number, _ := strconv.Atoi(settings["server_version_num"]) // 0 is too old
	i.want("version", settings["server_version"], number >= leastPostgres, fmt.Sprintf("It is tested from PostgreSQL %d on: upgrade the server.", leastPostgres/10000))
	readOnly := settings["transaction_read_only"] == "on"
	i.want("writes", map[bool]string{true: "refused", false: "allowed"}[readOnly], !readOnly,
		"This is a standby, or read only: name the primary, or all with target_session_attrs=read-write.")
}

// checkConnections wants room for the pool of two replicas, as there are while one is replaced.
func (i *installation) checkConnections(settings map[string]string) {
	most, _ := strconv.ParseUint(settings["max_connections"], 10, 64)
	reserved, _ := strconv.ParseUint(settings["superuser_reserved_connections"], 10, 64)
	i.compare("max_connections", most-min(most, reserved), database.PostgresConnections, 2*database.PostgresConnections, settings["max_connections"],
		fmt.Sprintf("Each replica takes up to %d: set it to that for each, and %d for others.", database.PostgresConnections, 10))
}

// checkTLS asks the server how we reached it.
func (i *installation) checkTLS(ctx context.Context, db *database.DB) {
	const name = "TLS"
	var version, address string
	err := db.WithContext(ctx).Raw("SELECT coalesce(version, ''), coalesce(host(inet_server_addr()), '') FROM pg_stat_ssl WHERE pid = pg_backend_pid()").
		Row().Scan(&version, &address)
	ip := net.ParseIP(address)
	switch {
	case err != nil:
		i.add(name, skipped, "the server doesn't say: "+err.Error(), "")
	case version != "":
		i.add(name, pass, version, "")
	case ip == nil || ip.IsLoopback(): // a socket, or this machine
		i.add(name, pass, "not over a network", "")
	default:
		i.add(name, warning, "none", "Who is on the way reads what students bought: set sslmode=verify-full.")
	}
}

func (i *installation) checkSize(ctx context.Context, db *database.DB) {
	var size uint64
	if err := db.WithContext(ctx).Raw("SELECT pg_database_size(current_database())").Row().Scan(&size); err != nil {
		i.add("size", skipped, err.Error(), "")
		return
	}
	i.add("size", pass, humanize.IBytes(size)+"; the server doesn't say what is left of its disk", "")
}

// want passes or fails.
func (i *installation) want(name, seen string, ok bool, do string) {
	if ok {
		i.add(name, pass, seen, "")
		return
	}
	i.add(name, fail, seen, do)
}
