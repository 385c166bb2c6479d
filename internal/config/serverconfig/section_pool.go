package serverconfig

import (
	"errors"
	"fmt"
	"strings"

	"upppoe/internal/host/netconfig"
	"upppoe/pppoe"
)

var poolSection = repeated[pppoe.AddressPool]{
	name: "pool", help: "A pool of IPv4 addresses, besides that of [ipv4] first-address. There may be several. RADIUS (Framed-Pool), an account (address-pool), a service or [policy] names the one that a session gets its address of; else ipv4.pool. A reload may change them: sessions keep their addresses.",
	of:    func(c *Config) *[]pppoe.AddressPool { return &c.Pools },
	fresh: func(*Config) pppoe.AddressPool { return pppoe.AddressPool{} },
	keys: []key[pppoe.AddressPool]{
		{"name", "", "Name of the pool. \"ipv4\" is that of [ipv4] first-address.",
			at(str("NAME", "a name like \"gold\"", poolName), func(p *pppoe.AddressPool) *string { return &p.Name })},
		{"ranges", "-p --pool-file", "Addresses of the pool, in the order in which they are first assigned. Of a prefix all addresses are assigned, also the first and the last one.",
			at(list(addressRange, rangesWant), func(p *pppoe.AddressPool) *[]pppoe.AddressRange { return &p.Ranges })},
		{"exclude", "", "Addresses of ranges that are not assigned.",
			at(list(addressRange, `a list like ["192.0.2.0", "192.0.2.255"]`), func(p *pppoe.AddressPool) *[]pppoe.AddressRange { return &p.Exclude })},
		{"next", "", "Name of the pool that is used when this one is exhausted. Not set: logins are refused then.",
			at(str("NAME", "the name of another pool like \"silver\"", poolName), func(p *pppoe.AddressPool) *string { return &p.Next })},
	},
	required: []string{"name", "ranges"},
}

const rangesWant = `a list like ["192.0.2.10-192.0.2.99", "198.51.100.0/24"]`

// poolName accepts the name of a pool.
func poolName(s string) error {
	if printable(s) != nil || len(s) > maxPoolName || strings.ContainsAny(s, " \"") {
		return errInvalid
	}
	return nil
}

// maxPoolName is the length of the longest value of a RADIUS attribute.
const maxPoolName = 253

var addressRange = asText("RANGE", `a range like "192.0.2.10-192.0.2.99", a prefix like "198.51.100.0/24", or an address`, func(s string) (pppoe.AddressRange, error) {
	r, err := pppoe.ParseAddressRange(s)
	if text, is := strings.CutPrefix(fmt.Sprint(err), pppoe.ErrAddressRange.Error()+": "+s+": "); is {
		return r, errors.New("not valid: " + text)
	}
	if err != nil {
		return r, errInvalid
	}
	return r, nil
}, pppoe.AddressRange.String)

// pools returns all IPv4 pools, with that of [ipv4] first-address, which is first.
func (c *Config) pools() (all []pppoe.AddressPool, own int) {
	if c.IPv4.First.IsValid() {
		n := pppoe.Pool{First: c.IPv4.First}
		all, own = append(all, pppoe.AddressPool{Name: pppoe.FirstPool, Ranges: []pppoe.AddressRange{{First: c.IPv4.First, Last: n.Address(c.Sessions.Max - 1)}}}), 1
	}
	return append(all, c.Pools...), own
}

// checkPools rejects pools that overlap, addresses that clients must not be assigned, and names of pools
// that do not exist.
func (c *Config) checkPools(r *report) {
	all, own := c.pools()
	if !validRange(all) {
		return // checkIPv4 has reported it
	}
	keys := map[string]string{"Name": "name", "Ranges": "ranges", "Next": "next"}
	for _, p := range pppoe.CheckPools(all) {
		if p.Pool < own {
			r.fail("ipv4.first-address", p.Text, p.Wants)
			continue
		}
		r.fail(itemPath("pool", p.Pool-own)+"."+keys[p.Field], p.Text, p.Wants)
	}
	names := map[string]bool{}
	for i, p := range all {
		names[p.Name] = true
		if i >= own {
			c.checkAddresses(r, itemPath("pool", i-own)+".ranges", p)
		}
	}
	check := func(key, name string) {
		if name != "" && !names[name] {
			r.fail(key, fmt.Sprintf("there is no pool %q", name), `the name of a [[pool]]`)
		}
	}
	check("ipv4.pool", c.IPv4.Pool)
	check("policy.pool", c.Options.Policy.AddressPool)
	for i, s := range c.Options.Services {
		if s.Policy != nil && s.Policy.AddressPool != c.Options.Policy.AddressPool {
			check(itemPath("service", i)+".pool", s.Policy.AddressPool)
		}
	}
}

// validRange reports whether the pool of [ipv4] first-address does not go beyond the last address.
func validRange(all []pppoe.AddressPool) bool {
	return len(all) == 0 || len(all[0].Ranges) == 0 || !all[0].Ranges[0].Last.Less(all[0].Ranges[0].First)
}

// checkAddresses rejects a pool with our own address, or one that is not of a host.
func (c *Config) checkAddresses(r *report, key string, p pppoe.AddressPool) {
	for _, part := range p.Addresses() {
		if part.Contains(c.IPv4.Local) {
			r.fail(key, fmt.Sprintf("%v has our own address %v", part, c.IPv4.Local), fmt.Sprintf("exclude = [%q] too, or another local-address", c.IPv4.Local))
		}
		for a, n := part.First, uint64(0); n < part.Len() && n < pppoe.MaxPoolAddresses; a, n = a.Next(), n+1 {
			if err := netconfig.CheckHostAddress(a); err != nil {
				r.fail(key, fmt.Sprintf("%v is in the pool, and %v", a, err), "addresses of hosts")
				return
			}
		}
	}
}
