package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/goreleaser/goreleaser/v2/pkg/config"
	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // its format
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm" // its format
)

// pack makes the package that goreleaser would, of a binary and what lies in the
// working directory, on stdout.
func pack(format, binary string) error {
	project, err := config.LoadReader(os.Stdin)
	if err != nil {
		return err
	}
	p := project.NFPMs[0]
	contents := files.Contents{{Source: binary, Destination: filepath.Join(p.Bindir, "hourbank"), FileInfo: &files.ContentFileInfo{Mode: 0o755}}}
	for _, c := range p.Contents {
		contents = append(contents, &files.Content{
			Source: c.Source, Destination: c.Destination, Type: c.Type, FileInfo: &files.ContentFileInfo{Mode: os.FileMode(c.FileInfo.Mode)},
		})
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: p.PackageName, Arch: "amd64", Platform: "linux", Version: "v0.1.0", Maintainer: p.Maintainer, Homepage: p.Homepage,
		Description: p.Description, Section: p.Section, MTime: time.Unix(0, 0),
		Overridables: nfpm.Overridables{Contents: contents, Umask: p.Umask, Scripts: nfpm.Scripts{PostInstall: p.Scripts.PostInstall}},
	})
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	return packager.Package(info, os.Stdout)
}
