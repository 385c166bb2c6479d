package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/netif"
)

// Config configures Run for one session. Device, Remote and Log must be set.
type Config struct {
	// Device is the session's interface, like ppp0. It is up and has our link-local address.
	Device string
	// Remote is the peer's link-local address.
	Remote netip.Addr
	// Key identifies the subscriber, like a user name: the same key gets the same prefixes again if
	// they are free.
	Key string

	// Networks has a /64 for each session, for SLAAC by the peer. Addresses and Prefixes have what
	// DHCPv6 assigns: an address and a delegated prefix. nil: none.
	Networks, Addresses, Prefixes *Pool
	// Preferred and Valid are the lifetimes of all of them; 0: DefaultPreferred and DefaultValid.
	Preferred, Valid time.Duration
	// DUID is the server's permanent identifier. It must be set if there are Addresses or Prefixes;
	// without it there is no DHCPv6. See dhcp6.LoadDUID.
	DUID dhcp6.DUID

	// Interval is the longest time between two advertisements, from 4 s to 30 min; 0:
	// radv.DefaultInterval.
	Interval time.Duration
	// MTU is the link's, in octets, to advertise; 0: none.
	MTU int
	// NameServers and SearchDomains are advertised, and sent by DHCPv6.
	NameServers   []netip.Addr
	SearchDomains []string

	Log *slog.Logger
	// Notify is called with every change except of lifetimes alone; nil: not called. Run waits for
	// it to return.
	Notify func(State)
}

// Default lifetimes: they outlast a server that is away for a night, and let addresses change
// within a day.
const (
	DefaultPreferred = 12 * time.Hour
	DefaultValid     = 24 * time.Hour
)

// State is what the peer has; invalid prefixes: none.
type State struct {
	Network   netip.Prefix // advertised, for SLAAC
	Address   netip.Prefix // leased, of 128 bits
	Delegated netip.Prefix
}

// ErrConfig reports an invalid Config (wrapped).
var ErrConfig = errors.New("IPv6 server")

// ErrLinkGone is the cancellation cause of Run's context if the session has ended: no final
// advertisement can be sent.
var ErrLinkGone = netif.ErrLinkGone

func (c *Config) check() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w on %s: %s", ErrConfig, c.Device, fmt.Sprintf(format, args...))
	}
	if c.Preferred == 0 {
		c.Preferred = DefaultPreferred
	}
	if c.Valid == 0 {
		c.Valid = max(DefaultValid, c.Preferred)
	}
	switch {
	case c.Device == "":
		return fmt.Errorf("%w: no device is given", ErrConfig)
	case !c.Remote.Is6() || !c.Remote.IsLinkLocalUnicast():
		return fail("remote address %v is not link-local", c.Remote)
	case c.Preferred < time.Second || c.Preferred > c.Valid:
		return fail("lifetimes of %v preferred and %v valid: give at least 1s, and no more preferred than valid", c.Preferred, c.Valid)
	case c.Networks != nil && c.Networks.length != networkBits:
		return fail("pool %v: a session's network has 64 bits", c.Networks)
	case c.Addresses != nil && c.Addresses.length != 128:
		return fail("pool %v: an address has 128 bits", c.Addresses)
	case c.Prefixes != nil && c.Prefixes.length > networkBits:
		return fail("pool %v: a delegated prefix has at most 64 bits", c.Prefixes)
	case (c.Addresses != nil || c.Prefixes != nil) && len(c.DUID) == 0:
		return fail("DHCPv6 needs a DUID")
	}
	return nil
}

func (c *Config) dhcp() bool { return len(c.DUID) > 0 }

// networkBits is the prefix length of a subnet with SLAAC (RFC 4291 section 2.5.1).
const networkBits = 64
