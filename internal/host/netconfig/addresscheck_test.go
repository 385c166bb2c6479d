package netconfig

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/ipcp"
)

// TestDuplicateCheckFailsClosed: an address that is on a network is rejected, and also if the
// kernel does not report its interface; one that has been removed meanwhile, or is on a
// point-to-point interface, is accepted.
func TestDuplicateCheckFailsClosed(t *testing.T) {
	before := netlinkQueries
	defer func() { netlinkQueries = before }()
	broken := errors.New("netlink is broken")
	ether := &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "eth0"}}
	info := &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "ppp0", Flags: net.FlagPointToPoint}}
	local, remote, third := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("192.0.2.99")
	for _, c := range []struct {
		what    string
		taken   netip.Addr
		listing error
		other   netlink.Link
		linking error
		refuse  bool // Configurer.RejectDuplicateAddress
		want    error
	}{
		{"nobody's", third, nil, ether, nil, true, nil},
		{"the peer's, on a network", remote, nil, ether, nil, false, ErrDuplicateAddress},
		{"ours, on a network", local, nil, ether, nil, true, ErrDuplicateAddress},
		{"ours, on a network, which a server's is", local, nil, ether, nil, false, nil},
		{"the peer's, on another line", remote, nil, info, nil, true, nil},
		{"the list fails", third, broken, ether, nil, true, broken},
		{"the list is interrupted", remote, netlink.ErrDumpInterrupted, ether, nil, true, ErrDuplicateAddress},
		{"the interface has gone", remote, nil, nil, netlink.LinkNotFoundError{}, true, nil},
		{"the interface is unknown", remote, nil, nil, broken, true, broken},
	} {
		netlinkQueries.mayBeLocal = func(addr netip.Addr, _ string) bool { return addr == c.taken }
		netlinkQueries.addresses = func(netlink.Link, int) ([]netlink.Addr, error) {
			return []netlink.Addr{{IPNet: netlink.NewIPNet(c.taken.AsSlice()), LinkIndex: 7}}, c.listing
		}
		netlinkQueries.link = func(int) (netlink.Link, error) { return c.other, c.linking }
		err := (&Configurer{RejectDuplicateAddress: c.refuse}).checkAgreement(routing{}, ipcp.Agreement{Local: local, Remote: remote})
		if (err != nil) != (c.want != nil) || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}

// TestCheckHostAddress: both sides of each block of addresses that are not a host's (RFC 1122
// section 3.2.1.3).
func TestCheckHostAddress(t *testing.T) {
	for addr, want := range map[string]error{
		"0.0.0.0": ErrNotHostAddress, "0.255.255.255": ErrNotHostAddress, "1.0.0.0": nil,
		"126.255.255.255": nil, "127.0.0.0": ErrLoopback, "127.255.255.255": ErrLoopback, "128.0.0.0": nil,
		"223.255.255.255": nil, "224.0.0.0": ErrMulticast, "239.255.255.255": ErrMulticast,
		"240.0.0.0": ErrReserved, "255.255.255.255": ErrReserved,
		"2001:db8::1": ErrNotHostAddress, "::ffff:192.0.2.1": ErrNotHostAddress,
	} {
		if got := CheckHostAddress(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
	if got := CheckHostAddress(netip.Addr{}); got != ErrNotHostAddress {
		t.Errorf("no address: %v", got)
	}
}

// TestCheckUnnumbered: without the option a peer must have an address of its own; with it, it may
// have none or ours, but still not one that is not a host's.
func TestCheckUnnumbered(t *testing.T) {
	before := netlinkQueries
	defer func() { netlinkQueries = before }()
	netlinkQueries.addresses = func(netlink.Link, int) ([]netlink.Addr, error) { return nil, nil }
	for _, c := range []struct {
		local, remote string
		numbered      error
		unnumbered    error
	}{
		{"192.0.2.10", "192.0.2.1", nil, nil},
		{"192.0.2.10", "0.0.0.0", ErrNotHostAddress, nil},
		{"192.0.2.10", "192.0.2.10", ErrSameAddress, nil},
		{"192.0.2.10", "0.0.0.1", ErrNotHostAddress, ErrNotHostAddress},
		{"192.0.2.10", "224.0.0.1", ErrMulticast, ErrMulticast},
		{"0.0.0.0", "0.0.0.0", ErrNotHostAddress, ErrNotHostAddress},
	} {
		a := ipcp.Agreement{Local: netip.MustParseAddr(c.local), Remote: netip.MustParseAddr(c.remote)}
		for unnumbered, want := range map[bool]error{false: c.numbered, true: c.unnumbered} {
			if err := (&Configurer{Unnumbered: unnumbered}).checkAgreement(routing{}, a); !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%s and %s, unnumbered %v: %v, want %v", c.local, c.remote, unnumbered, err, want)
			}
		}
	}
}
