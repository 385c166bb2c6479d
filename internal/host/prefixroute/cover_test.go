package prefixroute

import (
	"net/netip"
	"strings"
	"testing"
)

// TestCover: the prefixes of a range are its addresses, and no fewer would do.
func TestCover(t *testing.T) {
	for _, c := range []struct{ first, last, want string }{
		{"192.0.2.10", "192.0.2.73", "192.0.2.10/31 192.0.2.12/30 192.0.2.16/28 192.0.2.32/27 192.0.2.64/29 192.0.2.72/31"},
		{"192.0.2.0", "192.0.2.255", "192.0.2.0/24"},
		{"192.0.2.1", "192.0.2.1", "192.0.2.1/32"},
		{"192.0.2.2", "192.0.2.1", ""},
		{"10.67.0.0", "10.67.255.253", "10.67.0.0/17 10.67.128.0/18 10.67.192.0/19 10.67.224.0/20 10.67.240.0/21 10.67.248.0/22 10.67.252.0/23 10.67.254.0/24 10.67.255.0/25 10.67.255.128/26 10.67.255.192/27 10.67.255.224/28 10.67.255.240/29 10.67.255.248/30 10.67.255.252/31"},
		{"0.0.0.0", "255.255.255.255", "0.0.0.0/0"},
		{"255.255.255.254", "255.255.255.255", "255.255.255.254/31"},
		{"2001:db8::1", "2001:db8::3", "2001:db8::1/128 2001:db8::2/127"},
	} {
		var got []string
		for _, p := range Cover(netip.MustParseAddr(c.first), netip.MustParseAddr(c.last)) {
			got = append(got, p.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s to %s: %q, want %q", c.first, c.last, got, c.want)
		}
	}
}
