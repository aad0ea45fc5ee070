package about

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"hourbank/commands/cli"
	"hourbank/version"
)

// Man is the command "man", which packages are made with.
func Man() *cobra.Command {
	return &cobra.Command{
		Use:     "man FOLDER",
		Short:   "Write a page for man of each command into a folder",
		Example: "  hourbank man /usr/local/share/man/man1",
		Hidden:  true,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.DisableAutoGenTag = true // it would say today's date
			header := &doc.GenManHeader{Section: "1", Source: "hourbank " + version.Get().Version, Manual: "Hourbank", Date: built()}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return cli.Usage(fmt.Errorf("write the pages: %w", err))
			}
			return nil
		},
	}
}

// built is the commit's date, so that pages of the same commit are the same.
func built() *time.Time {
	date, err := time.Parse(time.RFC3339, version.Get().Date)
	if err != nil {
		date = time.Unix(0, 0).UTC()
	}
	return &date
}
