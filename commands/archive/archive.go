// Package archive is "events archive": payloads of old events go from the database into
// a file; and "purchases timeline", which tells a purchase's life from both.
package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/database"
	"hourbank/services"
	"hourbank/services/archive"
)

// report says what was done.
type report struct {
	File     string `json:"file"`
	Archived int    `json:"archived"` // events whose payload is in the file
	Emptied  int    `json:"emptied"`  // of these, whose payload the database keeps no more
}

// Command is "events archive".
func Command(p *cli.Program) *cobra.Command {
	var before, output string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "archive --before DAY --output FILE",
		Short: "Move the payloads of old events from the database into a file",
		Long: `Move the payloads of events that were received before a day (UTC) into a file of JSON
lines, gzipped where its name ends in .gz, and empty them in the database, as
RETAIN_PAYLOADS_FOR does. What they told, their outcome and their hash stay; events that
still wait, or that found no purchase, stay whole. The file is written and read again
before anything is emptied; its hashes stay, too, by which a file that was altered is
refused. "rebuild --archive FILE" and "purchases timeline ID --archive FILE" read it.`,
		Example: "  hourbank events archive --before 2026-06-01 --output /archive/events-until-2026-05.jsonl.gz",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			day, err := pastDay(before)
			if err != nil {
				return err
			}
			if output == "" {
				return cli.Usage(errors.New("--output: name the file to write"))
			}
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				progress := p.Progress("archiving")
				made, err := move(ctx, s.Archive, day, output, progress.Add)
				progress.Done()
				if err != nil {
					return fmt.Errorf("archive events: %w", err)
				}
				if asJSON {
					return p.PrintJSON(made)
				}
				fmt.Fprintf(p.Stdout, "%s: the payloads of %d events, of which the database keeps %d no more\n", made.File, made.Archived, made.Emptied)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&before, "before", "", "the first `DAY` whose events stay, such as 2026-06-01")
	cmd.Flags().StringVarP(&output, "output", "o", "", "the `FILE` to write, which must not be there; for you alone to read")
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

// AddFlag adds --archive to a command that reads archives.
func AddFlag(cmd *cobra.Command, files *[]string) {
	cmd.Flags().StringArrayVar(files, "archive", nil, "a `FILE` that \"events archive\" wrote, for payloads that the database keeps no more; may be repeated")
}

// pastDay reads a day that has begun.
func pastDay(day string) (time.Time, error) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil || at.After(database.WallClock()) {
		return at, cli.Usage(errors.New("--before: give a day that has begun, such as 2026-06-01"))
	}
	return at, nil
}

func move(ctx context.Context, s *archive.Service, before time.Time, output string, progress func(int)) (*report, error) {
	made := &report{File: output}
	err := cli.WriteNew(output, func(file io.Writer) error {
		to := archive.Writer(output, file)
		var err error
		if made.Archived, err = s.Write(ctx, before, to, progress); err != nil {
			return err
		}
		return to.Close()
	})
	if err != nil {
		return nil, err
	}
	file, err := os.Open(output) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it is only read
	written, err := archive.Reader(output, file)
	if err != nil {
		return nil, err
	}
	made.Emptied, err = s.Empty(ctx, before, written, progress)
	return made, err
}
