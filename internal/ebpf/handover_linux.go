package ebpf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf/link"
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
		if root != e.cfg.Pin && !isLocked(root) && isAttached(other, i.index) {
			e.cfg.Notify(fmt.Sprintf("%s: an earlier program, which had another store, has left sessions in the kernel: start that again, or end them (rm -r %s)", i.name, root))
		}
	}
}

// isAttached reports whether the program of a pinned link is attached to an interface. It no longer is if
// the interface has gone, as with a network namespace whose number (inode) this one has got since.
func isAttached(pin string, index int) bool {
	l, err := link.LoadPinnedLink(pin, nil)
	if err != nil {
		return false
	}
	defer l.Close()
	return interfaceOf(l) == index
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

// RemovePins removes a directory of pins, as in Config.Pin, that an earlier process has left: user space carries
// its sessions from then on. A directory that does not exist is no error; one that another process has is.
func RemovePins(root string) error {
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	p := &pins{root: root}
	if err := p.take(); err != nil {
		return err
	}
	defer p.release()
	return os.RemoveAll(root)
}

// Leave is Close of a process that has a successor: what is pinned stays, and carries packets. What is not
// pinned is closed as by Close.
func (e *Engine) Leave() error {
	e.mu.Lock()
	e.pins.setLeave(true)
	e.mu.Unlock()
	return e.Close()
}

// Release lets a successor open what is pinned before this process has ended. Until Take nothing is written
// to the maps, whatever is called or changes in the kernel, Link.Add returns ErrReleased, and Close is Leave.
// Prefixes and rates of sessions must not be set.
func (e *Engine) Release() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pins.setLeave(true)
	e.pins.release()
}

// Take undoes Release, and writes to the maps what has changed meanwhile. The error says that another
// process has what is pinned.
func (e *Engine) Take() error {
	if err := e.takePins(); err != nil {
		return err
	}
	e.checkDevices()
	return nil
}

func (e *Engine) takePins() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.pins.isEnabled() {
		return nil
	}
	if err := e.pins.take(); err != nil {
		return err
	}
	e.pins.setLeave(false)
	return e.writeAll()
}

// writeAll writes all interfaces and sessions to the maps. The lock is held.
func (e *Engine) writeAll() (err error) {
	for _, i := range e.interfaces {
		if i != nil {
			err = errors.Join(err, i.write())
		}
	}
	for _, d := range e.devices {
		err = errors.Join(err, d.update())
	}
	return err
}

// IsPinned reports whether the kernel carries packets while no process runs.
func (e *Engine) IsPinned() bool { return e.pins.isEnabled() }
