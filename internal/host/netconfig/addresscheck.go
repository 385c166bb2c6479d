package netconfig

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"

	"upppoe/ipcp"
)

// Reasons for which an address that a peer gave is refused, wrapped by Configure's
// error, which says whose address it is.
var (
	ErrNotHostAddress   = errors.New("is no address of a host") // RFC 1122 section 3.2.1.3: 0.0.0.0/8
	ErrLoopback         = errors.New("is a loopback address")
	ErrMulticast        = errors.New("is a multicast address")
	ErrReserved         = errors.New("is a reserved or broadcast address")
	ErrSameAddress      = errors.New("is that of both ends")
	ErrDuplicateAddress = errors.New("is already on another interface")
)

// checkAgreement reports whether the machine can have the addresses.
func (h *Configurer) checkAgreement(a ipcp.Agreement) error {
	if err := CheckHostAddress(a.Local); err != nil {
		return fmt.Errorf("local IP address %v %w", a.Local, err)
	}
	if err := CheckHostAddress(a.Remote); err != nil && !(h.Unnumbered && a.Remote.IsUnspecified()) {
		return fmt.Errorf("remote IP address %v %w", a.Remote, err)
	}
	if a.Local == a.Remote && !h.Unnumbered {
		return fmt.Errorf("IP address %v %w", a.Local, ErrSameAddress)
	}
	return h.checkDuplicates(a)
}

// CheckHostAddress reports whether an IPv4 address can be that of a host (RFC 1122 section
// 3.2.1.3). The error is what follows its name: one of those above.
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

// checkDuplicates refuses a peer with an address that this machine has on a network, and one
// of ours that is on a network already: packets for it would go astray. On other lines
// either may be, as when both ends of one are on this machine.
func (h *Configurer) checkDuplicates(a ipcp.Agreement) error {
	addrs, err := netlinkQueries.addresses(nil, netlink.FAMILY_V4)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // changed meanwhile: what was seen counts
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
		case errors.As(err, &netlink.LinkNotFoundError{}): // it has gone, and its addresses with it
		case err != nil:
			return fmt.Errorf("look for the interface with %v: %w", ours, err)
		case h.hasNetwork(other):
			return fmt.Errorf("%s IP address %v %w, %s", whose, ours, ErrDuplicateAddress, other.Attrs().Name)
		}
	}
	return nil
}

// netlinkQueries is what checkDuplicates asks. Tests have their own.
var netlinkQueries = struct {
	addresses func(netlink.Link, int) ([]netlink.Addr, error)
	link      func(index int) (netlink.Link, error)
}{netlink.AddrList, netlink.LinkByIndex}

func addrFromIP(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

// hasNetwork reports whether an interface has a network behind it, in the routing domain of
// the line.
func (h *Configurer) hasNetwork(link netlink.Link) bool {
	return link.Attrs().Flags&net.FlagPointToPoint == 0 && h.inSameVRF(link)
}

// inSameVRF reports whether an interface is in the routing domain of the line, so that
// addresses must not clash.
func (h *Configurer) inSameVRF(other netlink.Link) bool {
	master, err := netlink.LinkByIndex(other.Attrs().MasterIndex)
	domain := ""
	if vrf, ok := master.(*netlink.Vrf); err == nil && ok {
		domain = vrf.Name
	}
	if vrf, ok := other.(*netlink.Vrf); ok {
		domain = vrf.Name
	}
	return domain == h.VRF
}
