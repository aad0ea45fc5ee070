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
		"STRIPE_SECRET_KEY":                   {"pk_test_hidden", "hidden", "sk_hidden"},
		"STRIPE_PUBLIC_KEY":                   {"sk_test_hidden", "hidden"},
		"STRIPE_WEBHOOK_SECRET":               {"hidden", "whsec_a,hidden", "sk_test_hidden"},
		"STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET": {"hidden"},
		"STRIPE_API_BASE":                     {"api.stripe.com"},
		"API_KEYS":                            {"hidden", "a:b:hidden", "a:public:hidden", ":read:hidden", "a:read:", "a:read:x,hidden", ",", "a:read:,b:c:hidden"},
		"MAX_WEBHOOK_BYTES":                   {"0", "-1", "1MB"},
		"PARK_FOR":                            {"-1h", "72", "long"},
		"RECONCILE_EVERY":                     {"-1s", "often"},
		"LOG_LEVEL":                           {"loud"},
		"LOG_FORMAT":                          {"xml"},
	} {
		for _, value := range values {
			_, err := config.Load(map[string]string{name: value})
			if err == nil {
				t.Errorf("%s=%s was taken", name, value)
				continue
			}
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, name+": ") || strings.Contains(line, "hidden") {
					t.Errorf("%s=%s: %v", name, value, err)
				}
			}
		}
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
		"STRIPE_WEBHOOK_SECRET": "whsec_hidden", "STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET": "whsec_hidden", "API_KEYS": "a:read:hidden",
	} {
		if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		direct, err1 := config.Load(map[string]string{name: content})
		filed, err2 := config.Load(map[string]string{name + "_FILE": path})
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
	c, err := config.Load(map[string]string{"API_KEYS": "shop:write:abc:def, staff:admin:xyz"})
	if err != nil {
		t.Fatal(err)
	}
	for secret, want := range map[string]config.Role{"abc:def": config.RoleWrite, "xyz": config.RoleAdmin, "abc": 0, "": 0, "shop": 0, "XYZ": 0} {
		if key, ok := c.APIKeys.Find(secret); key.Role != want || ok != (want != 0) {
			t.Errorf("%q is %s of %q", secret, key.Role, key.Name)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	c, err := config.Load(map[string]string{
		"DATABASE_URL": "postgres://u:hidden@db/x", "STRIPE_SECRET_KEY": "sk_test_hidden", "STRIPE_WEBHOOK_SECRET": "whsec_hidden",
		"STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET": "whsec_hidden", "API_KEYS": "a:read:hidden",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if printed := fmt.Sprintf(format, *c); strings.Contains(printed, "hidden") {
			t.Errorf("%s shows %s", format, printed)
		}
	}
}

func TestSubscriptionsHaveTheirOwnSecretOrTheFirst(t *testing.T) {
	for _, row := range []struct{ main, own, want string }{{"whsec_1", "", "[whsec_1]"}, {"whsec_1", "whsec_2, whsec_3", "[whsec_2 whsec_3]"}} {
		c, err := config.Load(map[string]string{"STRIPE_WEBHOOK_SECRET": row.main, "STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET": row.own})
		if got := fmt.Sprint(c.SubscriptionSecrets()); err != nil || got != row.want {
			t.Errorf("%+v: got %s, %v", row, got, err)
		}
	}
}
