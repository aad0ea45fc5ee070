package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	dialect "github.com/libtnb/sqlite"
	"gorm.io/gorm"
	"modernc.org/sqlite"
)

func (db *DB) openSQLite(path string) error {
	open := func(connections int, options url.Values) (*gorm.DB, error) {
		// WAL lets readers go on beside the writer; FULL syncs it at every
		// commit, because a 2xx promises durability.
		options["_pragma"] = append(options["_pragma"], "busy_timeout(5000)", "journal_mode(WAL)",
			"synchronous(FULL)", "foreign_keys(1)")
		options.Set("_time_format", "sqlite") // sqliteTime
		options.Set("_timezone", "UTC")
		connector, err := sqlite.NewConnector(path + "?" + options.Encode())
		if err != nil {
			return nil, fmt.Errorf("open SQLite database %s: %w", path, err)
		}
		conn := sql.OpenDB(keepingConnector{connector})
		conn.SetMaxOpenConns(connections)
		conn.SetMaxIdleConns(connections)
		handle, err := gorm.Open(&dialect.Dialector{Conn: conn}, gormConfig())
		if err != nil {
			_ = conn.Close() // the first error says more
			return nil, fmt.Errorf("open SQLite database %s: %w", path, err)
		}
		return handle, nil
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return fmt.Errorf("open SQLite database %s: its folder: %w", path, err)
	}
	err := keepPrivate(path)
	if err != nil {
		return err
	}
	// An immediate transaction is the row lock: it waits for the writer
	// before it reads, so what it read can't change under it.
	if db.DB, err = open(1, url.Values{"_txlock": {"immediate"}}); err != nil {
		return err
	}
	db.Reader, err = open(sqliteReaders, url.Values{"_pragma": {"query_only(1)"}})
	return err
}

// keepPrivate makes the file, or narrows it, so that nobody else on the machine
// reads what is in it. SQLite gives the files beside it the same permissions, but
// leaves those as they are that were there before.
func keepPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // the operator names the file
	if err == nil {
		err = file.Close()
	}
	// One that is there is not opened: to close it would end its other locks.
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make SQLite database %s: %w", path, err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm()&0o077 == 0 {
			continue // none, or one that nobody else reads
		}
		if err := os.Chmod(name, 0o600); err != nil {
			return fmt.Errorf("SQLite database %s: others may read it, and it can't be narrowed to 0600: %w", name, err)
		}
	}
	return nil
}

// keepingConnector opens connections that keep their statements prepared:
// parsing one costs as much as running it. (What GORM prepares in a
// transaction ends with it.)
type keepingConnector struct{ driver.Connector }

func (c keepingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	able, ok := conn.(sqliteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a %T can do less than a SQLite connection", conn), conn.Close())
	}
	return &keepingConn{sqliteConn: able, kept: map[string]sqliteStatement{}}, nil
}

// sqliteConn is what the driver's connections can do, but for running a
// statement without preparing it first.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type sqliteStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keptStatements is how many statements a connection keeps. The program has
// fewer; texts that depend on how many values there are must not add up.
const keptStatements = 200

// keepingConn keeps the statements that nobody is using. database/sql sees to
// it that one goroutine at a time uses a connection and its statements.
type keepingConn struct {
	sqliteConn
	kept map[string]sqliteStatement // by text; nil: closed
}

func (c *keepingConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if statement, ok := c.kept[query]; ok {
		delete(c.kept, query)
		return &keptStatement{statement, c, query}, nil
	}
	statement, err := c.sqliteConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	able, ok := statement.(sqliteStatement)
	if !ok {
		return statement, nil
	}
	return &keptStatement{able, c, query}, nil
}

func (c *keepingConn) Close() error {
	var errs []error
	for _, statement := range c.kept {
		errs = append(errs, statement.Close())
	}
	c.kept = nil
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

// keptStatement goes back to its connection when it is closed.
type keptStatement struct {
	sqliteStatement
	conn  *keepingConn
	query string
}

func (s *keptStatement) Close() error {
	kept := s.conn.kept
	if _, another := kept[s.query]; another || kept == nil {
		return s.sqliteStatement.Close()
	}
	var err error
	if len(kept) == keptStatements {
		for query, statement := range kept { // any one
			err = statement.Close()
			delete(kept, query)
			break
		}
	}
	kept[s.query] = s.sqliteStatement
	return err
}
