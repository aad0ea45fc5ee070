// Package version says what this program was built from.
package version

import (
	"cmp"
	"runtime/debug"
)

// What a release sets with -ldflags "-X hourbank/version.number=…", where there
// is no repository to ask: in a container, or from an archive of the source.
var number, commit, date string

// unknown is said of what neither the linker nor Go's own stamp tells.
const unknown = "unknown"

// Info is what a program was built from.
type Info struct {
	Version string `json:"version"` // such as v0.1.0, or Go's pseudo-version between two releases
	Commit  string `json:"commit"`  // the whole hash; "unknown" where it was built without a repository
	Date    string `json:"date"`    // of the commit, in RFC 3339, so that two builds of it are the same
	Go      string `json:"go"`      // the compiler, such as go1.26.0
}

// Get asks what the linker was told, then Go's stamp in the binary. Every field
// is set.
func Get() Info {
	info := Info{Version: number, Commit: commit, Date: date}
	if build, ok := debug.ReadBuildInfo(); ok {
		info.Go = build.GoVersion
		info.Version = cmp.Or(info.Version, build.Main.Version)
		for _, setting := range build.Settings {
			switch setting.Key {
			case "vcs.revision":
				info.Commit = cmp.Or(info.Commit, setting.Value)
			case "vcs.time":
				info.Date = cmp.Or(info.Date, setting.Value)
			}
		}
	}
	for _, field := range []*string{&info.Version, &info.Commit, &info.Date, &info.Go} {
		*field = cmp.Or(*field, unknown)
	}
	return info
}
