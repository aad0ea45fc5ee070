package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"hourbank/tests/harness"
)

const kubernetes = "deploy/kubernetes"

func TestKubernetes(t *testing.T) {
	t.Parallel()
	wantSound(t, manifests(t), lookAtKubernetes, map[string]string{
		"replicas: 2":                             "replica: 2",
		"terminationGracePeriodSeconds: 30":       "terminationGracePeriodSeconds: 20",
		"runAsUser: 65532":                        "runAsUser: 1000",
		"readOnlyRootFilesystem: true":            "readOnlyRootFilesystem: false",
		"capabilities: {drop: [ALL]}":             "capabilities: {}",
		"limits: {memory: 512Mi}":                 "limits: {}",
		"path: /readyz":                           "path: /ready",
		"containerPort: 8000":                     "containerPort: 8080",
		"containerPort: 9000":                     "containerPort: 9001",
		"API_KEYS_FILE":                           "API_KEY_FILE",
		"value: /run/secrets/hourbank/serve_url":  "value: /run/secrets/hourbank/url",
		"secretName: hourbank-migrate":            "secretName: hourbank-serve",
		"targetPort: http":                        "targetPort: web",
		"[{port: metrics, protocol: TCP}]":        "[{port: metric, protocol: TCP}]",
		"ADMIN_LISTEN_ADDR=:9000":                 "ADMIN_LISTEN=:9000",
		"/run/secrets/hourbank/serve_password]":   "/run/secrets/hourbank/password]",
		"minAvailable: 1":                         "minAvailable: 2",
		"selector: {app.kubernetes.io/name: hour": "selector: {app.kubernetes.io/name: our",
		"defaultMode: 0440":                       "defaultMode: 0444",
	})
}

// manifests are all files as one, each document behind a line "---".
func manifests(t *testing.T) string {
	t.Helper()
	all := []string{}
	list := parsed(t, read(t, kubernetes+"/kustomization.yaml"))
	for _, resource := range list.Get("resources").Array() {
		all = append(all, read(t, filepath.Join(kubernetes, resource.String())))
	}
	return strings.Join(append(all, read(t, kubernetes+"/secret.example.yaml"), read(t, kubernetes+"/kustomization.yaml")), "\n---\n")
}

func lookAtKubernetes(t *testing.T, content string) (f findings) {
	documents := strings.Split(content, "\n---\n")
	list := parsed(t, documents[len(documents)-1])
	if _, err := validated(t, strings.Join(documents[:len(documents)-1], "\n---\n"), nil, "kubernetes"); err != nil {
		return findings{err.Error()}
	}
	environ := map[string]string{}
	for _, literal := range list.Get("configMapGenerator.0.literals").Array() {
		name, value, _ := strings.Cut(literal.String(), "=")
		environ[name] = value
	}
	named := map[string]gjson.Result{}
	for _, document := range documents[:len(documents)-1] {
		d := parsed(t, document)
		named[d.Get("kind").String()+" "+d.Get("metadata.name").String()] = d
	}
	serve, migrate := named["Deployment hourbank"].Get("spec"), named["Job hourbank-migrate"].Get("spec")
	f.checkPod(t, serve.Get("template.spec"), named, environ)
	f.checkPod(t, migrate.Get("template.spec"), named, nil)
	f.checkServing(serve, environ)
	f.checkNames(serve, named)
	f.want(serve.Get("replicas").Int() > named["PodDisruptionBudget hourbank"].Get("spec.minAvailable").Int(), "no node could ever be drained")
	return f
}

