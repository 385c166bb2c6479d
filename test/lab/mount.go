package lab

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// BindMount mounts the file or directory Source over the existing Target, for a program that Start
// starts. Other processes do not see it.
type BindMount struct {
	Source, Target string
}

// PrivateDirs returns bind mounts of empty directories below dir over /etc/ppp, /var/lib and /run,
// so that a program uses none of the machine's options, scripts, secrets and state.
func PrivateDirs(dir string) (binds []BindMount, err error) {
	for _, over := range []string{"/etc/ppp", "/var/lib", "/run"} { // /run comes last: dir may be in it
		if _, err := os.Stat(over); err != nil {
			continue // nothing is read from it either
		}
		from := filepath.Join(dir, over)
		if err := os.MkdirAll(from, 0o755); err != nil {
			return nil, err
		}
		binds = append(binds, BindMount{Source: from, Target: over})
	}
	return binds, nil
}

// bindMounts gives the calling thread and its child processes their own mounts.
func bindMounts(binds []BindMount) error {
	if len(binds) == 0 {
		return nil
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("make a mount namespace: %w", err)
	}
	// Mounts are shared by default on most systems.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	for _, b := range binds {
		if err := unix.Mount(b.Source, b.Target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount %s over %s: %w", b.Source, b.Target, err)
		}
	}
	return nil
}
