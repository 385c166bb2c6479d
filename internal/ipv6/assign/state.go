package assign

import (
	"fmt"
	"net/netip"
)

// State is what a session's peer has; invalid prefixes: none.
type State struct {
	Network   netip.Prefix // advertised, for SLAAC
	Address   netip.Prefix // leased, of 128 bits
	Delegated netip.Prefix
}

// Prefixes returns those that the peer has.
func (s State) Prefixes() (list []netip.Prefix) {
	for _, p := range []netip.Prefix{s.Network, s.Address, s.Delegated} {
		if p.IsValid() {
			list = append(list, p)
		}
	}
	return list
}

// Changes describes for the log what the peer has got or lost since an earlier state.
func (s State) Changes(before State) (lines []string) {
	for _, c := range []struct {
		what    string
		had, is netip.Prefix
	}{
		{"advertised prefix", before.Network, s.Network}, {"DHCPv6 lease of address", before.Address, s.Address},
		{"DHCPv6 lease of prefix", before.Delegated, s.Delegated},
	} {
		switch {
		case c.had == c.is:
		case c.is.IsValid():
			lines = append(lines, fmt.Sprintf("%s %v", c.what, c.is))
		default:
			lines = append(lines, fmt.Sprintf("%s %v has ended", c.what, c.had))
		}
	}
	return lines
}
