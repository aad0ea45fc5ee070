package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"hourbank/commands/archive"
	"hourbank/commands/cli"
	"hourbank/models"
	"hourbank/services"
	"hourbank/services/ingest"
	"hourbank/services/paging"
)

func (p *program) events() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "List, show, replay and archive the stored Stripe events",
		Example: `  hourbank events list --status rejected
  hourbank events show evt_123
  hourbank events replay evt_123 evt_456`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.eventsList(), p.eventsShow(), p.eventsReplay(), archive.Command(p.Program))
	return cmd
}

func (p *program) eventsList() *cobra.Command {
	var status, eventType string
	var list listFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List events, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printList(cmd.Context(), p, &list, func(ctx context.Context, s *services.Services) (paging.Page[models.WebhookEvent], error) {
				return s.Events.List(ctx, status, eventType, list.page)
			}, p.printEvents)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&status, "status", "", "only processed, ignored, rejected or parked ones")
	flags.StringVar(&eventType, "type", "", "only of this type, such as payment_intent.succeeded")
	list.add(cmd, "events")
	return cmd
}

func (p *program) printEvents(events []models.WebhookEvent) error {
	if len(events) == 0 {
		fmt.Fprintln(p.Stdout, "No events. Send one with: hourbank test-stripe-webhook --help")
		return nil
	}
	rows := make([][]any, len(events))
	for i, e := range events {
		rows[i] = []any{cli.ShowTime(&e.ReceivedAt), e.ID, e.Type, e.Status, cli.OrDash(e.Reason), cli.OrDash(e.TransactionID)}
	}
	return p.PrintTable("RECEIVED\tID\tTYPE\tSTATUS\tREASON\tPURCHASE", rows)
}

func (p *program) eventsShow() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one event with its payload", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				event, err := s.Events.Get(ctx, args[0])
				if err != nil {
					return err
				}
				if !asJSON {
					p.printEvent(event)
					return nil
				}
				encoded, err := event.JSONWithPayload()
				if err != nil {
					return err
				}
				fmt.Fprintln(p.Stdout, indented(encoded))
				return nil
			})
		},
	}
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

func (p *program) printEvent(e *models.WebhookEvent) {
	for _, line := range [][2]string{
		{"id", e.ID}, {"type", e.Type}, {"api version", cli.OrDash(e.APIVersion)}, {"livemode", fmt.Sprint(e.Livemode)},
		{"status", string(e.Status)}, {"reason", cli.OrDash(e.Reason)}, {"purchase", cli.OrDash(e.TransactionID)},
		{"attempts", fmt.Sprint(e.Attempts)}, {"deliveries", fmt.Sprint(e.Deliveries)},
		{"sha-256", cli.OrDash(e.PayloadSHA256)},
		{"received", cli.ShowTime(&e.ReceivedAt)}, {"processed", cli.ShowTime(e.ProcessedAt)}, {"next attempt", cli.ShowTime(e.NextAttemptAt)},
	} {
		fmt.Fprintf(p.Stdout, "%-13s %s\n", line[0], line[1])
	}
	if !e.HasPayload() {
		fmt.Fprintln(p.Stdout, "\nIts payload is not kept any more.")
		return
	}
	fmt.Fprintf(p.Stdout, "\n%s\n", indented([]byte(e.Payload)))
}

// indented lays JSON out for people; what is nested too deeply stays as it is.
func indented(encoded []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, encoded, "", "  "); err != nil {
		return string(encoded)
	}
	return out.String()
}

func (p *program) eventsReplay() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "replay ID…", Short: "Apply stored events once more", Args: cobra.MinimumNArgs(1),
		Long: "Apply stored events once more, whatever became of them before. What a purchase\nknows already it can't learn twice, so a replay never credits twice.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				outcomes := make([]ingest.Outcome, 0, len(args))
				for _, id := range args {
					outcome, err := s.Events.Replay(ctx, id, actor())
					if err != nil {
						return fmt.Errorf("%s: %w", id, err)
					}
					outcomes = append(outcomes, outcome)
				}
				if asJSON {
					return p.PrintJSON(outcomes)
				}
				rows := make([][]any, len(outcomes))
				for i, o := range outcomes {
					rows[i] = []any{o.EventID, o.Status, cli.OrDash(o.Reason), cli.OrDash(o.TransactionID)}
				}
				return p.PrintTable("ID\tSTATUS\tREASON\tPURCHASE", rows)
			})
		},
	}
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}
