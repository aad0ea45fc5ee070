package tests

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// mayImport says what each package may import of ours: imports go one way.
var mayImport = map[string][]string{
	".": {"commands"},
	"commands": {"bench", "commands/about", "commands/archive", "commands/backup", "commands/cli", "commands/installcheck", "commands/webhooktest", "config", "controllers", "database", "models", "models/hours", "routes",
		"sandbox", "sandbox/api", "services", "services/archive", "services/audit", "services/auditlog", "services/deliveries", "services/exports", "services/forgetting", "services/ingest", "services/owner", "services/paging", "services/sales", "version"},
	"commands/archive":      {"commands/cli", "database", "services", "services/archive"},
	"commands/backup":       {"commands/cli", "database"},
	"commands/about":        {"commands/cli", "version"},
	"commands/installcheck": {"commands/cli", "config", "database"},
	"commands/webhooktest": {"commands/cli", "config", "controllers", "database", "models", "models/hours", "routes", "services",
		"services/owner", "services/stripe"},
	"commands/cli": {"config", "database", "models", "services", "services/owner"},
	"bench": {"config", "controllers", "database", "models", "routes", "services", "services/ingest",
		"services/stripe"},
	"routes": {"config", "controllers", "controllers/console", "controllers/console/protection", "services"},
	"controllers": {"config", "models", "openapi", "services", "services/auditlog", "services/exports", "services/ingest", "services/metrics",
		"services/paging", "services/sales", "services/stripe", "services/stripe/scrub", "services/tracing"},
	"controllers/console": {"config", "controllers", "controllers/console/chart", "controllers/console/protection", "controllers/console/till", "controllers/console/words", "models", "models/hours", "services",
		"services/accounting", "services/auditlog", "services/deliveries", "services/exports", "services/ingest",
		"services/paging", "services/sales", "services/search", "services/sessions"},
	"controllers/console/chart":      {"models", "services/accounting"},
	"controllers/console/protection": {"config", "controllers", "models", "services/sessions"},
	"controllers/console/words":      {"models", "services", "services/ingest", "services/paging", "services/sales"},
	"controllers/console/till":       {"models", "services/sales", "services/stripe"},
	"openapi":                        {},
	"openapi/openapitest":            {"openapi"}, // for tests alone
	"services": {"config", "database", "models", "models/money", "services/accounting", "services/archive", "services/audit", "services/auditlog", "services/deliveries", "services/exports", "services/forgetting",
		"services/ingest", "services/lots", "services/metrics", "services/owner", "services/paging", "services/payloads", "services/plans", "services/sales", "services/search", "services/sessions", "services/stripe", "services/stripe/scrub", "services/stripe/signing", "services/tracing"},
	"services/archive":           {"database", "models", "services/payloads"},
	"services/payloads":          {"database", "models"},
	"services/accounting":        {"database", "models", "services/lots"},
	"services/exports":           {"database", "models", "services/accounting"},
	"services/audit":             {"database", "models", "models/money", "services/lots"},
	"services/auditlog":          {"database", "models", "services/paging"},
	"services/casebook":          {"database", "models", "services/stripe"},
	"services/ingest":            {"database", "models", "models/invoicing", "models/money", "services/casebook", "services/ingest/prorations", "services/ingest/statements", "services/ledger", "services/lots", "services/metrics", "services/owner", "services/payloads", "services/stripe", "services/tracing"},
	"services/forgetting":        {"database", "models", "models/money", "services/auditlog", "services/payloads"},
	"services/deliveries":        {"config", "database", "models", "services/auditlog", "services/lots", "services/metrics", "services/paging", "services/tracing"},
	"services/ledger":            {"database", "models"},
	"services/lots":              {"database", "models", "services/ledger"},
	"services/metrics":           {"database", "models", "services/audit", "services/stripe", "version"},
	"services/paging":            {"models"},
	"services/tracing":           {"version"},
	"services/ingest/prorations": {"database", "models"},
	"services/ingest/statements": {"database", "models"},
	"services/plans":             {"database", "models", "services/ingest/statements"},
	"services/sales": {"database", "models", "models/money", "services/auditlog", "services/ingest/statements", "services/ledger", "services/lots",
		"services/owner", "services/paging", "services/plans", "services/stripe"},
	"services/owner":            {"database", "models", "services/stripe"},
	"services/search":           {"database", "models", "services/paging", "services/payloads", "services/sales"},
	"services/sessions":         {"config", "database", "models", "services/auditlog"},
	"services/stripe":           {"models", "models/hours", "models/invoicing", "models/money", "services/stripe/dashboard", "services/stripe/scrub", "services/stripe/signing"},
	"services/stripe/dashboard": {},
	"services/stripe/scrub":     {},
	"services/stripe/signing":   {"models"},
	"database":                  {"models", "models/money"},
	"models":                    {"models/hours", "models/money"},
	"models/invoicing":          {"models"},
	"models/hours":              {},
	"models/money":              {"models/hours"},
	"models/money/telling":      {"models/money"}, // for tests alone
	"config":                    {},
	"version":                   {},
	"sandbox":                   {"sandbox/api", "sandbox/billing", "sandbox/payments", "sandbox/webhooks"},
	"sandbox/webhooks":          {"sandbox/api"},
	"sandbox/billing":           {"sandbox/api", "sandbox/payments"},
	"sandbox/payments":          {"sandbox/api"},
	"sandbox/api":               {},
	"examples/buy":              {}, // of other people's programs
	"examples/receiver":         {},
}

func TestImportsGoOneWay(t *testing.T) {
	t.Parallel()
	root := harness.ModuleRoot(t)
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		folder, _ := filepath.Rel(root, filepath.Dir(path))
		folder = filepath.ToSlash(folder)
		top, _, _ := strings.Cut(folder, "/")
		if err != nil || top == "tests" || strings.Contains(folder, "testdata") || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		seen[folder] = true
		allowed, known := mayImport[folder]
		if !known {
			t.Errorf("%s: say here what it may import", folder)
		}
		for _, imported := range importsOf(t, path) {
			if ours, found := strings.CutPrefix(imported, "hourbank/"); found && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s", path, imported)
			}
			if strings.HasPrefix(folder, "models") && reachesOutside(imported) {
				t.Errorf("%s imports %s: it must reach nothing outside the process", path, imported)
			}
		}
		return nil
	})
	if err != nil || len(seen) != len(mayImport) {
		t.Errorf("saw %v: %v", seen, err)
	}
}

// reachesOutside says whether a package is for databases, networks or files.
func reachesOutside(imported string) bool {
	return slices.ContainsFunc([]string{"database", "net", "os", "io", "syscall", "context", "gorm.io", "github.com/jackc", "github.com/libtnb", "modernc.org", "github.com/pressly"},
		func(part string) bool { return imported == part || strings.HasPrefix(imported, part+"/") })
}

func importsOf(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var imports []string
	for _, spec := range file.Imports {
		imports = append(imports, strings.Trim(spec.Path.Value, `"`))
	}
	return imports
}
