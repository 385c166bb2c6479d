package server

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

	mu   sync.Mutex
	used map[uint64]struct{}
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
	p := &Pool{base: base.Masked(), length: bits, used: map[uint64]struct{}{}}
	p.size = 1 << min(bits-base.Bits(), maxIndexBits)
	if bits == 128 && p.size > 1 {
		p.first, p.size = 1, p.size-1 // not the subnet-router anycast address (RFC 4291 section 2.6.1)
	}
	return p, nil
}

// Allocate allocates a prefix. The same key gets the same prefix as before if that is free, so that
// a subscriber keeps its addresses. The error is ErrExhausted (wrapped).
func (p *Pool) Allocate(key string) (netip.Prefix, error) {
	h := fnv.New64a()
	h.Write([]byte(key))
	p.mu.Lock()
	defer p.mu.Unlock()
	if uint64(len(p.used)) == p.size {
		return netip.Prefix{}, fmt.Errorf("%v: %w", p, ErrExhausted)
	}
	for i := h.Sum64() % p.size; ; i = (i + 1) % p.size {
		if _, taken := p.used[i]; !taken {
			p.used[i] = struct{}{}
			return p.prefixAt(i + p.first), nil
		}
	}
}

// Free frees what Allocate has returned. Prefixes of other pools are ignored.
func (p *Pool) Free(part netip.Prefix) {
	if part.Bits() != p.length || !p.base.Contains(part.Addr()) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.used, p.indexOf(part)-p.first)
}

// Used returns the number of allocated prefixes.
func (p *Pool) Used() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.used)
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
