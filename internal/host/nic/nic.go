// Package nic finds one network interface of this machine among thousands, such as the devices of sessions.
package nic

import (
	"net"

	"github.com/vishvananda/netlink"
)

// ByName returns the interface of a name in the network namespace of the thread. The kernel is asked for it alone:
// net.InterfaceByName lists all interfaces. The error is a netlink.LinkNotFoundError if there is none, or the
// kernel's.
func ByName(name string) (*net.Interface, error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return nil, err
	}
	a := link.Attrs()
	return &net.Interface{Index: a.Index, MTU: a.MTU, Name: a.Name, HardwareAddr: a.HardwareAddr, Flags: a.Flags}, nil
}
