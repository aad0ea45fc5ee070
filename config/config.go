// Package config reads the environment into one checked value. It imports
// nothing of ours.
package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"go.uber.org/zap/zapcore"
)

// Config is everything that can be set. README.md documents each name.
type Config struct {
	ListenAddr  string `env:"LISTEN_ADDR" envDefault:":8000"`
	DatabaseURL Secret `env:"DATABASE_URL" envDefault:"sqlite:hourbank.db"` // may hold a password

	StripeSecretKey                  Secret  `env:"STRIPE_SECRET_KEY"`
	StripePublicKey                  string  `env:"STRIPE_PUBLIC_KEY"`
	StripeWebhookSecrets             Secrets `env:"STRIPE_WEBHOOK_SECRET"`
	StripeSubscriptionsWebhookSecret Secrets `env:"STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET"` // empty: as above
	StripeAPIBase                    string  `env:"STRIPE_API_BASE"`
	StripeAccount                    string  `env:"STRIPE_ACCOUNT"` // our own, where events name it
	StripeMode                       string  `env:"STRIPE_MODE"`    // "live" or "test"; empty: the secret key's

	APIKeys APIKeys `env:"API_KEYS"`

	Endpoints          Endpoints `env:"EVENTS_URLS"` // where signed events go
	EventsAllowPrivate bool      `env:"EVENTS_ALLOW_PRIVATE"`
	EventsExpiringDays int       `env:"EVENTS_EXPIRING_DAYS" envDefault:"7"` // before hours end; 0: never

	PublicURL        string `env:"PUBLIC_URL"` // how browsers reach us; empty: as they say
	OIDCIssuer       string `env:"OIDC_ISSUER"`
	OIDCClientID     string `env:"OIDC_CLIENT_ID"`
	OIDCClientSecret Secret `env:"OIDC_CLIENT_SECRET"`
	OIDCGroups       Groups `env:"OIDC_GROUPS"`

	TrustedProxies  Networks `env:"TRUSTED_PROXIES"` // whose X-Forwarded-For and -Proto are believed
	AdminListenAddr string   `env:"ADMIN_LISTEN_ADDR"`

	SandboxAddr       string        `env:"SANDBOX_ADDR" envDefault:"127.0.0.1:12111"`
	MaxWebhookBytes   int64         `env:"MAX_WEBHOOK_BYTES" envDefault:"1048576"`
	ParkFor           time.Duration `env:"PARK_FOR" envDefault:"72h"`
	OtherPayments     string        `env:"OTHER_PAYMENTS" envDefault:"case"`
	RetainPayloadsFor time.Duration `env:"RETAIN_PAYLOADS_FOR" envDefault:"0"` // 0: for ever
	ReconcileEvery    time.Duration `env:"RECONCILE_EVERY" envDefault:"1h"`    // 0: never
	LogLevel          zapcore.Level `env:"LOG_LEVEL" envDefault:"info"`
	LogFormat         string        `env:"LOG_FORMAT" envDefault:"json"`

	Traces Traces

	Sandbox bool // serve --sandbox: the console has a till
}

// What OTHER_PAYMENTS may be: whether payments that name nothing of ours open
// a case, or are only a list of events to look at.
const (
	CaseOthers = "case"
	ListOthers = "list"
)

// secretNames are the variables that may also be given as NAME_FILE, the way
// container platforms mount secrets.
var secretNames = []string{
	"DATABASE_URL", "STRIPE_SECRET_KEY", "STRIPE_PUBLIC_KEY", "STRIPE_WEBHOOK_SECRET",
	"STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET", "API_KEYS", "EVENTS_URLS", "OIDC_CLIENT_SECRET",
}

// SecretNames are the variables that may be given as files.
func SecretNames() []string { return slices.Clone(secretNames) }

// Load reads and checks the environment. The error holds one line for every
// mistake, each naming its variable and none showing a secret. The Config is
// usable in so far as there were no mistakes.
func Load(environ map[string]string) (*Config, error) {
	environ, mistakes := readFiles(environ)
	var c Config
	err := env.ParseWithOptions(&c, env.Options{Environment: environ})
	if many, ok := errors.AsType[env.AggregateError](err); ok {
		for _, one := range many.Errors {
			mistakes = append(mistakes, explain(one))
		}
	} else if err != nil {
		mistakes = append(mistakes, err)
	}
	for _, mistake := range c.check() {
		if !slices.ContainsFunc(mistakes, func(e error) bool { return variableOf(e) == variableOf(mistake) }) {
			mistakes = append(mistakes, mistake)
		}
	}
	return &c, errors.Join(mistakes...)
}

// RequireWebhookSecret is the mistake of serving without one.
func (c *Config) RequireWebhookSecret() error {
	if len(c.StripeWebhookSecrets) == 0 {
		return errors.New("STRIPE_WEBHOOK_SECRET: required; it is the signing secret (whsec_…) of the webhook endpoint in Stripe's dashboard or of \"stripe listen\"")
	}
	return nil
}

// SubscriptionSecrets are the secrets of the subscriptions' own address.
func (c *Config) SubscriptionSecrets() []string {
	if len(c.StripeSubscriptionsWebhookSecret) > 0 {
		return c.StripeSubscriptionsWebhookSecret
	}
	return c.StripeWebhookSecrets
}

func readFiles(environ map[string]string) (map[string]string, []error) {
	environ = maps.Clone(environ)
	var mistakes []error
	for _, name := range secretNames {
		path := environ[name+"_FILE"]
		switch {
		case path == "":
		case environ[name] != "":
			mistakes = append(mistakes, fmt.Errorf("%s: set it or %s_FILE, not both", name, name))
		default:
			content, err := os.ReadFile(path) //nolint:gosec // the operator names the file
			if err != nil {
				mistakes = append(mistakes, fmt.Errorf("%s_FILE: %w", name, err))
			}
			environ[name] = strings.TrimSpace(string(content))
		}
	}
	return environ, mistakes
}

