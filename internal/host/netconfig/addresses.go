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

// ipv4AddressStep gives the device the addresses that IPCP has agreed on.
func (h *Configurer) ipv4AddressStep(link netlink.Link, a ipcp.Agreement) step {
	addr := &netlink.Addr{IPNet: hostPrefix(a.Local), Scope: unix.RT_SCOPE_UNIVERSE}
	if !a.Remote.IsUnspecified() {
		addr.Peer = hostPrefix(a.Remote)
	}
	if h.usesOwnTable() {
		addr.Flags = unix.IFA_F_NOPREFIXROUTE // the route to the peer goes into Table
	}
	return addressStep(link, addr)
}

// ipv4Steps are for what needs these addresses and a device that is up.
func (h *Configurer) ipv4Steps(link netlink.Link, a ipcp.Agreement) []step {
	var steps []step
	if h.usesOwnTable() {
		if !a.Remote.IsUnspecified() {
			steps = append(steps, h.peerRouteStep(link, a))
		}
		if h.PolicyRules {
			steps = append(steps, h.ruleSteps(link, a.Local)...)
		}
	}
	return slices.Concat(steps, h.ipv4RouteSteps(link), h.proxySteps(a.Remote))
}

// usesOwnTable reports whether routes go into a table that no device brings about.
func (h *Configurer) usesOwnTable() bool { return h.Table != 0 && h.VRF == "" }

// minMTU6 is what IPv6 asks of any link (RFC 8200 section 5). Linux has none where it is less.
const minMTU6 = 1280

// applyIPv6 does what there is to do for IPv6.
func (h *Configurer) applyIPv6(link netlink.Link, a ipv6cp.Agreement) (appliedSteps, error) {
	if mtu := link.Attrs().MTU; mtu < minMTU6 {
		return nil, fmt.Errorf("it needs an MTU of %d at least, and this is %d", minMTU6, mtu)
	}
	return h.apply(h.ipv6Steps(link, a))
}

// ipv6Steps give the device what IPv6CP has agreed on: both identifiers are known to differ (RFC 5072
// section 4.1), so the kernel need not look for duplicates. If it did, the address would be
// tentative for a moment, and the first packet, a Router Solicitation, could not be sent.
func (h *Configurer) ipv6Steps(link netlink.Link, a ipv6cp.Agreement) []step {
	addr := &netlink.Addr{IPNet: hostPrefix(a.Local.LinkLocal()), Peer: hostPrefix(a.Remote.LinkLocal()), Scope: unix.RT_SCOPE_LINK, Flags: unix.IFA_F_NODAD}
	steps := []step{addressStep(link, addr)}
	if h.usesOwnTable() && h.PolicyRules {
		steps = append(steps, h.deviceRuleStep(link, netlink.FAMILY_V6))
	}
	return append(steps, h.ipv6RouteSteps(link)...)
}

func addressStep(link netlink.Link, addr *netlink.Addr) step {
	what := fmt.Sprintf("add address %v", addr.IP)
	if addr.Peer != nil {
		what += fmt.Sprintf(" peer %v", addr.Peer.IP)
	}
	return step{what, func() (func() error, error) {
		return func() error { return netlink.AddrDel(link, addr) }, netlink.AddrAdd(link, addr)
	}}
}

// hostPrefix is the network of a single address.
func hostPrefix(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}
