package netconfig

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ipForwardPath is the sysctl that KernelTune sets.
const ipForwardPath = "/proc/sys/net/ipv4/ip_forward"

// proxySteps answers ARP for the peer. Errors are only logged, as a session works without.
func (h *Configurer) proxySteps(in routing, remote netip.Addr) []step {
	if !h.ProxyARP || remote.IsUnspecified() {
		return nil
	}
	return []step{{what: "proxy ARP", do: func() (func() error, error) {
		if h.KernelTune {
			h.enableForwarding()
		}
		undo, err := h.addProxyARP(in, remote)
		if err != nil {
			h.Log.Error(fmt.Sprintf("proxyarp for %v: %v", remote, err))
		}
		return undo, nil
	}}}
}

// enableForwarding enables IPv4 forwarding between all interfaces, permanently as pppd's ktune
// does: other sessions may need it too.
func (h *Configurer) enableForwarding() {
	// The file holds 0 or 1, and a newline.
	if now, err := os.ReadFile(ipForwardPath); err == nil && len(now) > 0 && now[0] == '1' {
		return
	}
	if err := os.WriteFile(ipForwardPath, []byte("1"), 0); err != nil {
		h.Log.Error(fmt.Sprintf("couldn't enable IP forwarding: %v", err))
	}
}

var errNoSubnet = errors.New("cannot determine ethernet address for proxy ARP: no interface has a subnet that contains it")

// addProxyARP publishes the peer's address on the interface whose subnet contains it.
func (h *Configurer) addProxyARP(in routing, remote netip.Addr) (func() error, error) {
	link, err := linkOfSubnet(in, remote)
	if err != nil {
		return nil, err
	}
	index := link.Attrs().Index
	is := func(n netlink.Neigh) bool { return n.LinkIndex == index && addrFromIP(n.IP) == remote }
	// The kernel reports no error for an entry that already exists, which is not ours then.
	have, err := netlink.NeighProxyList(index, netlink.FAMILY_V4)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, err
	}
	if slices.ContainsFunc(have, is) {
		return nil, nil
	}
	entry := &netlink.Neigh{
		LinkIndex: index, Family: netlink.FAMILY_V4, Flags: netlink.NTF_PROXY, State: netlink.NUD_PERMANENT,
		IP: remote.AsSlice(),
	}
	if err := netlink.NeighAdd(entry); err != nil {
		return nil, err
	}
	h.Log.Info(fmt.Sprintf("found interface %s for proxy arp", link.Attrs().Name))
	return func() error { return netlink.NeighDel(entry) }, nil
}

// linkOfSubnet finds the ARP interface, of the session's VRF, whose subnet contains an address; of several, the one with
// the longest prefix.
func linkOfSubnet(in routing, remote netip.Addr) (best netlink.Link, err error) {
	links, err := netlink.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return nil, err
	}
	longest := -1
	for _, link := range links {
		if !usesARP(link.Attrs()) || !in.has(link) {
			continue
		}
		addrs, err := netlink.AddrList(link, netlink.FAMILY_V4)
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			return nil, err
		}
		for _, a := range addrs {
			if ones, _ := a.Mask.Size(); a.Contains(remote.AsSlice()) && ones > longest {
				best, longest = link, ones
			}
		}
	}
	if best == nil {
		return nil, errNoSubnet
	}
	return best, nil
}

func usesARP(a *netlink.LinkAttrs) bool {
	const not = net.FlagPointToPoint | net.FlagLoopback
	return a.Flags&net.FlagUp != 0 && a.Flags&net.FlagBroadcast != 0 && a.Flags&not == 0 && a.RawFlags&unix.IFF_NOARP == 0
}
