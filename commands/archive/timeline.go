package archive

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/services"
)

// Purchases is "purchases", with the command "timeline".
func Purchases(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "purchases",
		Short:   "Tell a purchase's life",
		Example: timelineExample,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(timeline(p))
	return cmd
}

const timelineExample = `  hourbank purchases timeline pi_123
  hourbank purchases timeline pi_123 --archive events-until-2026-05.jsonl.gz`

func timeline(p *cli.Program) *cobra.Command {
	var archives []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "timeline ID",
		Short: "Tell what each event changed of a purchase",
		Long: `Tell what each event changed of a purchase, by its id or its payment's, as its page in
the console does. What payloads told that went into archives is told where these are named.`,
		Example: timelineExample,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				archived, err := s.Archive.Open(ctx, archives)
				if err != nil {
					return err
				}
				defer archived.Close() //nolint:errcheck // it lies in the temporary folder
				purchase, err := s.Purchases.Get(ctx, args[0])
				if err != nil {
					return err
				}
				told, err := s.Events.Timeline(ctx, purchase, archived)
				if err != nil {
					return err
				}
				if asJSON {
					return p.PrintJSON(told)
				}
				return printTimeline(p, told)
			})
		},
	}
	AddFlag(cmd, &archives)
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

func printTimeline(p *cli.Program, told []services.Told) error {
	if len(told) == 0 {
		fmt.Fprintln(p.Stdout, "Stripe has told nothing about it yet.")
		return nil
	}
	rows := make([][]any, len(told))
	for i, t := range told {
		rows[i] = []any{cli.ShowTime(&t.Event.ReceivedAt), t.Event.ID, t.Event.Type, "not known any more", "-", "-", cli.OrDash(t.Event.Reason)}
		if c := t.Change; c != nil {
			rows[i][3], rows[i][4], rows[i][5] = cli.Arrow(c.StatusBefore, c.StatusAfter), cli.Arrow(c.CreditedBefore, c.CreditedAfter), cli.Arrow(c.ReversedBefore, c.ReversedAfter)
		}
	}
	return p.PrintTable("RECEIVED\tEVENT\tTYPE\tSTATUS\tCREDITED\tREVERSED\tREASON", rows)
}
