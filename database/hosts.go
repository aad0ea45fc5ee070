package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// connectTimeout is how long a host may take to let us in where
	// DATABASE_URL says no connect_timeout.
	connectTimeout = 2 * time.Second

	// answerTimeout is how long a connection that lay idle may take to say that
	// it is alive. A host that is silent for longer is taken for frozen.
	answerTimeout = 2 * time.Second

	// nextHost is when the next of several hosts is tried beside those that
	// have not answered yet. https://www.rfc-editor.org/rfc/rfc8305#section-5
	nextHost = 250 * time.Millisecond
)

// hosts connects to the first of several hosts that lets us in, as
// target_session_attrs says. A silent one, which accepts and never answers,
// holds nobody for longer than nextHost.
type hosts struct {
	each  []driver.Connector
	lines *lines
}

// hostsOf makes connectors of a configuration, one a host.
func hostsOf(config *pgx.ConnConfig, lines *lines, options ...stdlib.OptionOpenDB) *hosts {
	h := &hosts{lines: lines}
	tries := append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	for len(tries) > 0 {
		// The same host may be tried with TLS and without.
		host, port := tries[0].Host, tries[0].Port
		other := slices.IndexFunc(tries, func(f *pgconn.FallbackConfig) bool { return f.Host != host || f.Port != port })
		if other < 0 {
			other = len(tries)
		}
		one := config.Copy()
		one.Host, one.Port, one.TLSConfig, one.Fallbacks = host, port, tries[0].TLSConfig, tries[1:other]
		h.each = append(h.each, stdlib.GetConnector(*one, options...))
		tries = tries[other:]
	}
	return h
}

// Driver is the connections'.
func (h *hosts) Driver() driver.Driver { return h.each[0].Driver() }

// Connect starts the hosts one after another, and closes what is too late. The
// losers end with ctx, which ends when Connect returns.
func (h *hosts) Connect(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type try struct {
		conn driver.Conn
		err  error
	}
	tries := make(chan try)
	start := func(one driver.Connector) {
		conn, err := one.Connect(ctx)
		select {
		case tries <- try{conn, err}:
		case <-ctx.Done():
			if err == nil {
				_ = conn.Close() // another was first
			}
		}
	}
	var errs []error
	next := time.NewTimer(0)
	defer next.Stop()
	for started := 0; len(errs) < len(h.each); {
		select {
		case <-next.C:
			if started < len(h.each) {
				go start(h.each[started])
				started++
				next.Reset(nextHost)
			}
		case done := <-tries:
			if done.err == nil {
				return h.watch(done.conn)
			}
			errs = append(errs, done.err)
			next.Reset(0)
		case <-ctx.Done():
			return nil, errors.Join(append(errs, ctx.Err())...)
		}
	}
	return nil, errors.Join(errs...)
}

func (h *hosts) watch(conn driver.Conn) (driver.Conn, error) {
	known, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a %T is no connection of pgx", conn), conn.Close())
	}
	return &watchedConn{Conn: known, lines: h.lines}, nil
}

// watchedConn is a connection that must prove to be alive before it is used
// again.
type watchedConn struct {
	*stdlib.Conn
	lines *lines
}

// ResetSession comes before each use. Where the host is silent, all
// connections to it are cut: whoever waits for it on another one gets an
// error at once, and no other idle one needs to be tried.
func (c *watchedConn) ResetSession(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	err := c.Conn.ResetSession(asking)
	if err != nil && errors.Is(asking.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		c.lines.cut(c.Conn.Conn().PgConn().Conn().RemoteAddr())
	}
	return err
}

// QueryContext asks again, once, where a migration changed what a prepared
// statement gives: the statement is prepared anew. In a transaction that is for
// the whole of it: see IsConflict.
func (c *watchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.Conn.QueryContext(ctx, query, args)
	if isStalePlan(err) && c.Conn.Conn().PgConn().TxStatus() == 'I' {
		return c.Conn.QueryContext(ctx, query, args)
	}
	return rows, err
}

// BeginTx begins a transaction whose Commit tells of errUnreplicated.
func (c *watchedConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.BeginTx(ctx, options)
	if err != nil {
		return nil, err
	}
	return &watchedTx{tx, c}, nil
}

type watchedTx struct {
	driver.Tx
	conn *watchedConn
}

// Commit commits, and wants the standbys to have it that commits wait for.
func (tx *watchedTx) Commit() error {
	if err := tx.Tx.Commit(); err != nil {
		return err
	}
	return tx.conn.replicated()
}

// ExecContext is a transaction of its own, where it is in none.
func (c *watchedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.Conn.ExecContext(ctx, query, args)
	if err == nil {
		err = c.replicated()
	}
	return result, err
}

// errUnreplicated says that a commit stands on the primary alone: its time was over while
// it waited for a synchronous standby. PostgreSQL only warns of that.
var errUnreplicated = errors.New("committed, but no synchronous standby has it")

const unreplicated = "unreplicated" // a key of pgconn's custom data

// noticeUnreplicated is how pgx hands on the server's warnings.
func noticeUnreplicated(conn *pgconn.PgConn, notice *pgconn.Notice) {
	if notice.Routine == "SyncRepWaitForLSN" {
		conn.CustomData()[unreplicated] = true
	}
}

// replicated gives errUnreplicated, once, where the server warned of it.
func (c *watchedConn) replicated() error {
	warned := c.Conn.Conn().PgConn().CustomData()
	if warned[unreplicated] == nil {
		return nil
	}
	delete(warned, unreplicated)
	return errUnreplicated
}

// lines are the open connections to all hosts.
type lines struct {
	mu   sync.Mutex
	open map[*line]struct{}
}

type line struct {
	net.Conn
	lines *lines
}

// dial is how pgx opens a connection. A host that is gone with no word, as by a
// pulled cable, is noticed by the kernel within ten seconds.
func (l *lines) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 4 * time.Second, Interval: 2 * time.Second, Count: 3}}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	opened := &line{conn, l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[opened] = struct{}{}
	return opened, nil
}

// Close ends the connection.
func (c *line) Close() error {
	c.lines.mu.Lock()
	delete(c.lines.open, c)
	c.lines.mu.Unlock()
	return c.Conn.Close()
}

// cut ends every connection to an address.
func (l *lines) cut(address net.Addr) {
	l.mu.Lock()
	var silent []*line
	for c := range l.open {
		if c.RemoteAddr().String() == address.String() {
			silent = append(silent, c)
		}
	}
	l.mu.Unlock()
	for _, c := range silent {
		_ = c.Close() // nobody would answer
	}
}

// boundConnect gives hosts connectTimeout where the URL says nothing else.
func boundConnect(config *pgx.ConnConfig, databaseURL string) {
	if config.ConnectTimeout == 0 && !strings.Contains(databaseURL, "connect_timeout") {
		config.ConnectTimeout = connectTimeout
	}
}
