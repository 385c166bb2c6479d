package undolog

import (
	"os"
	"path/filepath"
	"testing"
)

// TestIsSameFile: who has opened a file that its holder then removes does not take it for the
// one that has the path.
func TestIsSameFile(t *testing.T) {
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
	if !isSameFile(first, path) {
		t.Error("a file is not its own path's")
	}
	if err := os.Remove(path); err != nil || isSameFile(first, path) {
		t.Errorf("a file that was removed has its path, %v", err)
	}
	second := create()
	if isSameFile(first, path) || !isSameFile(second, path) {
		t.Error("the path is that of the file before")
	}
	second.Close()
	if isSameFile(second, path) {
		t.Error("a file that is closed is taken for its path's")
	}
}

// TestSpecialFileRefused: a file that cannot be opened is an error, also if an earlier program has left it.
func TestSpecialFileRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "eth0")
	if err := os.Symlink("/dev/null", path); err != nil {
		t.Fatal(err)
	}
	for name, hold := range map[string]func(string) (*LockedFile, error){"Hold": OpenLocked, "HoldLeft": OpenExistingLocked} {
		if h, err := hold(path); h != nil || err == nil {
			t.Errorf("%s of a symbolic link: %v, %v", name, h, err)
		}
		if h, err := hold(filepath.Dir(path)); h != nil || err == nil {
			t.Errorf("%s of a directory: %v, %v", name, h, err)
		}
	}
}
