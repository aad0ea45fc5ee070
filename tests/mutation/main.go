// Mutation breaks the code on purpose, one place at a time, and says which
// breaks no test notices. "make mutation" runs it.
//
//	go run ./tests/mutation -test "go test ./models" models/derive.go models/evidence.go
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"
)

// mutant is one change of a file: apply makes it, undo takes it back.
type mutant struct {
	where       token.Position
	what        string
	apply, undo func()
}

// swapped are operators and what they become.
var swapped = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR, token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.LAND: token.LOR, token.LOR: token.LAND, token.ADD: token.SUB, token.SUB: token.ADD,
	token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN,
}

// mutants lists the ways to break a file.
func mutants(files *token.FileSet, file *ast.File) []mutant {
	var all []mutant
	add := func(at token.Pos, what string, apply, undo func()) {
		all = append(all, mutant{files.Position(at), what, apply, undo})
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.GenDecl:
			return n.Tok == token.VAR // types and constants are no behaviour
		case *ast.BinaryExpr:
			if was, to := n.Op, swapped[n.Op]; to != 0 {
				add(n.OpPos, was.String()+" → "+to.String(), func() { n.Op = to }, func() { n.Op = was })
			}
		case *ast.AssignStmt:
			if was, to := n.Tok, swapped[n.Tok]; to != 0 {
				add(n.TokPos, was.String()+" → "+to.String(), func() { n.Tok = to }, func() { n.Tok = was })
			}
		case *ast.IfStmt:
			was := n.Cond
			add(n.Pos(), "condition negated", func() { n.Cond = &ast.UnaryExpr{Op: token.NOT, X: &ast.ParenExpr{X: was}} }, func() { n.Cond = was })
		case *ast.BasicLit:
			if was := n.Value; n.Kind == token.INT {
				add(n.Pos(), was+" → "+was+"+1", func() { n.Value = "(" + was + "+1)" }, func() { n.Value = was })
			}
		case *ast.Ident:
			if other, ok := map[string]string{"true": "false", "false": "true", "min": "max", "max": "min"}[n.Name]; ok {
				was := n.Name
				add(n.Pos(), was+" → "+other, func() { n.Name = other }, func() { n.Name = was })
			}
		case *ast.BlockStmt:
			for i, was := range n.List {
				if removable(was) {
					add(was.Pos(), "statement removed", func() { n.List[i] = &ast.EmptyStmt{} }, func() { n.List[i] = was })
				}
			}
		}
		return true
	})
	return all
}

// removable says whether a statement may be missing without a compiler's
// complaint; what declares a name may not.
func removable(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.AssignStmt:
		return s.Tok != token.DEFINE
	case *ast.ExprStmt, *ast.IncDecStmt:
		return true
	}
	return false
}

// outcome is what the tests made of a mutant.
type outcome string

const (
	caught   outcome = "caught"
	endless  outcome = "caught by never ending"
	survived outcome = "survived"
	invalid  outcome = "does not compile"
)

// try runs the tests with the source in place of the file.
func try(ctx context.Context, path string, source []byte, test []string, limit time.Duration) (outcome, error) {
	folder, err := os.MkdirTemp("", "hourbank-mutant-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is in the temporary folder
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	changed, overlay := filepath.Join(folder, "mutant.go"), filepath.Join(folder, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {absolute: changed}})
	if err != nil {
		return "", err
	}
	for name, content := range map[string][]byte{changed: source, overlay: replace} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return "", err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limit+time.Minute) // to build
	defer cancel()
	args := append([]string{test[1], "-overlay", overlay, "-failfast", "-timeout=" + limit.String()}, test[2:]...)
	command := exec.CommandContext(ctx, test[0], args...)
	command.WaitDelay = time.Second // the tests' own process may outlive go's
	output, err := command.CombinedOutput()
	switch {
	case err == nil:
		return survived, nil
	case bytes.Contains(output, []byte("test timed out")):
		return endless, nil
	case bytes.Contains(output, []byte("[build failed]")), bytes.Contains(output, []byte("[setup failed]")):
		return invalid, nil
	default:
		return caught, nil
	}
}

func main() {
	m := measure{bar: progressbar.NewOptions(-1, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetVisibility(term.IsTerminal(int(os.Stderr.Fd())))), count: map[outcome]int{}}
	flag.Func("test", "the tests that must notice; those of a further -test are run where the ones before notice nothing", func(test string) error {
		m.tests = append(m.tests, strings.Fields(test))
		return nil
	})
	flag.IntVar(&m.sample, "sample", 0, "try only so many, chosen by chance with a fixed seed; 0: all")
	flag.DurationVar(&m.limit, "limit", 2*time.Minute, "for each; a mutant that takes longer is caught")
	want := flag.Float64("want", 0, "fail where fewer percent of the mutants are caught")
	flag.Parse()
	if err := m.run(context.Background(), flag.Args(), *want); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// pass runs the tests without a mutant: where they fail anyway, they tell
// nothing.
func pass(ctx context.Context, test []string) error {
	if output, err := exec.CommandContext(ctx, test[0], test[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("the tests fail without any mutant: %w\n%s", err, output)
	}
	return nil
}

// change is a mutant's file.
type change struct {
	mutant
	path   string
	source []byte
}

// changesOf lists the ways to break files.
func changesOf(paths []string) ([]change, error) {
	var changes []change
	for _, path := range paths {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, m := range mutants(files, file) {
			var source bytes.Buffer
			m.apply()
			err := format.Node(&source, files, file)
			m.undo()
			if err != nil {
				return nil, err
			}
			changes = append(changes, change{m, path, source.Bytes()})
		}
	}
	return changes, nil
}

// measure is how many mutants the tests notice.
type measure struct {
	tests  [][]string
	sample int
	limit  time.Duration

	mutex sync.Mutex // guards what follows
	count map[outcome]int
	bar   *progressbar.ProgressBar
}

func (m *measure) run(ctx context.Context, paths []string, want float64) error {
	changes, err := changesOf(paths)
	if err != nil {
		return err
	}
	if m.sample > 0 && m.sample < len(changes) {
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
		changes = changes[:m.sample]
	}
	for _, test := range m.tests {
		if err := pass(ctx, test); err != nil {
			return err
		}
	}
	m.bar.ChangeMax(len(changes))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for _, c := range changes {
		group.Go(func() error { return m.try(ctx, c) })
	}
	err = group.Wait()
	_ = m.bar.Finish()
	if err != nil {
		return err
	}
	noticed := m.count[caught] + m.count[endless]
	tried := noticed + m.count[survived]
	percent := 100 * float64(noticed) / float64(max(1, tried))
	fmt.Printf("%d mutants: %d caught (%d by never ending), %d survived (%.1f %% caught); %d more did not compile\n",
		tried, noticed, m.count[endless], m.count[survived], percent, m.count[invalid])
	if percent < want {
		return fmt.Errorf("fewer than %g %% were caught", want)
	}
	return nil
}

// try counts what the tests make of a mutant, and says at once that they
// notice nothing.
func (m *measure) try(ctx context.Context, c change) error {
	made := survived
	for _, test := range m.tests {
		var err error
		if made, err = try(ctx, c.path, c.source, test, m.limit); err != nil {
			return err
		}
		if made != survived {
			break
		}
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.count[made]++
	if made == survived {
		_ = m.bar.Clear()
		fmt.Printf("%s:%d:%d: %s\n", c.path, c.where.Line, c.where.Column, c.what)
	}
	m.bar.Describe(fmt.Sprintf("%d caught", m.count[caught]+m.count[endless]))
	_ = m.bar.Add(1)
	return nil
}
