package pppoe

import (
	"net/netip"
	"slices"
	"testing"
)

func TestClaims(t *testing.T) {
	a, b, c := addr4("192.0.2.1"), addr4("192.0.2.2"), addr4("0.0.0.0")
	var s claims
	for _, add := range []netip.Addr{a, a, b, {}, a, addr4("2001:db8::1"), c} {
		s.add(add, claimHeld)
		if s.has(claimHeld, add) != add.Is4() || s.has(claimAssigned, add) {
			t.Errorf("after %v: %v", add, slices.Collect(s.all(claimHeld)))
		}
	}
	if got := slices.Collect(s.all(claimHeld)); !slices.Equal(got, []netip.Addr{c, b, a}) {
		t.Errorf("%v", got)
	}
	if empty := (claims{}); empty.has(claimHeld, netip.Addr{}) || empty.has(claimHeld, c) || (address{}).addr().IsValid() {
		t.Error("without claims, there is an address")
	}
}

// TestClaimKinds: an address may be assigned and held, and each may end without the other.
func TestClaimKinds(t *testing.T) {
	a, b, c := addr4("192.0.2.1"), addr4("192.0.2.2"), addr4("192.0.2.3")
	var s claims
	check := func(when string, assigned, held []netip.Addr) {
		t.Helper()
		for kind, want := range map[claimKind][]netip.Addr{claimAssigned: assigned, claimHeld: held} {
			if got := slices.SortedFunc(s.all(kind), netip.Addr.Compare); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", when, got, want)
			}
		}
	}
	s.assign(a, b)
	s.add(b, claimHeld)
	s.add(c, claimHeld)
	check("at first", []netip.Addr{a, b}, []netip.Addr{b, c})
	s.retain(claimHeld, func(addr netip.Addr) bool { return addr == c })
	check("one is released", []netip.Addr{a, b}, []netip.Addr{c})
	s.add(b, claimHeld)
	s.assign(c)
	check("another is assigned", []netip.Addr{c}, []netip.Addr{b, c})
	s.assign()
	s.retain(claimHeld, func(netip.Addr) bool { return false })
	check("in the end", nil, nil)
	if s != (claims{}) {
		t.Errorf("%+v is left", s)
	}
}
