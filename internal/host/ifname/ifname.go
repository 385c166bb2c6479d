// Package ifname finds network interfaces by any of their names.
package ifname

import "github.com/vishvananda/netlink"

// KernelName is the name that the kernel uses of an interface, which may be named by one of its
// alternative names (ip-link(8), property altname): those who watch it, or ask for its packets,
// are told of it by no other. ok: there is one of this name.
func KernelName(name string) (real string, ok bool) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return name, false
	}
	return link.Attrs().Name, true
}
