// Package metrics is what an operator's Prometheus reads of Hourbank.
package metrics

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"hourbank/models"
)

// Metrics are what an operator's Prometheus reads. docs/operation.md says
// which to alarm on.
type Metrics struct {
	Registry *prometheus.Registry
	requests *prometheus.HistogramVec
	events   *prometheus.CounterVec
	batches  prometheus.Histogram
	last     prometheus.Gauge
	found    prometheus.Counter
	sent     *prometheus.CounterVec
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
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hourbank_events_total", Help: "Events committed, by what became of them.",
		}, []string{"status", "reason", "duplicate"}),
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hourbank_batch_events", Help: "Events committed in one transaction.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "hourbank_last_event_timestamp_seconds",
			Help: "When the last event was committed. Far in the past: Stripe may have switched the endpoint off.",
		}),
		found: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hourbank_reconcile_corrections_total", Help: "What reconcile found that the webhook was never told.",
		}),
	}
	m.sent = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hourbank_delivery_attempts_total", Help: "Attempts to deliver an event to the platform, by what became of them.",
	}, []string{"result"})
	m.Registry.MustRegister(m.requests, m.events, m.batches, m.last, m.found, m.sent,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
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

// WatchCases shows how many cases are open, by kind, as they are at each scrape.
// While they can't be counted, the others are shown without them.
func (m *Metrics) WatchCases(count func(context.Context) (map[string]int64, error)) {
	m.Registry.MustRegister(counted{
		count: count,
		desc:  prometheus.NewDesc("hourbank_open_cases", "Cases that need a person, by kind.", []string{"kind"}, nil),
	})
}

// WatchDeliveries shows how many events are not delivered, and since how many seconds the
// oldest, as WatchCases does.
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

// Batch counts a transaction and how many events it committed.
func (m *Metrics) Batch(events int) {
	m.batches.Observe(float64(events))
	m.last.SetToCurrentTime()
}

// Event counts an event that was committed, by what became of it.
func (m *Metrics) Event(status models.EventStatus, reason *models.Reason, duplicate bool) {
	why := ""
	if reason != nil {
		why = string(*reason)
	}
	m.events.WithLabelValues(string(status), why, strconv.FormatBool(duplicate)).Inc()
}

// Correction counts what reconcile found.
func (m *Metrics) Correction() { m.found.Inc() }
