package pidfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestWriteReadRemove(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, LinkName("isp"), "ppp0"); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, LinkName("isp"), "ppp1"); err != nil {
		t.Fatal(err)
	}
	pid, lines, err := Read(dir, "ppp-isp.pid")
	if err != nil || pid != os.Getpid() || !slices.Equal(lines, []string{"ppp1"}) {
		t.Errorf("read %d %q, %v", pid, lines, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files are there, want one", len(files))
	}
	Remove(dir, LinkName("isp"))
	if _, _, err := Read(dir, LinkName("isp")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after it was removed: %v", err)
	}
	os.WriteFile(filepath.Join(dir, "ppp0.pid"), []byte("4194304\n"), 0o644)
	Remove(dir, UnitName("ppp0"))
	if pid, _, err := Read(dir, UnitName("ppp0")); pid != 4194304 || err != nil {
		t.Errorf("another program's file: %d, %v", pid, err)
	}
	for _, text := range []string{"", "x\n", "-1\n", "0\n"} {
		os.WriteFile(filepath.Join(dir, "ppp0.pid"), []byte(text), 0o644)
		if pid, _, err := Read(dir, UnitName("ppp0")); err == nil {
			t.Errorf("%q is process %d", text, pid)
		}
	}
	if err := Write(filepath.Join(dir, "none"), "x"); err == nil {
		t.Error("a file in a nonexistent directory")
	}
}
