package serverconfig

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"upppoe/internal/ipv6/assign"
)

// IPv6Pool has the IPv6 pools of a name: those of IPv6, for sessions that choose them.
type IPv6Pool struct {
	Name                           string // empty: those of IPv6 itself
	Networks, Addresses, Delegated netip.Prefix
	DelegatedLength                int
	Exclude                        []netip.Prefix
}

var ipv6PoolSection = repeated[IPv6Pool]{
	name: "ipv6-pool", help: "IPv6 pools with a name, besides those of [ipv6]. There may be several. RADIUS (Framed-IPv6-Pool, Delegated-IPv6-Prefix-Pool), an account (ipv6-pool, delegated-pool), a service or [policy] names those of a session. A user gets the same prefixes again, if they are free.",
	of:    func(c *Config) *[]IPv6Pool { return &c.IPv6.Pools },
	fresh: func(*Config) IPv6Pool { return IPv6Pool{} },
	keys: []key[IPv6Pool]{
		{"name", "", "Name of the pools.",
			fixed(at(str("NAME", "a name like \"gold\"", poolName), func(p *IPv6Pool) *string { return &p.Name }))},
		{"networks", "", "Advertise a /64 of this prefix to each session.",
			fixed(at(ipv6Pool("2001:db8:11::/48"), func(p *IPv6Pool) *netip.Prefix { return &p.Networks }))},
		{"addresses", "", "Lease an address of this prefix to each session by DHCPv6.",
			fixed(at(ipv6Pool("2001:db8:12::/64"), func(p *IPv6Pool) *netip.Prefix { return &p.Addresses }))},
		{"delegated-prefixes", "", "Delegate a prefix of this one to each session by DHCPv6.",
			fixed(at(ipv6Pool("2001:db8:200::/40"), func(p *IPv6Pool) *netip.Prefix { return &p.Delegated }))},
		{"delegated-length", "", "Length of the prefix that each session is delegated.",
			fixed(atDefault(number(1, 128, "56"), func(p *IPv6Pool) *int { return &p.DelegatedLength }, usualDelegatedLength))},
		{"exclude", "", "Prefixes that are not assigned from the pools, except to accounts that have them for their own.",
			fixed(at(list(policyPrefix, `a list like ["2001:db8:11::/56"]`), func(p *IPv6Pool) *[]netip.Prefix { return &p.Exclude }))},
	},
	required: []string{"name"},
}

// all returns the pools by name: those of IPv6 itself first, without one.
func (v *IPv6) all() []IPv6Pool {
	return append([]IPv6Pool{{Networks: v.Networks, Addresses: v.Addresses, Delegated: v.Delegated, DelegatedLength: v.DelegatedLength, Exclude: v.Exclude}}, v.Pools...)
}

// prefixes returns the prefixes that there are, with their keys.
func (p IPv6Pool) prefixes() (keys []string, all []netip.Prefix) {
	for _, one := range []struct {
		key string
		netip.Prefix
	}{{"networks", p.Networks}, {"addresses", p.Addresses}, {"delegated-prefixes", p.Delegated}} {
		if one.IsValid() {
			keys, all = append(keys, one.key), append(all, one.Prefix)
		}
	}
	return keys, all
}

// length returns the length of delegated prefixes.
func (p IPv6Pool) length() int { return cmp.Or(p.DelegatedLength, usualDelegatedLength) }

// Set makes the pools.
func (p IPv6Pool) Set() (s assign.Set, err error) {
	excluded := make([]bool, len(p.Exclude))
	for _, kind := range []struct {
		to   **assign.Pool
		base netip.Prefix
		bits int
	}{{&s.Networks, p.Networks, 64}, {&s.Addresses, p.Addresses, 128}, {&s.Prefixes, p.Delegated, p.length()}} {
		if !kind.base.IsValid() {
			continue
		}
		if *kind.to, err = assign.NewPool(kind.base, kind.bits); err != nil {
			return s, err
		}
		for i, x := range p.Exclude {
			if !kind.base.Overlaps(x) {
				continue
			}
			if err := (*kind.to).Exclude(x); err != nil {
				return s, err
			}
			excluded[i] = true
		}
	}
	for i, is := range excluded {
		if !is {
			return s, fmt.Errorf("%v is in none of the prefixes", p.Exclude[i])
		}
	}
	return s, nil
}

// Sets makes the pools by name: those without one are of IPv6 itself. The configuration has been checked.
func (v *IPv6) Sets() map[string]assign.Set {
	sets := make(map[string]assign.Set)
	for _, p := range v.all() {
		sets[p.Name], _ = p.Set()
	}
	return sets
}

// checkIPv6Pools rejects names that are given twice, or that no pool has, and what cannot be divided.
func (c *Config) checkIPv6Pools(r *report) {
	sets := make(map[string]IPv6Pool)
	for i, p := range c.IPv6.all() {
		at := "ipv6"
		if i > 0 {
			at = itemPath("ipv6-pool", i-1)
		}
		if _, twice := sets[p.Name]; twice {
			r.fail(at+".name", fmt.Sprintf("there are two [[ipv6-pool]] %q", p.Name), "another name")
		}
		sets[p.Name] = p
		if keys, _ := p.prefixes(); i > 0 && len(keys) == 0 {
			r.fail(at+".name", fmt.Sprintf("the pool %q has no prefix", p.Name), "networks, addresses or delegated-prefixes too")
		}
		if n := p.Networks; n.IsValid() && n.Bits() > 64 {
			r.fail(at+".networks", fmt.Sprintf("%v has no network of 64 bits", n), `a prefix of at most 64 bits, like "2001:db8:1::/48"`)
		} else if d := p.Delegated; d.IsValid() && p.length() < d.Bits() {
			r.fail(at+".delegated-length", fmt.Sprintf("%v has no prefix of length %d", d, p.length()), fmt.Sprintf("a length from %d to 128", d.Bits()))
		} else if _, err := p.Set(); err != nil {
			r.fail(at+".exclude", strings.TrimPrefix(err.Error(), assign.ErrPool.Error()+": "), "longer prefixes, of those of the pools")
		}
	}
	check := func(key, name string, has func(IPv6Pool) bool, what string) {
		if p, ok := sets[name]; name != "" && (!ok || !has(p)) {
			r.fail(key, fmt.Sprintf("there is no IPv6 pool %q with %s", name, what), "the name of an [[ipv6-pool]] that has them")
		}
	}
	checkBoth := func(at, ipv6, delegated string) {
		check(at+".ipv6-pool", ipv6, func(p IPv6Pool) bool { return p.Networks.IsValid() || p.Addresses.IsValid() }, "networks or addresses")
		check(at+".delegated-pool", delegated, func(p IPv6Pool) bool { return p.Delegated.IsValid() }, "delegated-prefixes")
	}
	of := c.Options.Policy
	checkBoth("policy", of.IPv6Pool, of.DelegatedPool)
	for i, s := range c.Options.Services {
		if p := s.Policy; p != nil && (p.IPv6Pool != of.IPv6Pool || p.DelegatedPool != of.DelegatedPool) {
			checkBoth(itemPath("service", i), p.IPv6Pool, p.DelegatedPool)
		}
	}
}
