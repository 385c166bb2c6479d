package aaa

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/secrets"
	"upppoe/pppoe/wire"
)

// holding is a prefix that an account has for itself: its address, or a framed-route.
type holding struct {
	vrf    string // of its options; empty: none
	net    netip.Prefix
	framed bool
	client string
	at     pppd.Word // its file and line
}

// holdings returns the prefixes of all accounts of a file for a server.
func holdings(all []holding, path, server string, f *secrets.File) []holding {
	for account := range f.Accounts(server) {
		at := pppd.Word{File: path, Line: account.Line}
		// Its first address is what it gets; others are for further sessions of it.
		routes, vrf := pppd.FramedRoutes(account.Options)
		if own := account.Addresses.Singles(); len(own) > 0 {
			all = append(all, holding{vrf, netip.PrefixFrom(own[0], own[0].BitLen()), false, account.Client, at})
		}
		for _, p := range routes {
			all = append(all, holding{vrf, p, true, account.Client, at})
		}
	}
	return all
}

// overlap is a prefix of one account that is equal to one of another, or within it.
type overlap struct{ inner, outer holding }

// overlaps returns the overlaps of the prefixes of different accounts, in the order of the file. VRFs may
// have the same routes, but no address twice.
func overlaps(all []holding) (found []overlap) {
	var addresses []holding
	by := make(map[string][]holding)
	for _, h := range all {
		by[h.vrf] = append(by[h.vrf], h)
		if !h.framed {
			addresses = append(addresses, h)
		}
	}
	if len(by) > 1 {
		found = overlapsWithin(addresses)
	}
	for _, of := range by {
		found = append(found, overlapsWithin(of)...)
	}
	slices.SortFunc(found, func(a, b overlap) int {
		return cmp.Or(compareLines(a.inner, b.inner), compareLines(a.outer, b.outer))
	})
	return slices.Compact(found)
}

// overlapsWithin returns the overlaps of prefixes of one VRF. It sorts them: a prefix then comes after
// those that contain it, and these are a stack, which is no deeper than an address is long.
func overlapsWithin(all []holding) (found []overlap) {
	slices.SortFunc(all, func(a, b holding) int {
		return cmp.Or(a.net.Addr().Compare(b.net.Addr()), a.net.Bits()-b.net.Bits(), compareLines(a, b))
	})
	var around []holding
	for _, h := range all {
		for len(around) > 0 && !contains(around[len(around)-1].net, h.net) {
			around = around[:len(around)-1]
		}
		for i := len(around) - 1; i >= 0; i-- {
			if outer := around[i]; outer.client != h.client {
				found = append(found, overlap{h, outer})
				break
			}
		}
		if n := len(around); n == 0 || around[n-1].net != h.net {
			around = append(around, h)
		}
	}
	return found
}

func compareLines(a, b holding) int {
	return cmp.Or(cmp.Compare(a.at.File, b.at.File), a.at.Line-b.at.Line)
}

// contains reports whether a prefix contains another, or is equal to it.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// String returns the overlap in words, with what happens and what to do.
func (o overlap) String() string {
	relation, effect := "within", fmt.Sprintf("packets for it go to %q alone", wire.EscapeName(o.inner.client))
	if o.inner.net == o.outer.net {
		relation, effect = "also", "only one of them can have it at a time, and a login of the other ends that session or fails"
	}
	return fmt.Sprintf("%s: %v of account %q is %s %v of account %q (%s): %s: give each account prefixes of its own",
		o.inner.at.Where(), o.inner, wire.EscapeName(o.inner.client), relation, o.outer, wire.EscapeName(o.outer.client), o.outer.at.Where(), effect)
}

// String returns the prefix, and what it is.
func (h holding) String() string {
	if h.framed {
		return "framed-route " + h.net.String()
	}
	return "address " + h.net.Addr().String()
}

// maxOverlaps is how many overlaps are logged each time that files are checked.
const maxOverlaps = 20

// warnOfOverlaps logs the overlaps of the accounts of a file with each other and with those of other
// files that were read. The caller holds the lock.
func (a *FileAuthenticator) warnOfOverlaps(of string) {
	var all []holding
	for path, h := range a.files {
		if h.file != nil {
			all = holdings(all, path, a.name, h.file)
		}
	}
	found := slices.DeleteFunc(overlaps(all), func(o overlap) bool { return o.inner.at.File != of && o.outer.at.File != of })
	for _, o := range found[:min(len(found), maxOverlaps)] {
		a.log.Warn(o.String())
	}
	if more := len(found) - maxOverlaps; more > 0 {
		a.log.Warn(fmt.Sprintf("%d more accounts have addresses or framed routes of others", more))
	}
}
