package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hourbank/config"
)

// long makes a secret that begins so and is long enough.
func long(prefix string) string { return prefix + "-hidden-and-not-guessable-x7Q2" }

// bytes24 are 24 bytes in base64.
const bytes24 = "aGlkZGVuLWFuZC1ub3QtZ3Vlc3NhYmxl"

func TestDefaults(t *testing.T) {
	c, err := config.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.ListenAddr != ":8000" || string(c.DatabaseURL) != "sqlite:hourbank.db" || c.MaxWebhookBytes != 1<<20 ||
		c.ParkFor != 72*time.Hour || c.ReconcileEvery != time.Hour || c.LogFormat != "json" || c.SandboxAddr != "127.0.0.1:12111" {
		t.Errorf("got %+v", c)
	}
	if err := c.RequireWebhookSecret(); err == nil || !strings.HasPrefix(err.Error(), "STRIPE_WEBHOOK_SECRET: ") {
		t.Errorf("without a webhook secret: %v", err)
	}
}

func TestEachMistakeNamesItsVariableAndNotItsValue(t *testing.T) {
	for name, values := range map[string][]string{
		"LISTEN_ADDR":                         {"8000", "localhost"},
		"SANDBOX_ADDR":                        {"nonsense", ":12111"},
		"DATABASE_URL":                        {"mysql://user:hidden@db/x", "hidden"},
		"STRIPE_SECRET_KEY":                   {"pk_test_hidden", "hidden", "sk_hidden", "sk_test_", "sk_test_hid den", "rk_live_…"},
		"STRIPE_PUBLIC_KEY":                   {"sk_test_hidden", "hidden"},
		"STRIPE_WEBHOOK_SECRET":               {"hidden", long("whsec_") + ",hidden", "sk_test_hidden", "whsec_hidden_and_too_short", "whsec_" + strings.Repeat("hidden"[:4], 9), "whsec_hidden…"},
		"STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET": {"hidden"},
		"STRIPE_API_BASE":                     {"api.stripe.com"},
		"API_KEYS": {"hidden", "a:b:hidden", "a:public:hidden", ":read:hidden", "a:read:", "a:read:" + long("") + ",hidden", ",", "a:read:,b:c:hidden",
			"a:read:hidden-and-too-short", "a:read:" + long("1") + ",a:admin:" + long("2"), "a:read:" + long("") + ",b:admin:" + long("")},
		"MAX_WEBHOOK_BYTES": {"0", "-1", "1MB"},
		"PARK_FOR":          {"-1h", "72", "long"},
		"RECONCILE_EVERY":   {"-1s", "often"},
		"LOG_LEVEL":         {"loud"},
		"LOG_FORMAT":        {"xml"},
		"OIDC_GROUPS":       {"support", "support:boss", ":read", "support:read,", "support:read,x"},
		"OIDC_ISSUER":       {"login.example.org", "http://login.example.org"},
		"PUBLIC_URL":        {"hours.example.org", "https://hours.example.org/path", "ftp://x"},
		"TRUSTED_PROXIES":   {"proxy", "10.0.0.1,proxy", "10.0.0.0/33", ","},
		"ADMIN_LISTEN_ADDR": {"9000"},
		"EVENTS_URLS": {"hidden", "https://a", "whsec_" + bytes24, "ftp://a whsec_" + bytes24, "https:// whsec_" + bytes24, "https://u:hidden@a whsec_" + bytes24,
			"https://a hidden", "https://a whsec_hidden", "https://a whsec_" + bytes24[:28], "https://a whsec_" + strings.Repeat("aGlk", 12), "https://a whsec_" + bytes24 + " hidden",
			"https://a whsec_" + strings.Repeat(bytes24, 3), "https://a whsec_" + bytes24 + ",https://a whsec_" + bytes24, "https://a whsec_" + bytes24 + ",", "http://a whsec_" + bytes24},
		"EVENTS_ALLOW_PRIVATE": {"maybe"},
		"EVENTS_EXPIRING_DAYS": {"-1", "367", "a week"},
	} {
		for _, value := range values {
			_, err := config.Load(beside(name, value))
			if err == nil {
				t.Errorf("%s=%s was taken", name, value)
				continue
			}
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, name+": ") || strings.Contains(line, "hidden") || strings.Contains(line, "aGlk") {
					t.Errorf("%s=%s: %v", name, value, err)
				}
			}
		}
	}
}

// beside sets variables, pairs of a name and a value, beside what those of
// OpenID Connect are required with.
func beside(pairs ...string) map[string]string {
	environ := map[string]string{}
	if strings.HasPrefix(pairs[0], "OIDC_") {
		environ = oidc()
	}
	for i := 0; i < len(pairs); i += 2 {
		environ[pairs[i]] = pairs[i+1]
	}
	return environ
}

func oidc() map[string]string {
	return map[string]string{
		"PUBLIC_URL": "https://hours.example.org", "OIDC_ISSUER": "https://login.example.org", "OIDC_CLIENT_ID": "hourbank",
		"OIDC_CLIENT_SECRET": "hidden", "OIDC_GROUPS": "support:read, urn:x:finance:admin,desk:price",
	}
}

