package leftover

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestKept(t *testing.T) {
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
		if err := Forget(path); err != nil {
			t.Error(err)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOfNoUse(t *testing.T) {
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
