package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/models"
	"hourbank/services"
)

func (p *program) lots() *cobra.Command {
	var ended, asJSON bool
	var from string
	cmd := &cobra.Command{
		Use:   "lots",
		Short: "Say from when on hours expire, or list what would",
		Long: `Hours of plans with --valid-days, and of grants with an end, expire. A database
that sold such hours before Hourbank let any expire waits until you say from when
on they do: what has ended before expires at that moment, and not before.`,
		Example: `  hourbank lots                        # from when on hours expire
  hourbank lots --expired-before-now   # what has ended, and what is left of it
  hourbank lots --expire-from 2026-12-01T00:00:00Z`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				if from != "" {
					at, err := time.Parse(time.RFC3339, from)
					if err != nil {
						return cli.Usage(fmt.Errorf("--expire-from must be a time such as 2026-12-01T00:00:00Z, not %q", from))
					}
					if err := s.Lots.SetStart(ctx, at.UTC()); err != nil {
						return err
					}
				}
				if ended {
					return p.printEnded(ctx, s, asJSON)
				}
				return p.printStart(ctx, s, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&ended, "expired-before-now", false, "list lots that have ended and of which hours are left")
	cmd.Flags().StringVar(&from, "expire-from", "", "let hours expire from this time on")
	cmd.MarkFlagsMutuallyExclusive("expired-before-now", "expire-from")
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

func (p *program) printStart(ctx context.Context, s *services.Services, asJSON bool) error {
	start, err := s.Lots.Start(ctx)
	if err != nil {
		return err
	}
	switch {
	case asJSON:
		return p.PrintJSON(map[string]any{"expire_from": start})
	case start == nil:
		fmt.Fprintln(p.Stdout, "No hours expire yet. See what would with --expired-before-now, then say from when on with --expire-from.")
	case start.Before(time.Now().AddDate(-5, 0, 0)): // from the beginning
		fmt.Fprintln(p.Stdout, "Hours expire at their end.")
	default:
		fmt.Fprintf(p.Stdout, "Hours expire from %s on.\n", cli.ShowTime(start))
	}
	return nil
}

func (p *program) printEnded(ctx context.Context, s *services.Services, asJSON bool) error {
	lots, err := s.Lots.Ended(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return p.PrintJSON(lots)
	}
	if len(lots) == 0 {
		fmt.Fprintln(p.Stdout, "Nothing has ended of which hours are left.")
		return nil
	}
	rows, left := make([][]any, len(lots)), models.Hours(0)
	for i := range lots {
		l := &lots[i]
		rows[i] = []any{l.StudentID, l.ID, cli.ShowTime(l.ExpiresAt), l.Hours, l.Left()}
		left += l.Left()
	}
	if err := p.PrintTable("STUDENT\tPURCHASE OR GRANT\tENDED\tHOURS\tLEFT", rows); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%s hours are left of %d.\n", left, len(lots))
	return nil
}
