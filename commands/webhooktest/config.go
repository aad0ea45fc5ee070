package webhooktest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hourbank/config"
	"hourbank/database"
	"hourbank/models"
	"hourbank/services/owner"
)

const databaseCheckTimeout = 10 * time.Second

// setting is one variable, as --validate-config shows it.
type setting struct {
	name     string
	expected string
	shown    string // safe to show; empty: not set
	unset    string // why it may be unset; empty: it may not
}

// checkConfig reports on every setting, then on what the settings lead to.
func (t *webhookTest) checkConfig(ctx context.Context) error {
	mistakes := mistakesByName(t.mistakes)
	for _, s := range settings(t.cfg) {
		wrong := mistakes[s.name]
		delete(mistakes, s.name)
		switch {
		case len(wrong) > 0:
			t.fail(s.name, s.expected, "a mistake", strings.Join(wrong, "\n"))
		case s.shown != "":
			t.pass(s.name, s.shown)
		case s.unset != "":
			t.skip(s.name, "not set: "+s.unset)
		default:
			t.fail(s.name, s.expected, "not set", "From the endpoint's page in Stripe's dashboard, or from \"stripe listen\".")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(mistakes)) { // of a setting that is not listed here
		t.fail(name, "no mistake", "a mistake", strings.Join(mistakes[name], "\n"))
	}
	if t.mistakes != nil {
		t.blocked = "the configuration has mistakes"
	}
	for _, warning := range t.cfg.Warnings() {
		name, why, _ := strings.Cut(warning, ": ")
		t.warn(name, why)
	}
	t.checkModes()
	t.checkDatabase(ctx)
	t.checkStripe(ctx)
	return nil
}

// mistakesByName groups the lines of config.Load's error by variable.
func mistakesByName(joined error) map[string][]string {
	byName := map[string][]string{}
	many, ok := joined.(interface{ Unwrap() []error })
	if !ok {
		return byName
	}
	for _, mistake := range many.Unwrap() {
		name, text, _ := strings.Cut(mistake.Error(), ": ")
		name = strings.TrimSuffix(name, "_FILE")
		if name == "STRIPE_PUBLIC_KEY" && strings.Contains(text, "another mode") {
			continue // has a line of its own
		}
		byName[name] = append(byName[name], strings.Split(text, "\n")...)
	}
	return byName
}

// settings lists every variable in the order of the README.
func settings(cfg *config.Config) []setting {
	return append([]setting{
		{name: "LISTEN_ADDR", expected: "an address such as :8000", shown: cfg.ListenAddr},
		{name: "DATABASE_URL", expected: "sqlite:PATH or postgres://…", shown: showDatabaseURL(string(cfg.DatabaseURL))},
		{name: "STRIPE_SECRET_KEY", expected: "sk_test_… or sk_live_…", shown: showKey(string(cfg.StripeSecretKey)),
			unset: "Stripe's API can't be asked (purchases, reconcile)"},
		{name: "STRIPE_PUBLIC_KEY", expected: "pk_test_… or pk_live_…", shown: showKey(cfg.StripePublicKey),
			unset: "browsers can't be given one"},
		{name: "STRIPE_WEBHOOK_SECRET", expected: "whsec_…", shown: showSecrets(cfg.StripeWebhookSecrets)},
		{name: "STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET", expected: "whsec_…", shown: showSecrets(cfg.StripeSubscriptionsWebhookSecret),
			unset: "STRIPE_WEBHOOK_SECRET is used there too"},
		{name: "STRIPE_API_BASE", expected: "http://… or https://…", shown: cfg.StripeAPIBase, unset: "Stripe's own address is used"},
		{name: "STRIPE_ACCOUNT", expected: "acct_…", shown: cfg.StripeAccount, unset: "events that name an account are foreign"},
		{name: "STRIPE_MODE", expected: "live or test", shown: showMode(cfg)},
	}, otherSettings(cfg)...)
}

func otherSettings(cfg *config.Config) []setting {
	return []setting{
		{name: "API_KEYS", expected: "name:role:secret, …", shown: showCount(len(cfg.APIKeys), "key"), unset: "the API answers 401 to everyone"},
		{name: "SANDBOX_ADDR", expected: "an address such as 127.0.0.1:12111", shown: cfg.SandboxAddr},
		{name: "MAX_WEBHOOK_BYTES", expected: "a number above 0", shown: fmt.Sprint(cfg.MaxWebhookBytes)},
		{name: "PARK_FOR", expected: "a time such as 72h", shown: fmt.Sprint(cfg.ParkFor)},
		{name: "OTHER_PAYMENTS", expected: "case or list", shown: cfg.OtherPayments},
		{name: "RECONCILE_EVERY", expected: "a time such as 1h, or 0", shown: fmt.Sprint(cfg.ReconcileEvery)},
		{name: "LOG_LEVEL", expected: "debug, info, warn or error", shown: cfg.LogLevel.String()},
		{name: "LOG_FORMAT", expected: "json or console", shown: cfg.LogFormat},
	}
}

// showDatabaseURL leaves out the user, the password and the options.
func showDatabaseURL(databaseURL string) string {
	if path, ok := database.SQLitePath(databaseURL); ok {
		return "SQLite, " + path
	}
	address, err := url.Parse(databaseURL)
	if err != nil {
		return "PostgreSQL"
	}
	return strings.TrimSpace("PostgreSQL, " + address.Host + address.Path)
}

// showKey shows what a key is for, and nothing that is secret in it.
func showKey(key string) string {
	for _, kind := range []string{"sk", "rk", "pk"} {
		for _, mode := range []string{"test", "live"} {
			if prefix := kind + "_" + mode + "_"; strings.HasPrefix(key, prefix) {
				return fmt.Sprintf("%s…, %s mode", prefix, mode)
			}
		}
	}
	return ""
}

// showMode shows of which mode events must be.
func showMode(cfg *config.Config) string {
	switch {
	case cfg.StripeMode != "":
		return cfg.StripeMode
	case cfg.Mode() == "":
		return "not set, nor a secret key: the first event says it"
	default:
		return cfg.Mode() + ", as STRIPE_SECRET_KEY"
	}
}

func showSecrets(secrets []string) string { return showCount(len(secrets), "secret") }

func showCount(n int, what string) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "1 " + what
	default:
		return fmt.Sprintf("%d %ss", n, what)
	}
}

