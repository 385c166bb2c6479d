package rotatelog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, dir, name string) *File {
	t.Helper()
	f, err := Open(dir, name, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestReadAfterClose: the lines of each run can be read afterwards, by their user alone.
func TestReadAfterClose(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run", "log")
	if _, err := Read(dir, "isp", -1); !errors.Is(err, fs.ErrNotExist) || len(Names(dir)) > 0 {
		t.Errorf("without a log: %v, %v", err, Names(dir))
	}
	for _, text := range []string{"one\n", "two\nthree\n"} {
		f := open(t, dir, "isp")
		f.Write([]byte(text))
		f.Close()
	}
	text, err := Read(dir, "isp", -1)
	var words []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "-- ") && strings.Contains(line, ": test[") {
			line = "begin\n"
		}
		words = append(words, strings.TrimSpace(line))
	}
	if err != nil || strings.Join(words, " ") != "begin one begin two three" {
		t.Errorf("it is %q, %v", text, err)
	}
	for lines, want := range map[int]string{0: "", 1: "three\n", 2: "two\nthree\n"} {
		if got, err := Read(dir, "isp", lines); err != nil || string(got) != want {
			t.Errorf("the last %d lines are %q, %v; want %q", lines, got, err, want)
		}
	}
	for path, want := range map[string]fs.FileMode{filepath.Dir(dir): 0o755, dir: 0o700, filepath.Join(dir, "isp.log"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// TestBounded: at most two files of MaxSize, with the last lines in order.
func TestBounded(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, "isp")
	line := []byte(strings.Repeat("x", 1<<10-1) + "\n")
	for range 5 * MaxSize >> 10 {
		if _, err := f.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	f.Write([]byte("last\n"))
	for _, name := range []string{"isp.log", "isp.log.1"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() > MaxSize || info.Size() == 0 {
			t.Errorf("%s: %v octets, %v", name, info.Size(), err)
		}
	}
	text, err := Read(dir, "isp", -1)
	if err != nil || len(text) < MaxSize || !strings.HasSuffix(string(text), "x\nlast\n") {
		t.Errorf("%d octets, %v", len(text), err)
	}
	long := []byte(strings.Repeat("y", MaxSize+1) + "\n")
	if n, err := f.Write(long); n != len(long) || err != nil {
		t.Errorf("a line longer than a file: %d, %v", n, err)
	}
}

// TestExactSize: a file may be exactly as long as MaxSize.
func TestExactSize(t *testing.T) {
	for more, rotated := range map[int]bool{0: false, 1: true} {
		dir := t.TempDir()
		f := open(t, dir, "isp")
		f.Write(make([]byte, MaxSize-int(f.size)-1))
		f.Write(make([]byte, 1+more))
		if _, err := os.Stat(filepath.Join(dir, "isp.log.1")); (err == nil) != rotated {
			t.Errorf("%d octets more than MaxSize: %v", more, err)
		}
	}
}

// TestNames: each name has a file in the directory and nowhere else; the last written one is last.
func TestNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	now := time.Now()
	for i, name := range []string{"b", "../a", ".hidden", "eth0.50"} {
		open(t, dir, name)
		os.Chtimes(pathOf(dir, name), now, now.Add(time.Duration(i)*time.Second))
	}
	if got, want := Names(dir), []string{"b", "_._a", "_hidden", "eth0.50"}; !slices.Equal(got, want) {
		t.Errorf("the names are %q, want %q", got, want)
	}
}

// TestNoLink: an existing symbolic link is not followed.
func TestNoLink(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(t.TempDir(), "target")
	if err := os.Symlink(target, filepath.Join(dir, "isp.log")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, "isp", "test"); err == nil {
		t.Error("it is followed")
	}
	if _, err := os.Stat(target); err == nil {
		t.Error("its target was created")
	}
}

func TestTail(t *testing.T) {
	for _, c := range []struct {
		text  string
		lines int
		want  string
	}{
		{"", 1, ""}, {"a", 1, "a"}, {"a\nb", 1, "b"}, {"a\nb\n", 1, "b\n"}, {"a\nb\n", 2, "a\nb\n"}, {"a\nb\n", 3, "a\nb\n"}, {"a\nb\n", -1, "a\nb\n"}, {"a\nb\n", 0, ""},
	} {
		if got := string(Tail([]byte(c.text), c.lines)); got != c.want {
			t.Errorf("the last %d of %q are %q, want %q", c.lines, c.text, got, c.want)
		}
	}
}
