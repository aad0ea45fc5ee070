package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/services"
	"hourbank/services/audit"
)

func (p *program) audit() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Re-add the ledger and compare it with every purchase and account",
		Long: `Re-add the ledger and compare it with every purchase and account, every purchase
with its own evidence, and every entry with whose it is. Prints a line for each
thing that differs and exits 1 when there is one. Once the schema is up to date it
writes nothing but how much differed, for the metrics, and it may run beside a
serving instance.`,
		Example: "  hourbank audit\n  hourbank audit --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				progress := p.Progress("auditing")
				report, err := s.Audit.Run(ctx, progress.Add)
				progress.Done()
				if err != nil {
					return err
				}
				return errors.Join(p.printAudit(report, asJSON), s.Audit.Note(ctx, report))
			})
		},
	}
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

func (p *program) printAudit(report audit.Report, asJSON bool) error {
	if asJSON {
		if err := p.PrintJSON(report); err != nil {
			return err
		}
	} else {
		for _, d := range report.Differences {
			fmt.Fprintf(p.Stdout, "%s %s: %s is %s, should be %s\n", d.Kind, d.ID, d.Field, d.Recorded, d.Expected)
		}
		fmt.Fprintf(p.Stdout, "audited %d purchases, %d accounts, %d ledger entries and %d lots: %d differences\n",
			report.Purchases, report.Accounts, report.Entries, report.Lots, len(report.Differences))
	}
	if len(report.Differences) > 0 {
		return cli.ErrChecksFailed
	}
	return nil
}
