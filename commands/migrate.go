package commands

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/database"
)

func (p *program) migrate() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "migrate",
		Short:   "Bring the database's schema up to date, or show how it stands",
		Example: "  hourbank migrate up\n  hourbank migrate status --json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		p.migrateCommand("up", "Apply every pending migration, one replica at a time", "nothing to do: the schema is up to date",
			func(ctx context.Context, db *database.DB) ([]database.Migration, error) { return db.Migrate(ctx) }),
		p.migrateCommand("status", "List the migrations, applied and pending", "there are no migrations",
			func(ctx context.Context, db *database.DB) ([]database.Migration, error) {
				return db.MigrationStatus(ctx)
			}),
	)
	return cmd
}

func (p *program) migrateCommand(use, short, nothing string, run func(context.Context, *database.DB) ([]database.Migration, error)) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.Config()
			if err != nil {
				return err
			}
			db, err := database.Open(cmd.Context(), string(cfg.DatabaseURL))
			if err != nil {
				return err
			}
			defer db.Close() //nolint:errcheck // migrations are committed one by one
			migrations, err := run(cmd.Context(), db)
			if err != nil {
				return err
			}
			if asJSON {
				return p.PrintJSON(migrations)
			}
			if len(migrations) == 0 {
				fmt.Fprintln(p.Stdout, nothing)
			}
			for _, m := range migrations {
				state := "pending"
				if m.AppliedAt != nil {
					state = "applied " + cli.ShowTime(m.AppliedAt)
				}
				fmt.Fprintf(p.Stdout, "%05d  %s  %s\n", m.Version, m.Name, state)
			}
			return nil
		},
	}
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}
