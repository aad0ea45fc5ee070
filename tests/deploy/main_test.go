// Package deploy holds the files of deploy/, compose.yaml and the releases to what
// reads them, and to the program.
package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/tidwall/gjson"

	"hourbank/config"
	"hourbank/controllers"
	"hourbank/routes"
	"hourbank/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// validators is the program of testdata/validators, built once, beside the tests' own
// binary, which "go test" removes.
var validators struct {
	once sync.Once
	path string
	err  error
}

// validated runs a validator, and gives what it printed or what it has against the file.
func validated(t *testing.T, stdin string, environ []string, args ...string) (string, error) {
	t.Helper()
	validators.once.Do(func() {
		self, err := os.Executable()
		if validators.err = err; err != nil {
			return
		}
		validators.path = filepath.Join(filepath.Dir(self), "validators")
		build := exec.Command("go", "build", "-o", validators.path, ".")
		build.Dir = "testdata/validators"
		build.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod")
		if output, err := build.CombinedOutput(); err != nil {
			validators.err = fmt.Errorf("%w: %s", err, output)
		}
	})
	if validators.err != nil {
		t.Skipf("the validators are not installed: see make validators: %v", validators.err)
	}
	command := exec.Command(validators.path, args...)
	command.Stdin, command.Env = strings.NewReader(stdin), append(os.Environ(), environ...)
	return ran(command)
}

// ran gives stdout, or an error that says all that was printed.
func ran(command *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", errors.Join(err, errors.New(stdout.String()+stderr.String()))
	}
	return stdout.String(), nil
}

// installed finds a program, or skips with a line that says so.
func installed(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed: what it would say was not asked", name)
	}
	return path
}

// read gives a file of the module.
func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(harness.ModuleRoot(t), path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// parsed reads a document of YAML.
func parsed(t *testing.T, document string) gjson.Result {
	t.Helper()
	converted, err := yaml.YAMLToJSON([]byte(document))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, document)
	}
	return gjson.ParseBytes(converted)
}

// findings are what is wrong with a file.
type findings []string

func (f *findings) want(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

// wantSound wants nothing to be found in a file, and something in each that is broken.
func wantSound(t *testing.T, content string, look func(t *testing.T, content string) findings, mistakes map[string]string) {
	t.Helper()
	for _, found := range look(t, content) {
		t.Error(found)
	}
	for before, after := range mistakes {
		broken := strings.Replace(content, before, after, 1)
		if broken == content {
			t.Errorf("no %q to be broken", before)
		} else if len(look(t, broken)) == 0 {
			t.Errorf("%q instead of %q is not found out", after, before)
		}
	}
}

// settings are the names that the configuration knows.
func settings() []string {
	var names []string
	for field := range reflect.TypeFor[config.Config]().Fields() {
		if name := field.Tag.Get("env"); name != "" {
			names = append(names, name)
		}
	}
	for _, name := range config.SecretNames() {
		names = append(names, name+"_FILE")
	}
	return names
}

// checkEnvironment loads an environment as the program would. Files of secrets hold
// what such a secret looks like.
func (f *findings) checkEnvironment(t *testing.T, environ map[string]string) {
	t.Helper()
	loaded := map[string]string{}
	for name, value := range environ {
		f.want(slices.Contains(settings(), name), "%s: the configuration doesn't know it", name)
		if variable, isFile := strings.CutSuffix(name, "_FILE"); isFile {
			value = filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(value, []byte(examples[variable]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		loaded[name] = value
	}
	if _, err := config.Load(loaded); err != nil {
		*f = append(*f, err.Error())
	}
}

var examples = map[string]string{
	"DATABASE_URL": "postgres://hourbank@db/hourbank", "STRIPE_SECRET_KEY": "sk_test_123",
	"STRIPE_WEBHOOK_SECRET": harness.WebhookSecret, "API_KEYS": "a:admin:" + harness.AdminKey,
}

// isServed says whether there is such a path.
func isServed(path string) bool {
	return slices.ContainsFunc(routes.Table(&controllers.Controllers{}), func(r routes.Route) bool { return r.Method == http.MethodGet && r.Path == path })
}

// user is who the container runs as, and port what it listens on.
const (
	user = "65532"
	port = "8000"
)

func TestTheImagesAreWhatTheOtherFilesTakeThemFor(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"Dockerfile", "deploy/packages/Dockerfile"} {
		content := read(t, file)
		for _, line := range []string{"USER " + user + ":" + user, "EXPOSE " + port, `ENTRYPOINT ["/hourbank"]`, `CMD ["serve"]`, "WORKDIR /data"} {
			if !strings.Contains(content, "\n"+line+"\n") && !strings.HasSuffix(content, "\n"+line) {
				t.Errorf("%s: no line %q", file, line)
			}
		}
		if strings.Contains(content, "DATABASE_URL=") {
			t.Errorf("%s: with DATABASE_URL set, DATABASE_URL_FILE is a mistake", file)
		}
	}
	c, err := config.Load(nil)
	if err != nil || c.ListenAddr != ":"+port {
		t.Errorf("listens on %s, %v", c.ListenAddr, err)
	}
}
