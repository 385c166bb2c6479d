// Package hostnet is what the commands do to the network of their machine:
// devices, addresses, routes and name servers, through rtnetlink.
package hostnet

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/tun"
)

// Host is a pppoe.Host on this machine. Its fields do not change while it is in
// use. Methods may be called concurrently for different lines.
type Host struct {
	// Name is the device's name; empty: the first free one of ppp0, ppp1, ...
	Name string
	// MTU bounds the device's, in octets; 0: what PPP has agreed on.
	MTU int
	// DefaultRoute has IPv4's default route go through the device, if there is
	// none yet.
	DefaultRoute bool
	// ResolvConf is the file that gets the peer's name servers; empty: none.
	ResolvConf string
	// Log is told what is noteworthy. It must be set.
	Log *slog.Logger
}

var _ pppoe.Host = (*Host)(nil)

// Open makes the device.
func (h *Host) Open(pppoe.Line) (tun.Device, error) {
	return tun.Open(tun.Config{Name: h.Name})
}

// Configure makes addresses, routes and name servers those of want.
func (h *Host) Configure(l pppoe.Line, have, want pppoe.Addressing) error {
	link, err := netlink.LinkByName(l.Device)
	if err != nil {
		return fmt.Errorf("%s: %w", l.Device, err)
	}
	if have.MTU != want.MTU {
		if err := h.raise(link, want.MTU); err != nil {
			return fmt.Errorf("%s: %w", l.Device, err)
		}
	}
	if have.IPv4 != want.IPv4 {
		if err := h.configure4(link, have.IPv4, want.IPv4); err != nil {
			return fmt.Errorf("%s: %w", l.Device, err)
		}
	}
	if have.IPv6 != want.IPv6 {
		if err := configure6(link, have.IPv6, want.IPv6); err != nil {
			return fmt.Errorf("%s: %w", l.Device, err)
		}
	}
	return nil
}

// Close takes back the name servers. Addresses and routes have gone with the device.
func (h *Host) Close(_ pppoe.Line, have pppoe.Addressing) {
	if h.ResolvConf != "" && len(servers(have.IPv4)) > 0 {
		if err := removeResolvConf(h.ResolvConf); err != nil {
			h.Log.Warn(err.Error())
		}
	}
}

// raise sets the MTU and brings the device up.
func (h *Host) raise(link netlink.Link, mtu int) error {
	if h.MTU > 0 {
		mtu = min(mtu, h.MTU)
	}
	if err := netlink.LinkSetMTU(link, mtu); err != nil {
		return fmt.Errorf("set MTU %d: %w", mtu, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring up: %w", err)
	}
	return nil
}

func (h *Host) configure4(link netlink.Link, have, want ipcp.Agreement) error {
	if have.Local.IsValid() {
		if err := netlink.AddrDel(link, address(have.Local, have.Remote, unix.RT_SCOPE_UNIVERSE)); err != nil {
			return fmt.Errorf("remove address %v: %w", have.Local, err)
		}
	}
	if !want.Local.IsValid() {
		return nil
	}
	if err := netlink.AddrAdd(link, address(want.Local, want.Remote, unix.RT_SCOPE_UNIVERSE)); err != nil {
		return fmt.Errorf("add address %v peer %v: %w", want.Local, want.Remote, err)
	}
	if h.DefaultRoute {
		if err := h.addDefaultRoute(link); err != nil {
			return err
		}
	}
	if names := servers(want); h.ResolvConf != "" && len(names) > 0 {
		// Without name servers the line still carries: no reason to end it.
		if err := writeResolvConf(h.ResolvConf, names); err != nil {
			h.Log.Warn(err.Error())
		}
	}
	return nil
}

func configure6(link netlink.Link, have, want ipv6cp.Agreement) error {
	if have != (ipv6cp.Agreement{}) {
		if err := netlink.AddrDel(link, linkLocal(have)); err != nil {
			return fmt.Errorf("remove address %v: %w", have.Local.LinkLocal(), err)
		}
	}
	if want == (ipv6cp.Agreement{}) {
		return nil
	}
	if err := netlink.AddrAdd(link, linkLocal(want)); err != nil {
		return fmt.Errorf("add address %v: %w", want.Local.LinkLocal(), err)
	}
	return nil
}

func linkLocal(a ipv6cp.Agreement) *netlink.Addr {
	return address(a.Local.LinkLocal(), a.Remote.LinkLocal(), unix.RT_SCOPE_LINK)
}

// address is that of one end of a link with but two.
func address(local, peer netip.Addr, scope int) *netlink.Addr {
	return &netlink.Addr{IPNet: one(local), Peer: one(peer), Scope: scope}
}

// one is the network of a single address.
func one(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}

// addDefaultRoute leaves an existing default route in its place, as pppd does.
func (h *Host) addDefaultRoute(link netlink.Link) error {
	old, err := defaultRoute()
	if err != nil {
		return fmt.Errorf("look for a default route: %w", err)
	}
	if old != "" {
		h.Log.Error("not replacing existing default route " + old)
		return nil
	}
	err = netlink.RouteAdd(&netlink.Route{
		LinkIndex: link.Attrs().Index,
		Dst:       &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
		Scope:     unix.RT_SCOPE_LINK,
		Protocol:  unix.RTPROT_BOOT,
	})
	if err != nil {
		return fmt.Errorf("add default route: %w", err)
	}
	return nil
}

// defaultRoute describes IPv4's default route; empty: there is none.
func defaultRoute() (string, error) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return "", err
	}
	for _, r := range routes {
		if r.Dst != nil {
			if ones, _ := r.Dst.Mask.Size(); ones > 0 {
				continue
			}
		}
		if r.Gw != nil {
			return "via " + r.Gw.String(), nil
		}
		if link, err := netlink.LinkByIndex(r.LinkIndex); err == nil {
			return "through " + link.Attrs().Name, nil
		}
	}
	return "", nil
}