// explain words a parse error by the variable's name instead of the field's,
// on each of its lines.
func explain(err error) error {
	parse, ok := errors.AsType[env.ParseError](err)
	if !ok {
		return err
	}
	field, _ := reflect.TypeFor[Config]().FieldByName(parse.Name)
	name := field.Tag.Get("env") + ": "
	return errors.New(name + strings.ReplaceAll(parse.Err.Error(), "\n", "\n"+name))
}

// variableOf is the variable that a mistake names.
func variableOf(mistake error) string {
	name, _, _ := strings.Cut(mistake.Error(), ":")
	return name
}

func (c *Config) check() []error {
	var mistakes []error
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			mistakes = append(mistakes, fmt.Errorf(format, args...))
		}
	}
	for name, address := range map[string]string{"LISTEN_ADDR": c.ListenAddr, "SANDBOX_ADDR": c.SandboxAddr} {
		_, _, err := net.SplitHostPort(address)
		expect(err == nil, "%s: %q is not an address such as \":8000\"", name, address)
	}
	if c.AdminListenAddr != "" {
		_, _, err := net.SplitHostPort(c.AdminListenAddr)
		expect(err == nil, "ADMIN_LISTEN_ADDR: %q is not an address such as \"127.0.0.1:9000\"", c.AdminListenAddr)
	}
	c.checkOIDC(expect)
	c.checkEndpoints(expect)
	c.Traces.check(expect)
	host, _, _ := net.SplitHostPort(c.SandboxAddr)
	expect(host != "", "SANDBOX_ADDR: must name a host: 127.0.0.1, or 0.0.0.0 to let others pay and refund, too")
	expect(hasPrefix(string(c.DatabaseURL), "sqlite:", "postgres://", "postgresql://"),
		"DATABASE_URL: must start with sqlite: or postgres://")
	expect(c.StripeSecretKey == "" || hasPrefix(string(c.StripeSecretKey), "sk_test_", "sk_live_", "rk_test_", "rk_live_"),
		"STRIPE_SECRET_KEY: must start with sk_test_ or sk_live_ (or rk_…, restricted)")
	expect(c.StripePublicKey == "" || hasPrefix(c.StripePublicKey, "pk_test_", "pk_live_"),
		"STRIPE_PUBLIC_KEY: must start with pk_test_ or pk_live_")
	expect(slices.Contains([]string{"", "live", "test"}, c.StripeMode), "STRIPE_MODE: must be live or test")
	expect(c.StripeMode == "" || c.StripeSecretKey == "" || c.Live() == (c.StripeMode == "live"), "STRIPE_MODE: is another mode than STRIPE_SECRET_KEY's")
	expect(c.StripeAccount == "" || strings.HasPrefix(c.StripeAccount, "acct_"), "STRIPE_ACCOUNT: must start with acct_")
	expect(slices.Contains([]string{CaseOthers, ListOthers}, c.OtherPayments), "OTHER_PAYMENTS: must be case or list")
	expect(c.ModesAgree(), "STRIPE_PUBLIC_KEY: is for another mode (test or live) than STRIPE_SECRET_KEY")
	for name, secrets := range map[string]Secrets{
		"STRIPE_WEBHOOK_SECRET": c.StripeWebhookSecrets, "STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET": c.StripeSubscriptionsWebhookSecret,
	} {
		for _, secret := range secrets {
			expect(strings.HasPrefix(secret, "whsec_"), "%s: each secret must start with whsec_", name)
		}
	}
	expect(c.StripeAPIBase == "" || hasPrefix(c.StripeAPIBase, "http://", "https://"),
		"STRIPE_API_BASE: must start with http:// or https://")
	expect(c.MaxWebhookBytes > 0, "MAX_WEBHOOK_BYTES: must be more than 0")
	expect(c.ParkFor >= 0, "PARK_FOR: must not be negative")
	expect(c.EventsExpiringDays >= 0 && c.EventsExpiringDays <= 366, "EVENTS_EXPIRING_DAYS: must be days, from 0, which means never, to 366")
	expect(c.RetainPayloadsFor >= 0, "RETAIN_PAYLOADS_FOR: must not be negative; 0 means for ever")
	expect(c.ReconcileEvery >= 0, "RECONCILE_EVERY: must not be negative; 0 means never")
	expect(slices.Contains([]string{"json", "console"}, c.LogFormat), "LOG_FORMAT: must be json or console")
	expect(!c.Live() || !c.apiInClear(), "STRIPE_API_BASE: a live key must not go over the network by plain http")
	mistakes = append(mistakes, c.checkSecrets()...)
	slices.SortFunc(mistakes, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return mistakes
}

// ModesAgree says whether the secret and the public key, where both are set,
// are of the same mode.
func (c *Config) ModesAgree() bool {
	return c.StripeSecretKey == "" || c.StripePublicKey == "" ||
		c.Live() == strings.HasPrefix(c.StripePublicKey, "pk_live_")
}

// Mode is which money is ours: "live", "test", "sandbox", or empty where
// nothing says it.
func (c *Config) Mode() string {
	switch {
	case c.Sandbox:
		return "sandbox"
	case c.StripeSecretKey == "":
		return c.StripeMode
	case c.Live():
		return "live"
	default:
		return "test"
	}
}

// Live says whether the secret key moves real money.
func (c *Config) Live() bool { return hasPrefix(string(c.StripeSecretKey), "sk_live_", "rk_live_") }

func hasPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(s, prefix) })
}
