package tun

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

func TestBadNames(t *testing.T) {
	for _, name := range []string{"ppp%d", "a/b", "eth0:1", "sixteen-letters-", ".", "..", "with space", "tab\t", "µ"} {
		if _, err := Open(Config{Name: name}); !errors.Is(err, ErrName) {
			t.Errorf("Open(%q): %v, want %v", name, err, ErrName)
		}
	}
}

// TestExplain: each cause has its own advice, and the system's error is kept.
func TestExplain(t *testing.T) {
	for errno, want := range map[unix.Errno]error{
		unix.ENOENT: ErrNoDevice, unix.ENODEV: ErrNoDevice, unix.EPERM: ErrPermission,
		unix.EACCES: ErrPermission, unix.EBUSY: ErrNameTaken,
	} {
		got := explain(fmt.Errorf("ioctl: %w", errno))
		if !errors.Is(got, want) || !errors.Is(got, errno) {
			t.Errorf("%v is explained as %q, want %q with the cause", errno, got, want)
		}
	}
	if got := explain(unix.EIO); got != unix.EIO {
		t.Errorf("%v is explained as %q, want it as it is", unix.EIO, got)
	}
}
