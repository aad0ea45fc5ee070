package commands

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/models"
	"hourbank/services"
	"hourbank/services/deliveries"
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
	var filter deliveries.Filter
	var list listFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List deliveries, newest first", Args: cobra.NoArgs,
		Example: "  hourbank deliveries list --status failed\n  hourbank deliveries list --student student_17 --type hours.credited --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printList(cmd.Context(), p, &list, func(ctx context.Context, s *services.Services) (paging.Page[models.Delivery], error) {
				return s.Deliveries.List(ctx, filter, list.page)
			}, p.printDeliveries)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&filter.Status, "status", "", "only due, failed or delivered ones")
	flags.StringVar(&filter.Type, "type", "", "only of this type, such as hours.credited")
	flags.StringVar(&filter.StudentID, "student", "", "only of this student")
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
		Example: "  hourbank deliveries retry 0198c0df-1111-7000-8000-000000000007\n" +
			`  hourbank deliveries retry $(hourbank deliveries list --status failed --limit 100 --json | jq -r '.data[].id')`,
		Long: "Have deliveries sent again at once, and for three days, whatever became of them before.\nThey keep their ids, by which a receiver knows what it had.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				if err := s.Deliveries.Retry(ctx, args, actor()); err != nil {
					return err
				}
				fmt.Fprintf(p.Stdout, "Due again: %d.\n", len(args))
				return nil
			})
		},
	}
}
