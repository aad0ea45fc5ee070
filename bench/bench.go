// Package bench measures what a webhook costs: the service as it is, beside
// the plain way of one GORM transaction an event, and beside the same server
// without a database. All of it in one run, interleaved, because ratios are
// worth more than figures on a machine that others share.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"hourbank/config"
	"hourbank/models"
	"hourbank/services"
)

// Options say how to measure.
type Options struct {
	Clients  []int         // concurrent clients, a round each
	Duration time.Duration // for each way and number of clients
	Progress func(what string)
}

// Way is one of the ways of handling an event that are compared.
type Way string

// The three ways.
const (
	Service Way = "service"     // (a) the service as it is
	Plain   Way = "plain"       // (b) one GORM transaction an event
	Empty   Way = "no database" // (c) the same server without a database
)

var ways = []Way{Service, Plain, Empty}

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
	Engine        models.Engine `json:"engine"`
	Results       []Result      `json:"results"`
	PeakMemoryMiB float64       `json:"peak_memory_mib"` // of this process: clients and server together
}

// turns is how many turns each way gets within its duration.
const turns = 5

// Run measures on a database of its own, which it makes beside the configured
// one and removes again.
func Run(ctx context.Context, cfg *config.Config, options Options) (report *Report, err error) {
	db, remove, err := openScratch(ctx, string(cfg.DatabaseURL))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	b := &run{db: db, options: options, report: &Report{Engine: db.Engine}, feeder: newFeeder(db)}
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
	db        *models.DB
	options   Options
	report    *Report
	feeder    *feeder
	addresses map[Way]string
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
	return stop, nil
}

// measure gives every way its turns with this number of clients.
func (b *run) measure(ctx context.Context, clients int) error {
	samples := map[Way]*samples{}
	for _, way := range ways {
		samples[way] = newSamples()
	}
	for turn := range turns {
		for _, way := range ways {
			b.options.Progress(fmt.Sprintf("%d clients, turn %d of %d: %s", clients, turn+1, turns, way))
			if err := b.feeder.stock(ctx, samples[way].rate(), b.options.Duration/turns); err != nil {
				return err
			}
			if err := b.load(ctx, way, clients, samples[way]); err != nil {
				return err
			}
		}
	}
	for _, way := range ways {
		b.report.Results = append(b.report.Results, samples[way].result(way, clients))
	}
	return nil
}

// Ratio is the throughput of one way over another's with as many clients.
func (r *Report) Ratio(clients int, way, over Way) float64 {
	return r.find(clients, way).PerSecond / cmp.Or(r.find(clients, over).PerSecond, 1)
}

func (r *Report) find(clients int, way Way) Result {
	i := slices.IndexFunc(r.Results, func(one Result) bool { return one.Clients == clients && one.Way == way })
	if i < 0 {
		return Result{}
	}
	return r.Results[i]
}
