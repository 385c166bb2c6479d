package pppoe

import (
	"iter"
	"net/netip"
)

// claims are the IPv4 addresses that a session of a server has claimed for its peer, nearly always one.
// The zero value is empty.
type claims struct {
	first address
	by    claimKind // of first, at least one
	rest  *claims   // nil: there are no others
}

// claimKind is a set of the kinds of claims to an address.
type claimKind uint8

const (
	claimAssigned claimKind = 1 << iota // the server has assigned it: the peer has not requested it
	claimHeld                           // until the device no longer has it
)

// add adds claims to an address. It ignores any other than IPv4's.
func (c *claims) add(a netip.Addr, by claimKind) {
	if !a.Is4() {
		return
	}
	for at := c; at != nil; at = at.rest {
		if at.first.addr() == a {
			at.by |= by
			return
		}
	}
	var rest *claims
	if c.first.valid {
		others := *c
		rest = &others
	}
	*c = claims{newAddress(a), by, rest}
}

// assign replaces the addresses that the server has assigned.
func (c *claims) assign(all ...netip.Addr) {
	c.retain(claimAssigned, func(netip.Addr) bool { return false })
	for _, a := range all {
		c.add(a, claimAssigned)
	}
}

// retain removes a kind of claim to those addresses for which keep returns false.
func (c *claims) retain(kind claimKind, keep func(netip.Addr) bool) {
	var kept claims
	for at := c; at != nil && at.first.valid; at = at.rest {
		by, a := at.by, at.first.addr()
		if by&kind != 0 && !keep(a) {
			by &^= kind
		}
		if by != 0 {
			kept.add(a, by)
		}
	}
	*c = kept
}

// has reports whether there is a kind of claim to an address.
func (c *claims) has(kind claimKind, a netip.Addr) bool {
	for b := range c.all(kind) {
		if a == b {
			return true
		}
	}
	return false
}

// all yields the addresses with a kind of claim.
func (c *claims) all(kind claimKind) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for at := c; at != nil; at = at.rest {
			if at.by&kind != 0 && !yield(at.first.addr()) {
				return
			}
		}
	}
}
