// Validators holds files to what the programs that read them take. It is a module of
// its own: what it needs is large, and none of it is Hourbank's.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/goreleaser/goreleaser/v2/pkg/config"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("compose FILE, or of stdin: kubernetes, goreleaser, package deb|rpm BINARY")
	}
	switch args[0] {
	case "compose":
		return compose(args[1])
	case "kubernetes":
		return kubernetes()
	case "package":
		return pack(args[1], args[2])
	default:
		_, err := config.LoadReader(os.Stdin)
		return err
	}
}

// compose prints the project as docker compose would run it.
func compose(file string) error {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithOsEnv, cli.WithResolvedPaths(false))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	printed, err := project.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(printed)
	return err
}

// kinds are those that Hourbank's files have.
var kinds = map[string]func() any{
	"apps/v1 Deployment":                 func() any { return &apps.Deployment{} },
	"batch/v1 Job":                       func() any { return &batch.Job{} },
	"v1 Service":                         func() any { return &core.Service{} },
	"v1 Secret":                          func() any { return &core.Secret{} },
	"v1 ConfigMap":                       func() any { return &core.ConfigMap{} },
	"policy/v1 PodDisruptionBudget":      func() any { return &policy.PodDisruptionBudget{} },
	"networking.k8s.io/v1 NetworkPolicy": func() any { return &networking.NetworkPolicy{} },
}

// kubernetes refuses a field that its type doesn't have.
func kubernetes() error {
	content, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	for document := range strings.SplitSeq(string(content), "\n---\n") {
		var kind struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			return err
		}
		known, ok := kinds[kind.APIVersion+" "+kind.Kind]
		if !ok {
			return fmt.Errorf("unknown kind %s %s", kind.APIVersion, kind.Kind)
		}
		if err := yaml.UnmarshalStrict([]byte(document), known()); err != nil {
			return fmt.Errorf("%s: %w", kind.Kind, err)
		}
	}
	return nil
}
