package sharednet

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// adoptRoutes finds the routes to the device that a predecessor has left. Those with another source
// address are removed.
func (n *Network) adoptRoutes() error {
	if !n.adopted {
		return nil
	}
	filter := &netlink.Route{LinkIndex: n.link.Attrs().Index, Table: n.table, Protocol: unix.RTPROT_STATIC}
	if filter.Table == 0 {
		filter.Table = unix.RT_TABLE_MAIN
	}
	all, err := n.handle.RouteListFiltered(netlink.FAMILY_ALL, filter, netlink.RT_FILTER_OIF|netlink.RT_FILTER_TABLE|netlink.RT_FILTER_PROTOCOL)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return fmt.Errorf("list its routes: %w", err)
	}
	for _, r := range all {
		p, ok := prefixOf(&r)
		if source, _ := netip.AddrFromSlice(r.Src); !ok || r.Src != nil && source.Unmap() != n.cfg.IPv4 {
			n.handle.RouteDel(&r)
			continue
		}
		n.routes.adopt(p)
	}
	return nil
}

// prefixOf returns the destination of a route; ok is false for a default route.
func prefixOf(r *netlink.Route) (p netip.Prefix, ok bool) {
	if r.Dst == nil {
		return p, false
	}
	address, ok := netip.AddrFromSlice(r.Dst.IP)
	bits, _ := r.Dst.Mask.Size()
	return netip.PrefixFrom(address.Unmap(), bits), ok
}

// leaveVRF takes an adopted device out of the VRF of its predecessor.
func (n *Network) leaveVRF() error {
	if !n.adopted || n.link.Attrs().MasterIndex == 0 {
		return nil
	}
	return n.handle.LinkSetNoMaster(n.link)
}

// removeOtherAddresses removes the addresses of a predecessor that are not configured any more.
func (n *Network) removeOtherAddresses() error {
	if !n.adopted {
		return nil
	}
	all, err := n.handle.AddrList(n.link, netlink.FAMILY_ALL)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return fmt.Errorf("list its addresses: %w", err)
	}
	for _, a := range all {
		switch ip, _ := netip.AddrFromSlice(a.IP); ip.Unmap() {
		case n.cfg.IPv4, n.cfg.IPv6, linkLocal:
		default:
			n.handle.AddrDel(n.link, &a)
		}
	}
	return nil
}
