package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hourbank/commands/cli"
	"hourbank/services"
	"hourbank/services/exports"
)

func (p *program) export() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "export " + strings.Join(exports.Names(), "|"),
		Short: "Write a list, or a period's statement or sales, as CSV",
		Long: `Write a list, or a period's statement or sales by plan, as CSV by RFC 4180 with a
header: amounts in minor units and, beside them, as decimals; times in UTC. A
period is of whole days by UTC, the last one included. Each list takes the options
that its rows can be picked by.`,
		Example: `  hourbank export statement --from 2026-01-01 --to 2026-12-31 --by month
  hourbank export sales --from 2026-10-01 --to 2026-10-31 --output october.csv
  hourbank export ledger --student-id student_17`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.WithServices(cmd.Context(), func(ctx context.Context, s *services.Services) error {
				export, err := s.Exports.Open(args[0], parametersOf(cmd))
				if err != nil {
					return cli.Usage(err)
				}
				progress := p.Progress("exporting " + args[0])
				defer progress.Done()
				return p.writeOutput(output, func(w io.Writer) error {
					return export.Write(ctx, w, func(rows int) error {
						progress.Add(rows)
						return nil
					})
				})
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&output, "output", "o", "", "the `FILE` to write, for you alone to read; else to stdout")
	for _, parameter := range [][2]string{
		{"from", "the first `DAY`, such as 2026-10-01"}, {"to", "the last `DAY`, such as 2026-10-31"}, {"plan", "only of this plan's purchases"},
		{"student-id", "only this student's"}, {"payment-status", "only purchases with this status"}, {"status", "only cases or events with this status"},
		{"kind", "only ledger entries or cases of this kind"}, {"type", "only events of this type"}, {"by", "month: a statement's lines for each month"},
	} {
		flags.String(parameter[0], "", parameter[1])
	}
	return cmd
}

// parametersOf names the options that were given as the API does.
func parametersOf(cmd *cobra.Command) url.Values {
	parameters := url.Values{}
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if flag.Name != "output" {
			parameters.Set(strings.ReplaceAll(flag.Name, "-", "_"), flag.Value.String())
		}
	})
	return parameters
}

// writeOutput writes to stdout, or to a file that is there only once it is
// whole.
func (p *program) writeOutput(path string, write func(io.Writer) error) error {
	if path == "" {
		return write(p.Data)
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	defer os.Remove(file.Name()) //nolint:errcheck // in the end it has its own name, or is of no use
	if err := errors.Join(write(file), file.Close()); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}
