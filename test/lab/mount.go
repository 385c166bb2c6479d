package lab

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// BindMount lays a file or directory over one of the machine's, which must be there, for a
// program that Start starts: nobody else sees it.
type BindMount struct {
	Source, Target string
}

// PrivateDirs gives a program directories of its own, below one, in place of those in which
// the machine has its options, scripts and secrets of PPP, what programs remember, and
// what runs. It reads, runs and changes nothing there.
func PrivateDirs(dir string) (binds []BindMount, err error) {
	for _, over := range []string{"/etc/ppp", "/var/lib", "/run"} { // the last: dir may be in it
		if _, err := os.Stat(over); err != nil {
			continue // nothing is read, either
		}
		from := filepath.Join(dir, over)
		if err := os.MkdirAll(from, 0o755); err != nil {
			return nil, err
		}
		binds = append(binds, BindMount{Source: from, Target: over})
	}
	return binds, nil
}

// bindMounts gives the calling thread, and what it starts, mounts of its own.
func bindMounts(binds []BindMount) error {
	if len(binds) == 0 {
		return nil
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("make a mount namespace: %w", err)
	}
	// Most systems share mounts with their copies.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	for _, b := range binds {
		if err := unix.Mount(b.Source, b.Target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("lay %s over %s: %w", b.Source, b.Target, err)
		}
	}
	return nil
}
