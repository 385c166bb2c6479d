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

// NameLock is a name that one program at a time has, of all in one network namespace, until Close
// or its end, however that comes.
type NameLock struct{ file *os.File }

// ErrNameInUse is wrapped by the error of LockName if another program has the name.
var ErrNameInUse = errors.New("taken")

// LockName takes a name, by a file in a directory, which it makes if it must. A program that
// is just being killed is waited for. The process number is that of who has the name, if the
// error is ErrNameInUse; 0: it is not known.
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

// networkSuffix tells namespaces apart that have one /run in common: in each, interfaces are
// others.
func networkSuffix() string {
	var s unix.Stat_t
	if err := unix.Stat("/proc/self/ns/net", &s); err != nil {
		return ""
	}
	return fmt.Sprintf(".%d", s.Ino)
}

// isRemoved reports whether a path does not lead to an open file any more.
func isRemoved(file *os.File, path string) bool {
	is, err := file.Stat()
	there, missing := os.Lstat(path)
	return err != nil || missing != nil || !os.SameFile(is, there)
}

// writeOwner has a file tell whose it is.
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

// Close gives the name up, and removes the file.
func (c *NameLock) Close() error { return errors.Join(os.Remove(c.file.Name()), c.file.Close()) }
