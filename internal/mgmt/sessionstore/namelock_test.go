package sessionstore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNameLock: one program holds a name until it closes it; another name is free; a file that a
// crash has left does not matter.
func TestNameLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c, _, err := LockName(dir, "isp/a")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "isp_a.*.lock"))
	if len(files) != 1 {
		t.Fatalf("the files are %q", files)
	}
	if _, by, err := LockName(dir, "isp/a"); !errors.Is(err, ErrNameInUse) || by != os.Getpid() || !strings.HasPrefix(err.Error(), "isp/a: ") {
		t.Errorf("the name is locked twice: %v, by %d", err, by)
	}
	other, _, err := LockName(dir, "isp")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Close(), other.Close()); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	if err := os.WriteFile(files[0], []byte(`{"pid":1}`+"and more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, _, err := LockName(dir, "isp/a")
	if err != nil {
		t.Fatalf("after a crash: %v", err)
	}
	if h := ownerOf(files[0]); h != currentOwner() {
		t.Errorf("the file says %+v", h)
	}
	again.Close()
}

// TestIsRemoved: an open file that was removed, or replaced, is recognized.
func TestIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	old, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if isRemoved(old, path) {
		t.Error("an existing file is reported as removed")
	}
	os.Remove(path)
	if !isRemoved(old, path) {
		t.Error("a removed file is reported as existing")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil || !isRemoved(old, path) {
		t.Errorf("a replaced file is reported as existing: %v", err)
	}
}

// TestNameLockNoDirectory: a directory that cannot be created is an error, and not ErrNameInUse.
func TestNameLockNoDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, _, err := LockName(filepath.Join(file, "run"), "isp"); c != nil || err == nil || errors.Is(err, ErrNameInUse) {
		t.Errorf("%v, %v", c, err)
	}
}
