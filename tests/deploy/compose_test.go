package deploy

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"hourbank/config"
	"hourbank/tests/harness"
)

var domains = []string{"DOMAIN=hours.example.org", "GRAFANA_DOMAIN=grafana.example.org"}

func TestCompose(t *testing.T) {
	t.Parallel()
	wantSound(t, read(t, "compose.yaml"), lookAtCompose, map[string]string{
		"read_only: true":                                     "readonly: true",
		"cap_drop: [ALL]":                                     "cap_drop: []",
		"no-new-privileges:true":                              "no-new-privileges:false",
		"API_KEYS_FILE":                                       "API_KEY_FILE",
		"/run/secrets/stripe_key":                             "/run/secrets/stripe-key",
		"secrets: [owner_url,":                                "secrets: [owner,",
		"TRUSTED_PROXIES: 172.30.75.2":                        "TRUSTED_PROXIES: 172.30.75.3",
		`ADMIN_LISTEN_ADDR: ":9000"`:                          `ADMIN_LISTEN_ADDR: ":9001"`,
		"    volumes: [\"postgres:":                           "    ports: [\"5432:5432\"]\n    volumes: [\"postgres:",
		"  data: {internal: true}":                            "  data: {}",
		"stop_grace_period: 30s":                              "stop_grace_period: 10s",
		"replicas: 2":                                         "replicas: 1",
		"condition: service_completed":                        "condition: service_complete",
		"      test: [CMD, /hourbank, health]\n":              "      test: [CMD, curl, localhost]\n",
		"serve_url: {file: deploy/compose/secrets/serve_url}": "serve_url: {file: deploy/compose/secrets/serve_uri}",
		"      resources: {limits: {cpus: \"1\", memory: 512M}}\n\n  # Migrates": "\n  # Migrates",
		"./deploy/prometheus:/etc/prometheus":                                    "./deploy/prometeus:/etc/prometheus",
	})
}

func lookAtCompose(t *testing.T, content string) (f findings) {
	file := filepath.Join(t.TempDir(), "compose.yaml")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	printed, err := validated(t, "", domains, "compose", file)
	if err != nil {
		return findings{err.Error()}
	}
	project := gjson.Parse(printed)
	for name, service := range project.Get("services").Map() {
		f.checkService(name, service)
		f.checkMounts(t, name, service)
		f.want(name == "proxy" || !service.Get("ports").Exists(), "%s: only the proxy may be reached from outside", name)
		for network := range service.Get("networks").Map() {
			inside := network == "edge" || project.Get("networks."+network+".internal").Bool()
			f.want(inside, "%s: %s is reached from outside", name, network)
		}
		if strings.HasPrefix(service.Get("image").String(), "hourbank") {
			f.checkSecrets(t, name, service, project)
		}
	}
	serve := project.Get("services.hourbank")
	f.want(serve.Get("deploy.replicas").Int() == 2, "there are not two replicas")
	f.want(serve.Get("environment.TRUSTED_PROXIES").String() == project.Get("services.proxy.networks.edge.ipv4_address").String(),
		"the proxy's address is not the one that is believed")
	grace, err := time.ParseDuration(serve.Get("stop_grace_period").String())
	f.want(err == nil && grace > shutdown, "it is killed after %s", grace)
	f.want(serve.Get("healthcheck.test.@ugly").String() == `["CMD","/hourbank","health"]`, "health is asked by %s", serve.Get("healthcheck.test"))
	scraped := parsed(t, read(t, "deploy/prometheus/prometheus.yml")).Get("scrape_configs.0.dns_sd_configs.0")
	f.want(":"+scraped.Get("port").String() == serve.Get("environment.ADMIN_LISTEN_ADDR").String() && scraped.Get("names.0").String() == "hourbank",
		"Prometheus asks another port than the metrics'")
	return f
}

// shutdown is how long what is in flight may take.
const shutdown = 20 * time.Second

// checkService wants what keeps a container in its place.
func (f *findings) checkService(name string, service gjson.Result) {
	f.want(service.Get("read_only").Bool(), "%s: its root can be written", name)
	f.want(service.Get("cap_drop.@ugly").String() == `["ALL"]`, "%s: keeps capabilities", name)
	f.want(strings.Contains(service.Get("security_opt").String(), "no-new-privileges:true"), "%s: may get privileges", name)
	f.want(service.Get("deploy.resources.limits.memory").Exists() && service.Get("deploy.resources.limits.cpus").Exists(), "%s: has no limits", name)
	f.want(service.Get("healthcheck.test").Exists() || service.Get("healthcheck.disable").Bool(), "%s: nobody asks for its health", name)
}

// checkMounts wants the files that are mounted to be there.
func (f *findings) checkMounts(t *testing.T, name string, service gjson.Result) {
	t.Helper()
	for _, mount := range service.Get("volumes").Array() {
		if mount.Get("type").String() != "bind" {
			continue
		}
		_, source, _ := strings.Cut(mount.Get("source").String(), "deploy/")
		_, err := os.Stat(filepath.Join(harness.ModuleRoot(t), "deploy", source))
		f.want(err == nil && mount.Get("read_only").Bool(), "%s: %s: %v", name, mount, err)
	}
}

