package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// OIDCCallback is the path that the OpenID Connect provider sends people back
// to; PUBLIC_URL stands before it.
const OIDCCallback = "/console/sign-in/oidc/callback/"

// Groups are the roles that groups of the OpenID Connect provider have here.
type Groups []Group

// Group is one of them.
type Group struct {
	Name string
	Role Role
}

// UnmarshalText reads "group:role", several with commas.
func (g *Groups) UnmarshalText(text []byte) error {
	var mistakes []error
	for i, entry := range strings.Split(string(text), ",") {
		entry = strings.TrimSpace(entry)
		colon := max(strings.LastIndexByte(entry, ':'), 0) // a group's name may hold one
		role, err := parseRole(strings.TrimPrefix(entry[colon:], ":"))
		switch {
		case colon == 0:
			mistakes = append(mistakes, fmt.Errorf("entry %d must be group:role", i+1))
		case err != nil:
			mistakes = append(mistakes, fmt.Errorf("entry %d %w", i+1, err))
		default:
			*g = append(*g, Group{Name: entry[:colon], Role: role})
		}
	}
	return errors.Join(mistakes...)
}

// RoleOf is the highest role of the groups that somebody is in; public: none.
func (g Groups) RoleOf(names []string) Role {
	role := RolePublic
	for _, group := range g {
		if slices.Contains(names, group.Name) {
			role = max(role, group.Role)
		}
	}
	return role
}

// HasOIDC says whether people can sign in with OpenID Connect.
func (c *Config) HasOIDC() bool { return c.OIDCIssuer != "" }

// checkOIDC wants all of it or nothing.
func (c *Config) checkOIDC(expect func(ok bool, format string, args ...any)) {
	expect(c.PublicURL == "" || isBaseURL(c.PublicURL), "PUBLIC_URL: %q is not an address such as \"https://hours.example.org\"", c.PublicURL)
	expect(c.OIDCIssuer == "" || isIssuer(c.OIDCIssuer), "OIDC_ISSUER: must start with https:// (or http:// on this machine)")
	given := map[string]bool{
		"OIDC_ISSUER": c.OIDCIssuer != "", "OIDC_CLIENT_ID": c.OIDCClientID != "",
		"OIDC_CLIENT_SECRET": c.OIDCClientSecret != "", "OIDC_GROUPS": len(c.OIDCGroups) > 0,
	}
	some := false
	for _, is := range given {
		some = some || is
	}
	for name, is := range given {
		expect(!some || is, "%s: required to sign in with OpenID Connect", name)
	}
	expect(!some || c.PublicURL != "", "PUBLIC_URL: required to sign in with OpenID Connect: the provider sends people back to it")
}

// isBaseURL says whether paths can be put behind the address.
func isBaseURL(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	return (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && (u.Path == "" || u.Path == "/") &&
		u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// isIssuer says whether what the provider answers can be believed: over plain
// HTTP anybody between could hand out roles.
func isIssuer(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())
}
