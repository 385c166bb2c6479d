package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"sync"
)

// Pool shares out a prefix in equal parts, each to one line at a time. Its methods may
// be called concurrently.
type Pool struct {
	base   netip.Prefix
	length int
	first  uint64 // index of the first part
	size   uint64

	mu   sync.Mutex
	used map[uint64]struct{}
}

var (
	// ErrPool is why a Pool cannot be made (wrapped).
	ErrPool = errors.New("pool")
	// ErrExhausted is why there is nothing to take (wrapped).
	ErrExhausted = errors.New("all are in use: give the pool a shorter prefix")
)

// maxIndexBits bounds how many parts are made use of.
const maxIndexBits = 32

// NewPool makes a pool that cuts base, like 2001:db8:100::/40, in prefixes of so many
// bits, like 56; or in single addresses, with 128.
func NewPool(base netip.Prefix, bits int) (*Pool, error) {
	if !base.IsValid() || !base.Addr().Is6() || base.Addr().Is4In6() {
		return nil, fmt.Errorf("%w: %v is no IPv6 prefix", ErrPool, base)
	}
	if bits < base.Bits() || bits > 128 {
		return nil, fmt.Errorf("%w: %v cannot be cut in prefixes of %d bits: give from %d to 128", ErrPool, base, bits, base.Bits())
	}
	p := &Pool{base: base.Masked(), length: bits, used: map[uint64]struct{}{}}
	p.size = 1 << min(bits-base.Bits(), maxIndexBits)
	if bits == 128 && p.size > 1 {
		p.first, p.size = 1, p.size-1 // not the routers' anycast address (RFC 4291 section 2.6.1)
	}
	return p, nil
}

// Allocate takes a part. The same key gets the same one as before, if that is free: so who
// dials in again has the same addresses. The error is ErrExhausted.
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

// Free gives back what Take has given. What is not of the pool is ignored.
func (p *Pool) Free(part netip.Prefix) {
	if part.Bits() != p.length || !p.base.Contains(part.Addr()) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.used, p.indexOf(part)-p.first)
}

// Used is how many parts are taken.
func (p *Pool) Used() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.used)
}

// String is like 2001:db8:100::/40 in /56.
func (p *Pool) String() string { return fmt.Sprintf("%v in /%d", p.base, p.length) }

// prefixAt is the index-th one.
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

// indexOf undoes part.
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
