package netconfig

import (
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/host/vrf"
	"upppoe/pppoe"
)

// Retire removes the IPv6 routes of the device that the kernel has added. For each device that is
// removed the kernel walks all IPv6 routes of the namespace several times, so that those of all
// sessions that end go first. Routes that are left go with the device.
func (h *Configurer) Retire(l pppoe.SessionInfo) {
	h.mu.Lock()
	p := h.sessions[l.Key()]
	h.mu.Unlock()
	if p == nil || p.index == 0 || p.preexisting || p.linkLocal == ([2]netip.Addr{}) {
		return
	}
	p.inNamespace(func() error {
		if currentNamespace() != p.in {
			return nil
		}
		handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer handle.Close()
		table, err := vrf.Table(p.vrf)
		if err == nil {
			removeIPv6Routes(handle, p, table)
		}
		return err
	})
}

// allMulticast is the destination of the multicast route that the kernel adds for each device.
var allMulticast = &net.IPNet{IP: net.ParseIP("ff00::"), Mask: net.CIDRMask(8, 128)}

// removeIPv6Routes removes the routes to both link-local addresses, and that of multicast. They are in
// the main and local tables, or all in that of the VRF.
func removeIPv6Routes(h *netlink.Handle, p *session, vrf int) {
	main, local := unix.RT_TABLE_MAIN, unix.RT_TABLE_LOCAL
	if vrf != 0 {
		main, local = vrf, vrf
	}
	remove := func(to *net.IPNet, kind, table int) {
		h.RouteDel(&netlink.Route{LinkIndex: p.index, Dst: to, Table: table, Type: kind})
	}
	remove(hostPrefix(p.linkLocal[1]), unix.RTN_UNICAST, main)
	remove(hostPrefix(p.linkLocal[0]), unix.RTN_LOCAL, local)
	remove(allMulticast, unix.RTN_MULTICAST, local)
}
