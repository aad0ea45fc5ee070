package tests

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"hourbank/database"
	"hourbank/tests/harness"
)

const installCheck = "install-check"

// looked runs the command, and wants the exit code that its report asks for.
func looked(t *testing.T, db *harness.Database, settings ...string) string {
	t.Helper()
	result := db.RunSet(t, settings, installCheck, "--json")
	code := 0
	if gjson.Get(result.Stdout, "failed").Int() > 0 {
		code = 1
	}
	if !gjson.Valid(result.Stdout) || result.Code != code {
		t.Fatalf("exit code %d\n%s%s", result.Code, result.Stdout, result.Stderr)
	}
	return result.Stdout
}

// wantCheck wants a check to have ended so, and what helps to be said where it didn't pass.
func wantCheck(t *testing.T, report, name, result, seen string) {
	t.Helper()
	check := gjson.Get(report, fmt.Sprintf(`checks.#(name==%q)`, name))
	do := check.Get("do").String()
	if check.Get("result").String() != result || !strings.Contains(check.Get("seen").String()+" "+do, seen) || (do == "") != (result == "pass" || result == "skipped") {
		t.Errorf("%s: want %s with %q, got %s", name, result, seen, check)
	}
}

// soundServer is a PostgreSQL whose settings are what a server ought to have, but for
// those given. It is a view before the catalogue's.
func soundServer(t *testing.T, settings ...string) *harness.Database {
	t.Helper()
	db := harness.NewEmptyDatabase(t, database.Postgres)
	told := "'fsync', 'on', 'full_page_writes', 'on', 'synchronous_commit', 'on'"
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		told += fmt.Sprintf(", '%s', '%s'", name, value)
	}
	db.Exec(t, "CREATE VIEW pg_settings AS SELECT name, coalesce(jsonb_build_object("+told+") ->> name, setting) AS setting FROM pg_catalog.pg_settings")
	return db.With("search_path=public,pg_catalog")
}

func TestInstallCheckPassesASoundInstallation(t *testing.T) {
	t.Parallel()
	for _, db := range []*harness.Database{harness.NewEmptyDatabase(t, database.SQLite), soundServer(t)} {
		secret := filepath.Join(t.TempDir(), "stripe")
		if err := os.WriteFile(secret, []byte("sk_test_123"), 0o400); err != nil {
			t.Fatal(err)
		}
		stripe := httptest.NewServer(http.NotFoundHandler())
		defer stripe.Close()
		settings := []string{"STRIPE_SECRET_KEY_FILE=" + secret, "STRIPE_API_BASE=" + stripe.URL}
		report := looked(t, db, settings...)
		wantJSON(t, report, fields{"failed": "0"})
		wantCheck(t, report, "configuration", "pass", "no mistake")
		wantCheck(t, report, "STRIPE_SECRET_KEY_FILE", "pass", "0400")
		wantCheck(t, report, "LISTEN_ADDR", "pass", "is free")
		wantCheck(t, report, "Stripe's clock", "pass", "ours is")
		for _, name := range passing[db.Engine] {
			wantCheck(t, report, name, "pass", "")
		}
		lines := db.RunSet(t, settings, installCheck).Stdout
		wantContains(t, lines, "pass", "LISTEN_ADDR", " 0 failed")
		if path, ok := database.SQLitePath(db.URL); ok {
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) > 0 {
				t.Errorf("it left %v", left)
			}
		}
	}
}

var passing = map[database.Engine][]string{
	database.SQLite: {"database folder", "file modes", "write-ahead log"},
	database.Postgres: {"database", "version", "writes", "fsync", "full_page_writes", "synchronous_commit", "max_connections", "TLS", "schema", "size",
		"database's clock"},
}

func TestInstallCheckFailsAServerThatLosesWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ setting, name, result, seen string }{
		{"fsync=off", "fsync", "fail", "off"},
		{"full_page_writes=off", "full_page_writes", "fail", "off"},
		{"synchronous_commit=off", "synchronous_commit", "fail", "off"},
		{"synchronous_commit=local", "synchronous_commit", "pass", "local"},
		{"server_version_num=140012", "version", "fail", "from PostgreSQL 15 on"},
		{"transaction_read_only=on", "writes", "fail", "standby"},
		{"max_connections=20", "max_connections", "fail", "24"},
		{"max_connections=40", "max_connections", "warning", "24"},
	} {
		report := looked(t, soundServer(t, row.setting), "API_KEYS=")
		wantCheck(t, report, row.name, row.result, row.seen)
		if failed := gjson.Get(report, "failed").Int(); (failed == 1) != (row.result == "fail") {
			t.Errorf("%s: %s", row.setting, report)
		}
	}
}

