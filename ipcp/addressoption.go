package ipcp

import (
	"errors"
	"net/netip"

	"upppoe/ppp"
)

// Errors of Negotiator.Err.
var (
	ErrNoLocal      = errors.New("could not determine local IP address")
	ErrNoRemote     = errors.New("could not determine remote IP address")
	ErrLocalRefused = errors.New("peer wants us to have another local IP address")
	ErrSameAddress  = errors.New("local and remote IP address are the same")
)

// addr4 is an IPv4 address; zero, which no host can have: none.
type addr4 [4]byte

// from returns an address, or none if it is not of IPv4.
func from(addr netip.Addr) addr4 {
	if !addr.Is4() {
		return addr4{}
	}
	return addr.As4()
}

// addr returns the address; 0.0.0.0: none.
func (a addr4) addr() netip.Addr { return netip.AddrFrom4(a) }

// addrOrInvalid returns the address; invalid: none.
func (a addr4) addrOrInvalid() netip.Addr {
	if a == (addr4{}) {
		return netip.Addr{}
	}
	return a.addr()
}

// usable reports whether a host can have the address: it is not in 0.0.0.0/8, loopback,
// multicast or reserved (RFC 1122 section 3.2.1.3).
func (a addr4) usable() bool { return a[0] != 0 && a[0] != 127 && a[0] < 224 }

// address returns the value of an option as an IPv4 address; false: its length is wrong.
func address(o ppp.Option) (addr4, bool) {
	if len(o.Value) != len(addr4{}) {
		return addr4{}, false
	}
	return addr4(o.Value), true
}

func option(typ uint8, a addr4) ppp.Option { return ppp.Option{Type: typ, Value: a[:]} }

// appendOption appends an option, as option(typ, a).AppendTo(b) does, but without a copy of
// its value on the heap.
func appendOption(b []byte, typ uint8, a addr4) []byte {
	return append(b, typ, byte(2+len(a)), a[0], a[1], a[2], a[3])
}
