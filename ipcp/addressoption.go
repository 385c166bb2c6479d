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

// address returns the value of an option as an IPv4 address; false: its length is wrong.
func address(o ppp.Option) (netip.Addr, bool) {
	if len(o.Value) != 4 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(o.Value)), true
}

func option(typ uint8, addr netip.Addr) ppp.Option {
	a4 := orUnspecified(addr).As4()
	return ppp.Option{Type: typ, Value: a4[:]}
}

func orUnspecified(addr netip.Addr) netip.Addr {
	if !addr.Is4() {
		return netip.IPv4Unspecified()
	}
	return addr
}

// usable reports whether a host can have the address: it is not in 0.0.0.0/8, loopback,
// multicast or reserved (RFC 1122 section 3.2.1.3).
func usable(addr netip.Addr) bool {
	if !addr.Is4() {
		return false
	}
	first := addr.As4()[0]
	return first != 0 && first != 127 && first < 224
}
