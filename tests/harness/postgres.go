package harness

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"hourbank/commands"
)

// noPostgres says what to do where there is no PostgreSQL.
const noPostgres = `these tests need PostgreSQL and found none. Do one of:
  apt-get install postgresql     (or brew install postgresql: the server programs are enough)
  TEST_DATABASE_URL=postgres://… (a role that may create databases)
  start Docker                   (postgres is run in it)
or skip them with go test -short`

// postgresServer is the server that a package's tests share.
type postgresServer struct {
	url      string // of a database to connect to for making others
	template string // a migrated database, which every test's is a copy of
	stop     func()
}

// shared is made when the first test needs it.
var shared = &sharedServer{}

type sharedServer struct {
	once   sync.Once
	server *postgresServer
	err    error
}

// postgres gives the server, or fails, or skips under -short.
func (s *sharedServer) postgres(tb testing.TB) *postgresServer {
	tb.Helper()
	if testing.Short() {
		tb.Skip("-short: not on PostgreSQL")
	}
	s.once.Do(func() { s.server, s.err = findPostgres() })
	if s.err != nil {
		tb.Fatal(s.err)
	}
	return s.server
}

func (s *sharedServer) close() {
	if s.server != nil {
		_ = s.server.exec("DROP DATABASE IF EXISTS " + s.server.template + " WITH (FORCE)") // on a server that lives on
		s.server.stop()
	}
}

func findPostgres() (*postgresServer, error) {
	server, err := startPostgres()
	if err != nil {
		return nil, err
	}
	server.template = "hourbank_template_" + RandomName()
	if err := server.makeDatabase(server.template); err != nil {
		server.stop()
		return nil, err
	}
	return server, nil
}

// startPostgres takes the first that there is: a server that somebody named,
// the server programs on this machine, Docker.
func startPostgres() (*postgresServer, error) {
	if named := os.Getenv("TEST_DATABASE_URL"); named != "" {
		return &postgresServer{url: named, stop: func() {}}, nil
	}
	if bin := serverPrograms(); bin != "" {
		c, err := startCluster(bin, hasty)
		if err != nil {
			return nil, err
		}
		return &postgresServer{url: c.url(), stop: c.remove}, nil
	}
	if dockerWorks() {
		return startContainer()
	}
	return nil, errors.New(noPostgres)
}

// makeDatabase makes a migrated database.
func (s *postgresServer) makeDatabase(name string) error {
	if err := s.exec("CREATE DATABASE " + name); err != nil {
		return err
	}
	made := postgresServer{url: s.databaseURL(name)}
	if err := made.exec("REVOKE CREATE ON SCHEMA public FROM PUBLIC"); err != nil { // as PostgreSQL 15 has it
		return err
	}
	var output strings.Builder
	environ := []string{"DATABASE_URL=" + s.databaseURL(name)}
	if code := commands.Execute(context.Background(), []string{"migrate", "up"}, environ, io.Discard, &output); code != 0 {
		return fmt.Errorf("migrate %s: exit code %d: %s", name, code, &output)
	}
	return nil
}

// databaseURL is the server's URL with another database.
func (s *postgresServer) databaseURL(database string) string {
	u, err := url.Parse(s.url)
	if err != nil {
		panic(fmt.Sprintf("TEST_DATABASE_URL: %v", err)) // it was connected to already
	}
	u.Path = "/" + database
	return u.String()
}

// exec runs a statement that belongs to no database.
func (s *postgresServer) exec(statement string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return fmt.Errorf("reach PostgreSQL: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // it served its purpose
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// RandomName is one that nobody else has.
func RandomName() string { return strings.ToLower(rand.Text()[:12]) }

func databaseName(databaseURL string) string {
	u, err := url.Parse(databaseURL)
	if err != nil {
		panic(fmt.Sprintf("parse our own URL: %v", err))
	}
	return strings.TrimPrefix(u.Path, "/")
}
