package assign

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/radv"
)

// Config is what a server assigns to each session, and how. The zero value assigns nothing, and
// advertises a default router.
type Config struct {
	// Networks has a /64 for each session, for SLAAC by the peer. Addresses and Prefixes have what
	// DHCPv6 assigns: an address and a delegated prefix. nil: none.
	Networks, Addresses, Prefixes *Pool
	// Named are further pools, which a Choice names. The pools above may be among them.
	Named map[string]Set
	// Preferred and Valid are the lifetimes of all of them; 0: DefaultPreferred and DefaultValid.
	Preferred, Valid time.Duration
	// DUID is the server's permanent identifier. It must be set if there are Addresses or Prefixes;
	// without it there is no DHCPv6. See dhcp6.LoadDUID.
	DUID dhcp6.DUID

	// Interval is the longest time between two advertisements, from 4 s to 30 min; 0:
	// radv.DefaultInterval.
	Interval time.Duration
	// NameServers and SearchDomains are advertised, and sent by DHCPv6.
	NameServers   []netip.Addr
	SearchDomains []string
}

// Default lifetimes: they outlast a server that is away for a night, and let addresses change
// within a day.
const (
	DefaultPreferred = 12 * time.Hour
	DefaultValid     = 24 * time.Hour
)

// ErrConfig reports an invalid Config (wrapped).
var ErrConfig = errors.New("IPv6 server")

// Check sets the default lifetimes, and returns ErrConfig (wrapped) for what cannot be assigned.
func (c *Config) Check() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrConfig, fmt.Sprintf(format, args...))
	}
	if c.Preferred == 0 {
		c.Preferred = DefaultPreferred
	}
	if c.Valid == 0 {
		c.Valid = max(DefaultValid, c.Preferred)
	}
	switch {
	case c.Preferred < time.Second || c.Preferred > c.Valid:
		return fail("lifetimes of %v preferred and %v valid: give at least 1s, and no more preferred than valid", c.Preferred, c.Valid)
	}
	for _, set := range c.sets() {
		switch {
		case set.Networks != nil && set.Networks.length != networkBits:
			return fail("pool %v: a session's network has 64 bits", set.Networks)
		case set.Addresses != nil && set.Addresses.length != addressBits:
			return fail("pool %v: an address has 128 bits", set.Addresses)
		case set.Prefixes != nil && set.Prefixes.length > networkBits:
			return fail("pool %v: a delegated prefix has at most 64 bits", set.Prefixes)
		case (set.Addresses != nil || set.Prefixes != nil) && !c.DHCP():
			return fail("DHCPv6 needs a DUID")
		}
	}
	return c.checkOverlap()
}

// pools returns those that there are.
func (c *Config) pools() (all []*Pool) {
	for _, s := range c.sets() {
		for _, p := range []*Pool{s.Networks, s.Addresses, s.Prefixes} {
			if p != nil && !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}

// checkOverlap rejects pools that would assign an address twice.
func (c *Config) checkOverlap() error {
	pools := c.pools()
	for i, p := range pools {
		for _, other := range pools[:i] {
			if p.Overlaps(other.base) {
				return fmt.Errorf("%w: pools %v and %v overlap", ErrConfig, other, p)
			}
		}
	}
	return nil
}

// CheckFixed returns ErrConfig (wrapped) if what is to be assigned to one session is not of the lengths of
// State, needs DHCPv6 where there is none, or overlaps with what the pools assign to others. A
// prefix that the pool of its kind could allocate is not a problem: see Pool.Reserve.
func (c *Config) CheckFixed(fixed State) error {
	return errors.Join(
		c.checkFixed("network", fixed.Network, networkBits, networkBits, Networks, true),
		c.checkFixed("address", fixed.Address, addressBits, addressBits, Addresses, c.DHCP()),
		c.checkFixed("delegated prefix", fixed.Delegated, 1, networkBits, Prefixes, c.DHCP()),
	)
}

// checkFixed checks one of a State, of a kind, and may not be announced at
// all.
func (c *Config) checkFixed(what string, p netip.Prefix, least, most int, kind Kind, announced bool) error {
	switch {
	case !p.IsValid():
		return nil
	case !lifetime.IsHostPrefix(p) || p != p.Masked() || p.Bits() < least || p.Bits() > most:
		return fmt.Errorf("%w: %s %v is not a prefix of %d to %d bits of hosts", ErrConfig, what, p, least, most)
	case !announced:
		return fmt.Errorf("%w: %s %v: DHCPv6 needs a DUID", ErrConfig, what, p)
	}
	own := c.Owner(kind, p)
	for _, pool := range c.pools() {
		if pool.Overlaps(p) && pool != own {
			return fmt.Errorf("%w: %s %v overlaps with pool %v", ErrConfig, what, p, pool)
		}
	}
	return nil
}

// Prefix lengths of a subnet with SLAAC (RFC 4291 section 2.5.1) and of a single address.
const (
	networkBits = 64
	addressBits = 128
)

// DHCP reports whether there is DHCPv6.
func (c *Config) DHCP() bool { return len(c.DUID) > 0 }

// Advertiser returns the configuration of a session's router, without prefixes and MTU.
func (c *Config) Advertiser(r *rand.Rand) *radv.AdvertiserConfig {
	return &radv.AdvertiserConfig{
		Preferred: c.Preferred, Valid: c.Valid, Managed: c.Addresses != nil, Other: c.DHCP(), DefaultRouter: true,
		NameServers: c.NameServers, SearchDomains: c.SearchDomains, Interval: c.Interval, Rand: r,
	}
}

// Server returns the configuration of a session's DHCPv6 server, without the functions that
// allocate.
func (c *Config) Server() *dhcp6.ServerConfig {
	return &dhcp6.ServerConfig{
		DUID: c.DUID, Preferred: c.Preferred, Valid: c.Valid, NameServers: c.NameServers, SearchDomains: c.SearchDomains,
	}
}
