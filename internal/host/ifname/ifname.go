// Package ifname resolves alternative names of network interfaces.
package ifname

import "github.com/vishvananda/netlink"

// KernelName returns the kernel's name of an interface that may be given by an alternative name
// (ip-link(8), property altname): notifications and packet sockets use no other. ok reports
// whether the interface exists.
func KernelName(name string) (real string, ok bool) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return name, false
	}
	return link.Attrs().Name, true
}
