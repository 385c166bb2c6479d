package main

import (
	"net/netip"
	"slices"
	"testing"

	"upppoe/internal/config/serverconfig"
	"upppoe/internal/mgmt/servercontrol"
	"upppoe/pppoe"
)

// TestUsedPools: IPv6 pools have a row of each kind, those without a name first.
func TestUsedPools(t *testing.T) {
	v6 := serverconfig.IPv6{
		Networks: netip.MustParsePrefix("2001:db8:1::/48"), Delegated: netip.MustParsePrefix("2001:db8:100::/40"), DelegatedLength: 60,
		Exclude: []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/56")},
		Pools:   []serverconfig.IPv6Pool{{Name: "gold", Addresses: netip.MustParsePrefix("2001:db8:2::/64")}},
	}
	sets := v6.Sets()
	sets[""].Networks.Allocate("alice")
	sets[""].Networks.Allocate("bob")
	sets[""].Prefixes.Allocate("alice")
	got := usedPools([]pppoe.PoolStats{{AddressPool: pppoe.AddressPool{Name: "default"}, Size: 4, Used: 1, Free: 3, Reserved: 2, Refused: 5}}, sets)
	want := []servercontrol.Pool{
		{Name: "default", Family: "ipv4", Size: 4, Used: 1, Free: 3, Reserved: 2, Refused: 5},
		{Name: "ipv6", Family: "ipv6", Kind: "networks", Length: 64, Range: "2001:db8:1::/48", Size: 65280, Used: 2, Free: 65278},
		{Name: "ipv6", Family: "delegated", Kind: "delegated", Length: 60, Range: "2001:db8:100::/40", Size: 1 << 20, Used: 1, Free: 1<<20 - 1},
		{Name: "gold", Family: "ipv6", Kind: "addresses", Length: 128, Range: "2001:db8:2::/64", Size: 1<<32 - 1, Free: 1<<32 - 1},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	if got := usedPools(nil, nil); len(got) != 0 {
		t.Errorf("without pools: %+v", got)
	}
}
