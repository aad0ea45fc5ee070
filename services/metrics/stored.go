package metrics

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/audit"
)

// stored is a collector of what stands in the database.
type stored struct{ db *database.DB }

// countedUpTo is how many rows of a kind or age are counted: as many are too many.
const countedUpTo = 10_000

// ages divide what is parked by how long it has waited.
var ages = []struct {
	name  string
	below time.Duration
}{{"under_10m", 10 * time.Minute}, {"under_1h", time.Hour}, {"under_1d", 24 * time.Hour}, {"older", 100 * 365 * 24 * time.Hour}}

var (
	lastEvent    = describe("hourbank_last_event_timestamp_seconds", "When the newest event came. Far in the past: Stripe may have switched the endpoint off.")
	parked       = describe("hourbank_parked_events", "Events that wait for their purchase, by how long they have; 10000: as many or more.", "age")
	oldestParked = describe("hourbank_oldest_parked_seconds", "For how long the oldest parked event has waited; 0: there is none.")
	openCases    = describe("hourbank_open_cases", "Cases that need a person, by kind; 10000: as many or more.", "kind")
	oldestCase   = describe("hourbank_oldest_case_seconds", "For how long the oldest open case of a kind has waited; 0: there is none.", "kind")
	jobSucceeded = describe("hourbank_job_last_success_timestamp_seconds", "When a scheduled job last succeeded, at any replica.", "job")
	differences  = describe("hourbank_audit_differences", "What did not add up when the books were last audited, at any replica; 1000: as many or more.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe says what is collected.
func (s stored) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{lastEvent, parked, oldestParked, openCases, oldestCase, jobSucceeded, differences} {
		descs <- desc
	}
}

// Collect asks one thing after another, by indexes alone. What can't be told is left
// out, and an alert on its absence says so.
func (s stored) Collect(found chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapePatience)
	defer cancel()
	tell := func(desc *prometheus.Desc, value float64, labels ...string) {
		found <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, ask := range []func(context.Context, teller) error{s.lastEvent, s.parked, s.cases, s.jobs} {
		_ = ask(ctx, tell) // readiness and the log tell of a database that doesn't answer
	}
}

// teller shows one value.
type teller func(desc *prometheus.Desc, value float64, labels ...string)

func (s stored) lastEvent(ctx context.Context, tell teller) error {
	var newest []time.Time
	err := s.db.Reader.WithContext(ctx).Model(&models.WebhookEvent{}).Order("received_at DESC, id DESC").Limit(1).Pluck("received_at", &newest).Error
	if err == nil && len(newest) > 0 {
		tell(lastEvent, seconds(newest[0]))
	}
	return err
}

// parkedEvents are found by the index of what is not processed, which SQLite uses
// only where a query says so.
const parkedEvents = "status = 'parked' AND status <> 'processed'"

func (s stored) parked(ctx context.Context, tell teller) error {
	now := s.db.NowFunc()
	var parts []string
	var values []any
	youngest := now.Add(time.Hour) // their replica's clock may be ahead of ours
	for _, age := range ages {
		parts = append(parts, "SELECT ? AS name, (SELECT count(*) FROM (SELECT 1 FROM webhook_events WHERE "+parkedEvents+
			" AND received_at <= ? AND received_at > ? LIMIT ?) AS counted) AS count")
		values = append(values, age.name, youngest, now.Add(-age.below), countedUpTo)
		youngest = now.Add(-age.below)
	}
	counts, err := s.count(ctx, parts, values)
	if err != nil {
		return err
	}
	var oldest []time.Time
	err = s.db.Reader.WithContext(ctx).Model(&models.WebhookEvent{}).Where(parkedEvents).Order("received_at, id").Limit(1).Pluck("received_at", &oldest).Error
	if err != nil {
		return err
	}
	for _, c := range counts {
		tell(parked, c.Count, c.Name)
	}
	tell(oldestParked, age(now, oldest))
	return nil
}

func (s stored) cases(ctx context.Context, tell teller) error {
	var parts []string
	var values []any
	for _, kind := range models.CaseKinds {
		parts = append(parts, "SELECT ? AS name, (SELECT count(*) FROM (SELECT 1 FROM cases WHERE kind = ? AND closed_at IS NULL LIMIT ?) AS counted) AS count")
		values = append(values, kind, kind, countedUpTo)
	}
	counts, err := s.count(ctx, parts, values)
	if err != nil {
		return err
	}
	for _, c := range counts {
		var oldest []time.Time
		if c.Count > 0 {
			err := s.db.Reader.WithContext(ctx).Model(&models.Case{}).Where("kind = ? AND closed_at IS NULL", c.Name).
				Order("opened_at, id").Limit(1).Pluck("opened_at", &oldest).Error
			if err != nil {
				return err
			}
		}
		tell(openCases, c.Count, c.Name)
		tell(oldestCase, age(s.db.NowFunc(), oldest), c.Name)
	}
	return nil
}

type counting struct {
	Name  string
	Count float64
}

// count asks for several counts in one statement.
func (s stored) count(ctx context.Context, parts []string, values []any) (counts []counting, err error) {
	if err := s.db.Reader.WithContext(ctx).Raw(strings.Join(parts, " UNION ALL "), values...).Scan(&counts).Error; err != nil {
		return nil, fmt.Errorf("count for the metrics: %w", err)
	}
	return counts, nil
}

func (s stored) jobs(ctx context.Context, tell teller) error {
	var jobs []struct {
		Name          string
		LastSuccessAt time.Time
		Found         *float64
	}
	err := s.db.Reader.WithContext(ctx).Table("scheduled_jobs").Select("name, last_success_at, found").Where("last_success_at IS NOT NULL").Find(&jobs).Error
	for _, job := range jobs {
		tell(jobSucceeded, seconds(job.LastSuccessAt), job.Name)
		if job.Name == audit.Job && job.Found != nil { // a value told twice would break every scrape
			tell(differences, *job.Found)
		}
	}
	return err
}

// age is for how many seconds the oldest has waited; 0 where there is none.
func age(now time.Time, oldest []time.Time) float64 {
	if len(oldest) == 0 {
		return 0
	}
	return max(0, now.Sub(oldest[0]).Seconds())
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
