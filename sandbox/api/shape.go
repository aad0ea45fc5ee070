// Package api is what all of Stripe's API has in common, whatever its objects:
// the form that calls are encoded in, errors, objects in the shape of each
// version, lists, expansion, and the events of changes.
package api

import (
	_ "embed"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// Version is an API version: its day, and since 2024 a name.
// https://docs.stripe.com/api/versioning
type Version string

const (
	// AccountVersion is of the events, and of calls that name none. It is
	// stripe-go v76's, so that its webhook package takes them.
	AccountVersion Version = "2023-10-16"

	oldestVersion Version = "2020-08-27"

	// NewestVersion is the last that the sandbox knows of.
	NewestVersion Version = "2026-10-28.endive"

	// Basil moved much of what billing objects say, and made the release of an
	// authorisation no refund. https://docs.stripe.com/changelog/basil
	Basil = "2025-03-31"
)

var versionForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d(\.[a-z]+)?$`)

// Valid tells whether this could be a version.
func (v Version) Valid() bool { return versionForm.MatchString(string(v)) }

// Since tells whether the version is of that day or later.
func (v Version) Since(day string) bool { return string(v) >= day }

// Knows tells whether a version has the object at all.
func (v Version) Knows(kind string) bool {
	s := stripes().Objects[kind]
	return s == nil || s.has("id", v)
}

// VersionOf reads the version that a call asks for.
func VersionOf(r *http.Request) (Version, error) {
	v := Version(r.Header.Get("Stripe-Version"))
	switch {
	case v == "":
		return AccountVersion, nil
	case !v.Valid():
		return AccountVersion, Invalid("", "", "Invalid Stripe API version: %s", v)
	case !v.Since(string(oldestVersion)):
		return AccountVersion, Invalid("", "", "The sandbox speaks no Stripe API version before %s.", oldestVersion)
	}
	return v, nil
}

// stripeJSON holds what objects and calls of Stripe's API have, by version. It
// is made of the types of Stripe's own client, see its source.
//
//go:embed stripe.json
var stripeJSON []byte

// vocabulary is stripe.json.
type vocabulary struct {
	Account map[string]any    // the one that a sandbox has
	IDs     map[string]string // how an object's id begins, and after a space how many characters follow
	Paths   map[string]Path   // behind /v1/
	Objects map[string]*shape
	Params  map[string]string // of all calls of an object, at any depth

	// Expandable holds, by object or part of one, what can be asked for in place
	// of an id, or is there only if it is asked for: [] marks a list. What stands
	// in the object anyway is a step on the way.
	// https://docs.stripe.com/api/expanding_objects
	Expandable map[string]map[string]string

	// Events are the types that the sandbox makes, of payments and of billing.
	Events struct{ Payments, Billing string }
}

// Path is where objects of a kind are called at, and what their list can be
// narrowed by; where that is empty there is none, or one of its own.
type Path struct{ Kind, By string }

// Paths are all of them, behind /v1/.
func Paths() map[string]Path { return stripes().Paths }

// Account answers whose key it is. https://docs.stripe.com/api/accounts
func Account(*Call) Act { return func() (any, error) { return stripes().Account, nil } }

// shape tells which properties an object has.
type shape struct {
	Required string // never null
	Nullable string // null where there is nothing to say
	Optional string // missing where there is nothing to say

	// Since and Before hold, by day, those that not all versions have.
	Since, Before map[string]string

	// Usual is what stands where the sandbox has nothing to say.
	Usual map[string]any

	properties map[string]property
}

type property struct{ since, before string }

// stripes is what Stripe has, read once.
var stripes = sync.OnceValue(func() *vocabulary {
	v := &vocabulary{}
	if err := json.Unmarshal(stripeJSON, v); err != nil {
		panic("stripe.json: " + err.Error()) // embedded, so no test would pass
	}
	for _, s := range v.Objects {
		s.properties = map[string]property{}
		for _, name := range strings.Fields(s.Required + " " + s.Nullable + " " + s.Optional) {
			s.properties[name] = property{}
		}
		each(s.Since, func(name, day string) { s.properties[name] = property{since: day} })
		each(s.Before, func(name, day string) { s.properties[name] = property{s.properties[name].since, day} })
	}
	return v
})

func each(names map[string]string, do func(name, day string)) {
	for day, all := range names {
		for _, name := range strings.Fields(all) {
			do(name, day)
		}
	}
}

// PaymentEvents are the types of a payment's events that the sandbox makes.
func PaymentEvents() []string { return strings.Fields(stripes().Events.Payments) }

// BillingEvents are those of what asks for payments by itself.
func BillingEvents() []string { return strings.Fields(stripes().Events.Billing) }

// NewID makes an id: a prefix, then n random characters.
func NewID(prefix string, n int) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var b strings.Builder
	b.WriteString(prefix)
	for range n {
		b.WriteByte(alphabet[rand.IntN(len(alphabet))]) //nolint:gosec // ids are to differ, not to be secret
	}
	return b.String()
}

// has tells whether the object has the property in a version.
func (s *shape) has(name string, v Version) bool {
	p, ok := s.properties[name]
	return ok && v.Since(p.since) && (p.before == "" || !v.Since(p.before))
}

// shaped gives a snapshot, and all objects in it, as the version has them:
// without what stands elsewhere in it or not at all, and with null where the
// sandbox has nothing to say. The snapshot itself stays as it is.
func shaped(value any, v Version) any {
	switch value := value.(type) {
	case []any:
		rows := make([]any, len(value))
		for i, row := range value {
			rows[i] = shaped(row, v)
		}
		return rows
	case Object:
		return value.shaped(v)
	}
	return value
}

func (o Object) shaped(v Version) Object {
	kind := o.Kind()
	if kind == "event" {
		return o // of its own version
	}
	s := stripes().Objects[kind]
	if !v.Knows(kind) {
		v = NewestVersion // it is younger than the version
	}
	m := make(Object, len(o))
	for name, inner := range o {
		if s == nil || s.has(name, v) && !onRequest(kind, name, v) {
			m[name] = shaped(inner, v)
		}
	}
	if s == nil {
		return m
	}
	for name, usual := range s.Usual {
		if m[name] == nil && s.has(name, v) {
			m[name] = usual
		}
	}
	for _, name := range strings.Fields(s.Nullable) {
		if _, there := m[name]; !there && s.has(name, v) && !onRequest(kind, name, v) {
			m[name] = nil
		}
	}
	return m
}
