package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// pgbenchScript is the plain way's transaction without GORM and HTTP: each
// client counts its own transactions, so that each pays another purchase.
const pgbenchScript = `
\set k :k + 1
\set n :first + :client_id + :k * :clients
BEGIN;
SELECT * FROM purchase_transactions WHERE stripe_payment_intent_id = 'pi_bench_' || lpad(:n::text, 12, '0') FOR UPDATE;
INSERT INTO webhook_events (id, type, api_version, livemode, status, attempts, deliveries, payload, received_at, processed_at)
    VALUES ('evt_pgbench_' || :n, 'payment_intent.succeeded', '2023-10-16', false, 'processed', 1, 1, '{"x":"' || repeat('x', 1990) || '"}', now(), now())
    ON CONFLICT DO NOTHING;
UPDATE purchase_transactions SET payment_status = 'completed', hours_credited = hours, amount_received = amount,
    evidence = '{"paid":{"amount":5000,"currency":"eur","at":1760000000}}', completed_at = now(), updated_at = now()
    WHERE stripe_payment_intent_id = 'pi_bench_' || lpad(:n::text, 12, '0');
INSERT INTO hour_ledger_entries (id, student_id, transaction_id, kind, hours, amount, currency, event_id, created_at)
    SELECT 'pgbench_' || lpad(:n::text, 12, '0'), student_id, id, 'credit', hours, amount, currency, 'evt_pgbench_' || :n, now()
    FROM purchase_transactions WHERE stripe_payment_intent_id = 'pi_bench_' || lpad(:n::text, 12, '0');
COMMIT;
`

// pgbenchShortest is the least that a turn takes: its clients connect within it.
const pgbenchShortest = 4 * time.Second

// pgbenchSettings are the service's own, so that statements are planned alike.
const pgbenchSettings = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off -c search_path="

var pgbenchResult = regexp.MustCompile(`(?s)number of transactions actually processed: (\d+).*tps = ([0-9.]+) \(without`)

// loadPGBench lets pgbench's clients have one turn on the same tables.
func (b *run) loadPGBench(ctx context.Context, way Way, clients int, s *samples) error {
	script := filepath.Join(os.TempDir(), fmt.Sprintf("hourbank-pgbench-%d.sql", os.Getpid()))
	if err := os.WriteFile(script, []byte(pgbenchScript), 0o600); err != nil {
		return fmt.Errorf("write pgbench's script: %w", err)
	}
	defer os.Remove(script) //nolint:errcheck // it is in the temporary folder
	at, err := pgx.ParseConfig(b.url)
	if err != nil {
		return fmt.Errorf("read the database's address: %w", err)
	}
	seconds := int(b.turn(way).Seconds())
	command := exec.CommandContext(ctx, b.pgbench, "--no-vacuum", "--protocol=prepared", "--jobs=1", //nolint:gosec // found on the PATH, for a person's benchmark
		"--client="+strconv.Itoa(clients), "--time="+strconv.Itoa(seconds), "--file="+script,
		"--define=k=0", "--define=first="+strconv.FormatInt(b.feeder.next.Load(), 10), "--define=clients="+strconv.Itoa(clients))
	command.Env = append(os.Environ(), "PGHOST="+at.Host, fmt.Sprintf("PGPORT=%d", at.Port), "PGUSER="+at.User,
		"PGPASSWORD="+at.Password, "PGDATABASE="+at.Database, "PGOPTIONS="+pgbenchSettings+at.RuntimeParams["search_path"])
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("pgbench: %w: %s", err, output)
	}
	found := pgbenchResult.FindSubmatch(output)
	if found == nil {
		return fmt.Errorf("pgbench said nothing of its transactions: %s", output)
	}
	processed, err := strconv.ParseFloat(string(found[1]), 64)
	perSecond, tpsErr := strconv.ParseFloat(string(found[2]), 64)
	if err = errors.Join(err, tpsErr); err != nil {
		return fmt.Errorf("read pgbench's figures: %w", err)
	}
	s.counted += int(processed)
	s.elapsed += time.Duration(processed / perSecond * float64(time.Second))
	b.feeder.next.Add(2 * int64(processed)) // some clients were faster than others
	return nil
}
