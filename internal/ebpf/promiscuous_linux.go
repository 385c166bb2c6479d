package ebpf

import (
	"encoding/binary"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// What the kernel's path moves a packet socket at a session's device does not see, or not both
// ways. So a device that is promiscuous, as tcpdump makes it, is moved to user space until it no
// longer is. Its flags tell only if `ip link` has made it so; IFLA_PROMISCUITY tells of all.

// promiscuityChanged takes a message about an interface.
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

// promiscuity is how often an interface was made promiscuous, by a message's attributes.
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

// setPromiscuous notes whether a session's device is. The Engine's lock is held.
func (e *Engine) setPromiscuous(s *session, is bool) {
	if s.promiscuous == is {
		return
	}
	s.promiscuous = is
	if e.writeMaps(s) != nil {
		e.clearMaps(s) // user space has it then
	}
	e.notifyPromiscuous(s)
}

func (e *Engine) notifyPromiscuous(s *session) {
	if s.promiscuous {
		e.notify(fmt.Sprintf("%s: packets are moved by user space while the device is promiscuous, so that tcpdump sees them all", s.Device.Name()))
	} else {
		e.notify(fmt.Sprintf("%s: packets are moved in the kernel again: the device is no longer promiscuous", s.Device.Name()))
	}
}

// readPromiscuity asks for all devices, when news has been lost.
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
