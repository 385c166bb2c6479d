package tun

import (
	"errors"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// IsPersistent reports whether there is an interface of that name which Open joins, as somebody else
// has made it for that: a persistent TUN device that no program uses
// (`ip tuntap add NAME mode tun user WHO`). Its owner needs no CAP_NET_ADMIN for that. It stays
// when the device is closed.
func IsPersistent(name string) bool { return name != "" && findPersistent(name) != nil }

// findPersistent finds such a device; nil: there is none.
func findPersistent(name string) *netlink.Tuntap {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return nil
	}
	existing, ok := link.(*netlink.Tuntap)
	if !ok || !isUnused(existing, name) {
		return nil
	}
	return existing
}

// isUnused reports whether a device is one to be joined. That another program uses it is seen by
// its queues: it would share them with us.
func isUnused(d *netlink.Tuntap, name string) bool {
	return d.Name == name && d.Mode == netlink.TUNTAP_MODE_TUN && !d.NonPersist && d.Queues == 0 && d.DisabledQueues == 0
}

// isMultiQueue reports whether a device takes several queues. One that does takes no descriptor that
// does not say so, and the other way round.
func isMultiQueue(d *netlink.Tuntap) bool { return d.Flags&netlink.TUNTAP_MULTI_QUEUE != 0 }

// checkExclusive reports whether the one queue of a device that was joined is ours: another program
// may have done the same at the same time.
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

// setPersistentLinkType is setLinkType for a device that may be up already, and then keeps the type
// that it has.
func setPersistentLinkType(fd uintptr) error {
	if err := setLinkType(fd); !errors.Is(err, unix.EBUSY) {
		return err
	}
	return nil
}
