package database

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// Several replicas may start at once; one migrates while the others try the
// lock again every lockInterval, for as long as lockTries allow (5 minutes).
const (
	lockInterval = 250 * time.Millisecond
	lockTries    = 1200
)

// Migration is one numbered step of the schema.
type Migration struct {
	Version   int64      `json:"version"`
	Name      string     `json:"name"`
	AppliedAt *time.Time `json:"applied_at"` // nil: pending
}

// ErrPending says that the schema is older than this program.
var ErrPending = errors.New("migrations are pending; run \"hourbank migrate up\"")

// CheckSchema returns ErrPending, or an error that names both versions where the
// schema is newer than this program, unless the schema says that such a program may
// serve (migration 25). It takes no lock, so that any number of probes may ask at once.
func (db *DB) CheckSchema(ctx context.Context) error {
	provider, err := db.migrationProvider()
	if err != nil {
		return err
	}
	return db.checkSchema(ctx, provider)
}

func (db *DB) checkSchema(ctx context.Context, provider *goose.Provider) error {
	current, known, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	may, err := db.mayServe(ctx, current, known)
	if err != nil {
		return err
	}
	if !may {
		return fmt.Errorf("the database's schema is of version %d, and this program knows only %d: run one that is as new", current, known)
	}
	pending, err := provider.HasPending(ctx)
	if err != nil {
		return fmt.Errorf("look for pending migrations: %w", err)
	}
	if pending {
		return ErrPending
	}
	return nil
}

// mayServe says whether a program that knows the schema up to a migration may serve one
// that is further: each migration between them must say so.
func (db *DB) mayServe(ctx context.Context, current, known int64) (bool, error) {
	if current <= known {
		return true, nil
	}
	var refusing int64
	err := db.WithContext(ctx).Raw(`SELECT count(*) FROM goose_db_version WHERE version_id > ? AND is_applied
		AND version_id NOT IN (SELECT migration FROM older_programs WHERE oldest <= ?)`, known, known).Scan(&refusing).Error
	if err != nil {
		return false, fmt.Errorf("ask the schema which programs may serve: %w", err)
	}
	return refusing == 0, nil
}

// Migrate applies every pending migration under a lock, and returns those
// that it applied. It refuses to in a schema that is not closed. A role that only serves need not be able to where none is
// pending.
func (db *DB) Migrate(ctx context.Context) ([]Migration, error) {
	provider, err := db.migrationProvider()
	if err != nil {
		return nil, err
	}
	if err := db.checkSchema(ctx, provider); !errors.Is(err, ErrPending) {
		return nil, err
	}
	if err := db.mayMigrate(ctx); err != nil {
		return nil, err
	}
	if err := db.CheckSchemaIsClosed(ctx); err != nil {
		return nil, err
	}
	var results []*goose.MigrationResult
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		some, err := provider.Up(ctx)
		if partly, ok := errors.AsType[*goose.PartialError](err); ok {
			some = partly.Applied
		}
		results = append(results, some...)
		if err != nil && !IsConflict(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(migratePause)), backoff.WithMaxElapsedTime(migratePatience))
	if err != nil {
		return nil, fmt.Errorf("migrate the database: %w", err)
	}
	now := db.NowFunc()
	applied := make([]Migration, len(results))
	for i, result := range results {
		applied[i] = Migration{Version: result.Source.Version, Name: nameOf(result.Source), AppliedAt: &now}
	}
	return applied, nil
}

// A migration gives up a table's lock that it doesn't get within two seconds (it says so
// itself), because all that comes after it waits, too; what waited then goes on, and the
// migration is tried again.
const (
	migratePause    = 2 * time.Second
	migratePatience = 5 * time.Minute
)

// MigrationStatus lists every migration, applied or pending, in order.
func (db *DB) MigrationStatus(ctx context.Context) ([]Migration, error) {
	provider, err := db.migrationProvider()
	if err != nil {
		return nil, err
	}
	statuses, err := provider.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the migrations' status: %w", err)
	}
	all := make([]Migration, len(statuses))
	for i, status := range statuses {
		all[i] = Migration{Version: status.Source.Version, Name: nameOf(status.Source)}
		if status.State == goose.StateApplied {
			all[i].AppliedAt = &status.AppliedAt
		}
	}
	return all, nil
}

// nameOf is a migration's file, or what stands for one in Go.
func nameOf(source *goose.Source) string {
	return cmp.Or(source.Path, fmt.Sprintf("%05d_evidence.go", source.Version))
}

func (db *DB) migrationProvider() (*goose.Provider, error) {
	folder, err := fs.Sub(migrations, "migrations/"+string(db.Engine))
	if err != nil {
		return nil, fmt.Errorf("open the embedded migrations: %w", err)
	}
	pool, err := db.DB.DB()
	if err != nil {
		return nil, fmt.Errorf("migrate the database: %w", err)
	}
	dialect, locker, err := db.migrationLock()
	if err != nil {
		return nil, fmt.Errorf("prepare the migration lock: %w", err)
	}
	provider, err := goose.NewProvider(dialect, pool, folder,
		goose.WithLocker(locker), goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(db.evidenceMigration()))
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations: %w", err)
	}
	return provider, nil
}

// migrationLock is a row with a lease on PostgreSQL, because a session's
// advisory lock would not survive a transaction-pooling PgBouncer; on SQLite
// it is a file beside the database.
func (db *DB) migrationLock() (goose.Dialect, lock.Locker, error) {
	if db.Engine == Postgres {
		locker, err := lock.NewPostgresTableLocker(lock.WithTableLockTimeout(lockInterval, lockTries))
		return goose.DialectPostgres, locker, err
	}
	path, _ := SQLitePath(db.url)
	return goose.DialectSQLite3, fileLocker{flock.New(path + ".migrate.lock")}, nil
}

// fileLocker keeps two processes from migrating one SQLite file at once.
type fileLocker struct{ file *flock.Flock }

func (l fileLocker) Lock(ctx context.Context, _ *sql.DB) error {
	_, err := l.file.TryLockContext(ctx, lockInterval)
	return err
}

func (l fileLocker) Unlock(context.Context, *sql.DB) error { return l.file.Unlock() }
