// Package backup is backup and restore: a copy of an SQLite database, made while it is
// served, and put back.
package backup

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/database"
)

// report says what was written.
type report struct {
	File          string  `json:"file"`
	Bytes         int64   `json:"bytes"`
	SchemaVersion int64   `json:"schema_version"` // of the last migration applied
	Kept          *string `json:"kept,omitempty"` // where the database lies that was restored over
}

// Backup is the command "backup".
func Backup(p *cli.Program) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the SQLite database to a file, also while it is served",
		Long: `Copy the SQLite database, as it is at one moment, to a file that only its owner can
read, while it may be served and written to. The copy is checked, and is there only once
it is whole; what is there already is never overwritten. PostgreSQL has ways of its own:
docs/operation.md, "Restored to yesterday".`,
		Example: "  hourbank backup /backup/hourbank-$(date +%F).db\n  hourbank backup copy.db --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := databasePath(p)
			if err != nil {
				return err
			}
			progress := p.Progress("copying")
			written, err := backUp(cmd.Context(), path, args[0], progress.Add)
			progress.Done()
			if err != nil {
				return fmt.Errorf("back up %s: %w", path, err)
			}
			if asJSON {
				return p.PrintJSON(written)
			}
			fmt.Fprintf(p.Stdout, "%s: %d bytes, at migration %d\n", written.File, written.Bytes, written.SchemaVersion)
			return nil
		},
	}
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

// Restore is the command "restore".
func Restore(p *cli.Program) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a copy made by backup in the place of the SQLite database",
		Long: `Put a copy that "backup" made in the place of the SQLite database. Stop Hourbank
first: it is refused while anything has the database open. The database that was there
is kept beside, as NAME.before-TIME. Then "hourbank reconcile" brings back what Stripe
knows of the time since; docs/operation.md, "Restored to yesterday", says what else to do.`,
		Example: "  hourbank restore /backup/hourbank-2026-11-26.db && hourbank reconcile --since 48h",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := databasePath(p)
			if err != nil {
				return err
			}
			progress := p.Progress("copying")
			written, err := restore(cmd.Context(), args[0], path, progress.Add)
			progress.Done()
			if err != nil {
				return fmt.Errorf("restore %s: %w", path, err)
			}
			if asJSON {
				return p.PrintJSON(written)
			}
			fmt.Fprintf(p.Stdout, "%s: %d bytes, at migration %d\n", written.File, written.Bytes, written.SchemaVersion)
			if written.Kept != nil {
				fmt.Fprintf(p.Stdout, "%s: the database that was there before\n", *written.Kept)
			}
			return nil
		},
	}
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

// databasePath is the file of DATABASE_URL.
func databasePath(p *cli.Program) (string, error) {
	cfg, err := p.Config()
	if err != nil {
		return "", err
	}
	path, ok := database.SQLitePath(string(cfg.DatabaseURL))
	if !ok {
		return "", cli.Usage(errors.New(`DATABASE_URL: this is for SQLite; of PostgreSQL, make base backups with pg_basebackup and archive its WAL, as "Restored to yesterday" in docs/operation.md says`))
	}
	// SQLite keeps its journal beside the file itself, whatever links lead there.
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	return path, nil
}
