package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"hourbank/commands/cli"
)

// pagesAtOnce is how much is copied between two looks at the context.
const pagesAtOnce = 100

// backUp copies the database to a file that must not be there.
func backUp(ctx context.Context, from, to string, progress func(pages int)) (*report, error) {
	if err := cli.RefuseExisting(to); err != nil {
		return nil, err
	}
	copied, written, err := makeCopy(ctx, from, to, progress)
	if err != nil {
		return nil, err
	}
	defer os.Remove(copied) //nolint:errcheck // it has its name by then, or is of no use
	return written, cli.PlaceNew(copied, to)
}

// restore puts a copy of a file in the place of the database, which it keeps beside.
func restore(ctx context.Context, from, to string, progress func(pages int)) (*report, error) {
	copied, written, err := makeCopy(ctx, from, to, progress)
	if err != nil {
		return nil, err
	}
	defer os.Remove(copied) //nolint:errcheck // it has its name by then, or is of no use
	if written.Kept, err = putAside(ctx, to); err != nil {
		return nil, err
	}
	return written, cli.PlaceNew(copied, to)
}

// makeCopy copies a database, as it is at one moment, to a file beside the one that it
// is to be, and checks it. Whoever calls it gives it its name, and removes this one.
func makeCopy(ctx context.Context, from, to string, progress func(pages int)) (copied string, written *report, err error) {
	if _, err := os.Stat(from); err != nil {
		return "", nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.part") // 0600
	if err != nil {
		return "", nil, err
	}
	copied = file.Name()
	defer func() {
		if err != nil {
			_ = os.Remove(copied) // the first error says more
		}
	}()
	if err := file.Close(); err != nil {
		return "", nil, err
	}
	if err := copyPages(ctx, from, copied, progress); err != nil {
		return "", nil, err
	}
	if written, err = check(ctx, copied); err != nil {
		return "", nil, fmt.Errorf("%s is no whole database of Hourbank's: %w", from, err)
	}
	written.File = to
	return copied, written, nil
}

// copyPages copies all pages in one read transaction, so that what is written meanwhile
// neither gets into the copy nor makes it begin again.
func copyPages(ctx context.Context, from, to string, progress func(pages int)) error {
	db, err := open(from)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // it was only read
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it was only read
	for _, statement := range []string{"PRAGMA query_only = 1", "BEGIN", "SELECT count(*) FROM sqlite_schema"} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return conn.Raw(func(connection any) error {
		able, ok := connection.(interface {
			NewBackup(to string) (*sqlite.Backup, error)
		})
		if !ok {
			return fmt.Errorf("a %T can't be copied", connection)
		}
		backup, err := able.NewBackup(uri(to))
		if err != nil {
			return err
		}
		for more, done := true, 0; more; {
			if more, err = backup.Step(pagesAtOnce); err == nil {
				err = ctx.Err()
			}
			if err != nil {
				_ = backup.Finish() // the first error says more
				return err
			}
			now := backup.PageCount() - backup.Remaining()
			progress(now - done)
			done = now
		}
		return backup.Finish()
	})
}

// check reads a copy whole, and makes it one file, which needs no other beside it.
func check(ctx context.Context, path string) (*report, error) {
	db, err := open(path)
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // what it changed was checked
	var mode, said string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode); err != nil {
		return nil, err
	}
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
		return nil, err
	}
	if said != "ok" {
		return nil, errors.New(said)
	}
	var written report
	if err := db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&written.SchemaVersion); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	written.Bytes = info.Size()
	return &written, nil
}

// putAside renames what lies where the database is to be, and gives its new name. It is
// refused while anything has it open. A journal that another file left there would be
// read into the new one.
func putAside(ctx context.Context, path string) (*string, error) {
	if _, err := os.Stat(path); err == nil {
		if err := closeJournal(ctx, path); err != nil {
			return nil, err
		}
	}
	kept, moved := path+".before-"+time.Now().UTC().Format("20060102T150405.000Z"), false
	for _, suffix := range []string{"-wal", "-shm", "-journal", ""} { // the first three where it is broken, or gone
		err := os.Rename(path+suffix, kept+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		moved = moved || err == nil
	}
	if !moved {
		return nil, nil
	}
	return &kept, nil
}

// closeJournal ends the write-ahead log, which can only who has the database alone.
func closeJournal(ctx context.Context, path string) error {
	db, err := open(path)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // the journal is ended
	var mode string
	err = db.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode)
	if known, ok := errors.AsType[*sqlite.Error](err); ok {
		switch known.Code() & 0xff { // the primary code
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return errors.New("a program has it open: stop Hourbank first")
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return nil // it is broken, which is why it is restored
		}
	}
	return err
}

func open(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", uri(path))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// uri names a file that is there, whatever is in its name.
func uri(path string) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "mode=rw&_pragma=busy_timeout(5000)"}).String()
}
