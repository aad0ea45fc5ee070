// Package metrics is what an operator's Prometheus reads of Hourbank. What
// happens is counted as it happens; what stands in the database is asked of it
// at each scrape, within limits, so that a million rows cost no more than
// some thousand.
package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/version"
)

// Metrics are what an operator's Prometheus reads. docs/operation.md says
// which to alarm on. They are safe for concurrent use.
type Metrics struct {
	Registry *prometheus.Registry
	requests *prometheus.HistogramVec
	events   eventMetrics
	found    prometheus.Counter
	sent     *prometheus.CounterVec
	calls    *prometheus.HistogramVec
}

// New makes a registry of its own, so that two programs in one process
// don't share counters.
func New() *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hourbank_http_request_duration_seconds", Help: "HTTP requests by route and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"method", "route", "status"}),
		events: newEventMetrics(),
		found: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hourbank_reconcile_corrections_total", Help: "What reconcile found that the webhook was never told.",
		}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hourbank_delivery_attempts_total", Help: "Attempts to deliver an event to the platform, by what became of them.",
		}, []string{"result"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hourbank_stripe_call_duration_seconds", Help: "Calls of Stripe's API, by method and status; 429: its limit was met, error: there was no answer.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"method", "status"}),
	}
	m.Deliveries(0, 0) // a series that begins at 1 never rose
	m.Registry.MustRegister(m.requests, m.found, m.sent, m.calls, buildInfo(),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.Registry.MustRegister(m.events.all()...)
	return m
}

// buildInfo is always 1; its labels say what the program was built from.
func buildInfo() prometheus.Collector {
	built := version.Get()
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hourbank_build_info", Help: "What the program was built from.",
		ConstLabels: prometheus.Labels{"version": built.Version, "commit": built.Commit, "go": built.Go},
	}, func() float64 { return 1 })
}

// Request counts one HTTP request. The route is a pattern, never a path.
func (m *Metrics) Request(method, route, status string, took time.Duration) {
	m.requests.WithLabelValues(method, route, status).Observe(took.Seconds())
}

// WatchQueue shows how many events wait for a transaction.
func (m *Metrics) WatchQueue(length func() int) {
	m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hourbank_events_waiting", Help: "Events that wait for a transaction.",
	}, func() float64 { return float64(length()) }))
}

// WatchDatabase shows what stands in the database, as it is at each scrape, and how
// its pools are used. While something can't be counted, the rest is shown without it.
func (m *Metrics) WatchDatabase(db *database.DB) {
	m.Registry.MustRegister(stored{db})
	for name, handle := range map[string]*gorm.DB{"writers": db.DB, "readers": db.Reader} {
		if pool, err := handle.DB(); err == nil { // it was opened before
			m.Registry.MustRegister(collectors.NewDBStatsCollector(pool, name))
		}
	}
}

// WatchDeliveries shows how many events are not delivered, and since how many seconds the
// oldest, as WatchDatabase does.
func (m *Metrics) WatchDeliveries(count, oldest func(context.Context) (map[string]int64, error)) {
	m.Registry.MustRegister(counted{
		count: oldest,
		desc:  prometheus.NewDesc("hourbank_oldest_delivery_seconds", "Since when the oldest event is due, or was given up; 0: there is none.", []string{"status"}, nil),
	})
	m.Registry.MustRegister(counted{
		count: count,
		desc:  prometheus.NewDesc("hourbank_deliveries", "Events that the platform was not told: due, or failed and given up.", []string{"status"}, nil),
	})
}

// Deliveries counts attempts to deliver events.
func (m *Metrics) Deliveries(delivered, failed int) {
	m.sent.WithLabelValues("delivered").Add(float64(delivered))
	m.sent.WithLabelValues("failed").Add(float64(failed))
}

// Correction counts what reconcile found.
func (m *Metrics) Correction() { m.found.Inc() }

// counted is a collector that asks the database.
type counted struct {
	count func(context.Context) (map[string]int64, error)
	desc  *prometheus.Desc
}

// scrapePatience bounds what a scrape asks of the database.
const scrapePatience = 2 * time.Second

// Describe says what is collected.
func (c counted) Describe(descs chan<- *prometheus.Desc) { descs <- c.desc }

// Collect counts.
func (c counted) Collect(found chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapePatience)
	defer cancel()
	counts, err := c.count(ctx)
	if err != nil {
		return
	}
	for kind, n := range counts {
		found <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(n), kind)
	}
}
