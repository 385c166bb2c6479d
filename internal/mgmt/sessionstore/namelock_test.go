package sessionstore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNameLock: a name is one program's until it gives it up; another name is free; what a crash
// leaves is in nobody's way.
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
		t.Errorf("the name is given again: %v, by %d", err, by)
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

// TestIsRemoved: who has opened the file that its holder then removes has no name by it.
func TestIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	old, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if isRemoved(old, path) {
		t.Error("it is there, and said to be removed")
	}
	os.Remove(path)
	if !isRemoved(old, path) {
		t.Error("it is removed, and said to be there")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil || !isRemoved(old, path) {
		t.Errorf("another is there, and said to be it: %v", err)
	}
}

// TestNameLockNoDirectory: a directory that cannot be is an error, and not another's claim.
func TestNameLockNoDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, _, err := LockName(filepath.Join(file, "run"), "isp"); c != nil || err == nil || errors.Is(err, ErrNameInUse) {
		t.Errorf("%v, %v", c, err)
	}
}
