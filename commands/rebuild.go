package commands

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hourbank/commands/archive"
	"hourbank/commands/cli"
	"hourbank/services"
)

func (p *program) rebuild() *cobra.Command {
	var dryRun, asJSON bool
	var archives []string
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Derive every purchase again from the stored events",
		Long: `Derive every purchase again from the events that are stored of it, show which differ
from what is recorded, and post to the ledger what it lacks. Then try the events
again that ended without a purchase, and give accounts and lots that don't follow from
the ledger what it says. Run it after an upgrade whose notes say so, or where audit
names a row that was altered; on a database that is right, it changes nothing.`,
		Example: "  hourbank rebuild --dry-run\n  hourbank rebuild --archive events-until-2026-05.jsonl.gz --archive later.jsonl.gz",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				archived, err := s.Archive.Open(ctx, archives)
				if err != nil {
					return err
				}
				defer archived.Close() //nolint:errcheck // it lies in the temporary folder
				progress := p.Progress("rebuilding")
				report, err := s.Rebuild.Run(ctx, services.RebuildOptions{DryRun: dryRun, Archive: archived, Progress: progress.Step})
				progress.Done()
				if err != nil {
					return err
				}
				if asJSON {
					return p.PrintJSON(report)
				}
				p.printRebuild(report)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what differs, and change nothing")
	archive.AddFlag(cmd, &archives)
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

func (p *program) printRebuild(report *services.RebuildReport) {
	for _, r := range report.Rebuilt {
		fmt.Fprintf(p.Stdout, "purchase %s of %s: %s\n", r.TransactionID, r.StudentID, r.Why)
		for _, field := range r.Fields {
			fmt.Fprintf(p.Stdout, "    %s: %s → %s\n", field.Field, field.Recorded, field.Expected)
		}
	}
	for _, e := range report.Events {
		fmt.Fprintf(p.Stdout, "event %s (%s): purchase %s, %s → %s\n", e.ID, e.Type, e.Change.TransactionID, e.Change.StatusBefore, e.Change.StatusAfter)
	}
	for _, d := range report.Accounts {
		fmt.Fprintf(p.Stdout, "%s %s: %s: %s → %s\n", d.Kind, d.ID, d.Field, d.Recorded, d.Expected)
	}
	verb := "rebuilt"
	if report.DryRun {
		verb = "would be rebuilt (dry run)"
	}
	fmt.Fprintf(p.Stdout, "%d purchases derived again: %d %s; %d events found a purchase; %d totals re-added; %d purchases whose events are not all stored left as they are\n",
		report.Purchases, len(report.Rebuilt), verb, len(report.Events), len(report.Accounts), report.Eventless)
	if n := report.EventsWithoutPayload; n > 0 {
		fmt.Fprintf(p.Stdout, "%d events without a purchase were not tried: their payloads are not stored\n", n)
	}
}
