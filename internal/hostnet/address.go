package hostnet

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

// steps4 give the device what IPCP has agreed on.
func (h *Host) steps4(link netlink.Link, a ipcp.Agreement) []step {
	addr := &netlink.Addr{IPNet: one(a.Local), Peer: one(a.Remote), Scope: unix.RT_SCOPE_UNIVERSE}
	steps := []step{addressStep(link, addr)}
	if h.Table != 0 && h.VRF == "" {
		addr.Flags = unix.IFA_F_NOPREFIXROUTE // the route to the peer goes into Table
		steps = append(steps, h.peerStep(link, a))
		if h.Rules {
			steps = append(steps, h.ruleSteps(link, a.Local)...)
		}
	}
	return slices.Concat(steps, h.routeSteps4(link), h.proxySteps(a.Remote))
}

// steps6 give the device what IPv6CP has agreed on.
func (h *Host) steps6(link netlink.Link, a ipv6cp.Agreement) []step {
	if a == (ipv6cp.Agreement{}) {
		return nil
	}
	addr := &netlink.Addr{IPNet: one(a.Local.LinkLocal()), Peer: one(a.Remote.LinkLocal()), Scope: unix.RT_SCOPE_LINK}
	steps := []step{addressStep(link, addr)}
	if h.Table != 0 && h.VRF == "" && h.Rules {
		steps = append(steps, h.deviceRule(link, netlink.FAMILY_V6))
	}
	return append(steps, h.routeSteps6(link)...)
}

func addressStep(link netlink.Link, addr *netlink.Addr) step {
	what := fmt.Sprintf("add address %v peer %v", addr.IP, addr.Peer.IP)
	return step{what, func() (func() error, error) {
		return func() error { return netlink.AddrDel(link, addr) }, netlink.AddrAdd(link, addr)
	}}
}

// one is the network of a single address.
func one(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}
