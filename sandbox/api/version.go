// Package api is what all of Stripe's API has in common, whatever its objects:
// the form that calls are encoded in, errors, objects in the shape of each
// version, lists, expansion, and the events of changes.
package api

import (
	"net/http"
	"regexp"
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
