package database

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"gorm.io/gorm"
)

// A transaction whose time was over between two statements is no bug of ours.
func TestATransactionThatRanOutOfTimeIsUnavailable(t *testing.T) {
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "hourbank.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing was kept
	ctx, tx := beginWithin(t, db, time.Millisecond)
	<-ctx.Done()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		err := tx.Statement.ConnPool.(interface{ Commit() error }).Commit()
		if !IsUnavailable(err) {
			t.Fatalf("%v is taken for a bug", err)
		}
		if errors.Is(err, sql.ErrTxDone) {
			return
		}
	}
	t.Error("it was not rolled back")
}

// beginWithin begins a transaction whose time is over soon, a longer one where
// the machine is too slow to begin it in that time.
func beginWithin(t *testing.T, db *DB, limit time.Duration) (context.Context, *gorm.DB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	tx := db.WithContext(ctx).Begin()
	switch {
	case tx.Error == nil:
		return ctx, tx
	case limit > 10*time.Second:
		t.Fatal(tx.Error)
	}
	return beginWithin(t, db, 2*limit)
}
