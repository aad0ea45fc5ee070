// Package cli is what commands share: what they know of the outside, how they
// end, and how they print.
package cli

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"hourbank/config"
	"hourbank/database"
	"hourbank/models"
	"hourbank/services"
	"hourbank/services/owner"
)

// Program is what every command needs to know of the outside.
type Program struct {
	Environ map[string]string
	Stdout  io.Writer // for people: what a terminal would obey is shown
	Data    io.Writer // the same, for files
	Stderr  io.Writer
}

// NewProgram makes a program of its outside.
func NewProgram(environ map[string]string, stdout, stderr io.Writer) *Program {
	return &Program{Environ: environ, Stdout: visible{stdout}, Data: stdout, Stderr: stderr}
}

// visible shows what a terminal would obey.
type visible struct{ terminal io.Writer }

func (v visible) Write(p []byte) (int, error) {
	if _, err := io.WriteString(v.terminal, models.Visible(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// UsageError is a mistake of the one who typed or configured.
type UsageError struct{ Err error }

// Usage makes a UsageError.
func Usage(err error) error { return UsageError{err} }

func (e UsageError) Error() string { return e.Err.Error() }

func (e UsageError) Unwrap() error { return e.Err }

// ErrChecksFailed ends a command that has said already what failed.
var ErrChecksFailed = errors.New("checks failed")

// Config loads the configuration, or says every mistake in it.
func (p *Program) Config() (*config.Config, error) {
	cfg, err := config.Load(p.Environ)
	if err != nil {
		return nil, UsageError{err}
	}
	return cfg, nil
}

// Logger writes to stderr, so that stdout is for results.
func (p *Program) Logger(cfg *config.Config) *zap.Logger {
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoding.EncodeDuration = zapcore.MillisDurationEncoder
	encoder := zapcore.NewJSONEncoder(encoding)
	if cfg.LogFormat == "console" {
		encoding.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(encoding)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(p.Stderr)), cfg.LogLevel))
}

// WithServices opens the database, runs the services around work, and closes
// everything again. Commands that change or read data run in it.
func (p *Program) WithServices(ctx context.Context, work func(context.Context, *services.Services) error) error {
	cfg, err := p.Config()
	if err != nil {
		return err
	}
	return p.RunServices(ctx, cfg, p.Logger(cfg), work)
}

// RunServices is WithServices with a configuration and log of the caller's.
func (p *Program) RunServices(ctx context.Context, cfg *config.Config, log *zap.Logger, work func(context.Context, *services.Services) error) error {
	db, err := OpenMigrated(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // the work is committed; there is nothing left to lose
	s := services.New(cfg, db, log)
	defer s.Traces.Stop()
	known, err := s.Owner.Check(ctx)
	if err != nil {
		return Refused(err)
	}
	if known != nil && known.Mode == models.ModeSandbox { // whose clock may be ahead
		if err := db.Follow(ctx, &database.Clock{}); err != nil {
			return err
		}
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Payments.Run(running) }()
	err = work(ctx, s)
	stop()
	return errors.Join(err, <-done)
}

// Refused makes a database that is another's, or may be, a mistake of the configuration.
func Refused(err error) error {
	if _, ok := errors.AsType[*owner.MismatchError](err); ok || errors.Is(err, owner.ErrUnclaimed) {
		return Usage(err)
	}
	return err
}

// startPatience is how long a database that is reached and doesn't answer in time is
// tried: a machine that has just begun is slow.
const startPatience = 10 * time.Second

// OpenMigrated opens the database and brings its schema up to date.
func OpenMigrated(ctx context.Context, cfg *config.Config) (*database.DB, error) {
	db, err := backoff.Retry(ctx, func() (*database.DB, error) {
		db, err := database.Open(ctx, string(cfg.DatabaseURL))
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			err = backoff.Permanent(err)
		}
		return db, err
	}, backoff.WithMaxElapsedTime(startPatience))
	if err != nil {
		return nil, err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
