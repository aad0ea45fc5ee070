package commands

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/models"
	"hourbank/services"
	"hourbank/services/paging"
)

func (p *program) deliveries() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deliveries",
		Short: "List events that go to EVENTS_URLS, and send them again",
		Long: `List events that go to EVENTS_URLS, and send them again. An event is sent until its
endpoint takes it, for three days; then it is given up, and a case opens.`,
		Example: `  hourbank deliveries list --status failed
  hourbank deliveries retry 0198c0df-1111-7000-8000-000000000007`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.deliveriesList(), p.deliveriesRetry())
	return cmd
}

func (p *program) deliveriesList() *cobra.Command {
	var status string
	var list listFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List deliveries, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printList(cmd.Context(), p, &list, func(ctx context.Context, s *services.Services) (paging.Page[models.Delivery], error) {
				return s.Deliveries.List(ctx, status, list.page)
			}, p.printDeliveries)
		},
	}
	cmd.Flags().StringVar(&status, "status", "", "only due, failed or delivered ones")
	list.add(cmd, "deliveries")
	return cmd
}

func (p *program) printDeliveries(deliveries []models.Delivery) error {
	if len(deliveries) == 0 {
		fmt.Fprintln(p.Stdout, "No such deliveries.")
		return nil
	}
	rows := make([][]any, len(deliveries))
	for i, d := range deliveries {
		rows[i] = []any{cli.ShowTime(&d.CreatedAt), d.ID, d.Type, d.Status, d.Attempts, d.Endpoint, cli.OrDash(d.LastError)}
	}
	return p.PrintTable("CREATED\tID\tTYPE\tSTATUS\tATTEMPTS\tENDPOINT\tLAST ERROR", rows)
}

func (p *program) deliveriesRetry() *cobra.Command {
	return &cobra.Command{
		Use: "retry ID…", Short: "Have deliveries sent again, by whatever serves", Args: cobra.MinimumNArgs(1),
		Long: "Have deliveries sent again at once, and for three days, whatever became of them before.\nThey keep their ids, by which a receiver knows what it had.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				if err := s.Deliveries.Retry(ctx, args); err != nil {
					return err
				}
				fmt.Fprintf(p.Stdout, "Due again: %d.\n", len(args))
				return nil
			})
		},
	}
}
