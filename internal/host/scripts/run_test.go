package scripts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestExecutable: a regular file with any execute permission is a program.
func TestExecutable(t *testing.T) {
	dir := t.TempDir()
	for mode, want := range map[os.FileMode]bool{0o100: true, 0o010: true, 0o001: true, 0o755: true, 0o644: false, 0o666: false, 0: false} {
		path := filepath.Join(dir, fmt.Sprintf("%o", mode))
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		if err := executable(path); (err == nil) != want {
			t.Errorf("mode %04o: %v, want a program: %v", mode, err, want)
		}
	}
	if err := executable(dir); err == nil {
		t.Error("a directory is a program")
	}
	if err := executable(dir + "/none"); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestDedupeEnv: of a repeated name the last value counts, at its position; a name alone removes
// the variable.
func TestDedupeEnv(t *testing.T) {
	for _, c := range []struct{ env, want string }{
		{"", ""}, {"A=1 B=2", "A=1 B=2"}, {"A=1 B=2 A=3", "B=2 A=3"}, {"A=1 A", ""}, {"A A=1", "A=1"}, {"A=1 B", "A=1"},
		{"A=1=2 A=3=", "A=3="}, {"AB=1 A", "AB=1"}, {"A= B", "A="},
	} {
		if got := dedupeEnv(strings.Fields(c.env)); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("of %q stays %q, want %q", c.env, got, c.want)
		}
	}
}

// TestExitStatus: the exit code, or the whole status of a script that a signal has ended
// (wait(2)).
func TestExitStatus(t *testing.T) {
	for status, want := range map[syscall.WaitStatus]int{0: 0, 0x100: 1, 0xff00: 255, 9: 9, 0x8b: 0x8b, 15: 15} {
		if got := exitStatus(status); got != want {
			t.Errorf("status %#x is %#x, want %#x", uint32(status), got, want)
		}
	}
}
