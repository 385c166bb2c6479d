package hostnet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
)

// ends are the two addresses of a link with but two ends; the zero value: none.
type ends struct {
	local, remote netip.Addr
	scope         int
}

func ends4(a ipcp.Agreement) ends {
	if !a.Local.IsValid() {
		return ends{}
	}
	return ends{a.Local, a.Remote, unix.RT_SCOPE_UNIVERSE}
}

func ends6(a ipv6cp.Agreement) ends {
	if a == (ipv6cp.Agreement{}) {
		return ends{}
	}
	return ends{a.Local.LinkLocal(), a.Remote.LinkLocal(), unix.RT_SCOPE_LINK}
}

// readdress replaces a device's address.
func readdress(link netlink.Link, have, want ends) error {
	if have == want {
		return nil
	}
	if have != (ends{}) {
		// One that somebody else has removed already is as it should be.
		if err := netlink.AddrDel(link, have.address()); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("remove address %v: %w", have.local, err)
		}
	}
	if want != (ends{}) {
		if err := netlink.AddrAdd(link, want.address()); err != nil {
			return fmt.Errorf("add address %v peer %v: %w", want.local, want.remote, err)
		}
	}
	return nil
}

func (e ends) address() *netlink.Addr {
	return &netlink.Addr{IPNet: one(e.local), Peer: one(e.remote), Scope: e.scope}
}

// one is the network of a single address.
func one(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}
