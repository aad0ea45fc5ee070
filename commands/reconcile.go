package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/services"
)

func (p *program) reconcile() *cobra.Command {
	var since time.Duration
	var dryRun, asJSON bool
	cmd := &cobra.Command{
		Use:   "reconcile",
		Short: "Ask Stripe for what never arrived, and apply it",
		Long: `Ask Stripe's API for events that never arrived (as far back as Stripe lists them,
30 days), for the PaymentIntents of purchases that are still open, and for refunds
and disputes created in the time asked for. What differs is applied through the
same path as a webhook, so that running it again, or beside one, changes nothing.`,
		Example: "  hourbank reconcile --since 72h --dry-run\n  hourbank reconcile --since 720h",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since <= 0 {
				return cli.Usage(fmt.Errorf("--since: must be more than 0, such as 72h"))
			}
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				progress := p.Progress("comparing")
				now := s.Clock.Now()
				report, err := s.Reconcile.Run(ctx, services.ReconcileOptions{
					Since: now.Add(-since), Until: now, DryRun: dryRun, Progress: progress.Step,
				})
				progress.Done()
				if err != nil {
					return err
				}
				if asJSON {
					return p.PrintJSON(report)
				}
				return p.printReconciliation(report)
			})
		},
	}
	cmd.Flags().DurationVar(&since, "since", 72*time.Hour, "how far back to look, such as 72h")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what differs and what each line would change, and change nothing")
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

func (p *program) printReconciliation(report *services.ReconcileReport) error {
	rows := make([][]any, len(report.Corrections))
	for i, found := range report.Corrections {
		rows[i] = append([]any{found.Source, found.ID, found.Type}, describeChange(found)...)
	}
	if len(rows) > 0 {
		if err := p.PrintTable("SOURCE\tID\tTYPE\tPURCHASE\tSTATUS\tCREDITED\tREVERSED\tNOTE", rows); err != nil {
			return err
		}
		fmt.Fprintln(p.Stdout)
	}
	verb := "corrected"
	if report.DryRun {
		verb = "would be corrected (dry run)"
	}
	fmt.Fprintf(p.Stdout, "compared %d since %s: %d %s\n",
		report.Compared, cli.ShowTime(&report.Since), len(report.Corrections), verb)
	return nil
}

// describeChange shows a correction's purchase, before and after.
func describeChange(found services.Correction) []any {
	note := "-"
	if found.Outcome != nil {
		note = string(found.Outcome.Status)
	}
	c := found.Change
	if c == nil {
		if found.Outcome == nil {
			note = "no purchase yet"
		}
		return []any{"-", "-", "-", "-", note}
	}
	if c.Reason != nil {
		note = string(*c.Reason)
	}
	return []any{
		c.TransactionID, cli.Arrow(c.StatusBefore, c.StatusAfter), cli.Arrow(c.CreditedBefore, c.CreditedAfter),
		cli.Arrow(c.ReversedBefore, c.ReversedAfter), note,
	}
}
