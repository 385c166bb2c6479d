package main

import (
	"iter"
	"math/bits"
	"net/netip"
)

// prefixTree has the holders of prefixes of both address families, and finds those whose prefixes overlap. It is a
// binary tree with compressed paths: a step is taken for each bit of a prefix at most, however many there are.
type prefixTree struct{ ipv4, ipv6 *prefixNode }

// prefixNode is a prefix, or one that its two children have in common.
type prefixNode struct {
	prefix  netip.Prefix
	holders map[prefixHolder]struct{} // empty: of a common prefix
	child   [2]*prefixNode            // by the bit after the prefix
}

func (t *prefixTree) root(p netip.Prefix) **prefixNode {
	if p.Addr().Is4() {
		return &t.ipv4
	}
	return &t.ipv6
}

func (t *prefixTree) isEmpty() bool { return t.ipv4 == nil && t.ipv6 == nil }

// add adds a holder by its prefix, which is masked.
func (t *prefixTree) add(h prefixHolder) {
	for at := t.root(h.prefix); ; {
		n := *at
		if n == nil {
			*at = &prefixNode{prefix: h.prefix, holders: map[prefixHolder]struct{}{h: {}}}
			return
		}
		switch common := commonBits(n.prefix, h.prefix); {
		case common < n.prefix.Bits():
			above := &prefixNode{prefix: netip.PrefixFrom(h.prefix.Addr(), common).Masked(), holders: make(map[prefixHolder]struct{})}
			above.child[bitAt(n.prefix.Addr(), common)] = n
			*at = above
		case common < h.prefix.Bits():
			at = &n.child[bitAt(h.prefix.Addr(), common)]
		default:
			n.holders[h] = struct{}{}
			return
		}
	}
}

// remove removes a holder, if the tree has it.
func (t *prefixTree) remove(h prefixHolder) {
	at := t.root(h.prefix)
	*at = (*at).without(h)
}

// without returns the node, or what replaces it, when a holder has been removed.
func (n *prefixNode) without(h prefixHolder) *prefixNode {
	switch {
	case n == nil || !contains(n.prefix, h.prefix):
		return n
	case n.prefix == h.prefix:
		delete(n.holders, h)
	default:
		child := &n.child[bitAt(h.prefix.Addr(), n.prefix.Bits())]
		*child = (*child).without(h)
	}
	switch {
	case len(n.holders) > 0:
	case n.child[0] == nil:
		return n.child[1]
	case n.child[1] == nil:
		return n.child[0]
	}
	return n
}

// overlapping returns the holders of prefixes that contain a prefix, those of the prefix itself, and those of prefixes
// within it, in this order.
func (t *prefixTree) overlapping(p netip.Prefix) iter.Seq[prefixHolder] {
	return func(yield func(prefixHolder) bool) {
		n := *t.root(p)
		for n != nil && n.prefix.Bits() < p.Bits() && contains(n.prefix, p) {
			for h := range n.holders {
				if !yield(h) {
					return
				}
			}
			n = n.child[bitAt(p.Addr(), n.prefix.Bits())]
		}
		if n != nil && contains(p, n.prefix) {
			n.all(yield)
		}
	}
}

// all yields the holders of a node and of those below it; false: yield wants no more.
func (n *prefixNode) all(yield func(prefixHolder) bool) bool {
	if n == nil {
		return true
	}
	for h := range n.holders {
		if !yield(h) {
			return false
		}
	}
	return n.child[0].all(yield) && n.child[1].all(yield)
}

// contains reports whether a prefix contains another of its family, or is equal to it.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// commonBits returns the number of leading bits that two prefixes of a family have in common.
func commonBits(a, b netip.Prefix) int {
	most := min(a.Bits(), b.Bits())
	x, y := a.Addr().AsSlice(), b.Addr().AsSlice()
	for i := range x {
		if differ := x[i] ^ y[i]; differ != 0 {
			return min(most, i*8+bits.LeadingZeros8(differ))
		}
	}
	return most
}

// bitAt returns a bit of an address.
func bitAt(a netip.Addr, i int) byte {
	b := a.As16()
	if a.Is4() {
		i += 96
	}
	return b[i/8] >> (7 - i%8) & 1
}
