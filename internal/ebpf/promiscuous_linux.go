package ebpf

import (
	"encoding/binary"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// A packet socket on a session's device does not see packets that the kernel carries, or only in one
// direction. So a session whose device is promiscuous, as tcpdump makes it, is carried in user space
// meanwhile. The interface flags show only `ip link set promisc on`; IFLA_PROMISCUITY counts all users.

// promiscuityChanged handles a netlink message about an interface.
func (e *Engine) promiscuityChanged(index int, attributes []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.devices[index]
	if s == nil || s.gone {
		return
	}
	if n, ok := promiscuity(attributes); ok {
		e.setPromiscuous(s, n > 0)
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

// setPromiscuous records whether a session's device is promiscuous. The Engine's lock is held.
func (e *Engine) setPromiscuous(s *session, is bool) {
	if s.promiscuous == is {
		return
	}
	s.promiscuous = is
	if e.writeMaps(s) != nil {
		e.clearMaps(s) // user space carries it
	}
	e.notifyPromiscuous(s)
}

func (e *Engine) notifyPromiscuous(s *session) {
	if s.promiscuous {
		e.notify(fmt.Sprintf("%s: packets are carried in user space while the device is promiscuous, so that tcpdump sees all of them", s.Device.Name()))
	} else {
		e.notify(fmt.Sprintf("%s: packets are carried in the kernel again: the device is no longer promiscuous", s.Device.Name()))
	}
}

// readPromiscuity reads the promiscuity of all devices, after netlink messages were lost.
func (e *Engine) readPromiscuity() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.load.inNamespace(func() error {
		for index, s := range e.devices {
			if link, err := netlink.LinkByIndex(index); err == nil && !s.gone {
				e.setPromiscuous(s, link.Attrs().Promisc > 0)
			}
		}
		return nil
	})
}
