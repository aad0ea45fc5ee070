// Package commands is the command line: one file a command.
package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"hourbank/config"
	"hourbank/database"
	"hourbank/models"
	"hourbank/services"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // the work failed, or a check did
	exitUsage   = 2 // the command line or the configuration is wrong
)

// Execute runs one command line and returns its exit code. It is the whole
// program but for os.Exit, so that tests can run it in process.
func Execute(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	p := &program{environ: environMap(environ), stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:           "hourbank",
		Short:         "Hourbank turns Stripe payments into tutoring hours, exactly once",
		SilenceErrors: true, // printed once, below
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(p.serve(), p.migrate(), p.plans(), p.events(), p.audit(), p.reconcile(), p.bench(), p.health(), p.testStripeWebhook())
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	return p.exit(err)
}

// program is what every command needs to know of the outside.
type program struct {
	environ        map[string]string
	stdout, stderr io.Writer
}

// usageError is a mistake of the one who typed or configured.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// errChecksFailed ends a command that has said already what failed.
var errChecksFailed = errors.New("checks failed")

func (p *program) exit(err error) int {
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errChecksFailed) {
		return exitFailure
	}
	message := err.Error()
	if known, ok := errors.AsType[*models.Error](err); ok && known.Err == nil {
		message = known.Message
	}
	for line := range strings.Lines(message) {
		fmt.Fprintf(p.stderr, "hourbank: %s\n", strings.TrimSuffix(line, "\n"))
	}
	if _, ok := errors.AsType[usageError](err); ok || isCobraUsage(err) {
		return exitUsage
	}
	return exitFailure
}

// isCobraUsage recognises what cobra says of unknown commands and arguments;
// it has no type for it.
func isCobraUsage(err error) bool {
	for _, prefix := range []string{"unknown command", "accepts ", "requires ", "required flag"} {
		if strings.HasPrefix(err.Error(), prefix) {
			return true
		}
	}
	return false
}

func environMap(environ []string) map[string]string {
	m := make(map[string]string, len(environ))
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		m[name] = value
	}
	return m
}

// config loads the configuration, or says every mistake in it.
func (p *program) config() (*config.Config, error) {
	cfg, err := config.Load(p.environ)
	if err != nil {
		return nil, usageError{err}
	}
	return cfg, nil
}

// logger writes to stderr, so that stdout is for results.
func (p *program) logger(cfg *config.Config) *zap.Logger {
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoding.EncodeDuration = zapcore.MillisDurationEncoder
	encoder := zapcore.NewJSONEncoder(encoding)
	if cfg.LogFormat == "console" {
		encoding.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(encoding)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(p.stderr)), cfg.LogLevel))
}

// withServices opens the database, runs the services around work, and closes
// everything again. Commands that change or read data run in it.
func (p *program) withServices(ctx context.Context, work func(context.Context, *services.Services) error) error {
	cfg, err := p.config()
	if err != nil {
		return err
	}
	return p.runServices(ctx, cfg, p.logger(cfg), work)
}

func (p *program) runServices(ctx context.Context, cfg *config.Config, log *zap.Logger, work func(context.Context, *services.Services) error) error {
	db, err := openMigrated(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // the work is committed; there is nothing left to lose
	s := services.New(cfg, db, log)
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Payments.Run(running) }()
	err = work(ctx, s)
	stop()
	return errors.Join(err, <-done)
}

// openMigrated opens the database and brings its schema up to date.
func openMigrated(ctx context.Context, cfg *config.Config) (*database.DB, error) {
	db, err := database.Open(ctx, string(cfg.DatabaseURL))
	if err != nil {
		return nil, err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
