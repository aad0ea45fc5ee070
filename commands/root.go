// Package commands is the command line: one file a command.
package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"hourbank/commands/about"
	"hourbank/commands/archive"
	"hourbank/commands/backup"
	"hourbank/commands/cli"
	"hourbank/commands/installcheck"
	"hourbank/commands/webhooktest"
	"hourbank/models"
	"hourbank/version"
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
	p := &program{cli.NewProgram(environMap(environ), stdout, stderr)}
	root := &cobra.Command{
		Use:           "hourbank",
		Short:         "Hourbank turns Stripe payments into tutoring hours, exactly once",
		Version:       version.Get().Version, // --version
		SilenceErrors: true,                  // printed once, below
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate(about.Line())
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.Usage(err) })
	root.AddCommand(p.serve(), p.migrate(), p.plans(), p.lots(), p.events(), archive.Purchases(p.Program), p.cases(), p.deliveries(), p.audit(), p.auditLog(), p.reconcile(), p.rebuild(), p.forgetStudent(), p.export(), backup.Backup(p.Program), backup.Restore(p.Program), p.bench(), p.health(), p.status(), about.Version(p.Program), installcheck.Command(p.Program), about.Man(), webhooktest.Command(p.Program))
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	return p.exit(err)
}

// program makes the commands.
type program struct{ *cli.Program }

func (p *program) exit(err error) int {
	if err == nil {
		return exitOK
	}
	if errors.Is(err, cli.ErrChecksFailed) {
		return exitFailure
	}
	message := err.Error()
	if known, ok := errors.AsType[*models.Error](err); ok && known.Err == nil {
		message = known.Message
	}
	for line := range strings.Lines(message) {
		fmt.Fprintf(p.Stderr, "hourbank: %s\n", models.Visible(strings.TrimSuffix(line, "\n")))
	}
	if _, ok := errors.AsType[cli.UsageError](err); ok || isCobraUsage(err) {
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
