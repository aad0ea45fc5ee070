package commands

import (
	"context"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/models"
	"hourbank/services"
	"hourbank/services/auditlog"
	"hourbank/services/paging"
)

func (p *program) auditLog() *cobra.Command {
	var filter auditlog.Filter
	var list listFlags
	cmd := &cobra.Command{
		Use: "audit-log", Short: "List what people did, newest first", Args: cobra.NoArgs,
		Long: `List what people did, newest first: refunds, adjustments, grants, accepted and
given payments, closed cases, replays and sign-ins, by the name of their API key,
or cli: and their name on this machine.`,
		Example: `  hourbank audit-log
  hourbank audit-log --actor anna --action refund
  hourbank audit-log --subject student_17 --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printList(cmd.Context(), p, &list, func(ctx context.Context, s *services.Services) (paging.Page[models.AuditEntry], error) {
				return s.AuditLog.List(ctx, filter, list.page)
			}, func(entries []models.AuditEntry) error {
				rows := make([][]any, len(entries))
				for i, e := range entries {
					rows[i] = []any{cli.ShowTime(&e.CreatedAt), e.Actor, e.Action, e.Subject, cli.OrDash(e.Note)}
				}
				return p.PrintTable("WHEN\tWHO\tWHAT\tTO WHAT\tNOTE", rows)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&filter.Actor, "actor", "", "only what was done in this name")
	flags.StringVar(&filter.Action, "action", "", "only this action, such as refund")
	flags.StringVar(&filter.Subject, "subject", "", "only what was done to this student, purchase, case or event")
	list.add(cmd, "entries")
	return cmd
}
