package lockfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestIsSame: an open file that was removed and replaced is not the one at its path.
func TestIsSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "eth0")
	create := func() *os.File {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	first := create()
	if !IsSame(first, path) {
		t.Error("a file is not recognized at its path")
	}
	if err := os.Remove(path); err != nil || IsSame(first, path) {
		t.Errorf("a removed file is taken for the one at its path, %v", err)
	}
	second := create()
	if IsSame(first, path) || !IsSame(second, path) {
		t.Error("a removed file is taken for its successor")
	}
	second.Close()
	if IsSame(second, path) {
		t.Error("a closed file is taken for the one at its path")
	}
}

// TestOpen: the lock ends with the file, and the error names who has it.
func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "eth0")
	if _, err := Open(path, os.O_RDWR); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a nonexistent file: %v", err)
	}
	first, err := Open(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, os.O_RDWR|os.O_CREATE)
	if !errors.Is(err, ErrLocked) || !strings.HasPrefix(err.Error(), path) {
		t.Errorf("of a locked file: %v", err)
	}
	if _, missing := os.Stat("/proc/locks"); missing == nil && !strings.Contains(err.Error(), fmt.Sprintf("(process %d)", os.Getpid())) {
		t.Errorf("the error does not name process %d: %v", os.Getpid(), err)
	}
	first.Close()
	second, err := Open(path, os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}
