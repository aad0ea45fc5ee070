package sandbox

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// version is an API version: its day, and since 2024 a name.
// https://docs.stripe.com/api/versioning
type version string

const (
	// accountVersion is of the events, and of calls that name none. It is
	// stripe-go v76's, so that its webhook package takes them.
	accountVersion version = "2023-10-16"

	oldestVersion version = "2020-08-27"
	newestVersion version = "2026-10-28.endive"

	// basil moved much of what billing objects say, and made the release of an
	// authorisation no refund. https://docs.stripe.com/changelog/basil
	basil = "2025-03-31"
)

var versionForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d(\.[a-z]+)?$`)

// since tells whether the version is of that day or later.
func (v version) since(day string) bool { return string(v) >= day }

// versionOf reads the version that a call asks for.
func versionOf(r *http.Request) (version, error) {
	v := version(r.Header.Get("Stripe-Version"))
	switch {
	case v == "":
		return accountVersion, nil
	case !versionForm.MatchString(string(v)):
		return accountVersion, invalid("", "", "Invalid Stripe API version: %s", v)
	case !v.since(string(oldestVersion)):
		return accountVersion, invalid("", "", "The sandbox speaks no Stripe API version before %s.", oldestVersion)
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
		for day, names := range s.Since {
			for _, name := range strings.Fields(names) {
				s.properties[name] = property{since: day}
			}
		}
		for day, names := range s.Before {
			for _, name := range strings.Fields(names) {
				s.properties[name] = property{since: s.properties[name].since, before: day}
			}
		}
	}
	return v
})

// takes tells whether Stripe's calls of an object take a parameter.
func (v *vocabulary) takes(kind string) parameter {
	return func(name string) bool { return strings.Contains(" "+v.Params[kind]+" ", " "+name+" ") }
}

// has tells whether the object has the property in a version.
func (s *shape) has(name string, v version) bool {
	p, ok := s.properties[name]
	return ok && v.since(p.since) && (p.before == "" || !v.since(p.before))
}

// knows tells whether a version has the object at all.
func (v version) knows(kind string) bool {
	s := stripes().Objects[kind]
	return s == nil || s.has("id", v)
}

// shaped gives a rendered value, and all objects in it, as the version has
// them: without what stands elsewhere in it or not at all, and with null where
// the sandbox has nothing to say. The value itself stays as it is.
func shaped(value any, v version) any {
	switch value := value.(type) {
	case []any:
		rows := make([]any, len(value))
		for i, row := range value {
			rows[i] = shaped(row, v)
		}
		return rows
	case map[string]any:
		kind, _ := value["object"].(string)
		if kind == "event" {
			return value // of its own version
		}
		s := stripes().Objects[kind]
		if !v.knows(kind) {
			v = newestVersion // it is younger than the version
		}
		m := make(map[string]any, len(value))
		for name, inner := range value {
			if s == nil || s.has(name, v) && !onRequest(kind, name, v) {
				m[name] = shaped(inner, v)
			}
		}
		if s != nil {
			s.fill(kind, m, v)
		}
		return m
	}
	return value
}

func (s *shape) fill(kind string, m map[string]any, v version) {
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
}
