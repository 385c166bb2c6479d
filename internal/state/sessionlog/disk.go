package sessionlog

import (
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"upppoe/internal/lockfile"
)

// disk is what a Log uses of the file system. Its twin in the tests fails.
type disk interface {
	// open opens and locks a file, with flags of os.OpenFile. It makes the directory of one that it may
	// create.
	open(path string, flags int) (file, error)
	// exists reports whether there is a file.
	exists(path string) bool
	rename(from, to string) error
	remove(path string) error
	// syncDirectory writes the names of the files beside a file to the disk.
	syncDirectory(path string) error
}

// file is an open file. Methods may be called concurrently.
type file interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Close() error
	// size returns the number of octets.
	size() (int64, error)
	// sync writes the contents to the disk.
	sync() error
	// isAt reports whether the file is the one at a path.
	isAt(path string) bool
}

type systemDisk struct{}

func (systemDisk) open(path string, flags int) (file, error) {
	if flags&os.O_CREATE != 0 {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
	}
	f, err := lockfile.Open(path, flags)
	if err != nil {
		return nil, err
	}
	return systemFile{f}, nil
}

func (systemDisk) exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func (systemDisk) rename(from, to string) error { return os.Rename(from, to) }
func (systemDisk) remove(path string) error     { return os.Remove(path) }

func (systemDisk) syncDirectory(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

type systemFile struct{ *os.File }

func (f systemFile) size() (int64, error) {
	stat, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return stat.Size(), nil
}

func (f systemFile) isAt(path string) bool { return lockfile.IsSame(f.File, path) }

func (f systemFile) sync() error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := c.Control(func(fd uintptr) { failed = unix.Fdatasync(int(fd)) }); err != nil {
		return err
	}
	return failed
}
