package ebpf

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// notifyOthers tells of programs at an interface that carry the sessions of a process that does not run, and
// that this one does not take over: it has other pins, or none.
func (e *Engine) notifyOthers(i *Interface) {
	parent := filepath.Join(bpfDir, "upppoe")
	if e.cfg.Pin != "" {
		parent = filepath.Dir(e.cfg.Pin)
	}
	var namespace unix.Stat_t
	if unix.Stat(netnsPath, &namespace) != nil {
		return
	}
	others, _ := filepath.Glob(filepath.Join(parent, "*", fmt.Sprintf("layout*-%d", namespace.Ino), pinName("receive", i.index)))
	for _, other := range others {
		root := filepath.Dir(filepath.Dir(other))
		if root != e.cfg.Pin && !isLocked(root) {
			e.cfg.Notify(fmt.Sprintf("%s: an earlier program, which had another store, has left sessions in the kernel: start that again, or end them (rm -r %s)", i.name, root))
		}
	}
}

// isLocked reports whether a process has a directory of pins.
func isLocked(root string) bool {
	f, err := os.Open(root)
	if err != nil {
		return false
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil
}

// Leave is Close of a process that has a successor: what is pinned stays, and carries packets. What is not
// pinned is closed as by Close.
func (e *Engine) Leave() error {
	e.mu.Lock()
	e.pins.setLeave(true)
	e.mu.Unlock()
	return e.Close()
}

// Release lets a successor open what is pinned before this process has ended. The Engine must not be used
// until Take, and Close is Leave.
func (e *Engine) Release() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pins.setLeave(true)
	e.pins.release()
}

// Take undoes Release. The error says that another process has what is pinned.
func (e *Engine) Take() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.pins.isEnabled() {
		return nil
	}
	if err := e.pins.take(); err != nil {
		return err
	}
	e.pins.setLeave(false)
	return nil
}

// IsPinned reports whether the kernel carries packets while no process runs.
func (e *Engine) IsPinned() bool { return e.pins.isEnabled() }
