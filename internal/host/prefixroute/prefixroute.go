// Package prefixroute adds and removes routes of prefixes behind point-to-point devices, by
// rtnetlink(7): routes without a gateway.
package prefixroute

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ErrTaken is wrapped by Add's error where another device has a route to the same prefix, or an
// interface has the address.
var ErrTaken = errors.New("already")

// Route is a route of a prefix to a device.
type Route struct {
	Prefix netip.Prefix
	Device int        // interface index
	Source netip.Addr // preferred source address of this machine's own packets; invalid: the kernel chooses
	Table  int        // routing table; 0: the main table
}

// Add adds a route. That it exists is no error. The error wraps ErrTaken and names the prefix and
// the other device.
//
// The requests are sent through a handle, which may be the zero value.
func Add(h *netlink.Handle, r Route) error {
	if r.Table == 0 || r.Table == unix.RT_TABLE_MAIN {
		// The kernel adds a route beside another one to the same prefix that has another metric, which
		// may be the one that it prefers.
		if err := r.checkExact(h); err != nil {
			return err
		}
	}
	route := r.netlinkRoute()
	if r.Source.IsValid() && r.Source.BitLen() == r.Prefix.Addr().BitLen() {
		route.Src = r.Source.AsSlice()
	}
	err := h.RouteAdd(route)
	if errors.Is(err, unix.EEXIST) {
		return r.checkHolder(h)
	}
	if err != nil {
		return fmt.Errorf("%v: %w", r.Prefix, err)
	}
	return nil
}

// Remove removes a route. That it does not exist, or went with its device, is no error.
func Remove(h *netlink.Handle, r Route) error {
	err := h.RouteDel(r.netlinkRoute())
	if err != nil && !errors.Is(err, unix.ESRCH) && !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("%v: %w", r.Prefix, err)
	}
	return nil
}

func (r Route) netlinkRoute() *netlink.Route {
	scope := netlink.Scope(unix.RT_SCOPE_LINK)
	if r.Prefix.Addr().Is6() {
		scope = unix.RT_SCOPE_UNIVERSE // IPv6 has no others
	}
	return &netlink.Route{
		LinkIndex: r.Device, Dst: ipNet(r.Prefix), Table: r.Table, Scope: scope,
		Type: unix.RTN_UNICAST, Protocol: unix.RTPROT_STATIC,
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// checkExact returns an error if the route by which the kernel reaches the prefix is to exactly that
// prefix, and another's. It is one request, however many routes there are.
func (r Route) checkExact(h *netlink.Handle) error {
	routes, err := h.RouteGetWithOptions(r.Prefix.Addr().AsSlice(), &netlink.RouteGetOptions{FIBMatch: true})
	if err != nil {
		return nil // there is none
	}
	return r.check(h, routes)
}

// checkHolder returns an error unless an existing route to the prefix in the table is ours.
func (r Route) checkHolder(h *netlink.Handle) error {
	filter := r.netlinkRoute()
	if filter.Table == 0 {
		filter.Table = unix.RT_TABLE_MAIN
	}
	routes, err := h.RouteListFiltered(family(r.Prefix), filter, netlink.RT_FILTER_DST|netlink.RT_FILTER_TABLE)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return fmt.Errorf("look for the route to %v: %w", r.Prefix, err)
	}
	return r.check(h, routes)
}

// check returns an error if a route to exactly the prefix is not ours.
func (r Route) check(h *netlink.Handle, routes []netlink.Route) error {
	want := ipNet(r.Prefix)
	i := slices.IndexFunc(routes, func(o netlink.Route) bool {
		return o.Dst != nil && o.Dst.String() == want.String() && o.LinkIndex != r.Device
	})
	if i < 0 {
		return nil
	}
	if routes[i].Type == unix.RTN_LOCAL {
		return fmt.Errorf("%v is %w an address of this machine, on %s", r.Prefix, ErrTaken, deviceName(h, routes[i].LinkIndex))
	}
	return fmt.Errorf("%v is %w routed to %s: remove that route (`ip route show %[1]v`), or choose another prefix", r.Prefix, ErrTaken, deviceName(h, routes[i].LinkIndex))
}

func deviceName(h *netlink.Handle, index int) string {
	link, err := h.LinkByIndex(index)
	if err != nil {
		return "nowhere" // as a blackhole route
	}
	return link.Attrs().Name
}

func family(p netip.Prefix) int {
	if p.Addr().Is4() {
		return netlink.FAMILY_V4
	}
	return netlink.FAMILY_V6
}

// Cover returns the prefixes that contain exactly the addresses of a range: as few as possible.
// Both ends are included, and must be of one family.
func Cover(first, last netip.Addr) (all []netip.Prefix) {
	for first.Compare(last) <= 0 {
		bits := first.BitLen()
		for bits > 0 {
			wider := netip.PrefixFrom(first, bits-1)
			if wider.Masked().Addr() != first || lastOf(wider).Compare(last) > 0 {
				break
			}
			bits--
		}
		p := netip.PrefixFrom(first, bits)
		all = append(all, p)
		if first = lastOf(p).Next(); !first.IsValid() {
			break
		}
	}
	return all
}

// lastOf returns the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
