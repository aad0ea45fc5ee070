package commands

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hourbank/bench"
	"hourbank/commands/cli"
)

func (p *program) bench() *cobra.Command {
	var clients []int
	var seconds float64
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure events a second beside one transaction an event and no database",
		Long: `Measure, on the configured database and in one run, interleaved: the service as
it is; the plain way, one GORM transaction an event; the same server without a
database; and, on PostgreSQL where it is installed, pgbench with the same four
statements a transaction. With 64 clients also the service's hot spots: all
events for one student, all for one purchase, every event sent ten times. Real
HTTP over loopback, real signatures, 2 kB events, each for its own purchase. It
works in a schema (PostgreSQL) or file (SQLite) of its own and removes it; your
rows are not touched.`,
		Example: "  hourbank bench\n  DATABASE_URL=postgres://… hourbank bench --clients 1,64 --seconds 10 --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.Config()
			if err != nil {
				return err
			}
			for _, n := range clients {
				if n < 1 {
					return cli.Usage(fmt.Errorf("--clients: must be 1 or more"))
				}
			}
			progress := p.Progress("measuring")
			report, err := bench.Run(cmd.Context(), cfg, bench.Options{
				Clients:  clients,
				Duration: time.Duration(seconds * float64(time.Second)),
				Progress: progress.Step,
			})
			progress.Done()
			if err != nil {
				return err
			}
			if asJSON {
				return p.PrintJSON(report)
			}
			return p.printBench(report, clients)
		},
	}
	cmd.Flags().IntSliceVar(&clients, "clients", []int{1, 16, 64, 256}, "numbers of concurrent clients")
	cmd.Flags().Float64Var(&seconds, "seconds", 5, "for each way and number of clients")
	cli.AddJSONFlag(cmd, &asJSON)
	return cmd
}

func (p *program) printBench(report *bench.Report, clients []int) error {
	rows := make([][]any, 0, len(report.Results))
	for _, r := range report.Results {
		p50, p99 := fmt.Sprintf("%.2f ms", r.P50Millis), fmt.Sprintf("%.2f ms", r.P99Millis)
		if r.Way == bench.PGBench {
			p50, p99 = "-", "-"
		}
		rows = append(rows, []any{r.Clients, r.Way, fmt.Sprintf("%.0f", r.PerSecond), p50, p99, r.Refused})
	}
	fmt.Fprintf(p.Stdout, "%s\n\n", report.Engine)
	if err := p.PrintTable("CLIENTS\tWAY\tEVENTS/S\tP50\tP99\tREFUSED", rows); err != nil {
		return err
	}
	rows = rows[:0]
	for _, n := range clients {
		for _, over := range []bench.Way{bench.Plain, bench.PGBench, bench.Empty} {
			rows = append(rows, []any{n, "service / " + over, ratio(report, n, bench.Service, over)})
		}
	}
	for _, hot := range []bench.Way{bench.OneStudent, bench.OnePurchase, bench.TenTimes} {
		rows = append(rows, []any{bench.HotSpotClients, hot + " / service", ratio(report, bench.HotSpotClients, hot, bench.Service)})
	}
	fmt.Fprintln(p.Stdout)
	if err := p.PrintTable("CLIENTS\tRATIO OF EVENTS/S\t", rows); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "\npeak memory of this process, clients and server together: %.0f MiB\n", report.PeakMemoryMiB)
	return nil
}

// ratio is "-" where one of the two was not measured.
func ratio(report *bench.Report, clients int, way, over bench.Way) string {
	if r := report.Ratio(clients, way, over); r > 0 {
		return fmt.Sprintf("%.2f", r)
	}
	return "-"
}
