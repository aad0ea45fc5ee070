package commands

import (
	"context"
	"fmt"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/models"
	"hourbank/services"
	"hourbank/services/paging"
)

func (p *program) cases() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cases",
		Short: "List and close cases: money that needs a person",
		Long: `List and close cases. A case is something about money that needs a person, until
the facts settle it or a person does. The console shows what each means, and what
to do about it.`,
		Example: `  hourbank cases list
  hourbank cases list --kind dispute
  hourbank cases list --status closed --student student_17 --json
  hourbank cases close 0198c0df-1111-7000-8000-000000000007 --note "A gift"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.casesList(), p.casesClose())
	return cmd
}

func (p *program) casesList() *cobra.Command {
	var filter services.CaseFilter
	var list listFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List cases, newest first; without --status the open ones", Args: cobra.NoArgs,
		Example: `  hourbank cases list
  hourbank cases list --kind underpaid --student student_17
  hourbank cases list --status all --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if filter.Status == "all" {
				filter.Status = ""
			}
			return printList(cmd.Context(), p, &list, func(ctx context.Context, s *services.Services) (paging.Page[models.Case], error) {
				return s.Cases.List(ctx, filter, list.page)
			}, p.printCases)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&filter.Status, "status", "open", "open, closed or all")
	flags.StringVar(&filter.Kind, "kind", "", "only of this kind, such as dispute")
	flags.StringVar(&filter.StudentID, "student", "", "only this student's")
	list.add(cmd, "cases")
	return cmd
}

func (p *program) casesClose() *cobra.Command {
	var note string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "close ID", Short: "Close a case, with a note that stays", Args: cobra.ExactArgs(1),
		Long: `Close a case by your word, which stays with it under your name on this machine.
Money and hours stay as they are. It opens again only when its amount grows.`,
		Example: `  hourbank cases close 0198c0df-1111-7000-8000-000000000007 --note "A gift"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				closed, err := s.Cases.Close(ctx, args[0], actor(), note)
				if err != nil {
					return err
				}
				if asJSON {
					return p.PrintJSON(closed)
				}
				p.printCase(closed)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "why, for whoever asks later")
	cli.AddJSONFlag(cmd, &asJSON)
	if err := cmd.MarkFlagRequired("note"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

// actor is who stands behind what a command decides.
func actor() string {
	name := "unknown"
	if known, err := user.Current(); err == nil && known.Username != "" && models.IsText(known.Username) {
		name = known.Username
	}
	return "cli:" + name
}

func (p *program) printCases(cases []models.Case) error {
	if len(cases) == 0 {
		fmt.Fprintln(p.Stdout, "No such cases.")
		return nil
	}
	fmt.Fprintf(p.Stdout, caseColumns, "ID", "KIND", "AMOUNT")
	for i := range cases {
		p.printCase(&cases[i])
	}
	return nil
}

// A case takes a line of columns, and as many below it as what it is about
// needs: ids alone would not fit beside each other.
const (
	caseColumns = "%-36s  %-19s  %s\n"
	caseIndent  = "  "
	screenWidth = 80
)

func (p *program) printCase(c *models.Case) {
	amount := "-"
	if c.Amount != nil && c.Currency != nil {
		amount = models.FormatMoney(*c.Amount, *c.Currency)
	}
	fmt.Fprintf(p.Stdout, caseColumns, c.ID, c.Kind, amount)
	line := caseIndent
	for _, part := range caseDetails(c) {
		if len(line) > len(caseIndent) && len(line)+len(", ")+len(part) > screenWidth {
			fmt.Fprintln(p.Stdout, line+",")
			line = caseIndent
		}
		if len(line) > len(caseIndent) {
			line += ", "
		}
		line += part
	}
	fmt.Fprintln(p.Stdout, line)
}

func caseDetails(c *models.Case) []string {
	var parts []string
	for _, named := range []struct {
		name string
		id   *string
	}{{"student", c.StudentID}, {"payment", c.Payment}, {"purchase", c.TransactionID}, {"event", c.EventID}} {
		if named.id != nil {
			parts = append(parts, named.name+" "+*named.id)
		}
	}
	parts = append(parts, "opened "+cli.ShowTime(&c.OpenedAt))
	if c.DueBy != nil {
		parts = append(parts, "answer by "+cli.ShowTime(c.DueBy))
	}
	if c.ClosedAt != nil {
		parts = append(parts, strings.TrimSuffix("closed "+cli.ShowTime(c.ClosedAt)+" by "+cli.OrDash(c.ClosedBy), " by -"))
		if c.Note != nil {
			parts = append(parts, fmt.Sprintf("%q", *c.Note))
		}
	}
	return parts
}
