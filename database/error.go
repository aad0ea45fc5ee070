package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// ErrConflict is a conflict that work finds by itself.
var ErrConflict = errors.New("another transaction changed what this one read")

// IsConflict says that two transactions were in each other's way, so that the
// same work may succeed if simply tried again: a serialization failure, a
// deadlock, a lock not had in time, a statement that was prepared before a
// migration.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func IsConflict(err error) bool {
	if errors.Is(err, ErrConflict) {
		return true
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return slices.Contains([]string{"40001", "40P01", "55P03"}, pgErr.Code) || isStalePlan(err)
	}
	return sqliteCode(err) == sqliteBusy || sqliteCode(err) == sqliteLocked
}

// isStalePlan says that a migration changed what a prepared statement gives
// ("cached plan must not change result type"). Its code is that of every
// feature that is not supported.
func isStalePlan(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == "0A000" && pgErr.Routine == "RevalidateCachedQuery"
}

// IsUnavailable says that the database could not do the work now, through no
// fault of the work: it is down, full, overloaded, too slow or contended.
// Anything else that a database returns is a bug of ours.
func IsUnavailable(err error) bool {
	// Whatever a server answers to a connection, the work was not its reason.
	_, isConnect := errors.AsType[*pgconn.ConnectError](err)
	if isConnect || IsConflict(err) {
		return true
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		// Connection exception, insufficient resources, operator
		// intervention, system error; and a primary that was demoted.
		return slices.Contains([]string{"08", "53", "57", "58"}, pgErr.Code[:min(2, len(pgErr.Code))]) || pgErr.Code == "25006"
	}
	if code := sqliteCode(err); code != 0 {
		return slices.Contains([]int{sqliteNoMem, sqliteReadOnly, sqliteInterrupt, sqliteIOErr, sqliteFull, sqliteCantOpen}, code)
	}
	_, isNet := errors.AsType[net.Error](err)
	return isNet || errors.Is(err, errUnreplicated) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, sql.ErrConnDone) || errors.Is(err, net.ErrClosed) || pgconn.Timeout(err) ||
		errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, sql.ErrTxDone) // its time was over between two statements
}

// IsUniqueViolation says that a row with the same key exists already.
func IsUniqueViolation(err error) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Code == "23505"
	}
	sqliteErr, ok := errors.AsType[*sqlite.Error](err)
	return ok && (sqliteErr.Code() == sqliteConstraintUnique || sqliteErr.Code() == sqliteConstraintPrimaryKey)
}

// IsOvertaken says that another transaction was first with a row that this one
// meant to make: its key is taken, or (where all is one statement, on
// PostgreSQL) the purchase of a ledger entry was not made, or not as it was meant.
func IsOvertaken(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return IsUniqueViolation(err) ||
		ok && slices.Contains([]string{"ledger_owner", "ledger_credit"}, pgErr.ConstraintName)
}

// SQLite's result codes. https://www.sqlite.org/rescode.html
const (
	sqliteBusy      = 5
	sqliteLocked    = 6
	sqliteNoMem     = 7
	sqliteReadOnly  = 8
	sqliteInterrupt = 9
	sqliteIOErr     = 10
	sqliteFull      = 13
	sqliteCantOpen  = 14

	sqliteConstraintUnique     = 2067
	sqliteConstraintPrimaryKey = 1555
)

// sqliteCode gives the primary result code of a SQLite error, or 0.
func sqliteCode(err error) int {
	if sqliteErr, ok := errors.AsType[*sqlite.Error](err); ok {
		return sqliteErr.Code() & 0xff
	}
	return 0
}
