package netconfig

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"

	"upppoe/ipcp"
)

// Reasons for which an address from the peer is rejected. Configure's error wraps them and says
// which address it was.
var (
	ErrNotHostAddress   = errors.New("is not a host address") // RFC 1122 section 3.2.1.3: 0.0.0.0/8
	ErrLoopback         = errors.New("is a loopback address")
	ErrMulticast        = errors.New("is a multicast address")
	ErrReserved         = errors.New("is a reserved or broadcast address")
	ErrSameAddress      = errors.New("is the address of both ends")
	ErrDuplicateAddress = errors.New("is already on another interface")
)

// checkAgreement returns an error if the machine cannot use the negotiated addresses.
func (h *Configurer) checkAgreement(in routing, a ipcp.Agreement) error {
	if err := CheckHostAddress(a.Local); err != nil {
		return fmt.Errorf("local IP address %v %w", a.Local, err)
	}
	if err := CheckHostAddress(a.Remote); err != nil && !(h.Unnumbered && a.Remote.IsUnspecified()) {
		return fmt.Errorf("remote IP address %v %w", a.Remote, err)
	}
	if a.Local == a.Remote && !h.Unnumbered {
		return fmt.Errorf("IP address %v %w", a.Local, ErrSameAddress)
	}
	return h.checkDuplicates(in, a)
}

// CheckHostAddress returns an error if an IPv4 address cannot be a host's (RFC 1122 section
// 3.2.1.3): one of those above, whose text follows the address in a message.
func CheckHostAddress(a netip.Addr) error {
	switch {
	case !a.Is4() || a.As4()[0] == 0:
		return ErrNotHostAddress
	case a.IsLoopback():
		return ErrLoopback
	case a.IsMulticast():
		return ErrMulticast
	case a.As4()[0] >= 240:
		return ErrReserved
	}
	return nil
}

// checkDuplicates rejects a remote address that this machine has on a network interface, and a
// local one that is already on such an interface: packets for it would be misdelivered.
// Point-to-point interfaces do not count, as both ends of a session may be on this machine.
//
// Listing all addresses takes long on a server, and is omitted if none of them can be a duplicate.
func (h *Configurer) checkDuplicates(in routing, a ipcp.Agreement) error {
	if !h.RejectDuplicateAddress && (a.Remote.IsUnspecified() || !netlinkQueries.mayBeLocal(a.Remote, in.vrf)) {
		return nil
	}
	addrs, err := netlinkQueries.addresses(nil, netlink.FAMILY_V4)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // the dump changed meanwhile: what was read counts
		return fmt.Errorf("look for addresses: %w", err)
	}
	for _, taken := range addrs {
		whose, ours := "remote", addrFromIP(taken.IP)
		if ours == a.Local {
			whose = "local"
		}
		if (ours != a.Remote || ours == a.Local) && (ours != a.Local || !h.RejectDuplicateAddress) {
			continue
		}
		other, err := netlinkQueries.link(taken.LinkIndex)
		switch {
		case errors.As(err, &netlink.LinkNotFoundError{}): // it has been removed, and its addresses with it
		case err != nil:
			return fmt.Errorf("look for the interface with %v: %w", ours, err)
		case isMultiAccess(other) && in.has(other):
			return fmt.Errorf("%s IP address %v %w, %s", whose, ours, ErrDuplicateAddress, other.Attrs().Name)
		}
	}
	return nil
}

// netlinkQueries are the kernel queries of checkDuplicates. Tests replace them.
var netlinkQueries = struct {
	mayBeLocal func(addr netip.Addr, vrf string) bool
	addresses  func(netlink.Link, int) ([]netlink.Addr, error)
	link       func(index int) (netlink.Link, error)
}{mayBeLocal, netlink.AddrList, netlink.LinkByIndex}

func addrFromIP(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

// isMultiAccess reports whether an interface is attached to a network, and not to one peer.
func isMultiAccess(link netlink.Link) bool { return link.Attrs().Flags&net.FlagPointToPoint == 0 }
