package lab

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Bind lays a file or directory over one of the machine's, which must be there, for a
// program that Start starts: nobody else sees it.
type Bind struct {
	From, Over string
}

// Private gives a program directories of its own, below one, in place of those in which
// the machine has its options, scripts and secrets of PPP, what programs remember, and
// what runs. It reads, runs and changes nothing there.
func Private(dir string) (binds []Bind, err error) {
	for _, over := range []string{"/etc/ppp", "/var/lib", "/run"} { // the last: dir may be in it
		if _, err := os.Stat(over); err != nil {
			continue // nothing is read, either
		}
		from := filepath.Join(dir, over)
		if err := os.MkdirAll(from, 0o755); err != nil {
			return nil, err
		}
		binds = append(binds, Bind{From: from, Over: over})
	}
	return binds, nil
}

// lay gives the calling thread, and what it starts, mounts of its own.
func lay(binds []Bind) error {
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
		if err := unix.Mount(b.From, b.Over, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("lay %s over %s: %w", b.From, b.Over, err)
		}
	}
	return nil
}
