package models

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// A transaction whose time was over between two statements is no bug of ours.
func TestATransactionThatRanOutOfTimeIsUnavailable(t *testing.T) {
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "hourbank.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing was kept
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	tx := db.WithContext(ctx).Begin()
	if tx.Error != nil {
		t.Skip("the machine was too slow to begin one: ", tx.Error)
	}
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
