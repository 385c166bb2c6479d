package assign

import (
	"net/netip"
	"strings"
	"testing"

	"upppoe/internal/ipv6/dhcp6"
)

func mustPool(t *testing.T, base string, bits int) *Pool {
	t.Helper()
	p, err := NewPool(netip.MustParsePrefix(base), bits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestExclude: what is excluded is not allocated, and is not the pool's; the rest is.
func TestExclude(t *testing.T) {
	p := mustPool(t, "2001:db8::/60", 64)
	for _, x := range []string{"2001:db8:0:4::/62", "2001:db8:0:1::7/128", "2001:db8:0:5::/64"} {
		if err := p.Exclude(netip.MustParsePrefix(x)); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []string{"2001:db8:1::/64", "2001:db8::/60", "2001:db8::/32"} {
		if err := p.Exclude(netip.MustParsePrefix(x)); err == nil {
			t.Errorf("%s is excluded of %v", x, p)
		}
	}
	got := map[netip.Prefix]bool{}
	for {
		part, err := p.Allocate("x")
		if err != nil {
			break
		}
		if got[part] || !p.Has(part) || netip.MustParsePrefix("2001:db8:0:4::/62").Overlaps(part) || part == netip.MustParsePrefix("2001:db8:0:1::/64") {
			t.Fatalf("%v is allocated", part)
		}
		got[part] = true
	}
	excluded := netip.MustParsePrefix("2001:db8:0:6::/64")
	if p.Free(excluded); len(got) != 11 || p.Used() != 11 || p.Has(excluded) || !p.Reserve(excluded) || p.Overlaps(excluded) || !p.Overlaps(netip.MustParsePrefix("2001:db8::/32")) {
		t.Errorf("%d are allocated, %d used", len(got), p.Used())
	}
	a := mustPool(t, "2001:db8::/126", 128)
	if err := a.Exclude(netip.MustParsePrefix("2001:db8::/127")); err != nil { // with the one that is never assigned
		t.Fatal(err)
	}
	if one, _ := a.Allocate("x"); one.Addr().String() < "2001:db8::2" {
		t.Errorf("%v is allocated", one)
	}
}

// TestChoose: the pools that a session names, and those that it does not.
func TestChoose(t *testing.T) {
	gold := Set{Networks: mustPool(t, "2001:db8:1::/48", 64), Prefixes: mustPool(t, "2001:db8:100::/40", 56)}
	c := Config{Networks: mustPool(t, "2001:db8:2::/48", 64), Named: map[string]Set{"gold": gold, "host": {Addresses: mustPool(t, "2001:db8:3::/64", 128)}}, DUID: dhcp6.DUID{0, 1, 2, 3}}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		by   Choice
		want Set
		err  string
	}{
		{Choice{}, Set{Networks: c.Networks}, ""},
		{Choice{"gold", ""}, Set{Networks: gold.Networks}, ""},
		{Choice{"", "gold"}, Set{Networks: c.Networks, Prefixes: gold.Prefixes}, ""},
		{Choice{"host", "gold"}, Set{Addresses: c.Named["host"].Addresses, Prefixes: gold.Prefixes}, ""},
		{Choice{"silver", ""}, Set{}, `no IPv6 pool "silver" with networks`},
		{Choice{"", "host"}, Set{Networks: c.Networks}, `no IPv6 pool "host" with prefixes`},
	} {
		got, err := c.Choose(test.by)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%+v: %+v, %v", test.by, got, err)
		}
	}
	fixed := State{Network: netip.MustParsePrefix("2001:db8:1:7::/64")}
	if err := c.CheckFixed(fixed); err != nil || c.Owner(Networks, fixed.Network) != gold.Networks {
		t.Errorf("a network of a pool with a name: %v", err)
	}
	if err := c.CheckFixed(State{Delegated: netip.MustParsePrefix("2001:db8:1:8::/61")}); err == nil {
		t.Error("a prefix of several networks of a pool is assigned")
	}
	c.Named["twice"] = Set{Networks: mustPool(t, "2001:db8:1:ff::/64", 64)}
	if err := c.Check(); err == nil {
		t.Error("pools with names overlap")
	}
}
