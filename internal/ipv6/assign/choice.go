package assign

import (
	"fmt"
	"net/netip"
)

// Set are pools of each kind; nil: there is none.
type Set struct{ Networks, Addresses, Prefixes *Pool }

// Choice names the pools of a session, of Config.Named: IPv6 those of its network and address, Delegated
// that of its delegated prefix. Empty: those of Config.
type Choice struct{ IPv6, Delegated string }

// Kind selects the pool of a kind.
type Kind func(Set) *Pool

// Kinds of pools.
var (
	Networks  Kind = func(s Set) *Pool { return s.Networks }
	Addresses Kind = func(s Set) *Pool { return s.Addresses }
	Prefixes  Kind = func(s Set) *Pool { return s.Prefixes }
)

// Choose returns the pools of a session. The error names a pool that does not exist; the session has none of
// the kind then.
func (c *Config) Choose(by Choice) (s Set, err error) {
	s = Set{c.Networks, c.Addresses, c.Prefixes}
	if by.IPv6 != "" {
		named := c.Named[by.IPv6]
		if s.Networks, s.Addresses = named.Networks, named.Addresses; s.Networks == nil && s.Addresses == nil {
			err = fmt.Errorf("there is no IPv6 pool %q with networks or addresses", by.IPv6)
		}
	}
	if by.Delegated != "" {
		if s.Prefixes = c.Named[by.Delegated].Prefixes; s.Prefixes == nil {
			err = fmt.Errorf("there is no IPv6 pool %q with prefixes to delegate", by.Delegated)
		}
	}
	return s, err
}

// sets returns all pools.
func (c *Config) sets() []Set {
	all := []Set{{c.Networks, c.Addresses, c.Prefixes}}
	for _, s := range c.Named {
		all = append(all, s)
	}
	return all
}

// Owner returns the pool of a kind that could allocate a prefix; nil: none.
func (c *Config) Owner(kind Kind, p netip.Prefix) *Pool {
	for _, s := range c.sets() {
		if pool := kind(s); pool != nil && pool.Has(p) {
			return pool
		}
	}
	return nil
}
