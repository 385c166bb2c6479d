package pppoe

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"upppoe/ppp/ipv6cp"
)

// TestSharedPrefixes: the prefixes of a session are those of its open families, each once; a peer
// needs an IPv4 address.
func TestSharedPrefixes(t *testing.T) {
	prefix := netip.MustParsePrefix
	policy := &SessionPolicy{
		AllowSources: []netip.Prefix{prefix("198.51.100.0/29"), prefix("2001:db8:1::/48")},
		FramedRoutes: []netip.Prefix{prefix("198.51.100.0/29"), {}},
	}
	s := &sessionState{policy: policy, dynamicPrefixes: &[]netip.Prefix{prefix("2001:db8:2::/56")}}
	want := func(prefixes ...string) {
		t.Helper()
		all, err := s.sharedPrefixes()
		var got []string
		for _, p := range all {
			got = append(got, p.String())
		}
		if err != nil || !slices.Equal(got, prefixes) {
			t.Errorf("%v, %v; want %v", got, err, prefixes)
		}
	}
	want()
	s.desired.IPv4 = agreement{local: newAddress(addr4("192.0.2.1")), remote: newAddress(addr4("192.0.2.10"))}
	want("192.0.2.10/32", "198.51.100.0/29")
	s.desired.IPv6.Local, s.desired.IPv6.Remote = ipv6cp.ID{7: 1}, ipv6cp.ID{7: 2}
	want("192.0.2.10/32", "fe80::2/128", "198.51.100.0/29", "2001:db8:1::/48", "2001:db8:2::/56")
	s.desired.IPv4.remote = newAddress(netip.IPv4Unspecified())
	if _, err := s.sharedPrefixes(); !errors.Is(err, errNoPeerAddress) {
		t.Errorf("without an address: %v", err)
	}
}
