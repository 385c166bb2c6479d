package allactive

import (
	"net/netip"
	"testing"
)

func ranges(t *testing.T, texts ...string) (all []Range) {
	t.Helper()
	for i := 0; i+1 < len(texts); i += 2 {
		all = append(all, Range{netip.MustParseAddr(texts[i]), netip.MustParseAddr(texts[i+1])})
	}
	return all
}

// TestBlockSpace: the blocks of ranges are prefixes at multiples of their size, each once.
func TestBlockSpace(t *testing.T) {
	for _, c := range []struct {
		ranges []string
		bits   int
		want   []string
	}{
		{[]string{"192.0.2.10", "192.0.2.99"}, 26, []string{"192.0.2.0/26", "192.0.2.64/26"}},
		{[]string{"192.0.2.200", "192.0.2.201", "192.0.2.1", "192.0.2.7", "192.0.2.9", "192.0.2.70"}, 26, []string{"192.0.2.0/26", "192.0.2.64/26", "192.0.2.192/26"}},
		{[]string{"255.255.255.255", "255.255.255.255"}, 32, []string{"255.255.255.255/32"}},
		{[]string{"2001:db8:100::", "2001:db8:100:3ff:ffff:ffff:ffff:ffff"}, 56, []string{"2001:db8:100::/56", "2001:db8:100:100::/56", "2001:db8:100:200::/56", "2001:db8:100:300::/56"}},
		{[]string{"2001:db8::", "2001:db8::1ff"}, 120, []string{"2001:db8::/120", "2001:db8::100/120"}},
	} {
		s := newBlockSpace(ranges(t, c.ranges...), c.bits)
		if s.n != uint64(len(c.want)) {
			t.Errorf("%v: %d blocks, want %d", c.ranges, s.n, len(c.want))
			continue
		}
		for i, want := range c.want {
			p := s.at(uint64(i))
			if p.String() != want || !s.has(p) || !s.overlaps(p) || s.block(p.Addr()) != p {
				t.Errorf("block %d of %v is %v, want %s", i, c.ranges, p, want)
			}
		}
	}
}

// TestBlockSpaceHas: what is within the blocks, and what is not.
func TestBlockSpaceHas(t *testing.T) {
	s := newBlockSpace(ranges(t, "192.0.2.0", "192.0.2.127"), 26)
	for text, want := range map[string][2]bool{
		"192.0.2.127/32": {true, true}, "192.0.2.128/32": {false, false}, "192.0.2.0/24": {false, true}, "192.0.1.0/24": {false, false}, "2001:db8::/64": {false, false}, "0.0.0.0/0": {false, true},
	} {
		p := netip.MustParsePrefix(text)
		if got := [2]bool{s.has(p), s.overlaps(p)}; got != want {
			t.Errorf("%s: in a block and overlapping: %v, want %v", text, got, want)
		}
	}
	huge := newBlockSpace([]Range{RangeOf(netip.MustParsePrefix("2001:db8::/32"))}, 122)
	if huge.n != maxBlocks || huge.at(maxBlocks-1).Bits() != 122 {
		t.Errorf("%d blocks", huge.n)
	}
}