func TestOpenIDConnectIsSetAsAWholeOrNotAtAll(t *testing.T) {
	c, err := config.Load(oidc())
	if err != nil || !c.HasOIDC() {
		t.Fatal(err)
	}
	for _, row := range []struct {
		groups []string
		want   config.Role
	}{
		{nil, config.RolePublic}, {[]string{"urn", "Support"}, config.RolePublic}, {[]string{"support"}, config.RoleRead},
		{[]string{"support", "urn:x:finance", "others"}, config.RoleAdmin}, {[]string{"desk", "support"}, config.RolePrice},
	} {
		if got := c.OIDCGroups.RoleOf(row.groups); got != row.want {
			t.Errorf("%v are %s, want %s", row.groups, got, row.want)
		}
	}
	for name := range oidc() {
		environ := oidc()
		delete(environ, name)
		if _, err := config.Load(environ); err == nil || !strings.HasPrefix(err.Error(), name+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("without %s: %v", name, err)
		}
	}
	environ := oidc()
	environ["OIDC_ISSUER"] = "http://127.0.0.1:5556"
	if _, err := config.Load(environ); err != nil {
		t.Errorf("a provider on this machine: %v", err)
	}
}

func TestTrustedProxiesAreAddressesOrNetworks(t *testing.T) {
	c, err := config.Load(map[string]string{"TRUSTED_PROXIES": "10.0.0.1, 192.168.0.0/16,::1"})
	if got := fmt.Sprint(c.TrustedProxies.Strings()); err != nil || got != "[10.0.0.1/32 192.168.0.0/16 ::1/128]" {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestModesMustAgree(t *testing.T) {
	for _, row := range []struct {
		secret, public string
		ok, live       bool
	}{
		{"sk_test_1", "pk_test_1", true, false}, {"sk_live_1", "pk_live_1", true, true}, {"rk_live_1", "pk_live_1", true, true},
		{"sk_test_1", "pk_live_1", false, false}, {"sk_live_1", "pk_test_1", false, true}, {"", "pk_live_1", true, false}, {"rk_test_1", "", true, false},
	} {
		c, err := config.Load(map[string]string{"STRIPE_SECRET_KEY": row.secret, "STRIPE_PUBLIC_KEY": row.public})
		if (err == nil) != row.ok || c.Live() != row.live {
			t.Errorf("%+v: live %t, %v", row, c.Live(), err)
		}
	}
}

func TestSecretsFromFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for name, content := range map[string]string{
		"DATABASE_URL": "postgres://user:hidden@db/x", "STRIPE_SECRET_KEY": "sk_test_hidden", "STRIPE_PUBLIC_KEY": "pk_test_hidden",
		"STRIPE_WEBHOOK_SECRET": long("whsec_"), "STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET": long("whsec_"), "API_KEYS": "a:read:" + long(""), "OIDC_CLIENT_SECRET": "hidden",
		"EVENTS_URLS": "https://a whsec_" + bytes24 + ", https://b/c?d=e  whsec_" + bytes24 + " whsec_" + bytes24,
	} {
		if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		direct, err1 := config.Load(beside(name, content))
		filed, err2 := config.Load(beside(name, "", name+"_FILE", path))
		if err1 != nil || err2 != nil || fmt.Sprintf("%v", *direct) != fmt.Sprintf("%v", *filed) {
			t.Errorf("%s: %v, %v", name, err1, err2)
		}
		for mistake, environ := range map[string]map[string]string{
			"both":    {name: content, name + "_FILE": path},
			"no file": {name + "_FILE": path + ".nothing"},
		} {
			if _, err := config.Load(environ); err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("%s, %s: %v", name, mistake, err)
			}
		}
	}
}

func TestKeysAreFoundByTheirSecretAlone(t *testing.T) {
	c, err := config.Load(map[string]string{"API_KEYS": "shop:write:" + long("abc:def") + ", staff:admin:" + long("xyz") + ", desk:price:" + long("d")})
	if err != nil {
		t.Fatal(err)
	}
	for secret, want := range map[string]config.Role{
		long("abc:def"): config.RoleWrite, long("xyz"): config.RoleAdmin, long("d"): config.RolePrice, "abc": 0, "": 0, "shop": 0, long("XYZ"): 0, long("abc"): 0,
	} {
		if key, ok := c.APIKeys.Find(secret); key.Role != want || ok != (want != 0) {
			t.Errorf("%q is %s of %q", secret, key.Role, key.Name)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	c, err := config.Load(map[string]string{
		"DATABASE_URL": "postgres://u:hidden@db/x", "STRIPE_SECRET_KEY": "sk_test_hidden", "STRIPE_WEBHOOK_SECRET": long("whsec_"),
		"STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET": long("whsec_"), "API_KEYS": "a:read:" + long(""),
		"EVENTS_URLS": "https://a whsec_" + bytes24,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if printed := fmt.Sprintf(format, *c); strings.Contains(printed, "hidden") || strings.Contains(printed, bytes24) {
			t.Errorf("%s shows %s", format, printed)
		}
	}
}

func TestSubscriptionsHaveTheirOwnSecretOrTheFirst(t *testing.T) {
	for _, row := range []struct{ main, own, want string }{
		{long("whsec_1"), "", "[" + long("whsec_1") + "]"},
		{long("whsec_1"), long("whsec_2") + ", " + long("whsec_3"), "[" + long("whsec_2") + " " + long("whsec_3") + "]"},
	} {
		c, err := config.Load(map[string]string{"STRIPE_WEBHOOK_SECRET": row.main, "STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET": row.own})
		if got := fmt.Sprint(c.SubscriptionSecrets()); err != nil || got != row.want {
			t.Errorf("%+v: got %s, %v", row, got, err)
		}
	}
}