var inSecrets = regexp.MustCompile(`^/run/secrets/(\w+)$`)

// checkSecrets wants each file of a secret to be given to the service, and to be made.
func (f *findings) checkSecrets(t *testing.T, name string, service, project gjson.Result) {
	t.Helper()
	environ := map[string]string{}
	paths := []string{}
	for variable, value := range service.Get("environment").Map() {
		environ[variable] = value.String()
		if strings.HasSuffix(variable, "_FILE") {
			paths = append(paths, value.String())
		}
	}
	f.checkEnvironment(t, environ)
	if command := service.Get("command").Array(); len(command) > 0 {
		paths = append(paths, command[len(command)-1].String()) // --password-file
	}
	for _, path := range paths {
		found := inSecrets.FindStringSubmatch(path)
		if found == nil {
			f.want(false, "%s: %s is no secret", name, path)
			continue
		}
		secret := found[1]
		given := service.Get(`secrets.#(source=="` + secret + `")`).Exists()
		file := project.Get("secrets." + secret + ".file").String()
		made := regexp.MustCompile(`(keep|ask) ` + secret + ` `).MatchString(read(t, "deploy/compose/secrets.sh"))
		f.want(given && strings.HasSuffix(file, "deploy/compose/secrets/"+secret) && made, "%s: the secret %s: given %t, made %t, %s", name, secret, given, made, file)
	}
}

// The script makes what compose.yaml names, once, for those who read it alone.
func TestTheSecretsOfCompose(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("files are given to other users by root alone")
	}
	installed(t, "openssl")
	folder := t.TempDir()
	script := filepath.Join(folder, "secrets.sh")
	if err := os.WriteFile(script, []byte(read(t, "deploy/compose/secrets.sh")), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(answers string) {
		command := exec.Command("bash", script)
		command.Stdin = strings.NewReader(answers)
		if _, err := ran(command); err != nil {
			t.Fatal(err)
		}
	}
	run("rk_test_123\n" + harness.WebhookSecret + "\n")
	before := madeSecrets(t, folder)
	loaded := map[string]string{}
	for variable, name := range map[string]string{"DATABASE_URL": "serve_url", "STRIPE_SECRET_KEY": "stripe_key", "STRIPE_WEBHOOK_SECRET": "webhook_secret", "API_KEYS": "api_keys"} {
		loaded[variable] = before[name]
	}
	if _, err := config.Load(loaded); err != nil {
		t.Error(err)
	}
	if !strings.Contains(before["owner_url"], before["postgres_password"]) || !strings.Contains(before["serve_url"], before["serve_password"]) {
		t.Error("an address has another password than its role")
	}
	run("")
	if after := madeSecrets(t, folder); !maps.Equal(before, after) {
		t.Error("it made secrets anew")
	}
}

// madeSecrets are the secrets by name, each for its reader alone.
func madeSecrets(t *testing.T, folder string) map[string]string {
	t.Helper()
	secrets := map[string]string{}
	readers := map[string]uint32{"postgres_password": 999, "grafana_password": 472}
	for _, name := range []string{"postgres_password", "grafana_password", "owner_url", "serve_url", "serve_password", "stripe_key", "webhook_secret", "api_keys"} {
		path := filepath.Join(folder, "secrets", name)
		content, err := os.ReadFile(path)
		info, statErr := os.Stat(path)
		if err != nil || statErr != nil || len(content) == 0 {
			t.Fatalf("%s: %v, %v", name, err, statErr)
		}
		owner := info.Sys().(*syscall.Stat_t).Uid //nolint:forcetypeassert // what it is here
		want, special := readers[name]
		if !special {
			want = 65532
		}
		if info.Mode().Perm() != 0o400 || owner != want {
			t.Errorf("%s: %04o, of %d, want 0400, of %d", name, info.Mode().Perm(), owner, want)
		}
		secrets[name] = string(content)
	}
	return secrets
}

func TestDockerComposeTakesTheFile(t *testing.T) {
	t.Parallel()
	docker := installed(t, "docker")
	if exec.Command(docker, "compose", "version").Run() != nil {
		t.Skip("docker compose is not installed: what it would say was not asked")
	}
	command := exec.Command(docker, "compose", "config", "--quiet")
	command.Dir, command.Env = harness.ModuleRoot(t), append(os.Environ(), domains...)
	if _, err := ran(command); err != nil {
		t.Error(err)
	}
}

func TestTheProxy(t *testing.T) {
	t.Parallel()
	content := read(t, "deploy/compose/Caddyfile")
	if !strings.Contains(content, "name hourbank\n\t\t\tport "+port+"\n") {
		t.Error("it asks another port than Hourbank's")
	}
	caddy := installed(t, "caddy")
	look := func(t *testing.T, content string) (f findings) {
		file := filepath.Join(t.TempDir(), "Caddyfile")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		command := exec.Command(caddy, "validate", "--adapter", "caddyfile", "--config", file)
		command.Env = append(os.Environ(), domains...)
		if _, err := ran(command); err != nil {
			f = findings{err.Error()}
		}
		return f
	}
	wantSound(t, content, look, map[string]string{"least_conn": "least_con", "dynamic a": "dynamic b", "read_header 10s": "read_header 10"})
}
