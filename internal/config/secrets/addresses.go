package secrets

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"upppoe/internal/config/pppd"
)

// Addresses are the IPv4 addresses that a client may use. The zero value allows none (pppd(8): an
// account without addresses may use none).
type Addresses struct {
	rules []rule
}

// rule allows or forbids a network; the first rule that contains an address decides.
type rule struct {
	forbid bool
	unit   bool // only the network's address number unit+1, which ForUnit resolves
	net    netip.Prefix
}

var everywhere = netip.PrefixFrom(netip.IPv4Unspecified(), 0)

// parseAddresses parses the columns from the fourth on: addresses, networks (a.b.c.d/n), or one
// address of a network by the unit (a.b.c.d/n+), each after ! to forbid it. The list ends with * for
// all others or - for no others.
func parseAddresses(words []pppd.Word) (a Addresses, err error) {
	for i, w := range words {
		switch w.Text {
		case "-":
			if i == 0 {
				a.rules = append(a.rules, rule{forbid: true, net: everywhere})
			}
			return a, nil
		case optionsFollow:
			return a, nil
		case "*":
			a.rules = append(a.rules, rule{net: everywhere})
			return a, nil
		}
		r, ok := parseRule(w.Text)
		if !ok {
			// The word may be a part of a secret without quotes, so the error does not contain it.
			return Addresses{}, fmt.Errorf("word %d is not an IPv4 address, network, * or - (host names are not resolved; a secret with spaces must be in quotes)", 4+i)
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

// Addresses of most rows, which share them.
var (
	noAddress  Addresses
	anyAddress = Addresses{[]rule{{net: everywhere}}}
)

// shared returns the addresses, or what many rows share in their place.
func (a Addresses) shared() *Addresses {
	for _, common := range [...]*Addresses{&noAddress, &anyAddress} {
		if slices.Equal(a.rules, common.rules) {
			return common
		}
	}
	return &a
}

// ForUnit returns the addresses for the device with a unit number, like 0 for ppp0: a.b.c.d/n+ becomes
// one address. Before ForUnit, such a rule allows none, or forbids the whole network.
func (a Addresses) ForUnit(unit int) Addresses {
	if !slices.ContainsFunc(a.rules, func(r rule) bool { return r.unit }) {
		return a
	}
	rules := make([]rule, 0, len(a.rules))
	for _, r := range a.rules {
		if r.unit {
			r = r.resolve(unit)
		}
		rules = append(rules, r)
	}
	return Addresses{rules}
}

// resolve returns the rule for a unit's address, or the rule unchanged if its network is too small.
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

// Allows reports whether the client may use an address. Loopback, multicast and class E addresses, and
// those that are not IPv4, are never allowed.
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

// Singles returns the addresses that rules name individually and allow, in the order of the rules: the
// client's own.
func (a Addresses) Singles() (own []netip.Addr) {
	for _, r := range a.rules {
		if addr := r.net.Addr(); !r.forbid && !r.unit && r.net.IsSingleIP() && a.Allows(addr) {
			own = append(own, addr)
		}
	}
	return own
}

// ForbidsAll reports whether all addresses are forbidden on purpose, by a - or !* alone: such an account is
// disabled.
func (a Addresses) ForbidsAll() bool {
	return len(a.rules) > 0 && a.rules[0].forbid && a.rules[0].net == everywhere
}

// AllowsNone reports whether no rule allows any address. Call ForUnit first.
func (a Addresses) AllowsNone() bool {
	return !slices.ContainsFunc(a.rules, func(r rule) bool { return !r.forbid && !r.unit })
}
