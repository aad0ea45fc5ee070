package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Secrets are attacked by guessing: what our key is worth is what it takes to
// guess it.
const (
	shortestSecret = 24 // characters beyond the prefix; Stripe's have 32
	fewestKinds    = 5  // different characters; 24 random hexadecimal digits have 12 or so
)

// errGuessable is why a secret is refused.
var errGuessable = fmt.Errorf("can be guessed: it needs at least %d random characters, such as \"openssl rand -hex 24\" makes", shortestSecret)

func isGuessable(secret string) bool {
	kinds := map[rune]bool{}
	for _, r := range secret {
		kinds[r] = true
	}
	return len(secret) < shortestSecret || len(kinds) < fewestKinds
}

// flawOf finds a value of Stripe's that starts well but was cut off, or copied
// with more around it, such as the "…" of an example.
func flawOf(value string) error {
	switch {
	case strings.HasSuffix(value, "_") && strings.Count(value, "_") <= 2:
		return errors.New("nothing follows the prefix")
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\'' }):
		return errors.New("it holds a character that no key of Stripe's has (a space, a quote, \"…\")")
	default:
		return nil
	}
}

// checkSecrets finds secrets that are none.
func (c *Config) checkSecrets() []error {
	var mistakes []error
	for _, setting := range []struct {
		name   string
		values []string
		signs  bool
	}{
		{"STRIPE_SECRET_KEY", []string{string(c.StripeSecretKey)}, false},
		{"STRIPE_PUBLIC_KEY", []string{c.StripePublicKey}, false},
		{"STRIPE_ACCOUNT", []string{c.StripeAccount}, false},
		{"STRIPE_WEBHOOK_SECRET", c.StripeWebhookSecrets, true},
		{"STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET", c.StripeSubscriptionsWebhookSecret, true},
	} {
		for _, value := range setting.values {
			err := flawOf(value)
			if rest, ok := strings.CutPrefix(value, "whsec_"); err == nil && setting.signs && ok && isGuessable(rest) {
				err = errGuessable
			}
			if err != nil {
				mistakes = append(mistakes, fmt.Errorf("%s: %w", setting.name, err))
			}
		}
	}
	return mistakes
}

// Warnings are what works but is probably not meant, a line each.
func (c *Config) Warnings() []string {
	var warnings []string
	if len(c.APIKeys) == 0 {
		warnings = append(warnings, "API_KEYS: none is set; the API answers 401 to everyone")
	}
	if c.Mode() == "live" && strings.HasPrefix(string(c.DatabaseURL), "sqlite:") {
		warnings = append(warnings, "DATABASE_URL: live money with SQLite is fine on one machine with backups; PostgreSQL is meant for production")
	}
	if c.overNetworkInClear() {
		warnings = append(warnings, "DATABASE_URL: the connection may go over the network without TLS; set sslmode=verify-full")
	}
	return warnings
}

// overNetworkInClear says whether somebody on the way to the database could
// read along: libpq's sslmode "prefer", the default, lets them.
// https://www.postgresql.org/docs/current/libpq-ssl.html
func (c *Config) overNetworkInClear() bool {
	address, err := url.Parse(string(c.DatabaseURL))
	if err != nil || address.Scheme == "sqlite" {
		return false
	}
	switch address.Query().Get("sslmode") {
	case "require", "verify-ca", "verify-full":
		return false
	}
	for host := range strings.SplitSeq(address.Host, ",") {
		if one := (&url.URL{Host: host}).Hostname(); one != "" && !isLoopback(one) {
			return true
		}
	}
	return false
}

// apiInClear says whether somebody on the way to Stripe could read the key.
func (c *Config) apiInClear() bool {
	address, err := url.Parse(c.StripeAPIBase)
	if err != nil {
		return false
	}
	return address.Scheme == "http" && !isLoopback(address.Hostname())
}

// HasStandIn says whether Stripe is a stand-in on this machine. What one elsewhere
// is, its address doesn't say.
func (c *Config) HasStandIn() bool {
	address, err := url.Parse(c.StripeAPIBase)
	return err == nil && isLoopback(address.Hostname())
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
