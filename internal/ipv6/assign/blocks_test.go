package assign

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
)

// TestBlocks: a pool allocates only from its blocks, all of their prefixes, and a block is withdrawn when it is
// free.
func TestBlocks(t *testing.T) {
	for _, c := range []struct {
		base               string
		bits, block        int
		exclude            string
		one, two           string
		usableOne, another int
	}{
		{"2001:db8::/48", 64, 62, "", "2001:db8::/62", "2001:db8:0:8::/62", 4, 4},
		{"2001:db8:100::/40", 56, 54, "2001:db8:100:100::/56", "2001:db8:100::/54", "2001:db8:100:400::/54", 3, 4},
		{"2001:db8::/64", 128, 126, "", "2001:db8::/126", "2001:db8::4/126", 3, 4},
	} {
		p := mustPool(t, c.base, c.bits)
		if c.exclude != "" {
			p.Exclude(netip.MustParsePrefix(c.exclude))
		}
		p.Restrict(c.block)
		if _, err := p.Allocate("x"); !errors.Is(err, ErrExhausted) {
			t.Errorf("%s: without a block: %v", c.base, err)
		}
		one, two := netip.MustParsePrefix(c.one), netip.MustParsePrefix(c.two)
		if n, m := p.Provide(one), p.Provide(two); n != c.usableOne || m != c.another {
			t.Errorf("%s: blocks have %d and %d", c.base, n, m)
		}
		total := c.usableOne + c.another
		got := map[netip.Prefix]bool{}
		for i := range total {
			part, err := p.Allocate(fmt.Sprint(i))
			if err != nil || got[part] || !one.Overlaps(part) && !two.Overlaps(part) {
				t.Errorf("%s: %v, %v", c.base, part, err)
			}
			got[part] = true
		}
		if _, err := p.Allocate("x"); err == nil || p.Withdraw(one, false) {
			t.Errorf("%s: more than there are", c.base)
		}
		for part := range got {
			if one.Overlaps(part) {
				p.Free(part)
			}
		}
		if used, free := p.Usage(); used != uint64(c.another) || free != uint64(c.usableOne) || !p.Withdraw(one, false) {
			t.Errorf("%s: %d used, %d free", c.base, used, free)
		}
		for part := range got {
			if p.Reserve(part) {
				t.Errorf("%s: %v is reserved", c.base, part)
			}
		}
		if p.Withdraw(two, false) || !p.Withdraw(two, true) || p.Provide(two) != c.another {
			t.Errorf("%s: withdrawn by force", c.base)
		}
		if used, free := p.Usage(); used != uint64(c.another) || free != 0 {
			t.Errorf("%s: provided again: %d used, %d free", c.base, used, free)
		}
	}
}
