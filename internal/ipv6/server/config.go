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

// Config is what Run is told of a line. Device, Remote and Log must be set.
type Config struct {
	// Device is the line's interface, like ppp0. It is up and has our link-local
	// address.
	Device string
	// Remote is the peer's link-local address.
	Remote netip.Addr
	// Key says who is on the line, like its user name: the same gets the same
	// addresses again if they are free.
	Key string

	// Networks has a prefix of 64 bits for each line, from which the peer makes its
	// own addresses; Addresses single ones, and Prefixes delegated ones, for DHCPv6.
	// nil: there are none.
	Networks, Addresses, Prefixes *Pool
	// Preferred and Valid are the lifetimes of all of them; 0: DefaultPreferred and
	// DefaultValid.
	Preferred, Valid time.Duration
	// DUID identifies this server for all time; it must be set if there are Addresses
	// or Prefixes. Without, there is no DHCPv6. See dhcp6.LoadDUID.
	DUID dhcp6.DUID

	// Interval bounds how long it is between two advertisements, from 4 s to 30 min;
	// 0: radv.DefaultInterval.
	Interval time.Duration
	// MTU is the link's, in octets, to advertise; 0: none.
	MTU int
	// NameServers are name servers, Domains those to search.
	NameServers   []netip.Addr
	SearchDomains []string

	// Log is told what happens.
	Log *slog.Logger
	// Notify is called with every change but that of mere lifetimes; nil: nobody is.
	// Run waits for it.
	Notify func(State)
}

// Default lifetimes: long enough for a server to be away for a night, short enough for
// addresses to change within a day.
const (
	DefaultPreferred = 12 * time.Hour
	DefaultValid     = 24 * time.Hour
)

// State is what the peer has; invalid prefixes: nothing.
type State struct {
	Network   netip.Prefix // from which it may make addresses
	Address   netip.Prefix // leased, of 128 bits
	Delegated netip.Prefix
}

// ErrConfig is what is wrong with a Config (wrapped).
var ErrConfig = errors.New("IPv6 server")

// ErrLinkGone is the cause to end Run's context with when the session is over: there is
// nobody to be told.
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
		return fail("pool %v: a line's network has 64 bits", c.Networks)
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

// networkBits is the length of the prefix of a network of hosts (RFC 4291 section
// 2.5.1).
const networkBits = 64
