package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// AddrPrefix is the Ethernet addresses that begin with the same bits: one address, those of a
// vendor (the first 24 bits, the OUI of IEEE 802), or others. It is comparable if it is canonical,
// as ParseAddrPrefix returns it: all other bits of Addr are 0.
type AddrPrefix struct {
	Addr Addr
	Bits int // 0 to 48
}

// ErrAddrPrefix is the error for text that is not a prefix of Ethernet addresses.
var ErrAddrPrefix = errors.New("give an Ethernet address like 02:00:5e:00:53:01, or the beginning of one, like 02:00:5e or 02:00:5e:00:53:00/40")

// ParseAddrPrefix parses an address, the first octets of one ("02:00:5e"), or an address and the
// number of bits that count ("02:00:5e:00:53:00/40"). The error wraps ErrAddrPrefix.
func ParseAddrPrefix(s string) (p AddrPrefix, err error) {
	text, count, counted := strings.Cut(s, "/")
	octets := strings.Split(text, ":")
	if len(octets) > len(p.Addr) {
		return AddrPrefix{}, fmt.Errorf("%q: %w", s, ErrAddrPrefix)
	}
	for i, o := range octets {
		n, err := strconv.ParseUint(o, 16, 8)
		if err != nil || len(o) != 2 {
			return AddrPrefix{}, fmt.Errorf("%q: %w", s, ErrAddrPrefix)
		}
		p.Addr[i] = byte(n)
	}
	p.Bits = 8 * len(octets)
	if counted {
		n, err := strconv.ParseUint(count, 10, 8)
		if err != nil || int(n) > p.Bits {
			return AddrPrefix{}, fmt.Errorf("%q: %w", s, ErrAddrPrefix)
		}
		p.Bits = int(n)
	}
	p.Addr = p.Addr.masked(p.Bits)
	return p, nil
}

// String returns the prefix as ParseAddrPrefix reads it.
func (p AddrPrefix) String() string {
	if p.Bits == 8*len(p.Addr) {
		return p.Addr.String()
	}
	return fmt.Sprintf("%v/%d", p.Addr, p.Bits)
}

// masked returns the address with all bits after the first ones 0.
func (a Addr) masked(bits int) Addr {
	var b [8]byte
	copy(b[:], a[:])
	binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(b[:])>>(64-bits)<<(64-bits))
	return Addr(b[:])
}

// AddrSet is a set of prefixes. It may be read concurrently.
type AddrSet struct {
	prefixes map[AddrPrefix]struct{}
	lengths  uint64 // bit n: there is a prefix of n bits
}

// NewAddrSet makes a set.
func NewAddrSet(prefixes []AddrPrefix) *AddrSet {
	s := &AddrSet{prefixes: make(map[AddrPrefix]struct{}, len(prefixes))}
	for _, p := range prefixes {
		s.prefixes[AddrPrefix{p.Addr.masked(p.Bits), p.Bits}] = struct{}{}
		s.lengths |= 1 << p.Bits
	}
	return s
}

// Contains reports whether an address is in one of the prefixes; nil has none.
func (s *AddrSet) Contains(a Addr) bool {
	if s == nil {
		return false
	}
	for bits := range 8*len(a) + 1 {
		if s.lengths>>bits&1 == 0 {
			continue
		}
		if _, found := s.prefixes[AddrPrefix{a.masked(bits), bits}]; found {
			return true
		}
	}
	return false
}

// Len returns the number of different prefixes; nil has none.
func (s *AddrSet) Len() int {
	if s == nil {
		return 0
	}
	return len(s.prefixes)
}
