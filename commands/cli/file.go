package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteNew writes a file that must not be there, for its owner alone to read. It is there
// only once it is whole and on the disk.
func WriteNew(path string, write func(io.Writer) error) error {
	if err := RefuseExisting(path); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name()) //nolint:errcheck // in the end it has its own name, or is of no use
	if err := errors.Join(write(part), part.Close()); err != nil {
		return err
	}
	return PlaceNew(part.Name(), path)
}

// PlaceNew gives a finished file another name, which nothing may have, once it is on the
// disk. Its old name stays.
func PlaceNew(finished, path string) error {
	if err := syncFile(finished); err != nil {
		return err
	}
	err := os.Link(finished, path)
	if errors.Is(err, fs.ErrExist) {
		return RefuseExisting(path)
	}
	if err != nil {
		return err
	}
	return syncFile(filepath.Dir(path))
}

// RefuseExisting refuses a path that something has.
func RefuseExisting(path string) error {
	if _, err := os.Lstat(path); err != nil {
		return nil //nolint:nilerr // whoever writes it will say what is wrong
	}
	return fmt.Errorf("%s is there already, and is not overwritten", path)
}

// syncFile makes what was written last, also the names in a folder.
func syncFile(path string) error {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
