package serverconfig

import (
	"fmt"
	"strings"
	"testing"

	"upppoe/pppoe"
)

const twoPools = `[[interface]]
name = "eth1"
[ipv4]
local-address = "192.0.2.1"
pool = "silver"
[[service]]
name = "gold"
pool = "gold"
[[pool]]
name = "gold"
ranges = ["198.51.100.0/24"]
exclude = ["198.51.100.0", "198.51.100.250-255"]
next = "silver"
[[pool]]
name = "silver"
ranges = ["192.0.2.10-99", "192.0.2.200"]
`

// TestPools: pools as they are read, and written again.
func TestPools(t *testing.T) {
	c, problems := Parse("f", twoPools)
	if len(problems) > 0 || len(c.Pools) != 2 || c.Pools[0].Size() != 249 || c.Pools[1].Size() != 91 || c.IPv4.Pool != "silver" {
		t.Fatalf("%v, %+v", problems, c.Pools)
	}
	if p := c.Options.SessionPolicies()(pppoe.SessionInfo{Service: "gold"}); p.AddressPool != "gold" {
		t.Errorf("gold's policy is %+v", p)
	}
	if again, problems := Parse("f", string(c.encode(false))); fmt.Sprint(again.Pools) != fmt.Sprint(c.Pools) || len(problems) > 0 {
		t.Errorf("%v, %+v", problems, again.Pools)
	}
}

// TestBadPools: what is wrong with pools, with the line.
func TestBadPools(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`ranges = ["192.0.2.10-99", "192.0.2.200"]`, `ranges = ["192.0.2.10-99", "198.51.100.7"]`, `f:16: pool[2].ranges: 198.51.100.7 overlaps 198.51.100.1-198.51.100.249 of the pool "gold": give each address once`},
		{`"192.0.2.200"`, `"192.0.2.20"`, `f:16: pool[2].ranges: 192.0.2.20 overlaps 192.0.2.10-192.0.2.99: give each address once`},
		{`"192.0.2.10-99"`, `"192.0.2.0-99"`, `f:16: pool[2].ranges: 192.0.2.0-192.0.2.99 has our own address 192.0.2.1: give exclude = ["192.0.2.1"] too, or another local-address`},
		{`"192.0.2.200"`, `"223.255.255.0-224.0.0.9"`, `f:16: pool[2].ranges: 224.0.0.0 is in the pool, and is a multicast address: give addresses of hosts`},
		{`name = "silver"`, `name = "gold"`, `f:15: pool[2].name: there are two pools "gold", the first is number 1: give another name`},
		{`next = "silver"`, `next = "bronze"`, `f:13: pool[1].next: there is no pool "bronze": give the name of another pool`},
		{`next = "silver"`, `next = "gold"`, `f:13: pool[1].next: the pools that follow "gold" lead back to it: give the name of a pool that is none of them`},
		{`pool = "silver"`, `pool = "bronze"`, `f:5: ipv4.pool: there is no pool "bronze": give the name of a [[pool]]`},
		{`pool = "gold"`, `pool = "bronze"`, `f:8: service[1].pool: there is no pool "bronze": give the name of a [[pool]]`},
		{`pool = "silver"`, `first-address = "198.51.100.249"`, `f:11: pool[1].ranges: 198.51.100.1-198.51.100.249 overlaps 198.51.100.249-198.51.101.56 of the pool "ipv4": give each address once`},
		{`name = "silver"`, `name = "silver gold"`, `f:15: pool[2].name: "silver gold" is not valid: give a name like "gold"`},
		{`exclude = ["198.51.100.0",`, `exclude = ["198.51.100.0/24",`, `f:11: pool[1].ranges: the pool "gold" has no address: give a list like ["192.0.2.10-192.0.2.99"], not all of it excluded`},
		{`"198.51.100.0/24"`, `"198.51.100.1/24"`, `f:11: pool[1].ranges: "198.51.100.1/24" is not valid: the prefix of this length begins with 198.51.100.0: give a range`},
		{`"198.51.100.0/24"`, `"10.0.0.0/8"`, `f:11: pool[1].ranges: with the pool "gold" there are 16777216 addresses: give 4194304 in all pools together, at most`},
		{`ranges = ["198.51.100.0/24"]`, ``, `f:9: pool[1]: the key ranges is missing`},
	} {
		_, problems := Parse("f", strings.Replace(twoPools, c.old, c.new, 1))
		if !strings.Contains(problems.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.new, problems, c.want)
		}
	}
}

const ipv6Pools = `[[interface]]
name = "eth1"
[ipv6]
networks = "2001:db8:1::/48"
exclude = ["2001:db8:1::/56"]
[policy]
delegated-pool = "gold"
[[ipv6-pool]]
name = "gold"
networks = "2001:db8:2::/48"
delegated-prefixes = "2001:db8:100::/40"
exclude = ["2001:db8:100::/48"]
[[ipv6-pool]]
name = "addresses"
addresses = "2001:db8:3::/64"
`

// TestIPv6Pools: pools with names are read, written again, and made.
func TestIPv6Pools(t *testing.T) {
	c, problems := Parse("f", ipv6Pools)
	if len(problems) > 0 || len(c.IPv6.Prefixes()) != 4 || !c.IPv6.NeedsDHCP() {
		t.Fatalf("%v, %v", problems, c.IPv6.Prefixes())
	}
	sets := c.IPv6.Sets()
	if s := sets["gold"]; fmt.Sprint(s.Networks, s.Prefixes) != "2001:db8:2::/48 in /64 2001:db8:100::/40 in /56" || s.Addresses != nil || sets[""].Networks == nil || sets["addresses"].Addresses == nil {
		t.Errorf("%+v", sets)
	}
	if again, problems := Parse("f", string(c.encode(false))); fmt.Sprint(again.IPv6) != fmt.Sprint(c.IPv6) || len(problems) > 0 {
		t.Errorf("%v, %+v", problems, again.IPv6)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"2001:db8:2::/48"`, `"2001:db8:1:8000::/49"`, `f:10: ipv6-pool[1].networks: 2001:db8:1:8000::/49 and 2001:db8:1::/48 of ipv6.networks overlap: give another prefix`},
		{`delegated-pool = "gold"`, `delegated-pool = "addresses"`, `f:7: policy.delegated-pool: there is no IPv6 pool "addresses" with delegated-prefixes`},
		{`delegated-pool = "gold"`, `ipv6-pool = "silver"`, `f:7: policy.ipv6-pool: there is no IPv6 pool "silver" with networks or addresses`},
		{`name = "addresses"`, `name = "gold"`, `f:14: ipv6-pool[2].name: there are two [[ipv6-pool]] "gold"`},
		{`addresses = "2001:db8:3::/64"`, ``, `f:14: ipv6-pool[2].name: the pool "addresses" has no prefix`},
		{`"2001:db8:100::/48"`, `"2001:db8::/32"`, `f:12: ipv6-pool[1].exclude: 2001:db8::/32 is all of 2001:db8:2::/48 in /64`},
		{`"2001:db8:100::/48"`, `"2001:dba::/48"`, `f:12: ipv6-pool[1].exclude: 2001:dba::/48 is in none of the prefixes`},
	} {
		if _, problems := Parse("f", strings.Replace(ipv6Pools, c.old, c.new, 1)); !strings.Contains(problems.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.new, problems, c.want)
		}
	}
}
