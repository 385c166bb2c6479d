package netconfig

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
)

// ipv4AddressStep adds the addresses that IPCP has negotiated to the device.
func ipv4AddressStep(link device, a ipcp.Agreement) step {
	addr := &netlink.Addr{IPNet: hostPrefix(a.Local), Scope: unix.RT_SCOPE_UNIVERSE}
	if !a.Remote.IsUnspecified() {
		addr.Peer = hostPrefix(a.Remote)
	}
	if link.usesOwnTable() {
		addr.Flags = unix.IFA_F_NOPREFIXROUTE // the route to the peer goes into Table
	}
	return addressStep(link, addr)
}

// ipv4Steps returns what needs these addresses and a device that is up.
func (h *Configurer) ipv4Steps(p *session, link device, a ipcp.Agreement) []step {
	var steps []step
	if link.usesOwnTable() {
		if !a.Remote.IsUnspecified() {
			steps = append(steps, h.peerRouteStep(link, a))
		}
		if h.PolicyRules {
			steps = append(steps, h.ruleSteps(link, a.Local)...)
		}
	}
	return slices.Concat(steps, h.ipv4RouteSteps(p, link), h.proxySteps(link.routing, a.Remote))
}

// minMTU6 is the minimum MTU of IPv6 (RFC 8200 section 5). Linux disables IPv6 on a device with
// less.
const minMTU6 = 1280

// applyIPv6 applies all steps for IPv6.
func (h *Configurer) applyIPv6(p *session, link device, a ipv6cp.Agreement) (appliedSteps, error) {
	if mtu := link.Attrs().MTU; mtu < minMTU6 {
		return nil, fmt.Errorf("an MTU of at least %d is required, and this is %d", minMTU6, mtu)
	}
	return h.applyTo(p, h.ipv6Steps(link, a))
}

// ipv6Steps adds the link-local addresses that IPv6CP has negotiated, and routes. Duplicate
// address detection is off: both identifiers are known to differ (RFC 5072 section 4.1), and the
// address would be tentative for a moment, so that the first packet, a Router Solicitation, could
// not be sent.
func (h *Configurer) ipv6Steps(link device, a ipv6cp.Agreement) []step {
	addr := &netlink.Addr{IPNet: hostPrefix(a.Local.LinkLocal()), Peer: hostPrefix(a.Remote.LinkLocal()), Scope: unix.RT_SCOPE_LINK, Flags: unix.IFA_F_NODAD}
	steps := []step{addressStep(link, addr), ownRouteStep(link, a.Local.LinkLocal())}
	if link.usesOwnTable() && h.PolicyRules {
		steps = append(steps, h.deviceRuleStep(link, netlink.FAMILY_V6))
	}
	return append(steps, h.ipv6RouteSteps(link)...)
}

// ownRouteStep removes the route to the session's own address that the kernel adds to the main table for
// its prefix. It has no effect, as that of the local table precedes it, but for each device that comes up,
// or is removed, the kernel walks all IPv6 routes. In a VRF it is left.
func ownRouteStep(link device, own netip.Addr) step {
	return step{what: fmt.Sprintf("remove route to %v", own), ofDevice: true, do: func() (func() error, error) {
		if link.vrf == "" {
			netlink.RouteDel(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: hostPrefix(own), Table: unix.RT_TABLE_MAIN, Type: unix.RTN_UNICAST})
		}
		return nil, nil
	}}
}

func addressStep(link netlink.Link, addr *netlink.Addr) step {
	what := fmt.Sprintf("add address %v", addr.IP)
	if addr.Peer != nil {
		what += fmt.Sprintf(" peer %v", addr.Peer.IP)
	}
	return step{what: what, ofDevice: true, do: func() (func() error, error) {
		return func() error { return netlink.AddrDel(link, addr) }, netlink.AddrAdd(link, addr)
	}}
}

// hostPrefix returns the prefix of a single address.
func hostPrefix(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}
