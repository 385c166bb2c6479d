package atomicfile

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWrite: contents and mode are replaced, and no temporary file remains, also on error.
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
			t.Errorf("the file contains %q, %v, mode %v; want %q, %v", got, err, stat.Mode(), text, mode)
		}
	}
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(taken, "text", 0o600); err == nil {
		t.Error("a file has replaced a directory")
	}
	if err := Write(filepath.Join(dir, "missing", "file"), "text", 0o600); err == nil {
		t.Error("a file was written into a nonexistent directory")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("remaining files: %v, %v", left, err)
	}
}
