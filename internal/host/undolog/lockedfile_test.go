package undolog

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSpecialFileRefused: a file that cannot be opened is an error, whether it must exist or not.
func TestSpecialFileRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "eth0")
	if err := os.Symlink("/dev/null", path); err != nil {
		t.Fatal(err)
	}
	for name, hold := range map[string]func(string) (*LockedFile, error){"OpenLocked": OpenLocked, "OpenExistingLocked": OpenExistingLocked} {
		if h, err := hold(path); h != nil || err == nil {
			t.Errorf("%s of a symbolic link: %v, %v", name, h, err)
		}
		if h, err := hold(filepath.Dir(path)); h != nil || err == nil {
			t.Errorf("%s of a directory: %v, %v", name, h, err)
		}
	}
}

// TestLockedFile: one program has a file at a time, it holds what was written last, and it can be
// removed.
func TestLockedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "eth0")
	if h, err := OpenExistingLocked(path); h != nil || err != nil {
		t.Fatalf("a nonexistent file: %v, %v", h, err)
	}
	h, err := OpenLocked(path)
	if err != nil || h == nil {
		t.Fatal(err)
	}
	var is []string
	if there, err := h.Read(&is); there || err != nil {
		t.Errorf("an empty file says %v, %v", is, err)
	}
	for _, value := range [][]string{{"a", "long", "value"}, {"b"}} {
		if err := h.Write(value); err != nil {
			t.Fatal(err)
		}
	}
	for name, hold := range map[string]func(string) (*LockedFile, error){"OpenLocked": OpenLocked, "OpenExistingLocked": OpenExistingLocked} {
		if other, err := hold(path); other != nil || err != nil {
			t.Errorf("%s of another's: %v, %v", name, other, err)
		}
	}
	h.Close()
	h, err = OpenExistingLocked(path)
	if err != nil || h == nil {
		t.Fatal(err)
	}
	if there, err := h.Read(&is); !there || err != nil || len(is) != 1 || is[0] != "b" {
		t.Errorf("it says %v, %v, %v", there, is, err)
	}
	var number int
	if _, err := h.Read(&number); err == nil {
		t.Error("a value of another type is read")
	}
	if err := h.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
	os.WriteFile(path, []byte("{\"boot\":\"another\",\"set\":[\"c\"]}"), 0o600)
	h, _ = OpenExistingLocked(path)
	if there, err := h.Read(&is); there || err != nil {
		t.Errorf("another boot's says %v, %v", is, err)
	}
	h.Close()
	os.WriteFile(path, []byte("nonsense"), 0o600)
	h, _ = OpenExistingLocked(path)
	if there, err := h.Read(&is); there || err == nil {
		t.Errorf("nonsense says %v, %v", is, err)
	}
	h.Close()
	if err := os.Symlink("/dev/null", path+"2"); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLocked(path + "2"); err == nil {
		t.Error("a symbolic link is followed")
	}
}
