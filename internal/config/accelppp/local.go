package accelppp

import (
	"net/netip"
	"slices"

	"upppoe/pppoe"
)

// skipLocal leaves out our own address from the pools, as accel-ppp does.
func (t *translation) skipLocal() {
	for i := range t.pools {
		p := &t.pools[i]
		var ranges []pppoe.AddressRange
		for _, r := range p.Ranges {
			ranges = append(ranges, without(r, t.c.IPv4.Local)...)
		}
		p.Ranges = ranges
	}
	t.pools = slices.DeleteFunc(t.pools, func(p pppoe.AddressPool) bool { return len(p.Ranges) == 0 })
}

// without returns a range without an address: none, one or two ranges.
func without(r pppoe.AddressRange, a netip.Addr) (left []pppoe.AddressRange) {
	if a.Less(r.First) || r.Last.Less(a) {
		return []pppoe.AddressRange{r}
	}
	if r.First.Less(a) {
		left = append(left, pppoe.AddressRange{First: r.First, Last: a.Prev()})
	}
	if a.Less(r.Last) {
		left = append(left, pppoe.AddressRange{First: a.Next(), Last: r.Last})
	}
	return left
}
