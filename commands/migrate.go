package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/database"
)

func (p *program) migrate() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "migrate",
		Short:   "Bring the database's schema up to date, or show how it stands",
		Example: "  hourbank migrate up\n  hourbank migrate status --json\n  hourbank migrate roles --password-file /run/secrets/serve",
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
		p.migrateRoles(),
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

func (p *program) migrateRoles() *cobra.Command {
	var role, passwordFile string
	cmd := &cobra.Command{
		Use:   "roles",
		Short: "Make a role of PostgreSQL that serves and can't rewrite the books",
		Long: `Make a role of PostgreSQL that serves and can't rewrite the books: it only appends
to the ledger and the audit log. Run it with the DATABASE_URL of the role that
owns the tables, which goes on to migrate, and give "serve" one of the new role.
Running it again changes nothing, or brings what the role may do up to date.`,
		Example: `  hourbank migrate roles                                   # logs in as pg_hba.conf says, or with a password set elsewhere
  hourbank migrate roles --name hourbank_serve --password-file /run/secrets/serve`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			password := ""
			if passwordFile != "" {
				content, err := os.ReadFile(passwordFile) //nolint:gosec // the operator names it
				if err != nil {
					return cli.Usage(fmt.Errorf("--password-file: %w", err))
				}
				if password = strings.TrimSpace(string(content)); password == "" {
					return cli.Usage(errors.New("--password-file: it is empty"))
				}
			}
			cfg, err := p.Config()
			if err != nil {
				return err
			}
			db, err := cli.OpenMigrated(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer db.Close() //nolint:errcheck // the role is committed
			if err := db.MakeServingRole(cmd.Context(), role, password); err != nil {
				return err
			}
			fmt.Fprintf(p.Stdout, "%s may serve: it appends to the ledger and the audit log, and can't migrate\n", role)
			return nil
		},
	}
	cmd.Flags().StringVar(&role, "name", "hourbank_serve", "the role's name")
	cmd.Flags().StringVar(&passwordFile, "password-file", "", "a file that holds its password; without it none is set")
	return cmd
}
