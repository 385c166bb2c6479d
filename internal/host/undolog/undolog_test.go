package undolog

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWriteRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "eth0.0.rules")
	var got []string
	if there, err := Read(path, &got); there || err != nil {
		t.Errorf("before it is written: %v, %v", there, err)
	}
	for _, want := range [][]string{{"one", "two"}, {"one"}} {
		if err := Write(path, want); err != nil {
			t.Fatal(err)
		}
		got = nil
		if there, err := Read(path, &got); !there || err != nil || !slices.Equal(got, want) {
			t.Errorf("read %q, %v, %v; want %q", got, there, err, want)
		}
	}
	for range 2 {
		if err := Remove(path); err != nil {
			t.Error(err)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestInvalidFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "eth0.0.rules")
	for text, bad := range map[string]bool{`{"boot":"another","set":["one"]}`: false, "{": true, "": true} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var got []string
		if there, err := Read(path, &got); there || got != nil || (err != nil) != bad {
			t.Errorf("%q: read %q, %v, %v", text, got, there, err)
		}
	}
	if err := Write(path, []string{"one"}); err != nil {
		t.Fatal(err)
	}
	if there, err := Read(path, new(int)); there || err == nil {
		t.Errorf("as something else: %v, %v", there, err)
	}
	if err := Write(filepath.Join(path, "in a file"), 1); err == nil {
		t.Error("a file within a file")
	}
}

// TestLockedFile: a file is one program's at a time, tells what was written last, and goes when there is
// nothing left.
func TestLockedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "eth0")
	if h, err := OpenExistingLocked(path); h != nil || err != nil {
		t.Fatalf("a file that is not there: %v, %v", h, err)
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
	for name, hold := range map[string]func(string) (*LockedFile, error){"Hold": OpenLocked, "HoldLeft": OpenExistingLocked} {
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
		t.Error("a value of another kind is read")
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

// TestFormat: what stands in a file, and who can read it; a value as long as a file may be is kept.
func TestFormat(t *testing.T) {
	boot, err := BootID()
	if err != nil || len(boot) != 36 {
		t.Fatalf("this boot is %q, %v", boot, err)
	}
	dir := filepath.Join(t.TempDir(), "sub")
	locked, err := OpenLocked(filepath.Join(dir, "held"))
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Close()
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v", info.Mode(), err)
	}
	for name, write := range map[string]func(any) error{"held": locked.Write, "written": func(v any) error { return Write(filepath.Join(dir, "written"), v) }} {
		path := filepath.Join(dir, name)
		if err := write([]string{"one"}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if want := `{"boot":"` + boot + `","set":["one"]}` + "\n"; string(text) != want || err != nil {
			t.Errorf("%s says %q, %v; want %q", name, text, err, want)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want it its user's alone", name, info.Mode(), err)
		}
		for length, want := range map[int]bool{1<<20 + 1: true, 1<<20 + 2: false} { // octets; the last of them ends the line, and is not needed
			value := strings.Repeat("x", length-len(`{"boot":"","set":""}`)-len(boot)-1)
			if err := write(value); err != nil {
				t.Fatal(err)
			}
			var got string
			there, err := read(name, path, locked, &got)
			if there != want || (err == nil) != want || want && got != value {
				t.Errorf("%s, of %d octets: %v, %v, %d octets; want it read: %v", name, length, there, err, len(got), want)
			}
		}
	}
	if err := writeUnencodable(dir, locked); err == nil {
		t.Error("a value that JSON cannot hold is written")
	}
}

func read(name, path string, locked *LockedFile, value *string) (bool, error) {
	if name == "held" {
		return locked.Read(value)
	}
	return Read(path, value)
}

// writeUnencodable writes a value that JSON cannot hold.
func writeUnencodable(dir string, locked *LockedFile) error {
	if err := locked.Write(func() {}); err == nil {
		return nil
	}
	return Write(filepath.Join(dir, "written"), func() {})
}
