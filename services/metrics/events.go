package metrics

import (
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hourbank/models"
	"hourbank/services/stripe"
)

// Event is one that was committed, and what became of it.
type Event struct {
	Type      string
	Created   time.Time // by Stripe's clock
	Status    models.EventStatus
	Reason    *models.Reason
	Duplicate bool // it was committed before
}

// eventMetrics are those of events and the transactions that they share.
type eventMetrics struct {
	types   []string // that have a label of their own, in order
	total   *prometheus.CounterVec
	lag     prometheus.Histogram
	batches prometheus.Histogram
	took    prometheus.Histogram
}

func newEventMetrics() eventMetrics {
	e := eventMetrics{
		types: stripe.Supported(),
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hourbank_events_total", Help: "Events committed, by type and what became of them. Types that tell Hourbank nothing are one: other.",
		}, []string{"type", "status", "reason", "duplicate"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hourbank_event_lag_seconds", Help: "From when Stripe made an event, in whole seconds, to its first commit here.",
			Buckets: []float64{1, 2, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 86400, 3 * 86400, 30 * 86400},
		}),
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hourbank_batch_events", Help: "Events committed in one transaction.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hourbank_batch_duration_seconds", Help: "From the beginning of a transaction of events to its commit, conflicts and all.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}),
	}
	for _, eventType := range append(e.types, otherType) { // an alert on what rises doesn't see a series that begins at 1
		e.total.WithLabelValues(eventType, string(models.EventRejected), string(models.ReasonMissingObject), "false")
	}
	return e
}

// otherType is all types that Hourbank reads nothing of: Stripe, or who has the
// secret, decides what arrives, and must not decide how many series there are.
const otherType = "other"

func (e *eventMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{e.total, e.lag, e.batches, e.took}
}

// Batch counts a transaction and the events that it committed, at a time by the
// clock that Created goes by.
func (m *Metrics) Batch(events []Event, at time.Time, took time.Duration) {
	m.events.batches.Observe(float64(len(events)))
	m.events.took.Observe(took.Seconds())
	for i := range events {
		m.events.count(&events[i], at)
	}
}

func (e *eventMetrics) count(event *Event, at time.Time) {
	eventType, reason := event.Type, ""
	if _, known := slices.BinarySearch(e.types, eventType); !known {
		eventType = otherType
	}
	if event.Reason != nil {
		reason = string(*event.Reason)
	}
	e.total.WithLabelValues(eventType, string(event.Status), reason, strconv.FormatBool(event.Duplicate)).Inc()
	if !event.Duplicate {
		e.lag.Observe(max(0, at.Sub(event.Created).Seconds())) // their clock may be ahead of ours
	}
}
