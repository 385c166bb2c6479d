package pppoe

import (
	"encoding/binary"
	"net/netip"
)

// Pool is what sessions are made from: one slot each, taken in turn, so that an
// address rests as long as may be before somebody else has it.
type Pool struct {
	// Max is the number of slots; zero: 64; at most 65,534. The n-th slot has
	// session ID n.
	Max int
	// MaxPerClient is how many of them a client may have at a time, by its Ethernet address; zero:
	// any number.
	MaxPerClient int
	// First is the peer's address in the first slot; the others follow it, but where an
	// account has a slot take the address of another, which is free, for its own is not allowed.
	// Invalid: the Authority gives addresses, or the peer has its own.
	First netip.Addr
}

// DefaultSessions is rp-pppoe's default for the number of sessions.
const DefaultSessions = 64

// maxSessions leaves out the two IDs that RFC 2516 section 4 reserves.
const maxSessions = 0xfffe

// Address is the peer's address in the slot of a session; invalid: it has none.
func (p Pool) Address(sessionID uint16) netip.Addr {
	if !p.First.Is4() || sessionID == 0 {
		return netip.Addr{}
	}
	first := p.First.As4()
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(first[:])+uint32(sessionID)-1)
	return netip.AddrFrom4(a)
}

// indexOf is the place in the pool that has an address, if one has.
func (p Pool) indexOf(a netip.Addr) (place int, ok bool) {
	if !p.First.Is4() || !a.Is4() {
		return 0, false
	}
	first, is := p.First.As4(), a.As4()
	n := binary.BigEndian.Uint32(is[:]) - binary.BigEndian.Uint32(first[:])
	return int(n), n < uint32(p.Max)
}

// addrAt is the address of a place in the pool, from 0 on.
func (p Pool) addrAt(place int) netip.Addr { return p.Address(uint16(place + 1)) }
