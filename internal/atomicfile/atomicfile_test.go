package atomicfile

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWrite: what was there is replaced, mode and all, and nothing else lies beside it; so it is
// where the file cannot be written, but that what was there stays.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for text, mode := range map[string]os.FileMode{"a longer text\n": 0o600, "short\n": 0o644} {
		if err := Write(path, text, mode); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		stat, _ := os.Stat(path)
		if err != nil || string(got) != text || stat.Mode() != mode {
			t.Errorf("the file holds %q, %v, mode %v; want %q, %v", got, err, stat.Mode(), text, mode)
		}
	}
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(taken, "text", 0o600); err == nil {
		t.Error("a file took a directory's place")
	}
	if err := Write(filepath.Join(dir, "missing", "file"), "text", 0o600); err == nil {
		t.Error("a file was written into a directory that is not there")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("left are %v, %v", left, err)
	}
}
