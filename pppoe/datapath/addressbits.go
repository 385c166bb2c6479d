package datapath

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// addressBits is an IP address, with its first bit in the highest bit of high. An IPv4 address has
// the first 32 bits, followed by zeros.
type addressBits struct{ high, low uint64 }

// newAddressBits returns the bits of a valid address. An IPv4-mapped IPv6 address is an IPv6 address.
func newAddressBits(a netip.Addr) addressBits {
	if a.Is4() {
		b := a.As4()
		return addressBits4(b[:])
	}
	b := a.As16()
	return addressBits6(b[:])
}

// addressBits4 returns the IPv4 address at the beginning of b.
func addressBits4(b []byte) addressBits {
	return addressBits{high: uint64(binary.BigEndian.Uint32(b)) << 32}
}

// addressBits6 returns the IPv6 address at the beginning of b.
func addressBits6(b []byte) addressBits {
	return addressBits{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// common returns the number of leading bits that two addresses of a family have in common; 128: all.
func (a addressBits) common(b addressBits) uint8 {
	if x := a.high ^ b.high; x != 0 {
		return uint8(bits.LeadingZeros64(x))
	}
	return uint8(64 + bits.LeadingZeros64(a.low^b.low))
}

// masked returns the address with all bits zero but the first n.
func (a addressBits) masked(n uint8) addressBits {
	return addressBits{a.high & (^uint64(0) << (64 - min(n, 64))), a.low & (^uint64(0) << (128 - max(n, 64)))}
}

// nibble returns the four bits that begin at a multiple of four below 128.
func (a addressBits) nibble(at uint8) uint8 {
	if at < 64 {
		return uint8(a.high>>(60-at)) & 0xf
	}
	return uint8(a.low>>(124-at)) & 0xf
}
