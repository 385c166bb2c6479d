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

// address4 gives the device the addresses that IPCP has agreed on.
func (h *Configurer) address4(link netlink.Link, a ipcp.Agreement) step {
	addr := &netlink.Addr{IPNet: one(a.Local), Scope: unix.RT_SCOPE_UNIVERSE}
	if !a.Remote.IsUnspecified() {
		addr.Peer = one(a.Remote)
	}
	if h.ownTable() {
		addr.Flags = unix.IFA_F_NOPREFIXROUTE // the route to the peer goes into Table
	}
	return addressStep(link, addr)
}

// steps4 are for what needs these addresses and a device that is up.
func (h *Configurer) steps4(link netlink.Link, a ipcp.Agreement) []step {
	var steps []step
	if h.ownTable() {
		if !a.Remote.IsUnspecified() {
			steps = append(steps, h.peerStep(link, a))
		}
		if h.PolicyRules {
			steps = append(steps, h.ruleSteps(link, a.Local)...)
		}
	}
	return slices.Concat(steps, h.routeSteps4(link), h.proxySteps(a.Remote))
}

// ownTable reports whether routes go into a table that no device brings about.
func (h *Configurer) ownTable() bool { return h.Table != 0 && h.VRF == "" }

// minMTU6 is what IPv6 asks of any link (RFC 8200 section 5). Linux has none where it is less.
const minMTU6 = 1280

// carry6 does what there is to do for IPv6.
func (h *Configurer) carry6(link netlink.Link, a ipv6cp.Agreement) (changes, error) {
	if mtu := link.Attrs().MTU; mtu < minMTU6 {
		return nil, fmt.Errorf("it needs an MTU of %d at least, and this is %d", minMTU6, mtu)
	}
	return h.carry(h.steps6(link, a))
}

// steps6 give the device what IPv6CP has agreed on: both identifiers are known to differ (RFC 5072
// section 4.1), so the kernel need not look for duplicates. If it did, the address would be
// tentative for a moment, and the first packet, a Router Solicitation, could not be sent.
func (h *Configurer) steps6(link netlink.Link, a ipv6cp.Agreement) []step {
	addr := &netlink.Addr{IPNet: one(a.Local.LinkLocal()), Peer: one(a.Remote.LinkLocal()), Scope: unix.RT_SCOPE_LINK, Flags: unix.IFA_F_NODAD}
	steps := []step{addressStep(link, addr)}
	if h.ownTable() && h.PolicyRules {
		steps = append(steps, h.deviceRule(link, netlink.FAMILY_V6))
	}
	return append(steps, h.routeSteps6(link)...)
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

// one is the network of a single address.
func one(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}
