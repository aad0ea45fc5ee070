package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Endpoint is where the platform takes events, and what they are signed with: each of
// several secrets while one is rolled.
type Endpoint struct {
	URL     string
	Secrets Secrets
}

// Endpoints are several.
type Endpoints []Endpoint

// A secret's bytes, by the specification.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
const (
	fewestBytes = 24
	mostBytes   = 64
)

// UnmarshalText reads "https://… whsec_… whsec_…", several with commas. Its errors
// count the entries and never show one.
func (e *Endpoints) UnmarshalText(text []byte) error {
	var mistakes []error
	for i, entry := range strings.Split(string(text), ",") {
		parts := strings.Fields(entry)
		if len(parts) < 2 {
			mistakes = append(mistakes, fmt.Errorf("entry %d must be a URL and its secrets: https://… whsec_…", i+1))
			continue
		}
		one := Endpoint{URL: parts[0], Secrets: parts[1:]}
		err := one.check()
		if err == nil && slices.ContainsFunc(*e, func(other Endpoint) bool { return other.URL == one.URL }) {
			err = errors.New("has the URL of another: give one all its secrets, with spaces")
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("entry %d %w", i+1, err))
			continue
		}
		*e = append(*e, one)
	}
	return errors.Join(mistakes...)
}

func (e *Endpoint) check() error {
	address, err := url.Parse(e.URL)
	if err != nil || (address.Scheme != "https" && address.Scheme != "http") || address.Hostname() == "" || address.User != nil || address.Fragment != "" {
		return errors.New("must begin with a URL such as https://example.com/hours, without a name or password in it")
	}
	for _, secret := range e.Secrets {
		encoded, ok := strings.CutPrefix(secret, "whsec_")
		key, err := base64.StdEncoding.DecodeString(encoded)
		switch {
		case !ok:
			return errors.New("must have secrets that start with whsec_")
		case err != nil:
			return errors.New("has a secret that is not whsec_ and base64")
		case len(key) < fewestBytes || len(key) > mostBytes || isGuessable(encoded):
			return fmt.Errorf("has a secret that can be guessed, or is too long: it needs %d to %d random bytes, such as \"openssl rand -base64 %d\" makes",
				fewestBytes, mostBytes, fewestBytes)
		}
	}
	return nil
}

// checkEndpoints refuses what only private networks may be told.
func (c *Config) checkEndpoints(expect func(bool, string, ...any)) {
	for i, e := range c.Endpoints {
		expect(c.EventsAllowPrivate || strings.HasPrefix(e.URL, "https:"), "EVENTS_URLS: entry %d must start with https://, or EVENTS_ALLOW_PRIVATE be true", i+1)
	}
}
