package commands

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/services"
	"hourbank/services/paging"
)

// listFlags are the options of every list.
type listFlags struct {
	page   paging.PageRequest
	asJSON bool
}

// add adds them; what names the list's rows.
func (f *listFlags) add(cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&f.page.Cursor, "cursor", "", "the next_cursor of the page before")
	cmd.Flags().IntVar(&f.page.Limit, "limit", paging.DefaultPageSize, what+" a page")
	cli.AddJSONFlag(cmd, &f.asJSON)
}

// printList reads a page and prints it, for a person with what asks for more.
func printList[T any](ctx context.Context, p *program, f *listFlags,
	read func(context.Context, *services.Services) (paging.Page[T], error), print func([]T) error) error {
	if f.page.Limit < 1 {
		return cli.Usage(fmt.Errorf("--limit: must be from 1 to %d", paging.MaxPageSize))
	}
	return p.WithServices(ctx, func(ctx context.Context, s *services.Services) error {
		page, err := read(ctx, s)
		if err != nil {
			return err
		}
		if f.asJSON {
			return p.PrintJSON(page)
		}
		if err := print(page.Data); err != nil {
			return err
		}
		if page.NextCursor != nil {
			fmt.Fprintf(p.Stdout, "\nMore with: --cursor %s\n", *page.NextCursor)
		}
		return nil
	})
}
