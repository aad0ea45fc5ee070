package commands

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/database"
	"hourbank/models"
	"hourbank/services/owner"
)

// status is what a database is, as an operator is asked first.
type status struct {
	Database      database.Engine `json:"database"`
	SchemaVersion int64           `json:"schema_version"`     // of the last migration applied; 0: none
	Pending       int             `json:"pending_migrations"` // that this program would apply
	Owner         *models.Owner   `json:"owner"`              // null before the first event or sale
}

func (p *program) status() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Show what the database is: its schema, and whose money it holds (live, test or sandbox)",
		Example: "  hourbank status\n  hourbank status --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := p.readStatus(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return p.PrintJSON(found)
			}
			holds := "nothing yet: its first event or sale will say whose it is"
			if found.Owner != nil {
				holds = fmt.Sprintf("%s, since %s", found.Owner, cli.ShowTime(&found.Owner.CreatedAt))
			}
			return p.PrintTable("WHAT\tIS", [][]any{
				{"database", found.Database},
				{"schema", fmt.Sprintf("migration %d, %d pending", found.SchemaVersion, found.Pending)},
				{"holds", holds},
			})
		},
	}
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

// readStatus only looks: it migrates nothing and refuses no database.
func (p *program) readStatus(ctx context.Context) (*status, error) {
	cfg, err := p.Config()
	if err != nil {
		return nil, err
	}
	db, err := database.Open(ctx, string(cfg.DatabaseURL))
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // it was only read
	migrations, err := db.MigrationStatus(ctx)
	if err != nil {
		return nil, err
	}
	found := &status{Database: db.Engine}
	for _, m := range migrations {
		if m.AppliedAt == nil {
			found.Pending++
		} else {
			found.SchemaVersion = m.Version
		}
	}
	if found.Pending == 0 {
		found.Owner, err = owner.New(db, owner.Program{}).Get(ctx)
	}
	return found, err
}
