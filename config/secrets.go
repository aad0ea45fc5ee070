package config

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const redacted = "[redacted]"

// Secret is a string that doesn't print itself.
type Secret string

func (Secret) String() string { return redacted }

// GoString keeps %#v from showing the secret.
func (Secret) GoString() string { return redacted }

// Secrets are several, as while one is rolled.
type Secrets []string

func (Secrets) String() string { return redacted }

// GoString keeps %#v from showing the secrets.
func (Secrets) GoString() string { return redacted }

// UnmarshalText reads secrets separated by commas.
func (s *Secrets) UnmarshalText(text []byte) error {
	for part := range strings.SplitSeq(string(text), ",") {
		if part = strings.TrimSpace(part); part != "" {
			*s = append(*s, part)
		}
	}
	return nil
}

// Role is what an API key may do; each includes the one before.
type Role int

// Public routes need no key.
const (
	RolePublic Role = iota
	RoleRead
	RoleWrite
	RolePrice // sells at other prices than plans', too
	RoleAdmin
)

var roleNames = []string{"public", "read", "write", "price", "admin"}

func (r Role) String() string { return roleNames[r] }

func parseRole(name string) (Role, error) {
	role := Role(slices.Index(roleNames, name))
	if role < RoleRead {
		return RolePublic, errors.New("must have the role read, write, price or admin")
	}
	return role, nil
}

// RoleNamed is public for a name that no role has.
func RoleNamed(name string) Role {
	role, err := parseRole(name)
	if err != nil {
		return RolePublic
	}
	return role
}

// APIKey is one caller of the API. Only the secret's hash is kept.
type APIKey struct {
	Name string
	Role Role
	hash [sha256.Size]byte
}

// APIKeys are all callers.
type APIKeys []APIKey

// UnmarshalText reads "name:role:secret", several with commas. Its errors
// count the entries and never show one.
func (k *APIKeys) UnmarshalText(text []byte) error {
	var mistakes []error
	for i, entry := range strings.Split(string(text), ",") {
		parts := strings.SplitN(strings.TrimSpace(entry), ":", 3)
		if len(parts) != 3 || parts[0] == "" || parts[2] == "" {
			mistakes = append(mistakes, fmt.Errorf("entry %d must be name:role:secret", i+1))
			continue
		}
		role, err := parseRole(parts[1])
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("entry %d %w", i+1, err))
			continue
		}
		if isGuessable(parts[2]) {
			mistakes = append(mistakes, fmt.Errorf("entry %d: its secret %w", i+1, errGuessable))
			continue
		}
		if _, known := k.Find(parts[2]); known || slices.ContainsFunc(*k, func(key APIKey) bool { return key.Name == parts[0] }) {
			mistakes = append(mistakes, fmt.Errorf("entry %d has the name or the secret of another: each key is one caller's", i+1))
			continue
		}
		*k = append(*k, APIKey{Name: parts[0], Role: role, hash: sha256.Sum256([]byte(parts[2]))})
	}
	return errors.Join(mistakes...)
}

// Find gives the key with this secret. It takes the same time whichever it
// is, and compares hashes so that not even the length can be told.
func (k APIKeys) Find(secret string) (found APIKey, ok bool) {
	hash := sha256.Sum256([]byte(secret))
	for _, key := range k {
		if subtle.ConstantTimeCompare(key.hash[:], hash[:]) == 1 {
			found, ok = key, true
		}
	}
	return found, ok
}

// ConsoleKey is what the console signs and encrypts the cookie of a sign-in
// under way with: 64 bytes that follow from the other secrets, so that every
// replica has the same ones, and nobody has one more secret to keep.
func (c *Config) ConsoleKey() []byte {
	var secrets []byte
	for _, secret := range c.StripeWebhookSecrets {
		secrets = append(append(secrets, secret...), 0)
	}
	for _, key := range c.APIKeys {
		secrets = append(secrets, key.hash[:]...)
		secrets = append(append(secrets, key.Name...), byte(key.Role))
	}
	key, err := hkdf.Key(sha256.New, secrets, nil, "hourbank console", 64)
	if err != nil {
		panic(fmt.Sprintf("derive the console's key: %v", err)) // only for absurd lengths
	}
	return key
}

// Credential is what somebody signed in with: the hash of an API key, or all
// that is set of OpenID Connect. It changes where that does; false: it is gone.
func (c *Config) Credential(name string, role Role, oidc bool) ([]byte, bool) {
	if oidc {
		// Its secret keeps who writes the table of sessions from making one.
		return fmt.Appendf(nil, "%s\x00%s\x00%v\x00%s", c.OIDCIssuer, c.OIDCClientID, c.OIDCGroups, string(c.OIDCClientSecret)), c.HasOIDC()
	}
	for _, key := range c.APIKeys {
		if key.Name == name && key.Role == role {
			return key.hash[:], true
		}
	}
	return nil, false
}
