package database

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

func openTemporary(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "hourbank.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// Existing files hold times in this form, which sorts.
func TestTimesInSQLite(t *testing.T) {
	t.Parallel()
	db := openTemporary(t)
	when := time.Date(2026, 11, 25, 19, 8, 0, 123456000, time.FixedZone("", 3600))
	var text string
	if err := db.Raw("SELECT ? || ''", when).Row().Scan(&text); err != nil || text != when.UTC().Format(sqliteTime) {
		t.Errorf("%s was written as %q: %v", when, text, err)
	}
	var read time.Time
	db.Exec("CREATE TABLE times (at datetime)")
	db.Exec("INSERT INTO times VALUES (?)", text)
	if err := db.Raw("SELECT at FROM times").Row().Scan(&read); err != nil || !read.Equal(when) || read.Location() != time.UTC {
		t.Errorf("%q was read as %s: %v", text, read, err)
	}
}

// A kept statement whose rows are still being read must not run again.
func TestStatementsWithinThemselves(t *testing.T) {
	t.Parallel()
	tx := openTemporary(t).Begin()
	defer tx.Rollback()
	numbers := func() []int {
		var all []int
		if err := tx.Raw("SELECT 1 UNION SELECT 2").Scan(&all).Error; err != nil {
			t.Fatal(err)
		}
		return all
	}
	rows, err := tx.Raw("SELECT 1 UNION SELECT 2").Rows()
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // read to its end
	count := 0
	for ; rows.Next(); count++ {
		if got := numbers(); len(got) != 2 {
			t.Errorf("got %v within", got)
		}
	}
	if count != 2 || rows.Err() != nil {
		t.Errorf("%d rows: %v", count, rows.Err())
	}
}

func TestMoreStatementsThanAreKept(t *testing.T) {
	t.Parallel()
	db := openTemporary(t)
	for i := range 2 * keptStatements {
		var got int
		if err := db.Raw(fmt.Sprintf("SELECT %d", i)).Row().Scan(&got); err != nil || got != i {
			t.Fatalf("got %d, want %d: %v", got, i, err)
		}
	}
}
