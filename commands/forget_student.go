package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/services"
	"hourbank/services/forgetting"
)

func (p *program) forgetStudent() *cobra.Command {
	var dryRun, yes, asJSON bool
	cmd := &cobra.Command{
		Use:   "forget-student ID",
		Short: "Remove a person, and keep the sums",
		Long: `Remove a person, and keep the sums. All that the student bought and used becomes a
pseudonym's; metadata, notes, references, customer ids and the payloads of events
go, amounts, hours and dates stay. It can't be undone. Refused while a case of
theirs is open, or a payment or refund is under way. End subscriptions at Stripe
first: what they pay later is of a student again. On PostgreSQL it takes the role
that owns the tables.`,
		Example: "  hourbank forget-student student_17 --dry-run\n  hourbank forget-student student_17 --yes",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dryRun == yes {
				return cli.Usage(errors.New("it can't be undone: give --yes to do it, or --dry-run to see what it would do"))
			}
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				report, err := s.Forgetting.Forget(ctx, args[0], actor(), dryRun)
				if err != nil {
					return err
				}
				if asJSON {
					return p.PrintJSON(report)
				}
				p.printForgotten(report)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would go, and change nothing")
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

func (p *program) printForgotten(report *forgetting.Report) {
	sums := fmt.Sprintf("%d purchases, %d ledger entries and the payloads of %d events", report.Purchases, report.Entries, report.Events)
	if report.DryRun {
		fmt.Fprintf(p.Stdout, "Would forget (dry run): %s.\n", sums)
		return
	}
	fmt.Fprintf(p.Stdout, "Forgotten: %s. The sums are those of %s.\n", sums, report.Pseudonym)
}
