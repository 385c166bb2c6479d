package ipv6

import (
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/netip"
	"time"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/netif"
)

// Config configures Run for one session. Device, Local and Log must be set.
type Config struct {
	// Device is the session's interface, like ppp0. It is up and has the address Local.
	Device string
	// Local is our link-local address. Our other addresses have the same interface identifier.
	Local netip.Addr

	// DefaultRoute installs a default route to the default router that advertises itself on the
	// device (RFC 4861 section 6.3.4).
	DefaultRoute bool
	// DeviceDefaultRoute installs a default route into the device, without a gateway, while there
	// is no default router. It is pppd's option defaultroute6.
	DeviceDefaultRoute bool
	// Metric is the metric of all routes through the device; 0: 1024.
	Metric int
	// Table is the routing table of all routes through the device, like a VRF's; 0: the main table.
	// Routes to LANs are always in the main table.
	Table int
	// Rules adds policy rules that look up Table for packets from the session's addresses and
	// delegated prefixes. Without it, the rules or the VRF of Table must exist.
	Rules bool

	// NoAutoconf disables SLAAC, and ignores the managed flag of router advertisements. Default
	// routers and name servers are still taken from them.
	NoAutoconf bool
	// RequestAddress requests an address by DHCPv6 even if no router sets the managed flag.
	RequestAddress bool
	// RequestPrefix requests a delegated prefix.
	RequestPrefix bool
	// AddressHint is the address to request, such as one leased earlier; invalid: any.
	AddressHint netip.Addr
	// PrefixHint is the delegated prefix to request, such as one leased earlier; invalid: any.
	PrefixHint netip.Prefix
	// PrefixLength is the length of the prefix to request, up to 64, if there is no PrefixHint; 0:
	// any.
	PrefixLength int
	// OptionRequest selects the options to request by DHCPv6 in addition to leases and name
	// servers.
	OptionRequest dhcp6.OptionRequest
	// NoDHCP disables DHCPv6, whatever flags routers set.
	NoDHCP bool
	// DUID is this machine's permanent DHCPv6 identifier. It must be set unless NoDHCP is. See
	// dhcp6.LoadDUID.
	DUID dhcp6.DUID
	// LANs are the interfaces that get a /64 of the delegated prefix each.
	LANs []LAN

	// NoRelease sends no Release at the end, so that the server may assign the same leases again.
	NoRelease bool

	// UndoFile records what is set outside the device: addresses on LANs, unreachable routes and
	// rules. Run first removes what the file lists, which a killed process left. Every session
	// needs its own file. Empty: no record is kept.
	UndoFile string

	// PrefixFile records across crashes and reboots which prefixes have been advertised on LANs.
	// Every session needs its own file. Empty: prefixes of an ended session are deprecated only by
	// its final advertisement.
	PrefixFile string

	Log *slog.Logger
	// Notify is called with every change except of lifetimes alone; nil: not called. Run waits for
	// it to return.
	Notify func(State)
}

// releaseTimeout bounds how long Run waits at the end for the Reply to a Release: long enough to
// send it twice (RFC 8415 section 18.2.7).
const releaseTimeout = 2 * time.Second

// LAN is an interface that gets a /64 of the delegated prefix, and the first address of it.
type LAN struct {
	// Interface is its name. It may appear later.
	Interface string
	// Subnet is the index of its /64 within the delegated prefix.
	Subnet uint64
	// Advertise makes us the LAN's router: the /64 and the session's name servers are advertised to
	// hosts. If it is false, another program must do that.
	Advertise bool
}

// ErrConfig reports an invalid Config (wrapped).
var ErrConfig = errors.New("IPv6")

// ErrLinkGone is the cancellation cause of Run's context if the session has ended: nothing can be
// released.
var ErrLinkGone = netif.ErrLinkGone

func (c *Config) check() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w on %s: %s", ErrConfig, c.Device, fmt.Sprintf(format, args...))
	}
	switch {
	case c.Device == "":
		return fmt.Errorf("%w: no device is given", ErrConfig)
	case !c.Local.Is6() || !c.Local.IsLinkLocalUnicast():
		return fail("local address %v is not link-local", c.Local)
	case c.NoDHCP && (c.RequestAddress || c.RequestPrefix || c.OptionRequest != dhcp6.OptionRequest{}):
		return fail("DHCPv6 is both requested and disabled")
	case !c.NoDHCP && len(c.DUID) == 0:
		return fail("DHCPv6 needs a DUID")
	case c.AddressHint.IsValid() && !lifetime.IsHostAddress(c.AddressHint):
		return fail("%v cannot be requested as an address", c.AddressHint)
	case c.PrefixHint.IsValid() && !delegable(c.PrefixHint):
		return fail("%v cannot be requested as a prefix: give one of length 1 to %d, without host bits", c.PrefixHint, networkBits)
	case c.PrefixLength < 0 || c.PrefixLength > networkBits:
		return fail("a prefix of length %d cannot be requested: give a length from 1 to %d", c.PrefixLength, networkBits)
	case c.Rules && c.Table == 0:
		return fail("rules need a table")
	case len(c.LANs) > 0 && !c.RequestPrefix:
		return fail("LANs need a delegated prefix: request one")
	}
	return c.checkLANs(fail)
}

func (c *Config) checkLANs(fail func(string, ...any) error) error {
	names, subnets := map[string]bool{}, map[uint64]bool{}
	for _, l := range c.LANs {
		switch {
		case l.Interface == "" || l.Interface == c.Device:
			return fail("%q cannot be a LAN", l.Interface)
		case names[l.Interface]:
			return fail("LAN %s is given twice", l.Interface)
		case subnets[l.Subnet]:
			return fail("LAN %s has the same subnet, %d, as another LAN", l.Interface, l.Subnet)
		}
		names[l.Interface], subnets[l.Subnet] = true, true
	}
	return nil
}

// delegable reports whether a prefix can be divided into /64s.
func delegable(p netip.Prefix) bool {
	return p.Bits() <= networkBits && p == p.Masked() && lifetime.IsHostPrefix(p)
}

// prefixHint returns the prefix, or the length of it, to request; invalid: any.
func (c *Config) prefixHint() netip.Prefix {
	if !c.PrefixHint.IsValid() && c.PrefixLength > 0 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), c.PrefixLength)
	}
	return c.PrefixHint
}

// iaid returns the IAID of the session's identity associations, which is derived from the device's
// name (RFC 8415 section 12).
func (c *Config) iaid() uint32 {
	h := fnv.New32a()
	h.Write([]byte(c.Device))
	return h.Sum32()
}
