package ebpf

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"

	"github.com/vishvananda/netlink"

	"upppoe/pppoe/datapath"
)

// device is a TUN whose packets are carried: of one session, or shared by many.
type device struct {
	engine   *Engine
	name     string
	index    int
	shared   bool
	taken    int       // how many sessions it has
	own      *session  // of a device that is not shared
	attached io.Closer // the transmit program

	segmentUDP  uint16 // the flag, or 0
	shaper      string // its queueing discipline, if it shapes; packets must not bypass it
	filtered    bool   // it has filters, which packets must not bypass
	promiscuous bool
	incomplete  bool   // not all prefixes of its sessions are in the maps
	gone        bool   // it has left the network namespace
	lastNotice  string // of notifyQdisc
}

// deviceName returns the name of the TUN of a session.
func deviceName(c *datapath.SessionConfig) string {
	if c.Shared != nil {
		return c.Shared.Name()
	}
	return c.Device.Name()
}

// device returns the TUN with a name. A shared device is opened for its first session, and is kept
// until its last has gone. The Engine's lock is held, as for the functions below.
func (e *Engine) device(name string, shared bool) (*device, error) {
	if shared {
		for _, d := range e.devices {
			if d.shared && d.name == name {
				return d, nil
			}
		}
	}
	d := &device{engine: e, name: name, shared: shared}
	if err := d.open(); err != nil {
		return nil, fmt.Errorf("%s: %w", d.name, err)
	}
	return d, nil
}

// open reads the state of the device, and attaches the transmit program.
func (d *device) open() error {
	found, err := netlink.LinkByName(d.name)
	if err != nil {
		return err
	}
	d.index, d.promiscuous = found.Attrs().Index, found.Attrs().Promisc > 0
	if d.engine.devices[d.index] != nil {
		return ErrExists
	}
	if can, err := d.engine.ethtool.offloads(d.name); err == nil && can.anyChecksum {
		d.segmentUDP = segmentUDP
	}
	if err := d.engine.readQdiscs(d); err != nil {
		return err
	}
	program := d.engine.transmit
	if d.shared {
		program = d.engine.transmitShared
	}
	if d.attached, err = d.engine.hooks.attach(d.index, egress, program, pinName("transmit", d.index)); err != nil {
		return err
	}
	d.engine.devices[d.index] = d
	d.engine.notifyQdisc(d)
	if d.promiscuous {
		d.engine.notifyPromiscuous(d)
	}
	return nil
}

// take adds a session, which has its slot.
func (d *device) take(s *session) {
	s.onDevice, d.taken = true, d.taken+1
	if !d.shared {
		d.own = s
	}
}

// sessions yields the sessions of the device. Those of a shared one are among all: its state changes
// rarely.
func (d *device) sessions() iter.Seq[*session] {
	return func(yield func(*session) bool) {
		all := d.engine.bySlot
		if !d.shared {
			all = []*session{d.own}
		}
		for _, s := range all {
			if s != nil && s.device == d && s.onDevice && !yield(s) {
				return
			}
		}
	}
}

// release removes a session, and closes the device after its last. It may be called again.
func (d *device) release(s *session) {
	if !s.onDevice {
		return
	}
	s.onDevice, d.taken = false, d.taken-1
	if d.taken > 0 {
		return
	}
	d.attached.Close() // fails if the device has gone, and the link with it
	if d.engine.devices[d.index] == d {
		delete(d.engine.devices, d.index)
	}
}

// update writes the sessions of the device to the maps, after its state has changed.
func (d *device) update() (err error) {
	for s := range d.sessions() {
		err = errors.Join(err, s.write())
	}
	return err
}

// deviceGone leaves sessions to user space whose device has gone, perhaps to another network
// namespace. The programs know a device by its index, which there may belong to another. A released
// Engine waits for Take.
func (e *Engine) deviceGone(index int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	d := e.devices[index]
	if d == nil || e.pins.staysPinned() {
		return
	}
	d.gone = true
	delete(e.devices, index)
	d.attached.Close()
	for s := range d.sessions() {
		s.clear()
	}
	e.cfg.Notify(fmt.Sprintf("%s: packets are carried in user space: the device has left the network namespace", d.name))
}

// checkDevices calls deviceGone for each device that has gone.
func (e *Engine) checkDevices() {
	e.mu.Lock()
	all := slices.Collect(maps.Keys(e.devices))
	e.mu.Unlock()
	for _, index := range all {
		if _, err := e.ethtool.name(index); err != nil {
			e.deviceGone(index)
		}
	}
}
