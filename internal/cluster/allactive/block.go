package allactive

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
)

// Addresses is what assigns the addresses, networks or prefixes of a pool to sessions. Its methods may be called
// concurrently.
type Addresses interface {
	// Provide lets sessions be assigned what is in a block, and returns how much that is.
	Provide(block netip.Prefix) (usable int)
	// Withdraw ends Provide, and reports whether it has: not while a session has something of the block, unless
	// forced.
	Withdraw(block netip.Prefix, force bool) bool
	// Usage returns how much of the blocks sessions have, and how much is free.
	Usage() (used, free uint64)
}

// Pool is a pool that the machines share.
type Pool struct {
	Name string // for the log
	Kind Kind
	Addresses
	// Bits is the length of the prefixes that are assigned: 32 or 128 of addresses.
	Bits int
	// Ranges are the addresses of the pool, those of IPv6 the one prefix.
	Ranges []Range
	// Text is the pool as the configuration has it, to compare with that of other machines.
	Text string
}

// Kind is what a pool has.
type Kind string

// Kinds.
const (
	IPv4      Kind = "ipv4"
	Networks  Kind = "networks"
	Leased    Kind = "addresses"
	Delegated Kind = "delegated"
)

// Range is a range of addresses, with both ends.
type Range struct{ First, Last netip.Addr }

// RangeOf returns the range of a prefix.
func RangeOf(p netip.Prefix) Range {
	last := newNumber(p.Addr()).or(ones(p.Addr().BitLen() - p.Bits()))
	return Range{p.Masked().Addr(), last.addr(p.Addr().Is4())}
}

// blockSpace is the blocks of a pool.
type blockSpace struct {
	bits int // length of a block
	is4  bool
	all  []blockSpan
	n    uint64
}

// blockSpan is a number of blocks, one after the other.
type blockSpan struct {
	first number
	index uint64 // of the first
	n     uint64
}

// maxBlocks is how many blocks of a span are used.
const maxBlocks = 1 << 32

// newBlockSpace divides ranges into blocks of a length.
func newBlockSpace(ranges []Range, bits int) blockSpace {
	s := blockSpace{bits: bits}
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, func(a, b Range) int { return a.First.Compare(b.First) })
	for _, r := range sorted {
		s.is4 = r.First.Is4()
		s.add(newNumber(r.First), newNumber(r.Last))
	}
	return s
}

// add adds the blocks of a range that begins behind those that were added.
func (s *blockSpace) add(first, last number) {
	width := s.width()
	from, to := first.shift(width), last.shift(width)
	if len(s.all) > 0 {
		before := &s.all[len(s.all)-1]
		if end := before.first.plus(before.n); !end.less(from) {
			if from = end; to.less(from) {
				return
			}
			more := min(to.minus(from), maxBlocks-1) + 1
			before.n, s.n = before.n+more, s.n+more
			return
		}
	}
	n := min(to.minus(from), maxBlocks-1) + 1
	s.all = append(s.all, blockSpan{from, s.n, n})
	s.n += n
}

// width is the number of bits within a block.
func (s *blockSpace) width() int {
	if s.is4 {
		return 32 - s.bits
	}
	return 128 - s.bits
}

// at returns a block by its index, below n.
func (s *blockSpace) at(index uint64) netip.Prefix {
	i, found := slices.BinarySearchFunc(s.all, index, func(span blockSpan, index uint64) int {
		switch {
		case span.index+span.n <= index:
			return -1
		case span.index > index:
			return 1
		}
		return 0
	})
	if !found {
		panic(fmt.Sprintf("allactive: block %d of %d", index, s.n))
	}
	return netip.PrefixFrom(s.all[i].first.plus(index-s.all[i].index).unshift(s.width()).addr(s.is4), s.bits)
}

// has reports whether a prefix is one of the blocks, or in one.
func (s *blockSpace) has(p netip.Prefix) bool {
	if len(s.all) == 0 || p.Addr().Is4() != s.is4 || p.Bits() < s.bits {
		return false
	}
	at := newNumber(p.Addr()).shift(s.width())
	return slices.ContainsFunc(s.all, func(span blockSpan) bool {
		return !at.less(span.first) && at.minus(span.first) < span.n
	})
}

// overlaps reports whether a prefix has addresses of the blocks.
func (s *blockSpace) overlaps(p netip.Prefix) bool {
	if p.Addr().Is4() != s.is4 {
		return false
	}
	r := RangeOf(p)
	from, to := newNumber(r.First).shift(s.width()), newNumber(r.Last).shift(s.width())
	return slices.ContainsFunc(s.all, func(span blockSpan) bool {
		return !to.less(span.first) && from.less(span.first.plus(span.n))
	})
}

// block returns the block that an address is in.
func (s *blockSpace) block(a netip.Addr) netip.Prefix {
	return netip.PrefixFrom(a, s.bits).Masked()
}

// number is an address as a number.
type number struct{ high, low uint64 }

func newNumber(a netip.Addr) number {
	if a.Is4() {
		octets := a.As4()
		return number{0, uint64(binary.BigEndian.Uint32(octets[:]))}
	}
	octets := a.As16()
	return number{binary.BigEndian.Uint64(octets[:8]), binary.BigEndian.Uint64(octets[8:])}
}

func (n number) addr(is4 bool) netip.Addr {
	if is4 {
		var octets [4]byte
		binary.BigEndian.PutUint32(octets[:], uint32(n.low))
		return netip.AddrFrom4(octets)
	}
	var octets [16]byte
	binary.BigEndian.PutUint64(octets[:8], n.high)
	binary.BigEndian.PutUint64(octets[8:], n.low)
	return netip.AddrFrom16(octets)
}

// ones returns the number of that many bits that are set.
func ones(bits int) number {
	if bits <= 64 {
		return number{0, 1<<bits - 1}
	}
	return number{1<<(bits-64) - 1, ^uint64(0)}
}

func (n number) or(o number) number { return number{n.high | o.high, n.low | o.low} }
func (n number) less(o number) bool { return n.high < o.high || n.high == o.high && n.low < o.low }
func (n number) shift(bits int) number { // to the right
	if bits >= 64 {
		return number{0, n.high >> (bits - 64)}
	}
	return number{n.high >> bits, n.low>>bits | n.high<<(64-bits)}
}

func (n number) unshift(bits int) number {
	if bits >= 64 {
		return number{n.low << (bits - 64), 0}
	}
	return number{n.high<<bits | n.low>>(64-bits), n.low << bits}
}

func (n number) plus(m uint64) number {
	low := n.low + m
	if low < m {
		n.high++
	}
	return number{n.high, low}
}

// minus returns the difference; that of a number beyond 64 bits is the largest.
func (n number) minus(o number) uint64 {
	high, low := n.high-o.high, n.low-o.low
	if n.low < o.low {
		high--
	}
	if high > 0 {
		return ^uint64(0)
	}
	return low
}
