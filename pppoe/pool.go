package pppoe

import (
	"encoding/binary"
	"net/netip"
)

// Pool is the set of slots that sessions take, the one that has been free longest first, and a pool of as
// many addresses.
type Pool struct {
	// Max is the number of slots; zero: 64; at most MaxSlots.
	Max int
	// MaxPerClient is how many slots one client (Ethernet address) may have at a time; zero: any
	// number.
	MaxPerClient int
	// First is the first address of the pool FirstPool, which has Max addresses. Invalid: there is no
	// such pool.
	First netip.Addr
}

// DefaultSessions is rp-pppoe's default for the number of sessions.
const DefaultSessions = 64

// MaxSlots is the largest Pool.Max. An attachment has at most 65,534 of them.
const MaxSlots = 1 << 22

// maxSessions excludes the session IDs 0 and 0xffff, which RFC 2516 section 4 reserves.
const maxSessions = 0xfffe

// Address returns the address of the pool with a number, from 0. Invalid: none.
func (p Pool) Address(unit int) netip.Addr {
	if !p.First.Is4() || unit < 0 {
		return netip.Addr{}
	}
	first := p.First.As4()
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(first[:])+uint32(unit))
	return netip.AddrFrom4(a)
}
