package pcapngwriter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// open opens the file, and writes its beginning.
func (f *File) open() (err error) {
	info, err := os.Stat(f.cfg.Path)
	switch {
	case f.cfg.Path == "-":
		f.file = os.Stdout
	case err == nil && info.IsDir():
		return fmt.Errorf("capture file %s is a directory: give a file", f.cfg.Path)
	case err == nil && !info.Mode().IsRegular():
		// A FIFO is opened for reading too (fifo(7)), so that it need not wait for a reader.
		f.file, err = os.OpenFile(f.cfg.Path, os.O_RDWR, 0)
	case err == nil || errors.Is(err, fs.ErrNotExist):
		f.rotates = true
		err = f.create()
	}
	if f.file == nil || err != nil && f.cfg.Path != "-" {
		return describeError(f.cfg.Path, err)
	}
	if err := f.begin(); err != nil {
		f.file.Close()
		return describeError(f.cfg.Path, err)
	}
	return nil
}

func describeError(path string, err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return fmt.Errorf("capture file: %w", err)
	}
	return fmt.Errorf("capture file %s: %w", path, err)
}

// rotate begins a new file.
func (f *File) rotate() error {
	err := f.Close()
	if err == nil {
		err = f.create()
	}
	if err == nil {
		err = f.begin()
	}
	if err != nil {
		return describeError(f.cfg.Path, err)
	}
	return nil
}

// create renames the older files, and creates a new one.
func (f *File) create() (err error) {
	for n := f.cfg.Files - 1; n > 0; n-- {
		if err = os.Rename(f.name(n-1), f.name(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err = os.Remove(f.cfg.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f.file, err = os.OpenFile(f.cfg.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	return err
}

// name returns the name of the nth older file; 0: the newest.
func (f *File) name(n int) string {
	if n == 0 {
		return f.cfg.Path
	}
	return fmt.Sprintf("%s.%d", f.cfg.Path, n)
}
