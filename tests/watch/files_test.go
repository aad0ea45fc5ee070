package watch

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// promtool is Prometheus's own checker, where it is installed or make fetched it.
func promtool(t *testing.T) string {
	t.Helper()
	for _, path := range []string{"promtool", filepath.Join(harness.ModuleRoot(t), ".bin", "prometheus", "promtool")} {
		if known, err := exec.LookPath(path); err == nil {
			return known
		}
	}
	t.Skip("promtool is not installed: make promtool, or Debian's package prometheus")
	return ""
}

func mustRun(t *testing.T, folder, program string, args ...string) {
	t.Helper()
	command := exec.Command(program, args...)
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%s %v: %v\n%s", program, args, err, output)
	}
}

func TestPrometheusReadsTheAlertsAndTheyFire(t *testing.T) {
	t.Parallel()
	program, folder := promtool(t), filepath.Join(harness.ModuleRoot(t), "deploy", "prometheus")
	mustRun(t, folder, program, "check", "rules", "hourbank.rules.yml")
	mustRun(t, folder, program, "test", "rules", "hourbank.rules_test.yml")
}

// Prometheus checks no dashboard, but what it reads as rules.
func TestPrometheusReadsTheDashboardsQueries(t *testing.T) {
	t.Parallel()
	program, folder := promtool(t), t.TempDir()
	written := "groups:\n- name: dashboard\n  rules:\n"
	for i, q := range queries(t) {
		written += fmt.Sprintf("  - record: query_%d\n    expr: '%s'\n", i, strings.ReplaceAll(strings.ReplaceAll(q.expr, "'", "''"), "\n", " "))
	}
	if err := os.WriteFile(filepath.Join(folder, "dashboard.yml"), []byte(written), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, folder, program, "check", "rules", "dashboard.yml")
}

// Each alert has a case in which it fires and one in which it is silent, says how urgent
// it is, and leads to a heading of the page.
func TestEveryAlertIsTriedAndLeadsToARunbook(t *testing.T) {
	t.Parallel()
	tried, page := read(t, "deploy", "prometheus", "hourbank.rules_test.yml"), read(t, "docs", "operation.md")
	anchors := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		anchors[slug(heading[1])] = true
	}
	names := map[string]bool{}
	for _, r := range rules(t) {
		if names[r.Alert] {
			t.Errorf("%s stands twice", r.Alert)
		}
		names[r.Alert] = true
		for _, story := range []string{"- name: " + r.Alert + " fires\n", "- name: " + r.Alert + " is silent\n"} {
			if !strings.Contains(tried, story) {
				t.Errorf("no %q in the rules' tests", story)
			}
		}
		if !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s doesn't say what it is: %+v", r.Alert, r)
		}
		anchor, cut := strings.CutPrefix(r.Annotations["runbook_url"], "{{ $externalLabels.hourbank_docs }}docs/operation.md#")
		if !cut || !anchors[anchor] {
			t.Errorf("%s leads to %q, which is no heading of docs/operation.md", r.Alert, r.Annotations["runbook_url"])
		}
	}
}

// slug is a heading's anchor, as GitHub makes it.
func slug(heading string) string {
	kept := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') || r > 127:
			return r
		}
		return -1
	}, strings.ToLower(heading))
	return kept
}

// The page's table names each metric of ours and each alert, and no other.
func TestThePageTellsOfEveryMetricAndAlert(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(read(t, "docs", "operation.md"), "\n## Watch\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var metrics, alerts []string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| `") {
			metrics = append(metrics, found(regexp.MustCompile("`((?:hourbank|go|process)_\\w+)"), strings.Split(line, "|")[1])...)
			alerts = append(alerts, found(regexp.MustCompile("`(Hourbank\\w+)`"), line)...)
		}
	}
	live := scraped(t, served(t, harness.NewDatabase(t, harness.Engines[0])))
	for _, name := range live.ours() {
		if !slices.Contains(metrics, name) {
			t.Errorf("the table has no %s", name)
		}
	}
	for _, name := range metrics {
		if _, known := live[name]; !known {
			t.Errorf("the table has %s, which is not served", name)
		}
	}
	known := map[string]bool{}
	for _, r := range rules(t) {
		if known[r.Alert] = true; !slices.Contains(alerts, r.Alert) {
			t.Errorf("the table has no alert %s", r.Alert)
		}
	}
	for _, name := range alerts {
		if !known[name] {
			t.Errorf("the table has %s, which is no alert", name)
		}
	}
}

// Nothing that Grafana needs is missing: it would import the rest, and show "No data".
func TestTheDashboardIsWhole(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 36 || len(d.Templating.List) == 0 || d.Templating.List[0].Name != "datasource" || d.Templating.List[0].Type != "datasource" || d.Templating.List[0].Query != "prometheus" {
		t.Errorf("a dashboard without its frame: %+v", d)
	}
	ids, rows := map[int]bool{}, 0
	for i, p := range d.Panels {
		if p.ID == 0 || ids[p.ID] || p.Title == "" || p.GridPos.W == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d can't be shown: %+v", i, p)
		}
		ids[p.ID] = true
		for _, other := range d.Panels[:i] {
			if a, b := p.GridPos, other.GridPos; a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%q covers %q", p.Title, other.Title)
			}
		}
		if p.Type == "row" {
			rows++
			continue
		}
		defaults := p.FieldConfig.Defaults
		if p.Description == "" || p.Datasource.UID != "${datasource}" || defaults.Unit == "" || len(defaults.Thresholds.Steps) == 0 || len(p.Targets) == 0 {
			t.Errorf("%q has no description, data source, unit, thresholds or query: %+v", p.Title, p)
		}
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" || target.RefID == "" {
				t.Errorf("%q asks another data source: %+v", p.Title, target)
			}
		}
	}
	if rows != 8 {
		t.Errorf("%d rows", rows)
	}
}
