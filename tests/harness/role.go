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
	tb.Cleanup(func() { dropRole(tb, db.URL, role) })
	db.MustRun(tb, "migrate", "roles", "--name", role, "--password-file", file)
	db.MustRun(tb, "migrate", "roles", "--name", role) // which changes nothing
	return db.reached(func(u *url.URL) { u.User = url.UserPassword(role, password) })
}

func dropRole(tb testing.TB, address, role string) {
	tb.Helper()
	ctx := context.Background() // the test's own has ended
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		tb.Error(err)
		return
	}
	defer conn.Close(ctx) //nolint:errcheck // it served its purpose
	if _, err := conn.Exec(ctx, fmt.Sprintf("DROP OWNED BY %s; DROP ROLE %[1]s", role)); err != nil {
		tb.Error(err)
	}
}
