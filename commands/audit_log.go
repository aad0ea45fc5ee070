package commands

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/services"
	"hourbank/services/auditlog"
	"hourbank/services/paging"
)

func (p *program) auditLog() *cobra.Command {
	var filter auditlog.Filter
	var cursor string
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use: "audit-log", Short: "List what people did, newest first", Args: cobra.NoArgs,
		Long: `List what people did, newest first: refunds, adjustments, grants, accepted and
given payments, closed cases, replays and sign-ins, by the name of their API key,
or cli: and their name on this machine.`,
		Example: `  hourbank audit-log
  hourbank audit-log --actor anna --action refund
  hourbank audit-log --subject student_17 --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return cli.Usage(fmt.Errorf("--limit: must be from 1 to %d", paging.MaxPageSize))
			}
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				page, err := s.AuditLog.List(ctx, filter, paging.PageRequest{Cursor: cursor, Limit: limit})
				if err != nil {
					return err
				}
				if asJSON {
					return p.PrintJSON(page)
				}
				rows := make([][]any, len(page.Data))
				for i, e := range page.Data {
					rows[i] = []any{cli.ShowTime(&e.CreatedAt), e.Actor, e.Action, e.Subject, cli.OrDash(e.Note)}
				}
				if err := p.PrintTable("WHEN\tWHO\tWHAT\tTO WHAT\tNOTE", rows); err != nil {
					return err
				}
				if page.NextCursor != nil {
					fmt.Fprintf(p.Stdout, "\nMore with: --cursor %s\n", *page.NextCursor)
				}
				return nil
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&filter.Actor, "actor", "", "only what was done in this name")
	flags.StringVar(&filter.Action, "action", "", "only this action, such as refund")
	flags.StringVar(&filter.Subject, "subject", "", "only what was done to this student, purchase, case or event")
	flags.StringVar(&cursor, "cursor", "", "the next_cursor of the page before")
	flags.IntVar(&limit, "limit", paging.DefaultPageSize, "entries a page")
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}
