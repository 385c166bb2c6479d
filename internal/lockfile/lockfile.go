// Package lockfile opens files that one program has at a time, by flock(2): until it closes the file, or
// ends, however it ends.
package lockfile

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrLocked reports that another open file has the lock (wrapped).
var ErrLocked = errors.New("another program uses it")

// Open opens a file with flags such as os.O_RDWR|os.O_CREATE (mode 0600), and locks it. It does not follow a
// symbolic link.
func Open(path string, flags int) (*os.File, error) {
	for { // again if the file was removed or replaced between opening and locking
		file, err := os.OpenFile(path, unix.O_NOFOLLOW|flags, 0o600)
		if err != nil {
			return nil, err
		}
		if err := lock(file); err != nil {
			file.Close()
			return nil, err
		}
		if IsSame(file, path) {
			return file, nil
		}
		file.Close()
	}
}

func lock(file *os.File) error {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("%s: %w%s", file.Name(), ErrLocked, ownerOf(file))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file.Name(), err)
	}
	return nil
}

// IsSame reports whether an open file is the one at a path.
func IsSame(file *os.File, path string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(open, named)
}

// ownerOf returns " (process N)" if /proc/locks shows who has the lock; proc_locks(5).
func ownerOf(file *os.File) string {
	var stat unix.Stat_t
	all, err := os.ReadFile("/proc/locks")
	if err != nil || unix.Fstat(int(file.Fd()), &stat) != nil {
		return ""
	}
	inode := fmt.Sprintf("%02x:%02x:%d", unix.Major(uint64(stat.Dev)), unix.Minor(uint64(stat.Dev)), stat.Ino)
	for line := range strings.Lines(string(all)) {
		f := strings.Fields(line) // 1: FLOCK ADVISORY WRITE 1234 fe:01:5678 0 EOF
		if len(f) > 5 && f[1] == "FLOCK" && f[5] == inode {
			return " (process " + f[4] + ")"
		}
	}
	return ""
}
