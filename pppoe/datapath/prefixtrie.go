package datapath

import (
	"slices"
	"sync/atomic"
)

// prefixTrie finds the longest of the prefixes of one address family that contain an address. It is
// a trie of 16 branches a node, with compressed paths: 65,534 addresses that follow one another are
// found in five steps.
//
// Readers use it concurrently with one writer, without a lock: a node is never changed after it was
// published, except for the pointers to its children. A reader finds what the trie had at some time
// during the call.
type prefixTrie[V any] struct{ root trieSlot[V] }

// trieSlot points to a child, or to none.
type trieSlot[V any] struct {
	atomic.Pointer[trieNode[V]]
}

// trieNode is a prefix with its value, or a branch: the prefix that all prefixes below have in
// common, of a multiple of four bits.
type trieNode[V any] struct {
	address  addressBits // masked
	bits     uint8
	value    *V               // nil: a branch
	branches *trieBranches[V] // nil: a prefix
}

// trieBranches are the children of a branch.
type trieBranches[V any] struct {
	next [16]trieSlot[V] // by the four bits after the branch's
	// ends are the prefixes that end within those four bits, the longest first.
	ends atomic.Pointer[[]*trieNode[V]]
}

// covers reports whether a prefix or branch contains an address.
func (n *trieNode[V]) covers(a addressBits) bool { return n.address.common(a) >= n.bits }

// longest returns the value of the longest prefix that contains an address; nil: none does.
func (t *prefixTrie[V]) longest(a addressBits) (best *V) {
	for n := t.root.Load(); n != nil && n.covers(a); n = n.branches.next[a.nibble(n.bits)].Load() {
		if n.branches == nil {
			return n.value
		}
		if end := n.branches.end(a); end != nil {
			best = end.value
		}
	}
	return best
}

// end returns the longest of the prefixes ending in a branch that contain an address.
func (b *trieBranches[V]) end(a addressBits) *trieNode[V] {
	if ends := b.ends.Load(); ends != nil {
		for _, n := range *ends {
			if n.covers(a) {
				return n
			}
		}
	}
	return nil
}

// get returns the value of exactly this prefix; nil: the trie does not have it.
func (t *prefixTrie[V]) get(a addressBits, bits uint8) *V {
	for n := t.root.Load(); n != nil && n.bits <= bits && n.covers(a); n = n.branches.next[a.nibble(n.bits)].Load() {
		switch {
		case n.branches == nil && n.bits == bits:
			return n.value
		case n.branches == nil:
			return nil
		case bits < n.bits+4:
			return n.branches.exactEnd(a, bits)
		}
	}
	return nil
}

func (b *trieBranches[V]) exactEnd(a addressBits, bits uint8) *V {
	if ends := b.ends.Load(); ends != nil {
		for _, n := range *ends {
			if n.bits == bits && n.address == a {
				return n.value
			}
		}
	}
	return nil
}

// insert adds a prefix, which the trie must not have.
func (t *prefixTrie[V]) insert(a addressBits, bits uint8, value *V) {
	added := &trieNode[V]{address: a, bits: bits, value: value}
	at := &t.root
	for {
		n := at.Load()
		if n == nil {
			at.Store(added)
			return
		}
		common := min(n.address.common(a), n.bits, bits)
		if n.branches == nil || common < n.bits {
			at.Store(newBranch(common&^3, n, added))
			return
		}
		if bits < n.bits+4 {
			n.branches.addEnd(added)
			return
		}
		at = &n.branches.next[a.nibble(n.bits)]
	}
}

// newBranch returns a branch of a length with two children.
func newBranch[V any](bits uint8, children ...*trieNode[V]) *trieNode[V] {
	b := &trieNode[V]{address: children[0].address.masked(bits), bits: bits, branches: &trieBranches[V]{}}
	for _, n := range children {
		if n.bits < bits+4 {
			b.branches.addEnd(n)
		} else {
			b.branches.next[n.address.nibble(bits)].Store(n)
		}
	}
	return b
}

func (b *trieBranches[V]) addEnd(n *trieNode[V]) {
	var ends []*trieNode[V]
	if before := b.ends.Load(); before != nil {
		ends = *before
	}
	ends = append(slices.Clip(ends), n)
	slices.SortFunc(ends, func(m, n *trieNode[V]) int { return int(n.bits) - int(m.bits) })
	b.ends.Store(&ends)
}

// remove removes a prefix, if the trie has it. A branch that is left with one child is replaced by
// it.
func (t *prefixTrie[V]) remove(a addressBits, bits uint8) {
	var branch *trieSlot[V]
	at := &t.root
	for n := at.Load(); n != nil && n.bits <= bits && n.covers(a); n = at.Load() {
		if n.branches == nil {
			if n.bits == bits {
				at.Store(nil)
				collapse(branch)
			}
			return
		}
		if bits < n.bits+4 {
			n.branches.removeEnd(a, bits)
			collapse(at)
			return
		}
		branch, at = at, &n.branches.next[a.nibble(n.bits)]
	}
}

func (b *trieBranches[V]) removeEnd(a addressBits, bits uint8) {
	before := b.ends.Load()
	if before == nil {
		return
	}
	isIt := func(n *trieNode[V]) bool { return n.bits == bits && n.address == a }
	if ends := slices.DeleteFunc(slices.Clone(*before), isIt); len(ends) > 0 {
		b.ends.Store(&ends)
	} else {
		b.ends.Store(nil)
	}
}

// collapse replaces the branch in a slot by its child, if it has only one.
func collapse[V any](at *trieSlot[V]) {
	if at == nil {
		return
	}
	if only := at.Load().branches.only(); only != nil {
		at.Store(only)
	}
}

// only returns the child of a branch that has one; nil: it has several.
func (b *trieBranches[V]) only() (only *trieNode[V]) {
	var children []*trieNode[V]
	if ends := b.ends.Load(); ends != nil {
		children = append(children, *ends...)
	}
	for i := range b.next {
		if n := b.next[i].Load(); n != nil {
			children = append(children, n)
		}
		if len(children) > 1 {
			return nil
		}
	}
	return children[0]
}
