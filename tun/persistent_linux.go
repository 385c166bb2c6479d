package tun

import (
	"errors"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// IsPersistent reports whether Open would use an existing device of that name: a persistent TUN
// device that no program uses (`ip tuntap add NAME mode tun user WHO`). Its owner does not need
// CAP_NET_ADMIN to open it. It remains when the Device is closed.
func IsPersistent(name string) bool { return name != "" && findPersistent(name) != nil }

// findPersistent finds such a device; nil: there is none.
func findPersistent(name string) *netlink.Tuntap {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return nil
	}
	return asPersistent(link, name)
}

// asPersistent returns an interface as such a device; nil: it is none.
func asPersistent(link netlink.Link, name string) *netlink.Tuntap {
	existing, ok := link.(*netlink.Tuntap)
	if !ok || !isUnused(existing, name) {
		return nil
	}
	return existing
}

// isUnused reports whether a device can be opened. One with queues is in use by another program,
// which would share the packets.
func isUnused(d *netlink.Tuntap, name string) bool {
	return d.Name == name && d.Mode == netlink.TUNTAP_MODE_TUN && !d.NonPersist && d.Queues == 0 && d.DisabledQueues == 0
}

// isMultiQueue reports whether a device supports several queues. It must be opened with the same
// flag.
func isMultiQueue(d *netlink.Tuntap) bool { return d.Flags&netlink.TUNTAP_MULTI_QUEUE != 0 }

// checkExclusive returns an error unless the only queue of a persistent device is ours: another
// program may have opened it at the same time.
func checkExclusive(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	if d, ok := link.(*netlink.Tuntap); ok && d.Queues+d.DisabledQueues > 1 {
		return unix.EBUSY
	}
	return nil
}

// setPersistentLinkType is setLinkType for a device that may be up already, and then keeps its
// type.
func setPersistentLinkType(fd uintptr) error {
	if err := setLinkType(fd); !errors.Is(err, unix.EBUSY) {
		return err
	}
	return nil
}
