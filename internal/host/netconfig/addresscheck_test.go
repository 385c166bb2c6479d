package netconfig

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/ipcp"
)

// TestDuplicateCheckFailsClosed: an address is refused that is on a network, and also if the kernel does
// not say where it is; what has gone meanwhile, or is on a line between two, is no hindrance.
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
		refuse  bool // Host.RejectDuplicateAddress
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
		{"the interface is not told", remote, nil, nil, broken, true, broken},
	} {
		netlinkQueries.addresses = func(netlink.Link, int) ([]netlink.Addr, error) {
			return []netlink.Addr{{IPNet: netlink.NewIPNet(c.taken.AsSlice()), LinkIndex: 7}}, c.listing
		}
		netlinkQueries.link = func(int) (netlink.Link, error) { return c.other, c.linking }
		err := (&Configurer{RejectDuplicateAddress: c.refuse}).checkAgreement(ipcp.Agreement{Local: local, Remote: remote})
		if (err != nil) != (c.want != nil) || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}
