// Package database opens and migrates the database, on SQLite and PostgreSQL, and
// says what an error of either means.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Engine is the kind of database behind a DB.
type Engine string

// SQLite is embedded and needs nothing; PostgreSQL stands for every server
// that speaks its protocol.
const (
	Postgres Engine = "postgres"
	SQLite   Engine = "sqlite"
)

// Pool sizes. PostgreSQL's are small on purpose: events go through one or two
// committers, so connections serve the API and the retry worker. SQLite allows
// one writer; readers don't wait for it in WAL mode.
const (
	postgresWriters = 16
	postgresReaders = 8
	sqliteReaders   = 4
)

// PostgresConnections is how many one program takes at most.
const PostgresConnections = postgresWriters + postgresReaders

// unpinged is how long a PostgreSQL connection may have been idle without
// being tried before it is used: after a server's restart no answer may fail
// for each dead one that the pool still holds.
const unpinged = time.Millisecond

// DB is an open database. The embedded handle writes and reads; Reader only
// reads, on SQLite beside the writer instead of behind it, on PostgreSQL with
// a plan for the values of each statement.
// Both are safe for concurrent use.
type DB struct {
	*gorm.DB
	Reader *gorm.DB
	Engine Engine
	Clock  *Clock // nil but in a sandbox: see Follow
	url    string
}

// Open connects to "postgres://…" or "sqlite:PATH" and checks that the
// database answers before ctx ends. The error never contains a password.
func Open(ctx context.Context, databaseURL string) (*DB, error) {
	db := &DB{url: databaseURL}
	var err error
	if path, ok := SQLitePath(databaseURL); ok {
		db.Engine = SQLite
		err = db.openSQLite(path)
	} else {
		db.Engine = Postgres
		err = db.openPostgres(ctx, databaseURL)
	}
	if err != nil {
		return nil, err
	}
	if err := db.Ping(ctx); err != nil {
		_ = db.Close() // the ping's error says more
		return nil, err
	}
	return db, nil
}

// SQLitePath gives the file named by a "sqlite:PATH" URL, and whether it is
// one.
func SQLitePath(databaseURL string) (string, bool) {
	path, ok := strings.CutPrefix(databaseURL, "sqlite:")
	return strings.TrimPrefix(path, "//"), ok
}

func gormConfig() *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true,           // every transaction here is written out
		Logger:                 logger.Discard, // errors are returned, and logged once at the edge
		NowFunc:                WallClock,
	}
}

func (db *DB) openPostgres(ctx context.Context, databaseURL string) error {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		// pgx redacts the password in its own message.
		return fmt.Errorf("parse DATABASE_URL: %w", err)
	}
	boundConnect(config, databaseURL)
	connections := &lines{open: map[*line]struct{}{}}
	config.DialFunc, config.OnNotice = connections.dial, noticeUnreplicated
	// When a context ends, ask the server to stop too; closing the socket
	// alone would leave a statement waiting for its lock.
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: time.Second}
	}
	pooled, err := behindPooler(ctx, hostsOf(config, connections))
	if err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	if pooled && !strings.Contains(databaseURL, "default_query_exec_mode") {
		// A transaction-pooling PgBouncer may give each transaction another
		// session, so that no statement can stay prepared in one.
		config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	open := func(most int, plans string) (*gorm.DB, error) {
		conn := sql.OpenDB(hostsOf(config, connections, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
			if err := readTimesInUTC(ctx, conn); err != nil || pooled {
				return err
			}
			return setUp(ctx, conn, plans)
		}), stdlib.OptionShouldPing(func(_ context.Context, c stdlib.ShouldPingParams) bool { return c.IdleDuration > unpinged })))
		conn.SetMaxOpenConns(most)
		conn.SetMaxIdleConns(most)
		conn.SetConnMaxLifetime(30 * time.Minute)
		handle, err := gorm.Open(postgres.New(postgres.Config{Conn: conn}), gormConfig())
		if err != nil {
			_ = conn.Close() // the first error says more
			return nil, fmt.Errorf("open PostgreSQL: %w", err)
		}
		return handle, nil
	}
	// Planning a batch costs as much as running it, so that its plans are
	// kept. Lists are rare, and what is fast for one status or type is slow
	// for another.
	if db.DB, err = open(postgresWriters, "force_generic_plan"); err != nil {
		return err
	}
	db.Reader, err = open(postgresReaders, "force_custom_plan")
	return err
}

// behindPooler says whether something stands between us and the server: the
// process id in the protocol's greeting is then not the server's own.
func behindPooler(ctx context.Context, server *hosts) (bool, error) {
	opened, err := server.Connect(ctx)
	if err != nil {
		return false, err
	}
	defer opened.Close()                      //nolint:errcheck // it served its purpose
	conn := opened.(*watchedConn).Conn.Conn() //nolint:forcetypeassert // hosts give nothing else
	var pid uint32
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid); err != nil {
		return false, err
	}
	return pid != conn.PgConn().PID(), nil
}

// setUp says how a session plans. A plan kept from when a table was empty
// would be a sequential scan until its statistics change, so these are ruled
// out; every statement here has an index to use. (With them the planner's
// costs soar, which must not start the JIT compiler.)
func setUp(ctx context.Context, conn *pgx.Conn, plans string) error {
	settings := "SET plan_cache_mode = " + plans + "; SET enable_seqscan = off; SET jit = off"
	if _, err := conn.PgConn().Exec(ctx, settings).ReadAll(); err != nil {
		if _, refused := errors.AsType[*pgconn.PgError](err); !refused {
			return fmt.Errorf("set up the session: %w", err)
		} // another engine, which doesn't know the settings and does without
	}
	return nil
}

func readTimesInUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// Ping checks that the database answers.
func (db *DB) Ping(ctx context.Context) error {
	for _, handle := range []*gorm.DB{db.DB, db.Reader} {
		pool, err := handle.DB()
		if err != nil {
			return fmt.Errorf("reach the database: %w", err)
		}
		if err := pool.PingContext(ctx); err != nil {
			return fmt.Errorf("reach the database: %w", err)
		}
	}
	return nil
}

// Close waits for running statements and closes the connections.
func (db *DB) Close() error {
	for _, handle := range []*gorm.DB{db.Reader, db.DB} {
		pool, err := handle.DB()
		if err != nil {
			return fmt.Errorf("close the database: %w", err)
		}
		if err := pool.Close(); err != nil {
			return fmt.Errorf("close the database: %w", err)
		}
	}
	return nil
}
