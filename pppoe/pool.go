package pppoe

import (
	"encoding/binary"
	"net/netip"
)

// Pool is the set of slots that sessions take: the slot that has been free longest is taken first,
// so that an address is reused as late as possible.
type Pool struct {
	// Max is the number of slots; zero: 64; at most MaxSlots.
	Max int
	// MaxPerClient is how many slots one client (Ethernet address) may have at a time; zero: any
	// number.
	MaxPerClient int
	// First is the first peer address. By default slot n has the n-th address from First. A session
	// whose client had another address last, or whose account allows only another, swaps with the
	// free slot that has it. Invalid: the Authenticator assigns addresses, or peers request their
	// own.
	First netip.Addr
}

// DefaultSessions is rp-pppoe's default for the number of sessions.
const DefaultSessions = 64

// MaxSlots is the largest Pool.Max. An attachment has at most 65,534 of them.
const MaxSlots = 1 << 22

// maxSessions excludes the session IDs 0 and 0xffff, which RFC 2516 section 4 reserves.
const maxSessions = 0xfffe

// Address returns the address that the slot with a number, from 0, has by default: see
// SessionInfo.Unit. Invalid: none.
func (p Pool) Address(unit int) netip.Addr {
	if !p.First.Is4() || unit < 0 {
		return netip.Addr{}
	}
	first := p.First.As4()
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(first[:])+uint32(unit))
	return netip.AddrFrom4(a)
}

// indexOf returns the pool index of an address, from 0, if the pool has it.
func (p Pool) indexOf(a netip.Addr) (index int, ok bool) {
	if !p.First.Is4() || !a.Is4() {
		return 0, false
	}
	first, is := p.First.As4(), a.As4()
	n := binary.BigEndian.Uint32(is[:]) - binary.BigEndian.Uint32(first[:])
	return int(n), n < uint32(p.Max)
}

// addrAt returns the address at a pool index, from 0.
func (p Pool) addrAt(index int) netip.Addr { return p.Address(index) }
