package datapath

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
)

// Errors of prefixes, wrapped together with the prefix.
var (
	// ErrPrefixInUse is returned for a prefix that another session has.
	ErrPrefixInUse = errors.New("datapath: another session has the prefix")
	// ErrPrefix is returned for an invalid prefix.
	ErrPrefix = errors.New("datapath: invalid prefix")
)

// prefixTable finds the owner of an inner address: of the longest prefix that contains it. Readers
// take no lock and do not allocate. A change takes time in proportion to the length of a prefix,
// not to the number of prefixes.
type prefixTable[V any] struct {
	write      sync.Mutex
	ipv4, ipv6 prefixTrie[V]
}

// source returns the owner of the source address of an IP packet, which is untrusted; nil: there is
// none, or the packet is truncated.
func (t *prefixTable[V]) source(packet []byte) *V { return t.at(packet, 12, 8) }

// destination is source for the destination address.
func (t *prefixTable[V]) destination(packet []byte) *V { return t.at(packet, 16, 24) }

// at returns the owner of the address at an offset of the IPv4 or IPv6 header.
func (t *prefixTable[V]) at(packet []byte, at4, at6 int) *V {
	switch {
	case len(packet) >= 20 && packet[0]>>4 == 4:
		return t.ipv4.longest(addressBits4(packet[at4:]))
	case len(packet) >= 40 && packet[0]>>4 == 6:
		return t.ipv6.longest(addressBits6(packet[at6:]))
	}
	return nil
}

// replace replaces the prefixes that an owner has by others, all of them or, after an error, none.
// Bits of a prefix beyond its length are ignored, as are duplicates. Those in both sets are found
// all the time. The error wraps ErrPrefix or ErrPrefixInUse.
func (t *prefixTable[V]) replace(owner *V, before, after []netip.Prefix) error {
	t.write.Lock()
	defer t.write.Unlock()
	for _, p := range after {
		if !p.IsValid() {
			return fmt.Errorf("%v: %w", p, ErrPrefix)
		}
		if has := t.get(p); has != nil && has != owner {
			return fmt.Errorf("%v: %w", p, ErrPrefixInUse)
		}
	}
	for _, p := range after {
		if t.get(p) == nil {
			t.trie(p).insert(bitsOf(p), uint8(p.Bits()), owner)
		}
	}
	for _, p := range before {
		if p.IsValid() && t.get(p) == owner && !contains(after, p) {
			t.trie(p).remove(bitsOf(p), uint8(p.Bits()))
		}
	}
	return nil
}

// get returns the owner of exactly this prefix.
func (t *prefixTable[V]) get(p netip.Prefix) *V { return t.trie(p).get(bitsOf(p), uint8(p.Bits())) }

// trie returns the trie of a prefix's family. An IPv4-mapped IPv6 prefix is IPv6's.
func (t *prefixTable[V]) trie(p netip.Prefix) *prefixTrie[V] {
	if p.Addr().Is4() {
		return &t.ipv4
	}
	return &t.ipv6
}

// bitsOf returns the masked address of a valid prefix.
func bitsOf(p netip.Prefix) addressBits { return newAddressBits(p.Masked().Addr()) }

func contains(all []netip.Prefix, p netip.Prefix) bool {
	return slices.ContainsFunc(all, func(q netip.Prefix) bool { return q.Masked() == p.Masked() })
}
