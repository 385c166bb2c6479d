package sessionstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// NameLock is a name that one program at a time holds in a network namespace, until Close or the
// end of the program, however it ends.
type NameLock struct{ file *os.File }

// ErrNameInUse is wrapped by LockName's error if another program holds the name.
var ErrNameInUse = errors.New("in use by another program")

// LockName locks a name by a file in a directory, which it creates if necessary. It waits for a
// program that is being killed. If the error is ErrNameInUse, by is the process ID of the holder;
// 0: unknown.
func LockName(dir, name string) (c *NameLock, by int, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, 0, err
	}
	path := filepath.Join(dir, strings.ReplaceAll(name, "/", "_")+networkSuffix()+".lock")
	until := time.Now().Add(lockTimeout)
	for {
		file, err := lockWithWait(path, until)
		switch {
		case err != nil:
			return nil, 0, err
		case file == nil:
			return nil, ownerOf(path).PID, fmt.Errorf("%s: %w", name, ErrNameInUse)
		}
		if !isRemoved(file, path) {
			return &NameLock{file}, 0, writeOwner(file)
		}
		file.Close() // its holder has removed it meanwhile
	}
}

// networkSuffix distinguishes network namespaces that share /run: each has interfaces of its own.
func networkSuffix() string {
	var s unix.Stat_t
	if err := unix.Stat("/proc/self/ns/net", &s); err != nil {
		return ""
	}
	return fmt.Sprintf(".%d", s.Ino)
}

// isRemoved reports whether an open file is no longer the one at a path.
func isRemoved(file *os.File, path string) bool {
	is, err := file.Stat()
	there, missing := os.Lstat(path)
	return err != nil || missing != nil || !os.SameFile(is, there)
}

// writeOwner records this process in a file.
func writeOwner(file *os.File) error {
	text, err := json.Marshal(record{owner: currentOwner()})
	if err == nil {
		err = file.Truncate(0)
	}
	if err == nil {
		_, err = file.WriteAt(append(text, '\n'), 0)
	}
	return err
}

// Close removes the file and unlocks the name.
func (c *NameLock) Close() error { return errors.Join(os.Remove(c.file.Name()), c.file.Close()) }
