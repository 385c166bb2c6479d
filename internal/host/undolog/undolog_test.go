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

// TestFormat: a file's content and mode, and the longest value that can be read.
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
			t.Errorf("%s: %v, %v; want access only for its user", name, info.Mode(), err)
		}
		for length, want := range map[int]bool{1<<20 + 1: true, 1<<20 + 2: false} { // octets; the last one is the newline, which is not needed
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

// writeUnencodable writes a value that JSON cannot encode.
func writeUnencodable(dir string, locked *LockedFile) error {
	if err := locked.Write(func() {}); err == nil {
		return nil
	}
	return Write(filepath.Join(dir, "written"), func() {})
}
