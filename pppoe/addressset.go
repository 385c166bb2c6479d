package pppoe

import (
	"iter"
	"net/netip"
)

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

// addressSet is a set of IPv4 addresses, which nearly always has one. The zero value is empty.
type addressSet struct {
	first address
	rest  *addressSet // nil: there are no others
}

func newAddressSet(all ...netip.Addr) (s addressSet) {
	for _, a := range all {
		s.add(a)
	}
	return s
}

func (s *addressSet) add(a netip.Addr) {
	switch {
	case !a.Is4() || s.contains(a):
	case s.first.valid:
		s.rest = &addressSet{s.first, s.rest}
		fallthrough
	default:
		s.first = newAddress(a)
	}
}

func (s addressSet) contains(a netip.Addr) bool {
	for b := range s.all() {
		if a == b {
			return true
		}
	}
	return false
}

// all yields the addresses, the latest first.
func (s addressSet) all() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for at := &s; at != nil && at.first.valid && yield(at.first.addr()); at = at.rest {
		}
	}
}
