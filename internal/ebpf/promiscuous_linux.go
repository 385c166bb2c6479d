package ebpf

import (
	"encoding/binary"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// A packet socket on a device does not see packets that the kernel carries, or only in one direction.
// So the sessions of a device that is promiscuous, as tcpdump makes it, are carried in user space
// meanwhile. The interface flags show only `ip link set promisc on`; IFLA_PROMISCUITY counts all users.

// promiscuityChanged handles a netlink message about an interface.
func (e *Engine) promiscuityChanged(index int, attributes []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	d := e.devices[index]
	if d == nil {
		return
	}
	if n, ok := promiscuity(attributes); ok {
		e.setPromiscuous(d, n > 0)
	}
}

// promiscuity returns how often an interface has been made promiscuous, from the attributes of a
// message.
func promiscuity(attributes []byte) (n uint32, ok bool) {
	attrs, err := nl.ParseRouteAttr(attributes)
	if err != nil {
		return 0, false
	}
	for _, a := range attrs {
		if a.Attr.Type == unix.IFLA_PROMISCUITY && len(a.Value) == 4 {
			return binary.NativeEndian.Uint32(a.Value), true
		}
	}
	return 0, false
}

// setPromiscuous records whether a device is promiscuous. The Engine's lock is held.
func (e *Engine) setPromiscuous(d *device, is bool) {
	if d.promiscuous == is {
		return
	}
	d.promiscuous = is
	d.update()
	e.notifyPromiscuous(d)
}

func (e *Engine) notifyPromiscuous(d *device) {
	if d.promiscuous {
		e.cfg.Notify(fmt.Sprintf("%s: packets are carried in user space while the device is promiscuous, so that tcpdump sees all of them", d.name))
	} else {
		e.cfg.Notify(fmt.Sprintf("%s: packets are carried in the kernel again: the device is no longer promiscuous", d.name))
	}
}

// readPromiscuity reads the promiscuity of all devices, after netlink messages were lost.
func (e *Engine) readPromiscuity() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cfg.InNamespace(func() error {
		for index, d := range e.devices {
			if link, err := netlink.LinkByIndex(index); err == nil {
				e.setPromiscuous(d, link.Attrs().Promisc > 0)
			}
		}
		return nil
	})
}
