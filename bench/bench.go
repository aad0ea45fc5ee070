// Package bench measures what a webhook costs: the service as it is, beside
// the plain way of one GORM transaction an event, and beside the same server
// without a database. All of it in one run, interleaved, because ratios are
// worth more than figures on a machine that others share.
package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"hourbank/config"
	"hourbank/database"
	"hourbank/services"
)

// Options say how to measure.
type Options struct {
	Clients  []int         // concurrent clients, a round each
	Duration time.Duration // for each way and number of clients
	Progress func(what string)
	Ways     []Way // only these; nil: all
	InPlace  bool  // on the configured database itself, whose rows it adds to
}

// Way is one of the ways of handling an event that are compared.
type Way string

// The ways that are compared with any number of clients.
const (
	Service Way = "service"     // the service as it is
	Plain   Way = "plain"       // one GORM transaction an event
	PGBench Way = "pgbench"     // the same four statements a transaction, without HTTP; on PostgreSQL where it is installed
	Empty   Way = "no database" // the same server without a database
)

// The service's hot spots, which are compared with its spread-out load.
const (
	OneStudent  Way = "one student"  // all purchases are one student's
	OnePurchase Way = "one purchase" // all events are about one purchase
	TenTimes    Way = "ten times"    // every event is sent ten times, at once
)

// HotSpotClients is how many clients the hot spots have.
const HotSpotClients = 64

// ways are what is measured with a number of clients.
func (b *run) ways(clients int) []Way {
	ways := []Way{Service, Plain, Empty}
	if b.pgbench != "" && clients <= HotSpotClients { // it needs a turn to connect more
		ways = append(ways, PGBench)
	}
	if clients == HotSpotClients {
		ways = append(ways, OneStudent, OnePurchase, TenTimes)
	}
	if b.options.Ways != nil {
		return b.options.Ways
	}
	return ways
}

// Result is what one way did with a number of clients.
type Result struct {
	Way       Way     `json:"way"`
	Clients   int     `json:"clients"`
	Events    int     `json:"events"`
	PerSecond float64 `json:"events_per_second"`
	P50Millis float64 `json:"p50_ms"`
	P99Millis float64 `json:"p99_ms"`
	Refused   int     `json:"refused"` // answers other than 2xx
}

// Report is the whole measurement.
type Report struct {
	Engine        database.Engine `json:"engine"`
	Results       []Result        `json:"results"`
	PeakMemoryMiB float64         `json:"peak_memory_mib"` // of this process: clients and server together
}

// turns is how many turns each way gets within its duration.
const turns = 5

// Run measures on a database of its own, which it makes beside the configured
// one and removes again, unless it is asked to work in place.
func Run(ctx context.Context, cfg *config.Config, options Options) (report *Report, err error) {
	open := openScratch
	if options.InPlace {
		open = openInPlace
	}
	db, url, remove, err := open(ctx, string(cfg.DatabaseURL))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	b := &run{db: db, url: url, options: options, report: &Report{Engine: db.Engine}}
	if b.feeder, err = newFeeder(ctx, db); err != nil {
		return nil, fmt.Errorf("count purchases: %w", err)
	}
	if db.Engine == database.Postgres {
		b.pgbench, _ = exec.LookPath("pgbench") // without it, it is not compared
	}
	stop, err := b.serve(ctx)
	if err != nil {
		return nil, err
	}
	for _, clients := range options.Clients {
		if err := b.measure(ctx, clients); err != nil {
			return nil, errors.Join(err, stop())
		}
	}
	b.report.PeakMemoryMiB = peakMemoryMiB()
	return b.report, stop()
}

type run struct {
	db        *database.DB
	url       string // of db
	pgbench   string // the program; empty: there is none
	options   Options
	report    *Report
	feeder    *feeder
	addresses map[Way]string
	client    *http.Client // of all the concurrent clients
}

// serve starts a server for each way and returns how to stop them all.
func (b *run) serve(ctx context.Context) (stop func() error, err error) {
	cfg := &config.Config{
		StripeWebhookSecrets: config.Secrets{secret}, MaxWebhookBytes: 1 << 20, ParkFor: time.Hour,
	}
	s := services.New(cfg, b.db, zap.NewNop())
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var group errgroup.Group
	group.Go(func() error { return s.Run(working) })
	var servers []*http.Server
	stop = func() error {
		for _, server := range servers {
			_ = server.Close() // nobody is being served any more
		}
		cancel()
		return group.Wait()
	}
	b.addresses = map[Way]string{}
	for way, handler := range handlers(cfg, s, b.db) {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(fmt.Errorf("listen: %w", err), stop())
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
		servers = append(servers, server)
		b.addresses[way] = "http://" + listener.Addr().String() + webhookPath
		group.Go(func() error { return ignoreClosed(server.Serve(listener)) })
	}
	for _, hot := range []Way{OneStudent, OnePurchase, TenTimes} {
		b.addresses[hot] = b.addresses[Service]
	}
	return stop, nil
}

// measure gives every way its turns with this number of clients.
func (b *run) measure(ctx context.Context, clients int) error {
	ways := b.ways(clients)
	taken := make([]samples, len(ways))
	b.client = newClient(clients)
	defer b.client.CloseIdleConnections()
	for turn := range turns {
		for i, way := range ways {
			b.options.Progress(fmt.Sprintf("%d clients, turn %d of %d: %s", clients, turn+1, turns, way))
			if err := b.feeder.stock(ctx, way, taken[i].rate(), b.turn(way)); err != nil {
				return err
			}
			load := b.load
			if way == PGBench {
				load = b.loadPGBench
			}
			if err := load(ctx, way, clients, &taken[i]); err != nil {
				return err
			}
		}
	}
	for i, way := range ways {
		b.report.Results = append(b.report.Results, taken[i].result(way, clients))
	}
	return nil
}

// turn is how long one turn takes.
func (b *run) turn(way Way) time.Duration {
	turn := b.options.Duration / turns
	if way == PGBench {
		return max(turn, pgbenchShortest)
	}
	return turn
}

// Ratio is the throughput of one way over another's with as many clients; 0
// where one of them was not measured.
func (r *Report) Ratio(clients int, way, over Way) float64 {
	if below := r.find(clients, over).PerSecond; below > 0 {
		return r.find(clients, way).PerSecond / below
	}
	return 0
}

func (r *Report) find(clients int, way Way) Result {
	i := slices.IndexFunc(r.Results, func(one Result) bool { return one.Clients == clients && one.Way == way })
	if i < 0 {
		return Result{}
	}
	return r.Results[i]
}
