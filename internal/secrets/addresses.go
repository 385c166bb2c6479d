package secrets

import (
	"fmt"
	"net/netip"
	"strings"
)

// Addresses are those that a client may have. The zero value allows none
// (pppd(8): an account without addresses cannot have one).
type Addresses struct {
	rules []rule
}

// rule allows or forbids a network; the first that holds an address decides.
type rule struct {
	forbid bool
	all    bool
	net    netip.Prefix
}

// add reads a word of the fourth column: an address, a network (a.b.c.d/n), *, or
// one of these after ! to forbid it; - stands for none.
func (a *Addresses) add(word string) error {
	if word == "-" {
		return nil
	}
	text, forbid := strings.CutPrefix(word, "!")
	if text == "*" {
		a.rules = append(a.rules, rule{forbid: forbid, all: true})
		return nil
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		a.rules = append(a.rules, rule{forbid: forbid, net: netip.PrefixFrom(addr, addr.BitLen())})
		return nil
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		a.rules = append(a.rules, rule{forbid: forbid, net: p.Masked()})
		return nil
	}
	return fmt.Errorf("%q is no address, network, * or - (names of hosts are not looked up)", word)
}

// Allows says whether the client may have an address.
func (a Addresses) Allows(addr netip.Addr) bool {
	for _, r := range a.rules {
		if r.all || r.net.Contains(addr) {
			return !r.forbid
		}
	}
	return false
}

// Single returns the one address that the client is to have, if the rules name
// just one.
func (a Addresses) Single() (netip.Addr, bool) {
	if len(a.rules) == 1 && !a.rules[0].forbid && !a.rules[0].all && a.rules[0].net.IsSingleIP() {
		return a.rules[0].net.Addr(), true
	}
	return netip.Addr{}, false
}
