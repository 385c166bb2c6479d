package pppoe

import "net/netip"

// address is an IPv4 address; the zero value is none. It is for what is kept of every session: a
// netip.Addr takes three words.
type address struct {
	octets [4]byte
	valid  bool
}

func newAddress(a netip.Addr) address {
	if !a.Is4() {
		return address{}
	}
	return address{a.As4(), true}
}

func (a address) addr() netip.Addr {
	if !a.valid {
		return netip.Addr{}
	}
	return netip.AddrFrom4(a.octets)
}