func (t *webhookTest) checkModes() {
	const name, expected = "modes agree", "both keys of test mode, or both of live mode"
	secret, public := showKey(string(t.cfg.StripeSecretKey)), showKey(t.cfg.StripePublicKey)
	switch {
	case secret == "" || public == "":
		t.skip(name, "needs STRIPE_SECRET_KEY and STRIPE_PUBLIC_KEY")
	case t.cfg.ModesAgree():
		t.pass(name, "both keys are for the same mode")
	default:
		t.fail(name, expected, secret+" and "+public, "STRIPE_PUBLIC_KEY is for another mode (test or live) than STRIPE_SECRET_KEY.")
	}
}

// checkDatabase looks, and changes nothing: commands that need the schema
// bring it up to date themselves.
func (t *webhookTest) checkDatabase(ctx context.Context) {
	const reach, schema = "database reachable", "database migrated"
	if len(mistakesByName(t.mistakes)["DATABASE_URL"]) > 0 {
		t.skip(reach, "DATABASE_URL is wrong")
		t.skip(schema, "DATABASE_URL is wrong")
		return
	}
	if willBeMade(string(t.cfg.DatabaseURL)) {
		t.skip(reach, "there is no such file yet; the first start makes it")
		t.skip(schema, "there is no such file yet; the first start makes it")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, databaseCheckTimeout)
	defer cancel()
	db, err := database.Open(ctx, string(t.cfg.DatabaseURL))
	if err != nil {
		t.blocked = "the database can't be reached"
		t.fail(reach, "an answer within "+databaseCheckTimeout.String(), "none", err.Error())
		t.skip(schema, t.blocked)
		return
	}
	defer db.Close() //nolint:errcheck // it was only read
	t.pass(reach, string(db.Engine))
	t.checkSchema(ctx, db, schema)
}

func (t *webhookTest) checkSchema(ctx context.Context, db *database.DB, name string) {
	migrations, err := db.MigrationStatus(ctx)
	if err != nil {
		t.fail(name, "a schema", "none", err.Error())
		return
	}
	applied := 0
	for _, m := range migrations {
		if m.AppliedAt != nil {
			applied++
		}
	}
	seen := fmt.Sprintf("%d of %d migrations", applied, len(migrations))
	switch applied {
	case len(migrations):
		t.pass(name, seen)
		t.checkOwner(ctx, db)
		if err := t.readPlans(ctx, db); err != nil {
			t.fail("plans", "a list", "none", err.Error())
		}
	case 0:
		t.skip(name, "it is empty; the first start, or \"hourbank migrate up\", makes its tables")
	default:
		t.fail(name, fmt.Sprintf("%d of %d migrations", len(migrations), len(migrations)), seen, "Run \"hourbank migrate up\".")
	}
}

// checkOwner says whose money the database holds, which must be ours.
func (t *webhookTest) checkOwner(ctx context.Context, db *database.DB) {
	const name = "database's mode and account"
	service := owner.New(db, owner.Program{Mode: models.Mode(t.cfg.Mode()), Account: t.cfg.StripeAccount, StandIn: t.cfg.HasStandIn()})
	known, err := service.Check(ctx)
	switch {
	case err != nil:
		t.blocked = "the database is another's"
		t.fail(name, "ours", "another's", err.Error())
	case known == nil:
		t.skip(name, "its first event or sale will say it")
	default:
		t.pass(name, known.String())
	}
}

// willBeMade says whether this is an SQLite file that doesn't exist yet, in a
// folder that does.
func willBeMade(databaseURL string) bool {
	path, ok := database.SQLitePath(databaseURL)
	if !ok || path == "" {
		return false
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return false
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return false
	}
	return folder.IsDir()
}
