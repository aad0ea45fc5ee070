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
	"time"

	"golang.org/x/sync/errgroup"
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
	test := flag.String("test", "go test ./models", "the tests that must notice")
	sample := flag.Int("sample", 0, "try only so many, chosen by chance with a fixed seed; 0: all")
	limit := flag.Duration("limit", 2*time.Minute, "for each; a mutant that takes longer is caught")
	flag.Parse()
	if err := run(context.Background(), flag.Args(), strings.Fields(*test), *sample, *limit); err != nil {
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

func run(ctx context.Context, paths, test []string, sample int, limit time.Duration) error {
	var changes []change
	for _, path := range paths {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, m := range mutants(files, file) {
			var source bytes.Buffer
			m.apply()
			err := format.Node(&source, files, file)
			m.undo()
			if err != nil {
				return err
			}
			changes = append(changes, change{m, path, source.Bytes()})
		}
	}
	if sample > 0 && sample < len(changes) {
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
		changes = changes[:sample]
	}
	if err := pass(ctx, test); err != nil {
		return err
	}
	outcomes := make([]outcome, len(changes))
	var group errgroup.Group
	group.SetLimit(2)
	for i, c := range changes {
		group.Go(func() (err error) {
			outcomes[i], err = try(ctx, c.path, c.source, test, limit)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	count := map[outcome]int{}
	for i, c := range changes {
		count[outcomes[i]]++
		if outcomes[i] == survived {
			fmt.Printf("%s:%d:%d: %s\n", c.path, c.where.Line, c.where.Column, c.what)
		}
	}
	noticed := count[caught] + count[endless]
	tried := noticed + count[survived]
	fmt.Printf("%d mutants: %d caught (%d by never ending), %d survived (%.1f %% caught); %d more did not compile\n",
		tried, noticed, count[endless], count[survived], 100*float64(noticed)/float64(max(1, tried)), count[invalid])
	return nil
}
