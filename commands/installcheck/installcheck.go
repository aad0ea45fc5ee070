// Package installcheck is the command "install-check": whether a machine, its
// database and its secrets are fit for Hourbank, asked before it is served there.
package installcheck

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/config"
)

// result says how a check ended.
type result string

const (
	pass    result = "pass"
	warning result = "warning" // it works, but not for long, or not for much
	fail    result = "fail"
	skipped result = "skipped"
)

// check is one thing that was looked at.
type check struct {
	Name   string `json:"name"`
	Result result `json:"result"`
	Seen   string `json:"seen"`
	Do     string `json:"do"` // what helps; empty where it passed
}

// report is what a run found.
type report struct {
	Checks  []check `json:"checks"`
	Passed  int     `json:"passed"`
	Warned  int     `json:"warned"`
	Failed  int     `json:"failed"`
	Skipped int     `json:"skipped"`
}

// installation is the machine that is looked at, and what was seen.
type installation struct {
	*cli.Program
	cfg      *config.Config
	mistakes map[string]bool // the variables that hold one
	report   report
}

// Command makes the command.
func Command(p *cli.Program) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "install-check",
		Short: "Look whether this machine, its database and its secrets are fit to serve",
		Long: `Look whether this machine, its database and its secrets are fit to serve: ports, the
database's version and settings, clocks, disk, secrets, memory and open files. Run it
where Hourbank is to be served, as the user who serves, with the same environment, and
before it is served: a port that is taken is a failure. It changes nothing.
"test-stripe-webhook" is for what comes after: Stripe's key and the endpoint.`,
		Example: "  hourbank install-check\n  hourbank install-check --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			i := &installation{Program: p, mistakes: map[string]bool{}}
			i.look(cmd.Context())
			return i.finish(asJSON)
		},
	}
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

func (i *installation) look(ctx context.Context) {
	i.checkConfig()
	i.checkSecretFiles()
	i.checkPorts(ctx)
	i.checkDatabase(ctx)
	i.checkStripesClock(ctx)
	i.checkMemory()
	i.checkOpenFiles()
}

// checkConfig tells of the mistakes and warnings with which "serve" would start.
func (i *installation) checkConfig() {
	const name = "configuration"
	cfg, err := config.Load(i.Environ)
	if i.cfg = cfg; i.cfg == nil { // it is given beside mistakes, too
		i.cfg = &config.Config{}
	}
	var mistakes []string
	for _, one := range []error{err, i.cfg.RequireWebhookSecret()} {
		if one != nil {
			mistakes = append(mistakes, strings.Split(one.Error(), "\n")...)
		}
	}
	for _, mistake := range mistakes {
		variable, what, _ := strings.Cut(mistake, ": ")
		i.mistakes[strings.TrimSuffix(variable, "_FILE")] = true
		i.add(variable, fail, "a mistake", what)
	}
	if len(mistakes) == 0 {
		i.add(name, pass, "no mistake", "")
	}
	for _, one := range i.cfg.Warnings() {
		variable, what, _ := strings.Cut(one, ": ")
		i.add(variable, warning, "probably not meant", what)
	}
}

func (i *installation) add(name string, r result, seen, do string) {
	i.report.Checks = append(i.report.Checks, check{name, r, seen, do})
	switch r {
	case pass:
		i.report.Passed++
	case warning:
		i.report.Warned++
	case fail:
		i.report.Failed++
	case skipped:
		i.report.Skipped++
	}
}

// finish prints the report, and fails when a check did.
func (i *installation) finish(asJSON bool) error {
	if asJSON {
		if err := i.PrintJSON(i.report); err != nil {
			return err
		}
	} else {
		w := tabwriter.NewWriter(i.Stdout, 0, 0, 2, ' ', 0)
		for _, c := range i.report.Checks {
			c.print(w)
		}
		_ = w.Flush() // it goes to a terminal
		fmt.Fprintf(i.Stdout, "\n%d passed, %d warnings, %d failed, %d skipped\n", i.report.Passed, i.report.Warned, i.report.Failed, i.report.Skipped)
	}
	if i.report.Failed > 0 {
		return cli.ErrChecksFailed
	}
	return nil
}

// print writes a line for the check, and one for what to do.
func (c check) print(w *tabwriter.Writer) {
	word := string(c.Result)
	if c.Result == fail {
		word = "FAIL" // to be found at a glance
	}
	fmt.Fprintf(w, "%s\t%s\t%s\n", word, c.Name, c.Seen)
	if c.Do != "" {
		fmt.Fprintf(w, "\t\t%s\n", c.Do)
	}
}
