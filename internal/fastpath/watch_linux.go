package fastpath

import (
	"encoding/binary"
	"errors"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// watch follows what the Ethernet interface does by itself with what it is to send. It
// changes with `ethtool -K`, and on a veth pair with what the other end does.
type watch struct {
	done    chan struct{} // closed to end it; nil: it does not run
	stopped chan struct{} // closed when it has
}

// start finds out how the interface is, and goes on to. Called in its network namespace.
func (w *watch) start(e *Engine, cfg Config, ethernet netlink.Link) error {
	changes, done := make(chan netlink.LinkUpdate, 16), make(chan struct{})
	if err := netlink.LinkSubscribe(changes, done); err != nil {
		return err
	}
	w.done, w.stopped = done, make(chan struct{})
	index := ethernet.Attrs().Index
	err := e.adapt(cfg, ethernet.Attrs().Name)
	// Ends with stop.
	go func() {
		defer close(w.stopped)
		for change := range changes {
			if change.Index == int32(index) {
				e.adapt(cfg, change.Attrs().Name) // what fails has been made safe
			}
			if change.Header.Type == unix.RTM_DELLINK || change.Flags&unix.IFF_UP == 0 {
				e.detourDown(int(change.Index))
			}
		}
		e.adapt(cfg, "") // nothing will be heard any more
	}()
	return err
}

// stop ends it. Again it does nothing.
func (w *watch) stop() error {
	if w.done == nil {
		return nil
	}
	close(w.done)
	<-w.stopped
	w.done = nil
	return nil
}

// adapt tells the programs what the interface leaves to the kernel now. If that is not to
// be found out, they suppose the worst.
func (e *Engine) adapt(cfg Config, name string) error {
	can, err := e.ethtool.offloads(name)
	flags := uint32(0)
	if !can.segments {
		flags |= segmented
	}
	if err != nil || can.narrow || cfg.narrow {
		flags |= finish
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flags = flags
	return errors.Join(err, e.tell())
}

// tell tells the programs of what can change.
func (e *Engine) tell() error {
	b := make([]byte, offloadLen)
	binary.NativeEndian.PutUint32(b[offloadFlags:], e.flags)
	binary.NativeEndian.PutUint32(b[offloadDetour:], uint32(e.demand.detour))
	return e.offloads.Put(uint32(0), b)
}
