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
	".":           {"commands"},
	"commands":    {"bench", "config", "controllers", "models", "routes", "sandbox", "services"},
	"bench":       {"config", "controllers", "models", "routes", "services"},
	"routes":      {"config", "controllers", "services"},
	"controllers": {"config", "models", "openapi", "services"},
	"openapi":     {},
	"services":    {"config", "models"},
	"models":      {},
	"config":      {},
	"sandbox":     {},
	"examples":    {}, // of other people's programs
}

func TestImportsGoOneWay(t *testing.T) {
	t.Parallel()
	root := harness.ModuleRoot(t)
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		folder, _ := filepath.Rel(root, filepath.Dir(path))
		top, _, _ := strings.Cut(filepath.ToSlash(folder), "/")
		if err != nil || top == "tests" || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		seen[top] = true
		allowed, known := mayImport[top]
		if !known {
			t.Errorf("%s: say here what it may import", folder)
		}
		for _, imported := range importsOf(t, path) {
			ours, found := strings.CutPrefix(imported, "hourbank/")
			if part, _, _ := strings.Cut(ours, "/"); found && part != top && !slices.Contains(allowed, part) {
				t.Errorf("%s imports %s", path, imported)
			}
		}
		return nil
	})
	if err != nil || len(seen) != len(mayImport) {
		t.Errorf("saw %v: %v", seen, err)
	}
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
