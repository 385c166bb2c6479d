package secrets

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"upppoe/internal/config/pppd"
)

// Addresses are the IPv4 addresses that a client may have. The zero value allows none
// (pppd(8): an account without addresses cannot have one).
type Addresses struct {
	rules []rule
}

// rule allows or forbids a network; the first that holds an address decides.
type rule struct {
	forbid bool
	unit   bool // not all of the network: its address number unit+1, once For has said which
	net    netip.Prefix
}

var everywhere = netip.PrefixFrom(netip.IPv4Unspecified(), 0)

// parseAddresses reads the fourth column and on: addresses, networks (a.b.c.d/n),
// or one address of a network by the unit (a.b.c.d/n+), each after ! to forbid it;
// * for all others, or - for no others, ends the list.
func parseAddresses(words []pppd.Word) (a Addresses, err error) {
	for i, w := range words {
		switch w.Text {
		case optionsFollow, "-":
			return a, nil
		case "*":
			a.rules = append(a.rules, rule{net: everywhere})
			return a, nil
		}
		r, ok := parseRule(w.Text)
		if !ok {
			// The word may be a part of a secret without quotes, so it is not told.
			return Addresses{}, fmt.Errorf("word %d is no IPv4 address, network, * or - (names of hosts are not looked up, and a secret with spaces must stand in quotes)", 4+i)
		}
		a.rules = append(a.rules, r)
	}
	return a, nil
}

func parseRule(word string) (r rule, ok bool) {
	text, forbid := strings.CutPrefix(word, "!")
	r.forbid = forbid
	if text == "*" {
		r.net = everywhere
		return r, true
	}
	if !strings.Contains(text, "/") {
		text += "/32"
	} else {
		text, r.unit = strings.CutSuffix(text, "+")
	}
	p, err := netip.ParsePrefix(text)
	r.net = p.Masked()
	return r, err == nil && p.Addr().Is4()
}

// ForUnit is what the addresses are for the device with a number, like 0 for ppp0:
// a.b.c.d/n+ becomes one address. As long as For has not been called, such a rule
// allows none, or forbids the network.
func (a Addresses) ForUnit(unit int) Addresses {
	rules := make([]rule, 0, len(a.rules))
	for _, r := range a.rules {
		if r.unit {
			r = r.resolve(unit)
		}
		rules = append(rules, r)
	}
	return Addresses{rules}
}

// resolve leaves a rule as it is if its network is too small for the unit.
func (r rule) resolve(unit int) rule {
	hosts := uint64(1)<<(32-r.net.Bits()) - 1
	offset := uint64(unit) + 1
	if unit < 0 || offset >= hosts {
		return r
	}
	base := r.net.Addr().As4()
	binary.BigEndian.PutUint32(base[:], binary.BigEndian.Uint32(base[:])+uint32(offset))
	return rule{forbid: r.forbid, net: netip.PrefixFrom(netip.AddrFrom4(base), 32)}
}

// Allows reports whether the client may have an address. Nobody may have a loopback or
// multicast address, or one that is not of IPv4.
func (a Addresses) Allows(addr netip.Addr) bool {
	if addr = addr.Unmap(); !isHost(addr) {
		return false
	}
	for _, r := range a.rules {
		if r.net.Contains(addr) && (r.forbid || !r.unit) {
			return !r.forbid
		}
	}
	return false
}

func isHost(a netip.Addr) bool {
	return a.Is4() && !a.IsUnspecified() && !a.IsLoopback() && a.As4()[0] < 224
}

// Singles are the addresses that the rules name one by one and allow, in their order: the
// client's own.
func (a Addresses) Singles() (own []netip.Addr) {
	for _, r := range a.rules {
		if addr := r.net.Addr(); !r.forbid && !r.unit && r.net.IsSingleIP() && a.Allows(addr) {
			own = append(own, addr)
		}
	}
	return own
}

// AllowsNone reports whether no rule allows anything. Call For before.
func (a Addresses) AllowsNone() bool {
	return !slices.ContainsFunc(a.rules, func(r rule) bool { return !r.forbid && !r.unit })
}
