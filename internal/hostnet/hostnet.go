// Package hostnet is what the commands do to the network of their machine:
// devices, addresses, routes and name servers, through rtnetlink.
package hostnet

import (
	"fmt"
	"log/slog"

	"github.com/vishvananda/netlink"

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

// Configure makes addresses, routes and name servers those of want. An error means
// that the line is of no use.
func (h *Host) Configure(l pppoe.Line, have, want pppoe.Addressing) error {
	link, err := netlink.LinkByName(l.Device)
	if err != nil {
		return fmt.Errorf("%s: %w", l.Device, err)
	}
	if err := h.configure(link, have, want); err != nil {
		return fmt.Errorf("%s: %w", l.Device, err)
	}
	if err := readdress(link, ends6(have.IPv6), ends6(want.IPv6)); err != nil {
		// As on a host that has IPv6 disabled, where IPv4 is fine without.
		h.Log.Warn(fmt.Sprintf("%s: no IPv6: %v", l.Device, err))
	}
	return nil
}

func (h *Host) configure(link netlink.Link, have, want pppoe.Addressing) error {
	if have.MTU != want.MTU {
		if err := h.raise(link, want.MTU); err != nil {
			return err
		}
	}
	if have.IPv4 == want.IPv4 {
		return nil
	}
	if err := readdress(link, ends4(have.IPv4), ends4(want.IPv4)); err != nil {
		return err
	}
	h.setServers(servers(have.IPv4), servers(want.IPv4))
	if h.DefaultRoute && want.HasIPv4() {
		return h.addDefaultRoute(link)
	}
	return nil
}

// Close takes back the name servers. Addresses and routes have gone with the device.
func (h *Host) Close(_ pppoe.Line, have pppoe.Addressing) { h.setServers(servers(have.IPv4), nil) }

// raise sets the MTU and brings the device up. The length of its queue stays that of
// a TUN: pppd's `qlen 3` suits a driver with a queue of its own, and here would be all
// the packets that may wait for the program.
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
