// Package watch holds the alerts, the dashboard and the page that tells of them to
// the metrics that a served program really shows, and to each other.
package watch

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"hourbank/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// served is a program in which everything happened once that the metrics tell of, and
// what tells of it.
func served(t *testing.T, db *harness.Database) *harness.App {
	t.Helper()
	stripe, receiver := harness.NewStripe(t), harness.NewReceiver(t, nil)
	app := db.Serve(t, slices.Concat(stripe.Settings(), receiver.Settings(), []string{"RECONCILE_EVERY=1s"})...)
	p := app.NewPurchase(t)
	paid := p.Succeeded()
	app.MustProcess(t, paid, p.Dispute("charge.dispute.created", "dp_1", 1000, "needs_response"))
	app.Deliver(t, paid).Want(t, http.StatusOK) // once more
	app.Deliver(t, harness.NewPurchase(t).Succeeded()).Want(t, http.StatusAccepted)
	harness.Eventually(t, "all has happened", func() bool {
		now := scraped(t, app)
		return now.value("hourbank_job_last_success_timestamp_seconds", "job", "reconcile") > 0 &&
			now.value("hourbank_job_last_success_timestamp_seconds", "job", "audit") > 0 &&
			now.value("hourbank_job_last_success_timestamp_seconds", "job", "prune") > 0 &&
			now.value("hourbank_delivery_attempts_total", "result", "delivered") > 0
	})
	return app
}

// families are metrics by their name.
type families map[string]*dto.MetricFamily

// scraped reads what Prometheus would.
func scraped(t *testing.T, app *harness.App) families {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	found, err := parser.TextToMetricFamilies(strings.NewReader(app.Request(t, http.MethodGet, "/metrics", "").Want(t, http.StatusOK).Body))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// value adds up the series that have a label; none: 0.
func (f families) value(name, label, value string) (sum float64) {
	for _, one := range f[name].GetMetric() {
		if label == "" || labelsOf(one)[label] == value {
			sum += one.GetCounter().GetValue() + one.GetGauge().GetValue() + float64(one.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

func labelsOf(one *dto.Metric) map[string]string {
	labels := map[string]string{}
	for _, pair := range one.GetLabel() {
		labels[pair.GetName()] = pair.GetValue()
	}
	return labels
}

// series are the labels of each series that a query would find by a name: those of a
// histogram are of its buckets, sums and counts.
func (f families) series(name string) (found []map[string]string) {
	if family, known := f[name]; known && family.GetType() != dto.MetricType_HISTOGRAM {
		for _, one := range family.GetMetric() {
			found = append(found, labelsOf(one))
		}
		return found
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		base, cut := strings.CutSuffix(name, suffix)
		if !cut || f[base].GetType() != dto.MetricType_HISTOGRAM {
			continue
		}
		for _, one := range f[base].GetMetric() {
			labels := labelsOf(one)
			if suffix == "_bucket" {
				labels["le"] = "+Inf"
			}
			found = append(found, labels)
		}
	}
	return found
}

// ours are the names of the metrics that are Hourbank's own.
func (f families) ours() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(f)), func(name string) bool { return !strings.HasPrefix(name, "hourbank_") })
}

// read gives a file of the project.
func read(t *testing.T, path ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(append([]string{harness.ModuleRoot(t)}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