func TestInstallCheckFailsADatabaseThatIsNotFit(t *testing.T) {
	t.Parallel()
	open := soundServer(t)
	open.Exec(t, "GRANT CREATE ON SCHEMA public TO PUBLIC")
	wantCheck(t, looked(t, open), "schema", "fail", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")

	late := soundServer(t)
	late.Exec(t, "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT now() + interval '10 minutes' $$")
	wantCheck(t, looked(t, late), "database's clock", "fail", "behind")

	silent := harness.NewEmptyDatabase(t, database.Postgres).Via(unused(t))
	wantCheck(t, looked(t, silent), "database", "fail", "")
	wrong := harness.NewEmptyDatabase(t, database.SQLite)
	wantCheck(t, looked(t, wrong, "DATABASE_URL=mysql://x"), "DATABASE_URL", "fail", "sqlite:")
	wantCheck(t, looked(t, wrong, "DATABASE_URL=mysql://x"), "database", "skipped", "")
}

// unused is an address where nothing listens.
func unused(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close() // it was only to be had
	return listener.Addr().String()
}

func TestInstallCheckLooksAtTheFolderOfSQLite(t *testing.T) {
	t.Parallel()
	db := harness.NewEmptyDatabase(t, database.SQLite)
	folder := t.TempDir()
	path := filepath.Join(folder, "hourbank.db")
	at := "DATABASE_URL=sqlite:" + path
	wantCheck(t, looked(t, db, at), "file modes", "pass", "the first start makes the file")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	wantCheck(t, looked(t, db, at), "file modes", "warning", "0644")
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	wantCheck(t, looked(t, db, at), "file modes", "fail", "0777")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("it changed the file: %v, %v", info, err)
	}
	wantCheck(t, looked(t, db, "DATABASE_URL=sqlite:"+filepath.Join(folder, "none", "hourbank.db")), "database folder", "fail", "Make the folder")
}

func TestInstallCheckLooksAtPortsSecretsAndClocks(t *testing.T) {
	t.Parallel()
	db := harness.NewEmptyDatabase(t, database.SQLite)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // it was only to be taken
	taken := listener.Addr().String()
	wantCheck(t, looked(t, db, "LISTEN_ADDR="+taken), "LISTEN_ADDR", "fail", "is taken")
	wantCheck(t, looked(t, db, "ADMIN_LISTEN_ADDR="+taken), "ADMIN_LISTEN_ADDR", "fail", "is taken")
	wantCheck(t, looked(t, db, "LISTEN_ADDR=192.0.2.1:8000"), "LISTEN_ADDR", "fail", "address of this machine")

	wantCheck(t, looked(t, db, "STRIPE_WEBHOOK_SECRET=whsec_123"), "STRIPE_WEBHOOK_SECRET", "fail", "can be guessed")
	wantCheck(t, looked(t, db, "STRIPE_WEBHOOK_SECRET="), "STRIPE_WEBHOOK_SECRET", "fail", "required")
	wantCheck(t, looked(t, db, "API_KEYS="), "API_KEYS", "warning", "401")
	for mode, result := range map[os.FileMode]string{0o444: "fail", 0o420: "fail", 0o602: "fail", 0o440: "pass"} {
		secret := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(secret, []byte("sk_test_123"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(secret, mode); err != nil {
			t.Fatal(err)
		}
		wantCheck(t, looked(t, db, "STRIPE_SECRET_KEY_FILE="+secret), "STRIPE_SECRET_KEY_FILE", result, secret)
	}

	for ahead, row := range map[time.Duration][2]string{-10 * time.Minute: {"fail", "ahead"}, 10 * time.Minute: {"fail", "behind"}, 30 * time.Second: {"warning", "NTP"}} {
		stripe := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				t.Error("it sent the key")
			}
			w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		}))
		wantCheck(t, looked(t, db, "STRIPE_SECRET_KEY=sk_test_123", "STRIPE_API_BASE="+stripe.URL), "Stripe's clock", row[0], row[1])
		stripe.Close()
	}
	wantCheck(t, looked(t, db, "STRIPE_SECRET_KEY=sk_test_123", "STRIPE_API_BASE=http://"+unused(t)), "Stripe's clock", "fail", "reach Stripe's API")
}

// A process of its own has limits of its own.
func TestInstallCheckLooksAtTheMachinesLimits(t *testing.T) {
	t.Parallel()
	binary, folder := harness.Binary(t), t.TempDir()
	limited := func(before string, environ ...string) string {
		command := exec.Command("sh", "-c", before+"\nexec "+binary+" "+installCheck+" --json")
		command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "DATABASE_URL=sqlite:" + folder + "/hourbank.db", "LISTEN_ADDR=127.0.0.1:0",
			"STRIPE_WEBHOOK_SECRET=" + harness.WebhookSecret}, environ...)
		output, _ := command.Output() // it fails, as it should
		return string(output)
	}
	wantCheck(t, limited("ulimit -n 256"), "open files", "fail", "256")
	wantCheck(t, limited("ulimit -n 2048"), "open files", "warning", "2048")
	wantCheck(t, limited("ulimit -n 4096"), "open files", "pass", "4096")
	wantCheck(t, limited("", "GOMEMLIMIT=64MiB"), "memory", "fail", "64 MiB")
	wantCheck(t, limited("", "GOMEMLIMIT=200MiB"), "memory", "warning", "200 MiB")
	if err := exec.Command("unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "none", folder).Run(); err != nil {
		t.Skipf("a small disk can't be made here: %v", err)
	}
	small := func(size string) string {
		command := exec.Command("unshare", "--mount", "--map-root-user", "sh", "-c",
			"mount -t tmpfs -o size="+size+" none "+folder+" && exec "+binary+" "+installCheck+" --json")
		command.Env = []string{"PATH=" + os.Getenv("PATH"), "DATABASE_URL=sqlite:" + folder + "/hourbank.db", "LISTEN_ADDR=127.0.0.1:0", "STRIPE_WEBHOOK_SECRET=" + harness.WebhookSecret}
		output, _ := command.Output() // it fails, as it should
		return string(output)
	}
	wantCheck(t, small("64m"), "disk", "fail", "64 MiB free")
	wantCheck(t, small("2g"), "disk", "warning", "free")
	wantCheck(t, small("8k"), "write-ahead log", "fail", "disk")
}
