package pppoe

import (
	"net/netip"
	"slices"
	"testing"
)

func TestAddressSet(t *testing.T) {
	a, b, c := addr4("192.0.2.1"), addr4("192.0.2.2"), addr4("0.0.0.0")
	var s addressSet
	for _, add := range []netip.Addr{a, a, b, {}, a, addr4("2001:db8::1"), c} {
		s.add(add)
		if s.contains(add) != add.Is4() {
			t.Errorf("after %v: %v", add, slices.Collect(s.all()))
		}
	}
	if got := slices.Collect(s.all()); !slices.Equal(got, []netip.Addr{c, b, a}) {
		t.Errorf("%v", got)
	}
	if empty := (addressSet{}); empty.contains(netip.Addr{}) || empty.contains(c) || (address{}).addr().IsValid() {
		t.Error("the empty set has an address")
	}
}
