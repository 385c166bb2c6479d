package wire

import (
	"errors"
	"fmt"
	"net"

	"upppoe/ppp/ipv6cp"
)

// Addr is an Ethernet (MAC-48) address in wire order. It is comparable.
type Addr [6]byte

// Broadcast is the destination of a PADI (RFC 2516 section 5.1).
var Broadcast = Addr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// ErrAddr is the error for text that is not a MAC-48 address.
var ErrAddr = errors.New("not an Ethernet address like 02:00:5e:00:53:01")

// ParseAddr parses an address as net.ParseMAC does, in its six-octet form only. The error wraps
// ErrAddr.
func ParseAddr(s string) (Addr, error) {
	mac, err := net.ParseMAC(s)
	if err != nil || len(mac) != len(Addr{}) {
		return Addr{}, fmt.Errorf("%q: %w", s, ErrAddr)
	}
	return Addr(mac), nil
}

// String returns the address in lower-case hexadecimal, separated by colons.
func (a Addr) String() string { return net.HardwareAddr(a[:]).String() }

// InterfaceID returns the IPv6 interface identifier of the address: a modified EUI-64 (RFC 4291
// appendix A).
func (a Addr) InterfaceID() ipv6cp.ID {
	return ipv6cp.ID{a[0] ^ 0x02, a[1], a[2], 0xff, 0xfe, a[3], a[4], a[5]}
}

// IsUnicast reports whether the address can be a station's own: neither a group address (IEEE 802
// bit I/G) nor all zeroes.
func (a Addr) IsUnicast() bool { return a[0]&1 == 0 && a != Addr{} }
