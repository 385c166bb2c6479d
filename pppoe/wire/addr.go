package wire

import (
	"errors"
	"fmt"
	"net"

	"upppoe/ppp/ipv6cp"
)

// Addr is an Ethernet (MAC-48) address, in the order it has on the wire. It
// is a value: comparable, and fit to be a map's key.
type Addr [6]byte

// Broadcast is the destination of a PADI (RFC 2516 section 5.1).
var Broadcast = Addr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// ErrAddr is returned for text that is no MAC-48 address.
var ErrAddr = errors.New("not an Ethernet address like 02:00:5e:00:53:01")

// ParseAddr reads an address as net.ParseMAC does, and accepts only the
// six-octet form. The error wraps ErrAddr.
func ParseAddr(s string) (Addr, error) {
	mac, err := net.ParseMAC(s)
	if err != nil || len(mac) != len(Addr{}) {
		return Addr{}, fmt.Errorf("%q: %w", s, ErrAddr)
	}
	return Addr(mac), nil
}

// String is the address in lower-case hexadecimal, parted by colons.
func (a Addr) String() string { return net.HardwareAddr(a[:]).String() }

// InterfaceID is the IPv6 interface identifier that is made of the address: a modified EUI-64 (RFC
// 4291 appendix A).
func (a Addr) InterfaceID() ipv6cp.ID {
	return ipv6cp.ID{a[0] ^ 0x02, a[1], a[2], 0xff, 0xfe, a[3], a[4], a[5]}
}

// IsUnicast reports whether the address may stand as a station's own: neither a
// group address (IEEE 802 bit I/G) nor all zeroes.
func (a Addr) IsUnicast() bool { return a[0]&1 == 0 && a != Addr{} }