// checkPod wants a pod to be kept in its place, and its secrets to be there.
func (f *findings) checkPod(t *testing.T, pod gjson.Result, named map[string]gjson.Result, shared map[string]string) {
	t.Helper()
	container := pod.Get("containers.0")
	name := container.Get("name").String()
	for path, want := range map[string]string{
		"securityContext.runAsUser": user, "securityContext.fsGroup": user, "securityContext.runAsNonRoot": "true",
		"securityContext.seccompProfile.type": "RuntimeDefault", "automountServiceAccountToken": "false",
		"containers.0.securityContext.allowPrivilegeEscalation": "false", "containers.0.securityContext.readOnlyRootFilesystem": "true",
		"containers.0.securityContext.capabilities.drop": `["ALL"]`, "containers.0.image": "hourbank", "containers.#": "1",
	} {
		f.want(pod.Get(path).String() == want, "%s: %s is %q, want %q", name, path, pod.Get(path), want)
	}
	f.want(container.Get("resources.requests.memory").Exists() && container.Get("resources.limits.memory").Exists(), "%s: has no limit of memory", name)
	volume := pod.Get("volumes.0.secret")
	mode := volume.Get("defaultMode").Int()
	f.want(mode == 0o440 || mode == 440, "%s: others read its secrets: %o", name, mode) // 0440, as YAML 1.2 or 1.1 reads it
	keys := named["Secret "+volume.Get("secretName").String()].Get("stringData")
	environ, paths := map[string]string{}, []string{}
	for variable, value := range shared {
		environ[variable] = value
	}
	for _, one := range container.Get("env").Array() {
		environ[one.Get("name").String()] = one.Get("value").String()
		paths = append(paths, one.Get("value").String())
	}
	f.checkEnvironment(t, environ)
	if args := container.Get("args").Array(); len(args) > 1 {
		paths = append(paths, args[len(args)-1].String()) // --password-file
	}
	for _, path := range paths {
		key, inside := strings.CutPrefix(path, container.Get("volumeMounts.0.mountPath").String()+"/")
		f.want(inside && keys.Get(key).Exists(), "%s: %s is not in the secret %s", name, path, volume.Get("secretName"))
	}
}

// checkServing wants probes of what is served, and time to end.
func (f *findings) checkServing(serve gjson.Result, environ map[string]string) {
	container := serve.Get("template.spec.containers.0")
	for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		path := container.Get(probe + ".httpGet.path").String()
		f.want(isServed(path) && container.Get(probe+".httpGet.port").String() == "http", "%s: %s is not served", probe, path)
	}
	f.want(container.Get(`ports.#(name=="http").containerPort`).String() == port, "http is another port than Hourbank's")
	f.want(":"+container.Get(`ports.#(name=="metrics").containerPort`).String() == environ["ADMIN_LISTEN_ADDR"], "metrics is another port than ADMIN_LISTEN_ADDR's")
	grace := time.Duration(serve.Get("template.spec.terminationGracePeriodSeconds").Int()) * time.Second
	told := time.Duration(container.Get("lifecycle.preStop.sleep.seconds").Int()) * time.Second
	f.want(told > 0 && grace > told+shutdown, "it is killed after %s", grace)
	f.want(serve.Get("template.spec.topologySpreadConstraints.#").Int() > 0, "replicas may all be on one node")
}

// checkNames wants what is selected, and the ports that are named, to be there.
func (f *findings) checkNames(serve gjson.Result, named map[string]gjson.Result) {
	const label = `app\.kubernetes\.io/name`
	pods := serve.Get("template.metadata.labels." + label).String()
	for name, d := range named {
		for _, selector := range []string{"spec.selector", "spec.selector.matchLabels", "spec.podSelector.matchLabels"} {
			selected := d.Get(selector + "." + label)
			f.want(!selected.Exists() || selected.String() == pods || selected.String() == "hourbank-migrate", "%s selects %s", name, selected)
		}
		ports := append(d.Get("spec.ports.#.targetPort").Array(), d.Get("spec.ingress.#.ports.0.port").Array()...)
		for _, one := range ports {
			f.want(serve.Get(`template.spec.containers.0.ports.#(name=="`+one.String()+`")`).Exists(), "%s: no port %s", name, one)
		}
	}
	for _, name := range []string{"NetworkPolicy hourbank", "NetworkPolicy hourbank-migrate", "PodDisruptionBudget hourbank", "Service hourbank", "Service hourbank-metrics"} {
		f.want(named[name].Exists(), "there is no %s", name)
	}
}

func TestKustomizeTakesTheFiles(t *testing.T) {
	t.Parallel()
	kubectl := installed(t, "kubectl")
	folder := filepath.Join(harness.ModuleRoot(t), kubernetes)
	printed, err := ran(exec.Command(kubectl, "kustomize", folder))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := validated(t, strings.TrimSpace(printed), nil, "kubernetes"); err != nil {
		t.Error(err)
	}
	for _, part := range []string{"image: registry.example.org/hourbank:v0.1.0", "namespace: hourbank", "name: hourbank-"} {
		if !strings.Contains(printed, part) {
			t.Errorf("no %q in:\n%s", part, printed)
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	list := parsed(t, read(t, kubernetes+"/kustomization.yaml")).Get("resources").Array()
	for _, file := range files {
		apart := file.Name() == "kustomization.yaml" || strings.HasPrefix(file.Name(), "secret.")
		if !apart && !slices.ContainsFunc(list, func(r gjson.Result) bool { return r.String() == file.Name() }) {
			t.Errorf("%s is in no list of kustomization.yaml", file.Name())
		}
	}
}
