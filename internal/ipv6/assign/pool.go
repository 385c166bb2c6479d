package assign

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"sync"
)

// Pool divides a prefix into prefixes of equal length, and allocates each to one session at a time.
// Its methods may be called concurrently.
type Pool struct {
	base   netip.Prefix
	length int
	first  uint64 // index of the first prefix to allocate
	size   uint64

	exclude []netip.Prefix

	mu       sync.Mutex
	used     *bitmap // indexes from first on
	excluded uint64  // how many of them are in exclude
	blocks   *blocks // that may be assigned from; nil: all
}

var (
	// ErrPool reports an invalid pool (wrapped).
	ErrPool = errors.New("pool")
	// ErrExhausted reports that no prefix is free (wrapped).
	ErrExhausted = errors.New("all prefixes are in use: give the pool a shorter prefix")
)

// maxIndexBits bounds how many prefixes of a pool are used.
const maxIndexBits = 32

// NewPool makes a pool that divides base, like 2001:db8:100::/40, into prefixes of a length, like
// 56; or into single addresses, with 128.
func NewPool(base netip.Prefix, bits int) (*Pool, error) {
	if !base.IsValid() || !base.Addr().Is6() || base.Addr().Is4In6() {
		return nil, fmt.Errorf("%w: %v is not an IPv6 prefix", ErrPool, base)
	}
	if bits < base.Bits() || bits > 128 {
		return nil, fmt.Errorf("%w: %v cannot be divided into prefixes of length %d: give a length from %d to 128", ErrPool, base, bits, base.Bits())
	}
	p := &Pool{base: base.Masked(), length: bits, used: newBitmap()}
	p.size = 1 << min(bits-base.Bits(), maxIndexBits)
	if bits == 128 && p.size > 1 {
		p.first, p.size = 1, p.size-1 // not the subnet-router anycast address (RFC 4291 section 2.6.1)
	}
	return p, nil
}

// Allocate allocates a prefix. The same key gets the same prefix as before if that is free, so that
// a subscriber keeps its addresses. The error is ErrExhausted (wrapped).
func (p *Pool) Allocate(key string) (netip.Prefix, error) { return p.AllocateHash(Hash(key)) }

// Hash returns what AllocateHash takes for a key.
func Hash(key string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(key))
	return h.Sum64()
}

// AllocateHash is Allocate with the key's Hash.
func (p *Pool) AllocateHash(hash uint64) (netip.Prefix, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.blocks != nil {
		return p.allocateInBlocks(hash)
	}
	if p.used.count == p.size {
		return netip.Prefix{}, fmt.Errorf("%v: %w", p, ErrExhausted)
	}
	i := p.used.nextFree(hash % p.size)
	if i >= p.size {
		i = p.used.nextFree(0)
	}
	p.used.add(i)
	return p.prefixAt(i + p.first), nil
}

// Reserve allocates a given prefix, and reports whether it was free. A prefix that Allocate would
// never return is not the pool's, and counts as free.
func (p *Pool) Reserve(part netip.Prefix) bool {
	i, ok := p.indexIn(part)
	if !ok {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used.has(i) || !p.blocks.take(part) {
		return false
	}
	p.used.add(i)
	return true
}

// Free frees what Allocate or Reserve has allocated. Prefixes of other pools are ignored.
func (p *Pool) Free(part netip.Prefix) {
	i, ok := p.indexIn(part)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used.has(i) {
		p.used.remove(i)
		p.blocks.free(part)
	}
}

// Used returns the number of allocated prefixes.
func (p *Pool) Used() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int(p.used.count - p.excluded)
}

// Size returns how many prefixes Allocate can allocate, at most 2^32.
func (p *Pool) Size() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size - p.excluded
}

// Prefix returns the prefix that is divided.
func (p *Pool) Prefix() netip.Prefix { return p.base }

// Length returns the length of the prefixes that it is divided into.
func (p *Pool) Length() int { return p.length }

// Has reports whether Allocate could return a prefix.
func (p *Pool) Has(part netip.Prefix) bool {
	_, ok := p.indexIn(part)
	return ok
}

// Overlaps reports whether a prefix has addresses of the one that the pool divides, and is not in an
// excluded one.
func (p *Pool) Overlaps(other netip.Prefix) bool {
	for _, x := range p.exclude {
		if x.Bits() <= other.Bits() && x.Contains(other.Addr()) {
			return false
		}
	}
	return p.base.Overlaps(other)
}

// maxExcluded bounds how many prefixes of a pool are excluded.
const maxExcluded = 1 << 20

// Exclude excludes the prefixes that overlap with one. They are not the pool's. It must be called before
// the others.
func (p *Pool) Exclude(x netip.Prefix) error {
	x = x.Masked()
	switch {
	case !p.base.Overlaps(x):
		return fmt.Errorf("%w: %v is not in %v", ErrPool, x, p)
	case x.Bits() <= p.base.Bits():
		return fmt.Errorf("%w: %v is all of %v", ErrPool, x, p)
	case p.length-x.Bits() > 20:
		return fmt.Errorf("%w: %v has more than %d prefixes of %v", ErrPool, x, maxExcluded, p)
	}
	first := p.indexOf(netip.PrefixFrom(x.Addr(), p.length).Masked())
	for i := first; i < first+1<<max(p.length-x.Bits(), 0); i++ {
		if at := i - p.first; at < p.size && !p.used.has(at) { // what is before the first is at the end
			p.used.add(at)
			p.excluded++
		}
	}
	p.exclude = append(p.exclude, x)
	return nil
}

// indexIn returns a prefix's index from first on, if Allocate could return the prefix.
func (p *Pool) indexIn(part netip.Prefix) (i uint64, ok bool) {
	if part.Bits() != p.length || !p.base.Contains(part.Addr()) {
		return 0, false
	}
	for _, x := range p.exclude {
		if x.Overlaps(part) {
			return 0, false
		}
	}
	i = p.indexOf(part) - p.first
	return i, i < p.size && p.prefixAt(i+p.first) == part
}

// String returns the pool like 2001:db8:100::/40 in /56.
func (p *Pool) String() string { return fmt.Sprintf("%v in /%d", p.base, p.length) }

// prefixAt returns the prefix at an index.
func (p *Pool) prefixAt(index uint64) netip.Prefix {
	a := p.base.Addr().As16()
	high, low := binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
	if shift := 128 - p.length; shift >= 64 {
		high |= index << (shift - 64)
	} else {
		low |= index << shift
		high |= index >> (64 - shift)
	}
	binary.BigEndian.PutUint64(a[:8], high)
	binary.BigEndian.PutUint64(a[8:], low)
	return netip.PrefixFrom(netip.AddrFrom16(a), p.length)
}

// indexOf is the inverse of prefixAt.
func (p *Pool) indexOf(part netip.Prefix) uint64 {
	a := part.Addr().As16()
	high, low := binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
	shift := 128 - p.length
	index := high >> max(shift-64, 0)
	if shift < 64 {
		index = high<<(64-shift) | low>>shift
	}
	return index & (1<<min(p.length-p.base.Bits(), maxIndexBits) - 1)
}
