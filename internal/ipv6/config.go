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

// Config is what Run is told of a line. Device, Local and Log must be set.
type Config struct {
	// Device is the line's interface, like ppp0. It is up, and Local is its address.
	Device string
	// Local is our link-local address: its identifier is that of our other
	// addresses.
	Local netip.Addr

	// DefaultRoute has the default route go to the router behind the device that advertises
	// itself as one (RFC 4861 section 6.3.4).
	DefaultRoute bool
	// DeviceDefaultRoute has it go just into the device as long as no router does, which pppd
	// calls defaultroute6.
	DeviceDefaultRoute bool
	// Metric is that of all routes through the device; 0: 1024.
	Metric int
	// Table is the routing table of all routes through the device, like a VRF's; 0: the
	// main one. Those to LANs are in the main one in any case.
	Table int
	// Rules has the machine look into Table for packets from the line's addresses and
	// delegated prefixes. Without them, who sets Table has rules, or a VRF.
	Rules bool

	// NoAutoconf makes no address from what routers advertise, and asks for none by DHCPv6
	// because they say so. Their routes and name servers count.
	NoAutoconf bool
	// RequestAddress asks for an address by DHCPv6 even if no router says so.
	RequestAddress bool
	// RequestPrefix asks for a delegated prefix.
	RequestPrefix bool
	// AddressHint is the address we would like, as one that we had; invalid: any.
	AddressHint netip.Addr
	// PrefixHint is the delegated prefix we would like, as one that we had; invalid: any.
	PrefixHint netip.Prefix
	// PrefixLength is the length of the one we would like, up to 64, without a
	// PrefixHint; 0: any.
	PrefixLength int
	// OptionRequest are those to ask for by DHCPv6 beside leases and name servers.
	OptionRequest dhcp6.OptionRequest
	// NoDHCP forbids DHCPv6, whatever routers say.
	NoDHCP bool
	// DUID identifies this machine to servers for all time; it must be set unless
	// NoDHCP is. See dhcp6.LoadDUID.
	DUID dhcp6.DUID
	// LANs are the interfaces that get a network of the delegated prefix each.
	LANs []LAN

	// NoRelease keeps the server from being told at the end that its leases are given
	// back: it may then lease the same ones again.
	NoRelease bool

	// UndoFile is a file that remembers what is set beyond the device: on LANs, routes that
	// lead nowhere, and rules. Run takes back what a program that was killed has left in
	// it. No two lines may share it. Empty: none does.
	UndoFile string

	// PrefixFile is a file that remembers over crashes and reboots which prefixes have been
	// advertised on LANs. No two lines may share it. Empty: a session's prefixes are stale
	// to hosts by its last advertisement alone.
	PrefixFile string

	// Log is told what happens.
	Log *slog.Logger
	// Notify is called with every change but that of mere lifetimes; nil: nobody is.
	// Run waits for it.
	Notify func(State)
}

// releaseTimeout bounds how long Run waits at the end for the server to hear that its leases
// are given back: long enough for the message to be sent twice (RFC 8415 section 18.2.7).
const releaseTimeout = 2 * time.Second

// LAN is an interface that gets a network of the delegated prefix, and its first
// address.
type LAN struct {
	// Interface is its name. It need not be there yet.
	Interface string
	// Subnet is which of the delegated prefix's networks of 64 bits it gets, from 0.
	Subnet uint64
	// Advertise has us be the router there, for hosts to make addresses from the
	// network, and tells them the line's name servers. Without, some other program
	// does.
	Advertise bool
}

// ErrConfig is what is wrong with a Config (wrapped).
var ErrConfig = errors.New("IPv6")

// ErrLinkGone is the cause to end Run's context with when the session is over: there is
// nobody to give anything back to.
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
		return fail("DHCPv6 is asked for and forbidden")
	case !c.NoDHCP && len(c.DUID) == 0:
		return fail("DHCPv6 needs a DUID")
	case c.AddressHint.IsValid() && !lifetime.IsHostAddress(c.AddressHint):
		return fail("%v cannot be an address to ask for", c.AddressHint)
	case c.PrefixHint.IsValid() && !delegable(c.PrefixHint):
		return fail("%v cannot be a prefix to ask for: give a network's, of length 1 to %d", c.PrefixHint, networkBits)
	case c.PrefixLength < 0 || c.PrefixLength > networkBits:
		return fail("a prefix of length %d cannot be shared out: ask for one from 1 to %d", c.PrefixLength, networkBits)
	case c.Rules && c.Table == 0:
		return fail("rules need a table to lead to")
	case len(c.LANs) > 0 && !c.RequestPrefix:
		return fail("the networks for LANs need a delegated prefix: ask for one")
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
			return fail("%s is a LAN twice", l.Interface)
		case subnets[l.Subnet]:
			return fail("%s would have the same network, %d, as another LAN", l.Interface, l.Subnet)
		}
		names[l.Interface], subnets[l.Subnet] = true, true
	}
	return nil
}

// delegable reports whether a prefix can be shared out.
func delegable(p netip.Prefix) bool {
	return p.Bits() <= networkBits && p == p.Masked() && lifetime.IsHostPrefix(p)
}

// prefixHint is what to ask for; invalid: anything.
func (c *Config) prefixHint() netip.Prefix {
	if !c.PrefixHint.IsValid() && c.PrefixLength > 0 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), c.PrefixLength)
	}
	return c.PrefixHint
}

// iaid identifies the line among those of this machine (RFC 8415 section 12): it follows
// from the device's name.
func (c *Config) iaid() uint32 {
	h := fnv.New32a()
	h.Write([]byte(c.Device))
	return h.Sum32()
}
