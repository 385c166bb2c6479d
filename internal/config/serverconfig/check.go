package serverconfig

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"upppoe/internal/host/netconfig"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
)

// check reports values that do not go together, or have no effect.
func (c *Config) check(r *report) {
	if c.ACName() == "" {
		r.fail("server.ac-name", "the host name is unknown", `a name like "bng1"`)
	}
	c.checkInterfaces(r)
	c.checkIPv4(r)
	c.checkPools(r)
	c.checkIPv6(r)
	c.checkServices(r)
	c.checkDevice(r)
	c.checkMetrics(r)
	c.checkWeb(r)
	c.checkRADIUS(r)
	c.checkCluster(r)
	c.checkUseless(r)
}

// Check returns what is wrong with values that are valid each by itself. It names no lines, as the
// configuration may not be of a file.
func (c *Config) Check() Problems {
	r := &report{lines: make(map[string]int)}
	c.check(r)
	return r.problems
}

func (c *Config) checkInterfaces(r *report) {
	if len(c.Interfaces) == 0 {
		r.fail("interface", "no interface is served", `a section [[interface]] with name = "eth1"`)
	}
	for i, one := range c.Interfaces {
		if slices.ContainsFunc(c.Interfaces[:i], func(o Interface) bool { return o.Name == one.Name }) {
			r.fail(itemPath("interface", i)+".name", fmt.Sprintf("%q is given twice", one.Name), "it once, with all its VLANs in vlans")
		}
	}
}

// checkIPv4 rejects addresses in the pool that clients must not be assigned.
func (c *Config) checkIPv4(r *report) {
	const local, first = "ipv4.local-address", "ipv4.first-address"
	if c.Options.NoIP {
		return
	}
	if err := netconfig.CheckHostAddress(c.IPv4.Local); err != nil {
		r.fail(local, fmt.Sprintf("%v %v", c.IPv4.Local, err), `an address like "192.0.2.1"`)
	}
	if n := c.Sessions.IDs.Offset + c.Sessions.Max; c.Sessions.IDs.Offset > 0 && n > maxSessionID {
		r.fail("sessions.id-offset", fmt.Sprintf("with %d sessions the last session ID is %d, beyond %d", c.Sessions.Max, n, maxSessionID), fmt.Sprintf("a number up to %d, or fewer sessions", max(maxSessionID-c.Sessions.Max, 0)))
	}
	if last := (pppoe.Pool{First: c.IPv4.Local}).Address(c.Sessions.Max - 1); c.IPv4.LocalPerSession && netconfig.CheckHostAddress(last) != nil {
		r.fail(local, fmt.Sprintf("with %d sessions the last local address is %v, which is not of a host", c.Sessions.Max, last), "a lower address")
	}
	pool := pppoe.Pool{First: c.IPv4.First}
	if !pool.First.IsValid() {
		return
	}
	for unit := range c.Sessions.Max {
		a := pool.Address(unit)
		if err := netconfig.CheckHostAddress(a); err != nil {
			r.fail(first, fmt.Sprintf("%v is in the pool of %d addresses from %v, and %v", a, c.Sessions.Max, pool.First, err), "another address, or a smaller number as [sessions] max")
			return
		}
		if a == c.IPv4.Local {
			r.fail(first, fmt.Sprintf("the pool of %d addresses from %v has our own address %v", c.Sessions.Max, pool.First, a), "another address here or as local-address, or a smaller number as [sessions] max")
		}
	}
}

// v6Pools returns the IPv6 pools with their keys.
func (c *Config) v6Pools() (keys []string, pools []netip.Prefix) {
	for i, p := range c.IPv6.all() {
		at := "ipv6."
		if i > 0 {
			at = itemPath("ipv6-pool", i-1) + "."
		}
		own, prefixes := p.prefixes()
		for j := range own {
			keys, pools = append(keys, at+own[j]), append(pools, prefixes[j])
		}
	}
	return keys, pools
}

func (c *Config) checkIPv6(r *report) {
	keys, pools := c.v6Pools()
	for i, p := range pools {
		for j, other := range pools[:i] {
			if p.Overlaps(other) {
				r.fail(keys[i], fmt.Sprintf("%v and %v of %s overlap", p, other, keys[j]), "another prefix")
			}
		}
		if p.Contains(c.IPv6.Local) {
			r.fail("ipv6.local-address", fmt.Sprintf("%v is in %v of %s, whose addresses clients get", c.IPv6.Local, p, keys[i]), "another address")
		}
	}
	c.checkIPv6Pools(r)
}

// usualDelegatedLength is the default length of delegated prefixes.
const usualDelegatedLength = 56

func (c *Config) checkServices(r *report) {
	all := c.Options.Services
	for i := range all {
		for j := range all[:i] {
			if all[j].Name == all[i].Name {
				r.fail(itemPath("service", i)+".name", fmt.Sprintf("%q is given twice", all[i].Name), "another name")
			}
		}
	}
	if n := discovery.ServicesLen(c.Options.ServiceNames()); n > discovery.MaxServices {
		r.fail("service", fmt.Sprintf("the names of all services take %d octets of a PADO, more than %d", n, discovery.MaxServices), "fewer services, or shorter names")
	}
}

// perSession is what a device for each session needs.
const perSession = `mode = "per-session" in [device]`

// vrfs yields the VRFs of policies by key. One that services have from [policy] is there only once.
func (c *Config) vrfs() iter.Seq2[string, string] {
	return func(yield func(key, name string) bool) {
		usual := c.Options.Policy.VRF
		if usual != "" && !yield("policy.vrf", usual) {
			return
		}
		for i, s := range c.Options.Services {
			if p := s.Policy; p != nil && p.VRF != usual && p.VRF != "" && !yield(itemPath("service", i)+".vrf", p.VRF) {
				return
			}
		}
	}
}

// checkDevice rejects what only a shared device has.
func (c *Config) checkDevice(r *report) {
	if c.Device.Shared {
		if c.IPv4.LocalPerSession {
			r.fail("ipv4.local-address-per-session", "a shared device has one address", perSession)
		}
		for key, name := range c.vrfs() {
			r.fail(key, fmt.Sprintf("a session of a shared device cannot be in VRF %q", name), perSession)
		}
		return
	}
	const shared = `mode = "shared" in [device]`
	if c.Device.Isolate {
		r.fail("device.isolate", "it needs a shared device; with a device for each session, drop packets between them by a firewall rule", shared)
	}
	if c.Device.Name != "" {
		r.fail("device.name", "it is the name of a shared device", shared)
	}
	if c.IPv6.Local.IsValid() {
		r.fail("ipv6.local-address", "it needs a shared device; a device of its own has the address of IPv6CP", shared)
	}
}
