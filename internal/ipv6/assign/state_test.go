package assign

import (
	"slices"
	"testing"
)

// TestChanges: what was got, exchanged or lost is named; what remains is not.
func TestChanges(t *testing.T) {
	before := State{Network: pfx("2001:db8:1::/64"), Address: pfx("2001:db8:2::1/128")}
	s := State{Network: pfx("2001:db8:1::/64"), Delegated: pfx("2001:db8:100::/56")}
	want := []string{"DHCPv6 lease of address 2001:db8:2::1/128 has ended", "DHCPv6 lease of prefix 2001:db8:100::/56"}
	if got := s.Changes(before); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := s.Prefixes(); len(got) != 2 || got[0] != s.Network || got[1] != s.Delegated {
		t.Errorf("prefixes %v", got)
	}
}
