package watch

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"hourbank/tests/harness"
)

// rule is an alert.
type rule struct {
	Alert       string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []rule }
	}
	if err := yaml.Unmarshal([]byte(read(t, "deploy", "prometheus", "hourbank.rules.yml")), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Groups) != 1 || len(file.Groups[0].Rules) == 0 {
		t.Fatal("no alerts")
	}
	return file.Groups[0].Rules
}

// panel is a part of the dashboard.
type panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	GridPos     struct{ H, W, X, Y int }
	Datasource  struct{ UID string }
	FieldConfig struct {
		Defaults struct {
			Unit       string
			Thresholds struct{ Steps []struct{ Color string } }
		}
	}
	Targets []struct {
		Expr, LegendFormat, RefID string
		Datasource                struct{ UID string }
	}
}

type dashboard struct {
	UID, Title    string
	SchemaVersion int
	Templating    struct {
		List []struct{ Name, Type, Query string }
	}
	Panels []panel
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "deploy", "grafana", "hourbank.json")), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// query is a PromQL expression, where it stands, and which labels its result is told by.
type query struct {
	where, expr string
	told        []string
}

var (
	legendLabel = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)
	alertLabel  = regexp.MustCompile(`\$labels\.(\w+)`)
)

func queries(t *testing.T) (all []query) {
	t.Helper()
	for _, r := range rules(t) {
		all = append(all, query{r.Alert, r.Expr, found(alertLabel, r.Annotations["summary"]+r.Annotations["description"])})
	}
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			all = append(all, query{"panel " + p.Title, strings.ReplaceAll(target.Expr, "$__rate_interval", "5m"), found(legendLabel, target.LegendFormat)})
		}
	}
	return all
}

func found(pattern *regexp.Regexp, text string) (names []string) {
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		names = append(names, match[1])
	}
	return names
}

// What of a query names metrics and labels. Names of metrics are told from PromQL's own
// words by their beginning.
var (
	selector = regexp.MustCompile(`\b((?:hourbank|go|process|promhttp)_\w+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	grouping = regexp.MustCompile(`\b(?:by|without|on|ignoring)\s*\(([^)]*)\)`)
)

// scrapeLabels are those that Prometheus adds.
var scrapeLabels = []string{"instance", "job"}

// rareValues are labels of which a value may be asked for that no test brought about.
var rareValues = map[string][]string{
	"status": {"hourbank_http_request_duration_seconds_count", "hourbank_stripe_call_duration_seconds_count"},
}

// Each name, label and value that an alert or a panel asks for is one that a served
// program shows.
func TestEveryQueryAsksForWhatIsThere(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		live := scraped(t, served(t, db))
		for _, q := range queries(t) {
			selectors := selector.FindAllStringSubmatch(q.expr, -1)
			if len(selectors) == 0 {
				t.Errorf("%s asks for no metric: %s", q.where, q.expr)
			}
			labels := slices.Clone(scrapeLabels)
			for _, s := range selectors {
				series := live.series(s[1])
				if len(series) == 0 {
					t.Errorf("%s: there is no %s", q.where, s[1])
					continue
				}
				for name := range series[0] {
					labels = append(labels, name)
				}
				if !slices.ContainsFunc(series, func(has map[string]string) bool { return matches(t, s[1], has, s[2]) }) {
					t.Errorf("%s: no series of %s is {%s}", q.where, s[1], s[2])
				}
			}
			for _, name := range append(strings.FieldsFunc(strings.Join(found(grouping, q.expr), ","), func(r rune) bool { return r == ',' || r == ' ' }), q.told...) {
				if !slices.Contains(labels, name) {
					t.Errorf("%s: there is no label %s among %v", q.where, name, labels)
				}
			}
		}
	})
}

// matches says whether a series has what a selector wants.
func matches(t *testing.T, name string, has map[string]string, wanted string) bool {
	t.Helper()
	for _, m := range matcher.FindAllStringSubmatch(wanted, -1) {
		value, known := has[m[1]]
		switch {
		case !known:
			return false
		case slices.Contains(rareValues[m[1]], name):
		case m[2] == "=" && value != m[3], m[2] == "!=" && value == m[3]:
			return false
		case strings.HasSuffix(m[2], "~"):
			pattern, err := regexp.Compile("^(?:" + m[3] + ")$")
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if pattern.MatchString(value) != (m[2] == "=~") {
				return false
			}
		}
	}
	return true
}
