// Package about holds the commands that tell of the program itself: its
// version, and its pages for man.
package about

import (
	"fmt"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/version"
)

// Version is the command "version".
func Version(p *cli.Program) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Show the version, the commit that it was built from, and the Go that built it",
		Example: "  hourbank version\n  hourbank version --json\n  hourbank --version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info := version.Get()
			if asJSON {
				return p.PrintJSON(info)
			}
			fmt.Fprint(p.Stdout, Line())
			return nil
		},
	}
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

// Line is what "version" and --version print.
func Line() string {
	info := version.Get()
	return fmt.Sprintf("hourbank %s (commit %s, %s, %s)\n", info.Version, info.Commit, info.Date, info.Go)
}
