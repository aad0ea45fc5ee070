package harness

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
)

// ServingRole is the same PostgreSQL database as the role sees it that "migrate roles"
// makes. The role goes when the test ends.
func (db *Database) ServingRole(tb testing.TB) *Database {
	tb.Helper()
	role, password := "hourbank_serve_"+RandomName(), RandomName()
	file := filepath.Join(tb.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	db.Finally(tb, fmt.Sprintf("DROP OWNED BY %s; DROP ROLE %[1]s", role))
	db.MustRun(tb, "migrate", "roles", "--name", role, "--password-file", file)
	db.MustRun(tb, "migrate", "roles", "--name", role) // which changes nothing
	return db.As(role, password)
}

// As is the same PostgreSQL database as a role sees it.
func (db *Database) As(role, password string) *Database {
	return db.reached(func(u *url.URL) { u.User = url.UserPassword(role, password) })
}

// Finally runs statements when the test ends.
func (db *Database) Finally(tb testing.TB, statements string) {
	tb.Helper()
	tb.Cleanup(func() {
		ctx := context.Background() // the test's own has ended
		conn, err := pgx.Connect(ctx, db.URL)
		if err == nil {
			_, err = conn.Exec(ctx, statements)
			_ = conn.Close(ctx) // it served its purpose
		}
		if err != nil {
			tb.Errorf("%s: %v", statements, err)
		}
	})
}
